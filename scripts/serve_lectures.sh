# Sourced by scripts that need a server with the lectures: `serve_lectures` starts one on "$socket".
#
# BIN names the directory of vector-server. "$scratch", "$socket" and "$server" are set; the caller's
# exit trap must call `stop_lectures`. A unix socket's path has at most 107 bytes, so the directory lies
# below /tmp.

serve_lectures() {
    scratch="$(mktemp -d /tmp/vector-bench.XXXXXX)"
    socket="$scratch/run/vector.sock"
    mkdir -m 0700 "$scratch/run"
    "$BIN/vector-server" create lectures --dimension 384 --partition-by creator_id \
        --attribute video_id:string --attribute start_seconds:double \
        --attribute end_seconds:double --data "$scratch/data" >"$scratch/create.log" 2>&1
    "$BIN/vector-server" import lectures --jsonl fixtures/lectures/chunks.jsonl \
        --vectors fixtures/lectures/chunks.fbin --id-field id --data "$scratch/data" \
        >"$scratch/import.log" 2>&1
    start_lectures
}

# Starts the server on the store that is there.
start_lectures() {
    "$BIN/vector-server" serve --data "$scratch/data" --socket "$socket" \
        >>"$scratch/server.log" 2>&1 &
    server=$!
    local deadline=$((SECONDS + 60))
    until curl --silent --fail --max-time 2 --output /dev/null --unix-socket "$socket" \
        http://localhost/readyz; do
        if ! kill -0 "$server" 2>/dev/null || ((SECONDS >= deadline)); then
            echo "the server did not become ready; its last lines:" >&2
            tail -n 20 "$scratch/server.log" >&2
            return 1
        fi
        sleep 0.1
    done
}

stop_lectures() {
    if [ -n "${server:-}" ]; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
    [ -z "${scratch:-}" ] || rm -rf "$scratch"
}
