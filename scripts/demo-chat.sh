#!/usr/bin/env bash
# Loads the lectures, vectors into a store and metadata into a Postgres of its own, serves them, asks
# a question, prints each match with its row of Postgres, and counts the statements that took.
#
# BIN names the directory of vector-server (make demo-chat sets it).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${BIN:=.build/release}"
: "${VS_POSTGRES_BIN:=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)}"
if [ ! -x "$VS_POSTGRES_BIN/postgres" ]; then
    echo "demo-chat: no Postgres found; install postgresql or set VS_POSTGRES_BIN" >&2
    exit 1
fi

# A unix socket's path has at most 107 bytes, so the directory lies below /tmp.
scratch="$(mktemp -d /tmp/vector-chat.XXXXXX)"
postgres="$scratch/pg"
pids=()
finish() {
    local status=$?
    trap - EXIT
    for pid in "${pids[@]}"; do kill -INT "$pid" 2>/dev/null && wait "$pid" || true; done
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "== Start a Postgres"
chmod 0711 "$scratch"
mkdir -m 0700 "$postgres"
as_user=()
if [ "$(id -u)" = 0 ]; then
    # Postgres refuses to run as root.
    chown nobody "$postgres"
    as_user=(setpriv --reuid="$(id -u nobody)" --clear-groups)
fi
(cd "$postgres" && "${as_user[@]}" "$VS_POSTGRES_BIN/initdb" -D "$postgres/data" -U chat \
    --auth=trust -N -E UTF8 --locale=C >"$postgres/initdb.log")
(cd "$postgres" && exec "${as_user[@]}" "$VS_POSTGRES_BIN/postgres" -D "$postgres/data" \
    -k "$postgres" -h '' -c log_statement=all >"$postgres/server.log" 2>&1) &
pids+=($!)
until "$VS_POSTGRES_BIN/pg_isready" -q -h "$postgres"; do sleep 0.1; done

cat >"$scratch/vector-server.yaml" <<END
data: $scratch/data
postgres:
  url: "postgresql:///postgres?host=$postgres&user=chat"
metadata:
  listen: vector_metadata
  collections:
    lectures:
      table: public.lecture_chunks
      id_type: uuid
      columns: [video_id, text, start_seconds, end_seconds]
      cache_key: "videos:{video_id}:{id}"
END
export VS_CONFIG="$scratch/vector-server.yaml"

echo "== Load the lectures: vectors into the store, metadata into Postgres"
"$BIN/vector-server" create lectures --data "$scratch/data" --dimension 384 \
    --partition-by creator_id --attribute video_id:string
"$BIN/vector-server" import lectures --data "$scratch/data" --metadata --create-table \
    --jsonl fixtures/lectures/chunks.jsonl --vectors fixtures/lectures/chunks.fbin
"$BIN/vector-server" doctor --data "$scratch/data"

echo "== Serve and ask"
"$BIN/vector-server" serve >"$scratch/server.log" 2>&1 &
pids=($! "${pids[@]}")
socket="$scratch/data/vector.sock"
until curl --silent --fail --output /dev/null --unix-socket "$socket" http://localhost/readyz; do
    kill -0 "${pids[0]}" || { cat "$scratch/server.log" >&2; exit 1; }
    sleep 0.1
done

python3 - "$socket" "$postgres/server.log" <<'END'
import http.client, json, socket, struct, sys

path, log = sys.argv[1:]
with open("fixtures/lectures/queries.fbin", "rb") as file:
    count, dimension = struct.unpack("<II", file.read(8))
    vector = list(struct.unpack(f"<{dimension}f", file.read(4 * dimension)))
with open("fixtures/lectures/queries.jsonl") as file:
    question = json.loads(file.readline())


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)


def statements():
    with open(log) as file:
        return sum("lecture_chunks" in line and "= ANY($1" in line and "execute" in line for line in file)


def ask():
    connection = Unix("localhost")
    body = {"vector": vector, "partition": "creator-001", "limit": 3}
    connection.request("POST", "/v1/collections/lectures/query", json.dumps(body))
    return json.loads(connection.getresponse().read())


print("   question:", question.get("text") or question.get("question") or question)
before = statements()
answer = ask()
first = statements() - before
for match in answer["matches"]:
    row = match["metadata"]
    print(f"   {match['similarity']:.3f}  {row['video_id']}  {row['start_seconds']} s  {row['text'][:70]}")
ask()
second = statements() - before - first
print(f"   statements: {first} for the question, {second} when it was asked again")
sys.exit(0 if (first, second, answer["metadata"]) == (1, 0, "complete") else 1)
END
"$BIN/vector-server" pool status --socket "$socket" --data "$scratch/data"
