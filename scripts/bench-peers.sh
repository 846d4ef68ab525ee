#!/usr/bin/env bash
# Other index libraries on WordNet, one thread: is our reader right, and how do we compare?
#
# 1. FAISS IVFFlat twice, three times in turns: by faiss_check.py, which reads the data set with NumPy and
#    judges by its own brute force in double precision, and by `vector-bench peer`, which reads and judges
#    with our code and the truth file. Recall must agree within 0.1 % at every nprobe, queries a second
#    within 15 %, and the truth file with the brute force.
# 2. The store and each of PEERS in the same minutes; a table and the picture of recall against queries
#    a second.
#
# BIN: the directory of vector-bench. WORDNET: the vectors. OUT: where results go. PEER_PYTHON: a Python
# with numpy, faiss and the libraries of PEERS; without it one is made from PyPI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${BIN:=.build/release}" "${WORDNET:?directory of the vectors}" "${OUT:=bench-report}"
: "${PEER_PYTHON:=}" "${PEERS:=faiss-ivfflat faiss-pqfs hnswlib}" "${QUERIES:=1000}"
bench="$BIN/vector-bench"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$OUT"
rm -f "$OUT"/peers-*

source scripts/peer_python.sh
peer_python "$work" numpy faiss-cpu hnswlib
data="$work/wordnet"
mkdir "$data"
"$bench" expand --in "$WORDNET/base.f16bin" --out "$data/base.fbin"
cp "$WORDNET/queries.fbin" "$data/query.fbin"
cp "$WORDNET/truth100.ibin" "$data/gt100.ibin"

probes=1,4,16,32,64
for run in 1 2 3; do
    echo "bench-peers: FAISS through NumPy and through our reader, run $run" >&2
    "$PEER_PYTHON" scripts/faiss_check.py --data "$WORDNET" --nprobe "$probes" --limit "$QUERIES" \
        >>"$OUT/peers-faiss-numpy.jsonl"
    "$bench" peer faiss-ivfflat --data "$data" --nprobe "$probes" --query-limit "$QUERIES" \
        --seconds 1 --python "$PEER_PYTHON" >>"$OUT/peers-faiss-reader.jsonl"
done
code=0
"$bench" compare "$OUT/peers-faiss-numpy.jsonl" "$OUT/peers-faiss-reader.jsonl" --markdown \
    --allow-different-data --allow-different-machines --threshold "recall10 ratio within 0.1%" \
    --threshold "qps_one ratio within 15%" >"$OUT/peers-faiss.md" || code=$?
cat "$OUT/peers-faiss.md"

echo "bench-peers: the store and $PEERS" >&2
"$bench" recall --data "$data" --query-limit "$QUERIES" --json --scratch "$work" \
    --recall-target 0.8,0.9,0.94,0.95,0.97,0.985,0.99,0.995 >"$OUT/peers-ours.jsonl"
for peer in $PEERS; do
    "$bench" peer "$peer" --data "$data" --query-limit "$QUERIES" --seconds 1 \
        --python "$PEER_PYTHON" >>"$OUT/peers-others.jsonl"
done
"$bench" compare "$OUT/peers-ours.jsonl" "$OUT/peers-others.jsonl" --minimum-runs 1 --markdown \
    >"$OUT/peers-all.md"
grep -E '^\| (figure|qps@|qps_rel@|build_s|bytes_per)' "$OUT/peers-all.md"
"$bench" plot "$OUT/peers-ours.jsonl" "$OUT/peers-others.jsonl" --out "$OUT" --prefix peers-
exit "$code"
