#!/usr/bin/env bash
# Tells many worlds in which everything goes wrong, in a release build, and prints what they reached.
#
#   scripts/simulate.sh            over the store in memory, on all cores
#   scripts/simulate.sh sqlite     over files
#   scripts/simulate.sh postgres   over a PostgreSQL that it starts
#
# `SIM_SEEDS` says how many (20000 in memory, 200 elsewhere), `SIM_FROM` from which seed on (0).
set -euo pipefail
cd "$(dirname "$0")/.."
export SIM_FROM=${SIM_FROM:-0}
case ${1:-memory} in
  memory) SIM_SEEDS=${SIM_SEEDS:-20000} tests=(-p reflector-tests --test sim worlds) ;;
  sqlite | postgres) SIM_SEEDS=${SIM_SEEDS:-200} tests=(-p "reflector-store-$1" --test sim) ;;
  *) echo "there is no store $1 to tell them over: use memory, sqlite or postgres" >&2; exit 2 ;;
esac
export SIM_SEEDS
time cargo test --release "${tests[@]}" -- --nocapture
