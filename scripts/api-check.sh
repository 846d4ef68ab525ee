#!/usr/bin/env bash
# Sends what the description of the interface allows, and what it does not, to a real server.
#
#   BIN=.build/release scripts/api-check.sh [EXAMPLES]
#
# One check of schemathesis is left out: that everything the description allows is accepted. Whether
# a vector has the dimension of its collection, or an attribute exists, the description cannot know.
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
examples="${1:-50}"
python="$("$root/scripts/python.sh" "$root/Tests/Clients/requirements-soak.txt")"
work="$(mktemp -d)"
server=0
finish() {
    [ "$server" = 0 ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
    rm -rf "$work"
}
trap finish EXIT

cat >"$work/config.yaml" <<'YAML'
functions:
  match_chunks:
    collection: c
    args:
      query_embedding: {role: vector}
      match_count: {role: limit, default: 10}
    returns: [id, similarity]
    row_policy: everybody
YAML
"$BIN/vector-server" serve --data "$work/data" --config "$work/config.yaml" \
    --listen 127.0.0.1:0 --insecure-loopback 2>"$work/log" &
server=$!
for _ in $(seq 200); do
    port="$(sed -n 's/.*address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/log" | head -1)"
    [ -z "$port" ] || break
    kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
    sleep 0.05
done
curl --silent --fail --output /dev/null -X PUT "http://127.0.0.1:$port/v1/collections/c" \
    --header 'content-type: application/json' \
    --data '{"dimension": 2, "partition_by": "p", "attributes": {"a": {"type": "string"}}}'

"$(dirname "$python")/schemathesis" run "http://127.0.0.1:$port/v1/openapi.json" \
    --exclude-checks positive_data_acceptance --max-examples "$examples" --seed 7 \
    --request-timeout 10 --continue-on-failure
kill -0 "$server"
echo "api-check: the server is alive"
