#!/usr/bin/env bash
# Holds the core to a short list of dependencies and builds it alone, where `chrono` and `uuid` have neither a clock nor
# generators: what reads one would not compile.
set -euo pipefail
cd "$(dirname "$0")/.."

allowed="async-trait chrono secrecy serde serde_json thiserror uuid"
direct=$(cargo tree -p reflector-core -e normal --depth 1 --prefix none --format '{p}' | tail -n +2 | cut -d' ' -f1 | sort -u)
for crate in $direct; do
  case " $allowed " in
    *" $crate "*) ;;
    *) echo "reflector-core may not depend on $crate; allowed are: $allowed" >&2; exit 1 ;;
  esac
done

banned="tokio|async-std|smol|reqwest|hyper|axum|sqlx|rustls|openssl-sys|ring|aws-[a-z-]+|rand|getrandom|tracing-subscriber|metrics"
found=$(cargo tree -p reflector-core -e normal --prefix none --format '{p}' | cut -d' ' -f1 | grep -xE "$banned" || true)
if [ -n "$found" ]; then
  echo "reflector-core may not pull in: $found" >&2
  exit 1
fi

features=$(cargo tree -p reflector-core -e normal,features --prefix none | grep -E '^(chrono feature "(clock|now)"|uuid feature "(v1|v4|v6|v7|rng)")' || true)
if [ -n "$features" ]; then
  echo "reflector-core may not read a clock or draw ids: $features" >&2
  exit 1
fi

cargo check -p reflector-core --quiet
echo "reflector-core stands alone on: $(echo $direct)"
