#!/usr/bin/env bash
# Plants each fault of tests/planted in a copy of the tree and runs the tests that ought to catch it, the cheapest
# first, until one fails. Prints a table of what caught what; fails if a fault lives or cannot be planted any more.
#
#   scripts/planted-faults.sh            all faults
#   scripts/planted-faults.sh lease …    those with one of these words in their name
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

# shellcheck source=scripts/scratch.sh
. scripts/scratch.sh

export CARGO_TARGET_DIR=${PLANTED_TARGET_DIR:-$scratch/target} CARGO_TERM_COLOR=never
export PROPTEST_CASES=${PROPTEST_CASES:-200} SIM_SEEDS=${SIM_SEEDS:-300}
export RUST_BACKTRACE=0

suites=(sim engine properties conformance whereby)
run() {
  case $1 in
    # The worlds. A recording told again would only notice what the rules' own tests notice.
    sim) set -- -p reflector-tests --test sim -- --skip replay:: ;;
    engine | properties) set -- -p reflector-tests --test "$1" ;;
    conformance) set -- -p reflector-store-memory ;;
    whereby) set -- -p reflector-whereby ;;
  esac
  # Building takes as long as it takes; only what is told counts.
  packages=()
  for word in "$@"; do [ "$word" = -- ] && break; packages+=("$word"); done
  cd "$copy" && nice -n 5 cargo test --quiet --no-run "${packages[@]}" >"$scratch/out" 2>&1 &&
    timeout "${PLANTED_PATIENCE:-300}" nice -n 5 cargo test --quiet --no-fail-fast "$@" >"$scratch/out" 2>&1
}

# The tests that failed; of the simulator's worlds, what was found in them.
caught_by() {
  if [ "$1" = sim ] && grep -qE '^(found: |seed [0-9]+:)' "$scratch/out"; then
    found=$(grep -m1 '^found: ' "$scratch/out" | sed 's/^found: //' || true)
    printf 'the simulator: %s' "${found:-a world that cannot be told to its end}"
    return
  fi
  names=$(sed -nE 's/^    ([a-z_0-9:]+)$/\1/p' "$scratch/out" | sort -u)
  count=$(grep -c . <<<"$names" || true)
  # shellcheck disable=SC2016
  printf '%s: %s' "$1" "$(head -2 <<<"$names" | sed 's/.*/`&`/' | paste -sd, - | sed 's/,/, /g')"
  [ "$count" -le 2 ] || printf ' and %s more' $((count - 2))
}

lived=0
printf '| fault | what it breaks | caught by |\n| --- | --- | --- |\n'
for patch in "$root"/tests/planted/*.patch; do
  name=$(basename "$patch" .patch)
  if [ $# -gt 0 ] && ! grep -qF -- "$(printf '%s\n' "$@")" <<<"$name"; then continue; fi
  verdict=
  if ! (cd "$copy" && git apply "$patch" 2>"$scratch/out"); then
    verdict='**cannot be planted any more**'
    lived=1
  else
    for suite in "${suites[@]}"; do
      status=0
      (run "$suite") || status=$?
      if [ "$status" = 0 ]; then continue; fi
      verdict=$(caught_by "$suite")
      # A machine that is busy catches nothing.
      if [ "$status" = 124 ] && [ "$verdict" = "$suite: \`\`" ]; then
        verdict="**$suite ran out of time**: give it more (PLANTED_PATIENCE)"
        lived=1
      fi
      if grep -q 'could not compile' "$scratch/out"; then
        verdict='**does not compile**'
        lived=1
      fi
      break
    done
    if [ -z "$verdict" ]; then
      verdict='**lives**'
      lived=1
    fi
  fi
  (cd "$copy" && git apply -R "$patch" 2>/dev/null) || true
  printf '| %s | %s | %s |\n' "$name" "$(sed -n '1s/^# //p' "$patch")" "$verdict"
done
exit $lived
