#!/bin/sh
# Counts the instructions of the rules, and fails if a join, a leave or a deadline takes more than 1,000.
set -eu
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "install valgrind to count instructions" >&2; exit 1; }
exec cargo bench -p reflector-tests --bench instructions -- --strict
