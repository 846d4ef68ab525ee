#!/usr/bin/env bash
# The store and other index libraries on a large data set, in the same minutes: recall against queries a
# second, p99, build, resident bytes a row, first and warm queries.
#
# What is expensive is kept: the store in STORE, an index of each peer in INDEXES. What is there already
# is measured again without building it; the seconds of a build are those it was made in, with the
# processor seconds of all else on the machine meanwhile beside them.
#
# BIN: the directory of vector-bench. DATA: a directory with base.fbin, query.fbin and gt100.ibin.
# PEER_PYTHON: a Python with numpy and the libraries of PEERS. MEMORY_LIMIT: the store's limit while it
# is built, in MiB. QUERIES, TURNS: how many queries, and how often each engine has its turn, with as many
# rounds for each.
# MEASURE: a command to run each measurement under. OUT: results.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${BIN:=.build/release}" "${DATA:?directory of the data set}" "${OUT:=bench-report}"
: "${PEER_PYTHON:?Python with numpy and the libraries}" "${PEERS:=hnswlib faiss-pqfs}"
: "${STORE:=$OUT/large-store}" "${INDEXES:=$OUT/large-indexes}" "${MEMORY_LIMIT:=2048}"
: "${QUERIES:=1000}" "${TURNS:=3}" "${MEASURE:=}" "${NAME:=large}"
: "${TARGETS:=0.9,0.93,0.95,0.96,0.97,0.98,0.985,0.99,0.995}"
bench="$BIN/vector-bench"
mkdir -p "$OUT" "$INDEXES"
ours="$OUT/$NAME-ours.jsonl" others="$OUT/$NAME-others.jsonl"
rm -f "$ours" "$others"

if [ ! -e "$STORE/LOCK" ]; then
    echo "bench-large: building the store" >&2
    $MEASURE "$bench" build --base "$DATA/base.fbin" --store "$STORE" --json \
        --memory-limit "$MEMORY_LIMIT" --scratch "$OUT" >"$OUT/$NAME-build.json"
fi
for peer in $PEERS; do
    [ -e "$INDEXES/$peer.index" ] && continue
    echo "bench-large: building $peer" >&2
    $MEASURE "$bench" peer "$peer" --data "$DATA" --index "$INDEXES/$peer.index" --query-limit 10 \
        --rounds 1 --seconds 0 --python "$PEER_PYTHON" >/dev/null
done
for turn in $(seq "$TURNS"); do
    echo "bench-large: turn $turn of $TURNS" >&2
    $MEASURE "$bench" recall --data "$DATA" --store "$STORE" --query-limit "$QUERIES" \
        --seconds 0.5 --recall-target "$TARGETS" --json >>"$ours"
    for peer in $PEERS; do
        $MEASURE "$bench" peer "$peer" --data "$DATA" --index "$INDEXES/$peer.index" \
            --query-limit "$QUERIES" --seconds 0.5 --python "$PEER_PYTHON" >>"$others"
    done
done
$MEASURE "$bench" first --data "$DATA" --store "$STORE" | tee "$OUT/$NAME-first.json"
"$bench" compare "$ours" "$others" --minimum-runs 1 --markdown >"$OUT/$NAME.md"
grep -E '^\| (figure|-|qps@|p99_us@|build_|resident|first_s|bytes_per)' "$OUT/$NAME.md"
[ -e "$OUT/$NAME-build.json" ] && cat "$OUT/$NAME-build.json"
"$bench" plot "$ours" "$others" --out "$OUT" --prefix "$NAME-"
