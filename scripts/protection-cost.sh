#!/usr/bin/env bash
# What the checks of blocks, pages and rows cost: searches and durable upserts with and without them, in turns.
#
# The engine without them is built in a copy from Tests/Protection/unprotected.patch, and is good for nothing
# else. Exit code 1 when a median is more than LIMIT percent slower with the checks.
#
# WORDNET: the vectors. ROUNDS: turns, 7. LIMIT: 3. SCRATCH: where stores go; its disk takes part in the figure
# of upserts. WITHOUT: a vector-bench that was built without the checks before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${WORDNET:?directory of the vectors}" "${ROUNDS:=7}" "${LIMIT:=3}" "${JOBS:=2}"
work="$(mktemp -d "${SCRATCH:-${TMPDIR:-/tmp}}/protection.XXXXXX")"
copy="$work/copy"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build() {
    swift build -c release -j "$JOBS" --product vector-bench "$@" >"$work/build.log" 2>&1 ||
        { tail -n 20 "$work/build.log" >&2; exit 1; }
}
echo "protection-cost: building with the checks" >&2
build
with="$(swift build -c release --show-bin-path)/vector-bench"
without="${WITHOUT:-}"
if [ -z "$without" ]; then
    echo "protection-cost: building without them" >&2
    mkdir "$copy"
    cp -r Package.swift Sources Tests fixtures "$copy/"
    patch -s -p1 -d "$copy" <Tests/Protection/unprotected.patch
    build --package-path "$copy"
    without="$(swift build -c release --package-path "$copy" --show-bin-path)/vector-bench"
fi

mkdir "$work/data"
"$with" expand --in "$WORDNET/base.f16bin" --out "$work/data/base.fbin"
cp "$WORDNET/queries.fbin" "$work/data/query.fbin"
cp "$WORDNET/truth100.ibin" "$work/data/gt100.ibin"
search() {
    "$1" recall --data "$work/data" --query-limit 1000 --store "$work/store" --recall-target 0.95,0.99 \
        --rounds 3 --seconds 1 --json 2>/dev/null
}
search "$with" >/dev/null
for round in $(seq "$ROUNDS"); do
    echo "protection-cost: turn $round of $ROUNDS" >&2
    for side in with without; do
        search "${!side}" >>"$work/search-$side.jsonl"
        "${!side}" ingest --batch 1000 --n 50000 --scratch "$work" >>"$work/ingest-$side.txt"
    done
done

python3 - "$work" "$LIMIT" <<'PY'
import json, statistics, sys

work, limit = sys.argv[1], float(sys.argv[2])
rates = {}
for side in ("with", "without"):
    for line in open(f"{work}/search-{side}.jsonl"):
        point = json.loads(line)
        name = f"queries a second, target {point['params']['recall_target']}"
        rates.setdefault(name, {}).setdefault(side, []).append(point["qps_one_rel"])
    for line in open(f"{work}/ingest-{side}.txt"):
        words = line.split()
        if words and words[0] == "1000":
            rates.setdefault("rows upserted a second", {}).setdefault(side, []).append(float(words[2]))
failed = False
for name, sides in rates.items():
    ratios = sorted(w / o for w, o in zip(sides["with"], sides["without"]))
    ratio = statistics.median(ratios)
    failed |= ratio < 1 - limit / 100
    print(f"{name}: with the checks {ratio:.3f} of without (turns {ratios[0]:.3f} to {ratios[-1]:.3f})")
sys.exit(1 if failed else 0)
PY
