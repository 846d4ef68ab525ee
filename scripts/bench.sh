#!/usr/bin/env bash
# Measures recall and latency in two halves of three runs each, compares the halves and draws them.
#
# BIN: the directory of vector-bench. OUT: where results go. WORDNET: the WordNet vectors, or empty.
# Fails when a measurement fails. Halves that differ are told, not failed: a busy machine is no bug.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${BIN:=.build/release}" "${OUT:=bench-report}"
bench="$BIN/vector-bench"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
rm -rf "$OUT"
mkdir -p "$OUT"

# measure NAME RECALL-ARGUMENTS…: both halves, the comparison and the pictures of one data set.
measure() {
    local name="$1" half run verdict
    shift
    for half in first second; do
        for run in 1 2 3; do
            echo "bench: $name, $half half, run $run" >&2
            "$bench" recall "$@" --json --scratch "$scratch" >>"$OUT/$name-$half.jsonl"
        done
    done
    verdict="every ratio of $name agrees within 15 %"
    if ! "$bench" compare "$OUT/$name-first.jsonl" "$OUT/$name-second.jsonl" --markdown \
        --threshold "* ratio within 15%" >"$OUT/$name.md" 2>"$scratch/problem"; then
        # A table that ends in a threshold is a finding; no table is a failure.
        if ! grep -q '^- FAIL' "$OUT/$name.md"; then
            cat "$scratch/problem" >&2
            exit 1
        fi
        verdict="NOT every ratio of $name agrees within 15 %; these differ:"
        verdict+="$(printf '\n%s' "$(awk -F ' *[|] *' '/FAIL [|]$/ { print "  " $2 ": " $8 }' \
            "$OUT/$name.md")")"
    fi
    printf '%s\n' "$verdict" | tee -a "$OUT/verdict.txt"
    cat "$OUT/$name-first.jsonl" "$OUT/$name-second.jsonl" >"$OUT/$name.jsonl"
    "$bench" plot "$OUT/$name.jsonl" --out "$OUT" --prefix "$name-" >&2
}

measure lectures --data fixtures/lectures
if [ -z "${WORDNET:-}" ]; then
    echo "bench: WORDNET=DIR not given, WordNet left out" >&2
elif [ -d "$WORDNET" ]; then
    measure wordnet --data "$WORDNET" --query-limit 1000 --recall-target 0.5,0.8,0.9,0.95,0.99
else
    echo "bench: $WORDNET is not a directory" >&2
    exit 1
fi
echo "bench: results, tables and pictures are in $OUT" >&2
