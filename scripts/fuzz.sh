#!/usr/bin/env bash
# Looks for inputs that break a promise: `bash scripts/fuzz.sh [SECONDS] [TARGET…]`, 60 seconds for each of all targets
# if none is named. What it finds is in fuzz/artifacts; keep it in fuzz/corpus/TARGET, where the tests play it again.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-fuzz >/dev/null || { echo "install cargo-fuzz first: cargo install cargo-fuzz" >&2; exit 1; }

seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

# The sanitizer needs flags of an unfinished compiler; the stable one has them too.
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
  # What is new goes into the first folder, so that the kept corpus stays small.
  mkdir -p "fuzz/found/$target"
  cargo fuzz run "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- -max_total_time="$seconds" -max_len=2000
done
