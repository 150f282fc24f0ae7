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
# Those of recordings in S3 start a server that looks like it: moto, in an environment of Python's of its own.
moto=${REFLECTOR_TEST_MOTO:-target/moto/bin/moto_server}
# That of the contract tries the API by its document, with schemathesis, in another.
schemathesis=${REFLECTOR_TEST_SCHEMATHESIS:-target/schemathesis/bin/schemathesis}
{ [ -x "$moto" ] && [ -x "$schemathesis" ]; } || python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
# Those of the pipeline let somebody speak, and make recordings of it.
command -v espeak-ng >/dev/null || missing+=(espeak-ng)
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
if [ ${#missing[@]} -gt 0 ]; then
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; then
    sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "the tests need chromium, chromedriver, PostgreSQL, espeak-ng, ffmpeg and python3 with venv: install them and have them on the PATH" >&2
    exit 1
  fi
fi
if [ ! -x "$moto" ]; then
  python3 -m venv target/moto
  target/moto/bin/pip install --quiet --disable-pip-version-check 'moto[server]==5.2.5'
  unset REFLECTOR_TEST_MOTO
fi
if [ ! -x "$schemathesis" ]; then
  python3 -m venv target/schemathesis
  target/schemathesis/bin/pip install --quiet --disable-pip-version-check 'schemathesis==4.32.5'
  unset REFLECTOR_TEST_SCHEMATHESIS
fi

# One server for the whole run, unless one is named already: starting it takes longer than most tests.
if [ -n "${REFLECTOR_TEST_POSTGRES:-}" ]; then
  cargo test --workspace "$@"
else
  cargo run --quiet -p reflector-test-postgres -- cargo test --workspace "$@"
fi
