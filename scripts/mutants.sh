#!/usr/bin/env bash
# Changes the code of the rules, the runs of pipelines, the engine and the webhooks a little, one place at a time, and
# sees which test notices (cargo-mutants). Prints a table of what killed what; fails if a mutant lives that
# `tests/mutants/living.txt` does not explain.
#
#   scripts/mutants.sh                       everything: some hours on 2 cores
#   scripts/mutants.sh PART                  rules, pipeline, engine or webhooks
#   scripts/mutants.sh rules step.rs told …  its files with one of these words in their name
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
command -v cargo-mutants >/dev/null || cargo install cargo-mutants --locked
# shellcheck source=scripts/scratch.sh
. scripts/scratch.sh

# Only what judges a mutant is built for it: the tests with these names, and what they need.
cp "$copy/tests/Cargo.toml" "$scratch/tests.toml"
judged_by() {
  python3 - "$scratch/tests.toml" "$copy/tests/Cargo.toml" "$@" <<'PY'
import re, sys
whole, out, *judges = sys.argv[1:]
sections = re.split(r"(?=^\[)", open(whole).read(), flags=re.M)
judge = lambda s: not s.startswith(("[[bench]]", "[[test]]")) or any(f'name = "{name}"' in s for name in judges)
text = "".join(filter(judge, sections))
open(out, "w").write(text if "sim" in judges else text.replace("reflector-sim.workspace = true\n", ""))
PY
}

export CARGO_TARGET_DIR=${MUTANTS_TARGET_DIR:-$scratch/target} CARGO_TERM_COLOR=never RUST_BACKTRACE=0
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0 PROPTEST_CASES=${PROPTEST_CASES:-100} SIM_SEEDS=${SIM_SEEDS:-100}
out=${MUTANTS_OUT:-$scratch}
mkdir -p "$out"

core=(-p reflector-core --test-package reflector-core --test-package reflector-tests)
part() {
  case $1 in
    rules)
      files=(reflector-core/src/lifecycle/*.rs reflector-core/src/{admission,meeting}.rs) with=("${core[@]}")
      then=(-- --lib --test engine --test properties -- --skip coverage)
      judged_by engine properties
      ;;
    pipeline)
      files=(reflector-core/src/pipeline/*.rs) with=("${core[@]}")
      then=(-- --lib --test engine --test properties -- --skip coverage)
      judged_by engine properties
      ;;
    engine)
      # The cheapest first: who comes later judges only what lived until then.
      files=(reflector-core/src/engine/*.rs) with=("${core[@]}")
      then=(-- --lib --test engine --test properties --test sim -- --skip coverage --skip replay)
      judged_by engine properties sim
      ;;
    webhooks) files=(reflector-whereby/src/{webhook,signature,news,wire}.rs); with=(-p reflector-whereby) then=() ;;
    *) echo "there is no part $1: use rules, pipeline, engine or webhooks" >&2; exit 2 ;;
  esac
  chosen=()
  for file in "${files[@]}"; do
    if [ $# -eq 1 ] || grep -qF -- "$(printf '%s\n' "${@:2}")" <<<"$file"; then chosen+=(-f "$file"); fi
  done
  # The copy is not changed yet: if its tests fail, no mutant is judged.
  (cd "$copy" && cargo test --quiet "${with[@]//--test-package/-p}" "${then[@]:1}" >"$scratch/baseline" 2>&1) ||
    { cat "$scratch/baseline" >&2; exit 1; }
  (cd "$copy" && cargo mutants --in-place --baseline skip --timeout 60 --no-shuffle --output "$out/$1" \
    "${with[@]}" "${chosen[@]}" "${then[@]}" >"$scratch/log" 2>&1) || true
  [ -f "$out/$1/mutants.out/outcomes.json" ] || { cat "$scratch/log" >&2; exit 1; }
  python3 "$root/scripts/mutants_table.py" "$root/tests/mutants/living.txt" "$out/$1/mutants.out"
}

if [ $# -gt 0 ]; then
  part "$@"
else
  lives=0
  for name in rules pipeline engine webhooks; do part "$name" || lives=1; done
  exit $lives
fi
