#!/usr/bin/env bash
# Measures each data set twice, says how far the two halves agree, draws pictures and writes a report.
#
# BIN      the directory of vector-bench and vector-server
# OUT      where results go; report.md is the one to read
# WORDNET  the WordNet vectors, or empty to leave them out
#
# Exit code 0: every ratio of both halves agrees within 15 % and every recall within 0.005; 1: one does not,
# or is missing in one half, or a measurement failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${BIN:=.build/release}" "${OUT:=bench-report}" "${WORDNET:=}"
bench="$BIN/vector-bench"
tolerance=15%
source scripts/serve_lectures.sh
work="$(mktemp -d)"
trap 'stop_lectures; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
rm -rf "$OUT"
mkdir -p "$OUT"
begin=$SECONDS

say() { printf 'bench: %4d s  %s\n' "$((SECONDS - begin))" "$*" >&2; }

# section NAME TITLE: both halves of NAME compared, drawn and put into the report.
section() {
    local name="$1" title="$2" code=0
    # The code is 1 both for a disagreement and for files that cannot be compared.
    "$bench" compare "$OUT/$name-first.jsonl" "$OUT/$name-second.jsonl" --markdown \
        --agree "$tolerance" >"$work/$name.md" 2>"$work/problem" || code=$?
    if ! grep -q 'ratios of time agree within' "$work/$name.md"; then
        cat "$work/problem" >&2
        exit 1
    fi
    printf '%s: %s\n' "$name" "$(grep 'ratios of time agree within' "$work/$name.md")" \
        >>"$OUT/verdict.txt"
    cat "$OUT/$name-first.jsonl" "$OUT/$name-second.jsonl" >"$OUT/$name.jsonl"
    "$bench" plot "$OUT/$name.jsonl" --out "$OUT" --prefix "$name-" >"$work/pictures"
    {
        printf '\n## %s\n\n' "$title"
        sed "s|^$OUT/\(.*\)\.svg$|![\1](\1.svg)\n|" "$work/pictures"
        printf '<details><summary>Every figure of both halves</summary>\n\n'
        cat "$work/$name.md"
        printf '\n</details>\n'
    } >>"$work/sections.md"
    say "$(tail -n 1 "$OUT/verdict.txt")"
}

# runs FILE COMMAND…: three runs of a measurement, each with a store of its own.
runs() {
    local file="$1" run
    shift
    for run in 1 2 3; do "$bench" "$@" --json --scratch "$work" >>"$OUT/$file"; done
}

for half in first second; do
    say "lectures, $half half"
    runs "lectures-$half.jsonl" recall --data fixtures/lectures --recall-target 0.95,1
    if [ -n "$WORDNET" ]; then
        say "wordnet, $half half"
        runs "wordnet-$half.jsonl" recall --data "$WORDNET" --query-limit 1000 \
            --recall-target 0.8,0.9,0.95,0.99
        say "wordnet within one creator, $half half"
        runs "creators-$half.jsonl" recall --data "$WORDNET" --query-limit 1000 \
            --partitions "$WORDNET/creators.u16bin" \
            --query-partitions "$WORDNET/query_creators_prop.u16bin" \
            --truth "$WORDNET/truth10_by_creator_prop.ibin" --recall-target 0.95,0.99
        say "wordnet under filters, $half half"
        "$bench" filtered --data "$WORDNET" --query-limit 100 --recall-target 0.95 --repeats 3 \
            --json --scratch "$work" >>"$OUT/filters-$half.jsonl"
    fi
done
section lectures "Lectures: 1,654 chunks, 384 dimensions"
if [ -n "$WORDNET" ]; then
    section wordnet "WordNet: 115,659 glosses, 384 dimensions"
    section creators "WordNet, each query within one of 200 creators"
    section filters "WordNet under filters"
else
    say "WORDNET not given (nor VS_DATA with a directory wordnet): left out"
fi

say "latency against offered load"
serve_lectures
loads=()
for rate in 100 300 1000 2000 4000; do
    "$bench" latency --socket "$socket" --data fixtures/lectures --rate "$rate" --duration 6 \
        --threshold 'errors<1%' --json "$OUT/load-$rate.json" >"$work/load-$rate.txt" ||
        { cat "$work/load-$rate.txt" >&2; exit 1; }
    loads+=("$OUT/load-$rate.json")
done
"$bench" plot "$(IFS=,; echo "${loads[*]}")" --out "$OUT" --prefix "lectures-" >/dev/null

say "build time and memory against rows"
for count in 1000 10000 100000; do
    "$bench" generate --n "$count" --d 384 --queries 50 --out "$work/$count/synthetic" 2>/dev/null
    "$bench" recall --data "$work/$count/synthetic" --recall-target 0.95 --seconds 0.2 --json \
        --scratch "$work" >>"$OUT/build.jsonl"
    rm -rf "${work:?}/$count"
done
"$bench" plot "$OUT/build.jsonl" --out "$OUT" --prefix "synthetic-" >"$work/pictures"
rm -f "$OUT"/synthetic-recall-qps.svg "$OUT"/synthetic-latency-percentiles.svg

# The sum over all sections, and the largest difference of a ratio of time.
total="$(awk 'BEGIN { kinds["ratios"]; kinds["recalls"]; kinds["figures"] }
{
    for (i = 1; i + 3 <= NF; i++) {
        if ($(i + 1) == "of" && $(i + 3) ~ /^(ratios|recalls|figures)$/) {
            agreeing[$(i + 3)] += $i; all[$(i + 3)] += $(i + 2); seen[$(i + 3)]
        }
    }
    # As in: the largest difference is 8.4 %, of NAME;
    if (match($0, /largest difference is [^;]*/)) {
        text = substr($0, RSTART + 22, RLENGTH - 22)
        place = match(text, /, of [^,]*(,[^ ][^,]*)*$/)
        name = place ? substr(text, place + 5) : text
        if (text !~ /^[0-9]/) { largest = "infinite"; of = $1 " " name }
        else if (largest != "infinite" && (of == "" || text + 0 > largest)) {
            largest = text + 0; of = $1 " " name
        }
    }
    for (kind in kinds) if (!(kind in seen)) incomplete = 1
    delete seen
} END {
    printf "%d of %d ratios of time agree within 15 %%, ", agreeing["ratios"], all["ratios"]
    printf "largest difference %s %% (%s); ", largest, of
    printf "%d of %d recalls within 0.005; ", agreeing["recalls"], all["recalls"]
    printf "%d of %d figures of work and size within 15 %%\n", agreeing["figures"], all["figures"]
    for (kind in all) { if (agreeing[kind] != all[kind]) exit 1 }
    exit incomplete || NR == 0
}' "$OUT/verdict.txt")" && code=0 || code=1
sed -i "1i $total" "$OUT/verdict.txt"
{
    printf '# Report of make bench\n\n%s\n\n' "$("$bench" machine)"
    printf 'Each data set was measured in two halves of three runs, each run with a store of its own. '
    printf 'Judged is what does not depend on the speed of the machine at the moment: recall, work, '
    printf 'bytes, and rates and times beside a fixed piece of work in the same seconds (`_rel`).\n\n'
    printf '**%s**\n\n' "$total"
    tail -n +2 "$OUT/verdict.txt" | sed 's/^/- /'
    cat "$work/sections.md"
    printf '\n## Lectures over a socket\n\nOne run a rate, 6 s each; not judged.\n\n'
    printf '![Latency against offered load](lectures-latency-load.svg)\n'
    printf '\n## Build time and memory against rows\n\n![Build](synthetic-build.svg)\n'
    printf '\nThe whole took %d s.\n' "$((SECONDS - begin))"
} >"$OUT/report.md"
say "$OUT/report.md"
echo "$total"
exit "$code"
