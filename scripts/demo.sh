#!/usr/bin/env bash
# Imports the lectures into a new store, serves it on a unix socket, asks questions for two
# creators, checks every answer against an exact scan, and stops the server.
#
# BIN names the directory of vector-server and vector-bench (make demo sets it).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${BIN:=.build/release}"
for program in vector-server vector-bench; do
    if [ ! -x "$BIN/$program" ]; then
        echo "demo: $BIN/$program is not there; run make build" >&2
        exit 1
    fi
done

# A unix socket's path has at most 107 bytes, so the directory lies below /tmp.
scratch="$(mktemp -d /tmp/vector-demo.XXXXXX)"
data="$scratch/data"
socket="$scratch/run/vector.sock"
log="$scratch/server.log"
server=
mkdir -m 0700 "$scratch/run"

step() {
    printf '\n== %s\n' "$1"
    shift
    printf '   %s\n' "$*"
}

stop_server() {
    local status=0
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" || status=$?
        server=
    fi
    return "$status"
}

finish() {
    local status=$?
    trap - EXIT
    stop_server || true
    if [ "$status" -ne 0 ]; then
        echo "demo: failed with exit code $status" >&2
        if [ -s "$log" ]; then
            echo "demo: the last lines of the server's log:" >&2
            tail -n 20 "$log" >&2
        fi
    fi
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

create=(
    create lectures --dimension 384 --partition-by creator_id
    --attribute video_id:string
    --attribute start_seconds:double --attribute end_seconds:double
)
step "Create a collection" vector-server "${create[@]}"
"$BIN/vector-server" "${create[@]}" --data "$data"

import=(
    import lectures --jsonl fixtures/lectures/chunks.jsonl
    --vectors fixtures/lectures/chunks.fbin --id-field id
)
step "Import the lectures" vector-server "${import[@]}"
"$BIN/vector-server" "${import[@]}" --data "$data"

step "Start the server" vector-server serve --socket "$socket"
"$BIN/vector-server" serve --data "$data" --socket "$socket" >"$log" 2>&1 &
server=$!

deadline=$((SECONDS + 60))
until curl --silent --fail --max-time 2 --output /dev/null \
    --unix-socket "$socket" http://localhost/readyz; do
    if ! kill -0 "$server" 2>/dev/null; then
        echo "demo: the server ended before it was ready" >&2
        exit 1
    fi
    if ((SECONDS >= deadline)); then
        echo "demo: the server was not ready within 60 seconds" >&2
        exit 1
    fi
    sleep 0.1
done
echo "   ready"

ask=(
    lectures --socket "$socket" --fixtures fixtures/lectures
    --creator creator-001 --creator creator-002
)
step "Ask both creators' lectures five questions" vector-bench "${ask[@]}"
"$BIN/vector-bench" "${ask[@]}"

step "Stop the server" kill -TERM "$server"
stop_server
echo "   stopped"
printf '\ndemo: all answers were right.\n'
