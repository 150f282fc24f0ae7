#!/usr/bin/env bash
# Sets up what the tests need and runs all of them. `bash scripts/test.sh NAME` runs those whose name has NAME in it.
set -euo pipefail
cd "$(dirname "$0")/.."

# The tests of the built-in provider's page drive a real browser.
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
if [ ${#missing[@]} -gt 0 ]; then
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; then
    sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "the tests need chromium and chromedriver: install them and have both on the PATH" >&2
    exit 1
  fi
fi

cargo test --workspace "$@"
