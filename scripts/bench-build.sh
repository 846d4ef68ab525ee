#!/usr/bin/env bash
# Build time and memory against the number of rows, all of them prefixes of one file.
#
# A row of the table has what a build took beside the one of the size before it: the exponent is 1 when
# time grows like the rows. Import is told beside the rate at which the same disk takes zeros in
# sequence, measured just before.
#
# BIN: the directory of vector-bench. DATA: a directory with base.fbin. SIZES: numbers of rows.
# MEMORY_LIMIT: the store's limit in MiB. SCRATCH: where stores go, one after the other. KEEP: a
# directory in which the store of the last size is kept, as bench-large's STORE. MEASURE: a command to run each build
# under. OUT: results.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${BIN:=.build/release}" "${DATA:?directory with base.fbin}" "${OUT:=bench-report}"
: "${SIZES:=100000 200000 500000 1000000}" "${MEMORY_LIMIT:=2048}" "${SCRATCH:=$OUT}"
: "${KEEP:=}" "${MEASURE:=}"
bench="$BIN/vector-bench"
mkdir -p "$OUT"
results="$OUT/builds.jsonl"
: >"$results"
for size in $SIZES; do
    echo "bench-build: $size rows" >&2
    place=(--scratch "$SCRATCH")
    if [ -n "$KEEP" ] && [ "$size" = "${SIZES##* }" ]; then place=(--store "$KEEP"); fi
    $MEASURE "$bench" build --base "$DATA/base.fbin" --limit "$size" --memory-limit "$MEMORY_LIMIT" \
        "${place[@]}" --json >>"$results"
done

awk -v limit="$MEMORY_LIMIT" '
function figure(name) {
    return match($0, "\"" name "\":[0-9.e+-]+") \
        ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 : 0
}
BEGIN {
    print "| rows | build s | processor s | of others s | exponent | own memory MiB | peak with mapped MiB | import MB/s | disk MB/s |"
    print "|---|---|---|---|---|---|---|---|---|"
}
{
    rows = figure("rows"); cpu = figure("build_cpu_s")
    exponent = NR > 1 ? sprintf("%.2f", log(cpu / before) / log(rows / rowsBefore)) : "–"
    printf "| %d | %.1f | %.1f | %.1f | %s | %d | %d | %d | %d |\n", rows, figure("build_s"), cpu, \
        figure("build_others_s"), exponent, figure("anonymous_bytes") / 1048576, \
        figure("peak_bytes") / 1048576, figure("import_mb_s"), figure("disk_mb_s")
    before = cpu; rowsBefore = rows
    if (figure("anonymous_bytes") / 1048576 > limit) above = 1
}
END { exit above }' "$results" | tee "$OUT/builds.md"
"$bench" plot "$results" --out "$OUT" --prefix large-
