#!/usr/bin/env bash
# Sets up what the tests need and runs all of them. `bash scripts/test.sh NAME` runs those whose name has NAME in it.
set -euo pipefail
cd "$(dirname "$0")/.."

# The tests of the built-in provider's page drive a real browser.
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
# Those of the store in PostgreSQL start a server of their own.
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || command -v pg_config >/dev/null ||
  command -v initdb >/dev/null || missing+=(postgresql)
if [ ${#missing[@]} -gt 0 ]; then
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; then
    sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "the tests need chromium, chromedriver and PostgreSQL: install them and have them on the PATH" >&2
    exit 1
  fi
fi

# One server for the whole run, unless one is named already: starting it takes longer than most tests.
if [ -n "${REFLECTOR_TEST_POSTGRES:-}" ]; then
  cargo test --workspace "$@"
else
  cargo run --quiet -p reflector-test-postgres -- cargo test --workspace "$@"
fi
