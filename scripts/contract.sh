#!/usr/bin/env bash
# Tries the API by its document: 200 examples a route (or as many as are named), others each time. Run scripts/test.sh
# once before, which sets up what it needs. What it finds comes again with REFLECTOR_CONTRACT_SEED=SEED.
set -euo pipefail
cd "$(dirname "$0")/.."

export REFLECTOR_CONTRACT_EXAMPLES=${1:-200}
export REFLECTOR_CONTRACT_SEED=${REFLECTOR_CONTRACT_SEED:-$RANDOM}
echo "$REFLECTOR_CONTRACT_EXAMPLES examples a route, of the seed $REFLECTOR_CONTRACT_SEED"
cargo test -p reflector-server --test contract the_program_keeps_its_contract -- --test-threads=1
