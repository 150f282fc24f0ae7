#!/usr/bin/env bash
# Restarts every server of a deployment under load, and fails if a single request did: docs/operations.md, done by a machine.
# PostgreSQL, two servers with the role api and one with all others, behind nginx as deploy/nginx.conf sets it up; people
# who read and join, and signed webhooks. Takes a minute. It needs nginx, PostgreSQL and python3.
#
#   bash scripts/rolling-restart.sh
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${REFLECTOR_TEST_POSTGRES:-}" ]; then
  command -v nginx >/dev/null || { echo "nginx is not there: install it (Debian: nginx-light)" >&2; exit 1; }
  cargo build --quiet -p reflector-server
  exec cargo run --quiet -p reflector-test-postgres -- bash "$0"
fi

program=$PWD/target/debug/reflector
folder=$(mktemp -d)
declare -A server=()
nginx="" load=""
cleanup() {
  for process in "${server[@]}" $nginx $load; do kill "$process" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap cleanup EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# -- PostgreSQL, as the page says: a user, and a database of its own.
PATH=$PATH:$(pg_config --bindir 2>/dev/null || dirname "$(ls /usr/lib/postgresql/*/bin/psql | tail -1)")
psql --quiet "$REFLECTOR_TEST_POSTGRES" --command "CREATE ROLE rolling LOGIN PASSWORD 'rolling'" \
  --command "CREATE DATABASE rolling OWNER rolling ENCODING UTF8 TEMPLATE template0"
DATABASE_URL=$(python3 - "$REFLECTOR_TEST_POSTGRES" <<'PYTHON'
import sys
from urllib.parse import parse_qs, quote, urlsplit
url = urlsplit(sys.argv[1])
socket = parse_qs(url.query).get("host", [""])[0]
where = f"/rolling?host={quote(socket, safe='')}" if socket else f"{url.hostname}:{url.port or 5432}/rolling"
print(f"postgres://rolling:rolling@{'localhost' if socket else ''}{where}")
PYTHON
)
front=$(free_port)
secret=the-secret-of-the-webhook
export DATABASE_URL REFLECTOR_PUBLIC_URL="http://127.0.0.1:$front" REFLECTOR_TRUSTED_PROXIES=127.0.0.1
export REFLECTOR_PROVIDER=builtin WHEREBY_API_URL=http://127.0.0.1:9 WHEREBY_API_KEY=key WHEREBY_WEBHOOK_SECRET=$secret
"$program" migrate >/dev/null

# -- Three servers with separate roles.
declare -A port=([one]=$(free_port) [two]=$(free_port) [three]=$(free_port))
declare -A roles=([one]=api [two]=api [three]=lifecycle,recordings,pipeline)
start() {
  mkdir -p "$folder/$1"
  (cd "$folder/$1" && REFLECTOR_LISTEN=127.0.0.1:${port[$1]} exec "$program" serve --no-migrate --roles "${roles[$1]}") \
    >>"$folder/$1.log" 2>&1 &
  server[$1]=$!
}
ready() {
  until curl --fail --silent "http://127.0.0.1:${port[$1]}/readyz" >/dev/null; do
    kill -0 "${server[$1]}" || { cat "$folder/$1.log" >&2; exit 1; }
    sleep 1
  done
}
for name in one two three; do start $name; done
for name in one two three; do ready $name; done

# -- nginx, with the file that is shipped: but for TLS, and where things are.
sed -e "s|listen 443 ssl;|listen 127.0.0.1:$front;|" -e '/ssl_certificate/d' \
  -e "s|/etc/nginx/reflector-operators.conf|$folder/operators.conf|" \
  -e "s|server 127.0.0.1:1250 \(.*\)|server 127.0.0.1:${port[one]} \1 server 127.0.0.1:${port[two]} \1|" \
  deploy/nginx.conf >"$folder/reflector.conf"
cp deploy/reflector-operators.conf "$folder/operators.conf"
cat >"$folder/nginx.conf" <<NGINX
daemon off;
user $(id -un);
pid $folder/nginx.pid;
error_log $folder/nginx.log info;
events {}
http {
    access_log off;
    client_body_temp_path $folder/body; proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi; uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
    include $folder/reflector.conf;
}
NGINX
nginx -c "$folder/nginx.conf" -e "$folder/nginx.log" 2>>"$folder/nginx.log" &
nginx=$!
until curl --fail --silent "http://127.0.0.1:$front/healthz" >/dev/null; do
  kill -0 $nginx || { cat "$folder/nginx.log" >&2; exit 1; }
  sleep 0.2
done

# -- Load, and each server in turn.
python3 scripts/rolling_load.py "$front" "$secret" "$folder/load.json" &
load=$!
sleep 3
for name in one two three; do
  begun=$SECONDS
  kill -TERM "${server[$name]}"
  wait "${server[$name]}" || { echo "$name (${roles[$name]}) did not end well" >&2; cat "$folder/$name.log" >&2; exit 1; }
  start $name
  ready $name
  echo "$name (${roles[$name]}) was restarted in $((SECONDS - begun)) s"
done
sleep 3
kill -TERM $load
wait $load && failed=0 || failed=$?
load=""
cat "$folder/load.json"
[ $failed = 0 ] || { grep -E "error|warn" "$folder/nginx.log" | tail -20 >&2; exit 1; }
