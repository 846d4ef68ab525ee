#!/usr/bin/env bash
# Searches of one partition beside FAISS IndexFlatIP over the same rows, in turns, one thread.
#
# Partitions of 2,000 and 20,000 rows of WordNet, and one of 200,000 synthetic rows of 384 dimensions.
# Exit code 1 when a ratio of rates or a recall is below what is asked for.
#
# BIN: the directory of vector-bench. WORDNET: the vectors. PEER_PYTHON: a Python with numpy and faiss;
# without it one is made from PyPI. RATIOS: the least ratios. RECALL: the least recall. OUT: results.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${BIN:=.build/release}" "${WORDNET:?directory of the vectors}" "${OUT:=bench-report}"
: "${PEER_PYTHON:=}" "${RATIOS:=6,20,40}" "${RECALL:=0.995}"
bench="$BIN/vector-bench"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$OUT"

source scripts/peer_python.sh
peer_python "$work" numpy faiss-cpu
IFS=, read -r small middle large <<<"$RATIOS"
code=0

# flat NAME DIRECTORY ROWS RATIOS
flat() {
    "$bench" flat --data "$2" --rows "$3" --least-ratio "$4" --least-recall "$RECALL" \
        --python "$PEER_PYTHON" --scratch "$work" >"$OUT/flat-$1.txt" || code=$?
    cat "$OUT/flat-$1.txt"
}

data="$work/wordnet"
mkdir "$data"
"$bench" expand --in "$WORDNET/base.f16bin" --out "$data/base.fbin"
cp "$WORDNET/queries.fbin" "$data/query.fbin"
flat wordnet "$data" 2000,20000 "$small,$middle"
"$bench" generate --n 220000 --d 384 --queries 500 --no-truth --out "$work/synthetic" 2>/dev/null
flat synthetic "$work/synthetic" 200000 "$large"
exit "$code"
