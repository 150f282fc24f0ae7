#!/usr/bin/env bash
# Tells many worlds in which everything goes wrong, in a release build on all cores, and prints what they reached.
# `SIM_SEEDS` says how many (20000), `SIM_FROM` from which seed on (0).
set -euo pipefail
cd "$(dirname "$0")/.."
export SIM_SEEDS=${SIM_SEEDS:-20000} SIM_FROM=${SIM_FROM:-0}
time cargo test --release -p reflector-tests --test sim worlds -- --nocapture
