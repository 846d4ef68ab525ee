#!/usr/bin/env bash
# Checks the load generator against a server with the lectures. Exit code 1 when a check fails.
#
# clients   p99 of `vector-bench latency` and of independent_load.py at the same rate, in turns; the
#           medians of p99 and of p50 must agree within 20 % (RATE=200 a second, SECONDS_EACH=10, ROUNDS=7)
# thousand  1,000 connections for 60 s (USERS, LENGTH) without an error
# kill      a server killed in the middle of a run is reported as errors, and the run ends in time
#
# BIN: the directory of vector-server and vector-bench. OUT: a directory for the results, if wanted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${BIN:=.build/release}" "${OUT:=}" "${RATE:=200}" "${SECONDS_EACH:=10}" "${ROUNDS:=7}"
: "${USERS:=1000}" "${LENGTH:=60}"
source scripts/serve_lectures.sh
trap stop_lectures EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
failed=0

say() { printf '%s\n' "$*"; }

keep() { if [ -n "$OUT" ]; then mkdir -p "$OUT" && cp "$1" "$OUT/$2"; fi; }

ours() {
    "$BIN/vector-bench" latency --socket "$socket" --data fixtures/lectures --rate "$RATE" \
        --duration "$SECONDS_EACH" --seed "$1" --json "$scratch/ours.json" >"$scratch/ours.txt"
    python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); t = r["total"]
# A percentile that falls on a failed request is not in the file.
found = {p: t["latency_ms"].get(p, float("inf")) for p in ("p50", "p99")}
print(json.dumps(found | {"errors": sum(t["errors"].values())}))' "$scratch/ours.json" \
        >>"$scratch/ours.jsonl"
}

theirs() {
    python3 scripts/independent_load.py --socket "$socket" --rate "$RATE" \
        --duration "$SECONDS_EACH" --seed "$1" --json >>"$scratch/theirs.jsonl"
}

clients() {
    # One of each unmeasured, then in turns, each of them first in every second round.
    ours 1000
    theirs 1000
    rm "$scratch/ours.jsonl" "$scratch/theirs.jsonl"
    for round in $(seq "$ROUNDS"); do
        if ((round % 2)); then ours "$round"; theirs "$round"; else theirs "$round"; ours "$round"; fi
    done
    python3 - "$scratch" "$RATE" "$SECONDS_EACH" <<'PY' | tee "$scratch/clients.txt" || failed=1
import json, statistics, sys
scratch, rate, seconds = sys.argv[1:]
sides = [[json.loads(line) for line in open(f"{scratch}/{name}.jsonl")] for name in ("ours", "theirs")]
print(f"{rate} queries/s, 16 connections, {len(sides[0])} rounds of {seconds} s each, in turns, in ms:")
print("| round | `latency` p50 | p99 | independent p50 | p99 | ratio of p99 |\n|---|---|---|---|---|---|")
for place, (one, other) in enumerate(zip(*sides), 1):
    cells = [one["p50"], one["p99"], other["p50"], other["p99"], one["p99"] / other["p99"]]
    print(f"| {place} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |")
middle = {p: [statistics.median(run[p] for run in side) for side in sides] for p in ("p50", "p99")}
ratio = middle["p99"][0] / middle["p99"][1]
cells = middle["p50"][:1] + middle["p99"][:1] + middle["p50"][1:] + middle["p99"][1:] + [ratio]
print("| median | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |")
errors = sum(run["errors"] for side in sides for run in side)
apart = {p: max(one, other) / min(one, other) - 1 for p, (one, other) in middle.items()}
holds = max(apart.values()) <= 0.2 and errors == 0
print(f"\n{'ok' if holds else 'FAIL'}: the clients differ by {apart['p99']:.1%} in the median p99 and by"
      f" {apart['p50']:.1%} in the median p50 (at most 20 %), {errors} errors")
sys.exit(not holds)
PY
    keep "$scratch/clients.txt" clients.md
}

thousand() {
    if "$BIN/vector-bench" load --socket "$socket" --data fixtures/lectures --users "$USERS" \
        --ramp "$((LENGTH / 6))" --duration "$LENGTH" --threshold 'errors<=0%' \
        --threshold 'p95<3s' --json "$scratch/load.json" | tee "$scratch/load.txt"; then
        say "ok: $USERS connections for $LENGTH s without an error"
    else
        say "FAIL: $USERS connections for $LENGTH s"
        failed=1
    fi
    keep "$scratch/load.json" load.json
    keep "$scratch/load.txt" load.txt
}

kill_server() {
    local start=$SECONDS code=0
    "$BIN/vector-bench" load --socket "$socket" --data fixtures/lectures --users 100 --ramp 1 \
        --duration 12 --threshold 'errors<1%' --json "$scratch/kill.json" >"$scratch/kill.txt" &
    local client=$!
    sleep 5
    kill -KILL "$server"
    wait "$server" 2>/dev/null || true
    server=
    wait "$client" || code=$?
    local taken=$((SECONDS - start))
    grep -E '^error|NOT MET|did not answer|answers/s' "$scratch/kill.txt" || true
    if [ "$code" -eq 1 ] && grep -q '^error connect' "$scratch/kill.txt" && ((taken <= 25)); then
        say "ok: the killed server is reported as errors; the run of 12 s ended after $taken s"
    else
        say "FAIL: exit code $code after $taken s"
        failed=1
    fi
    keep "$scratch/kill.txt" kill.txt
}

serve_lectures
for check in "${@:-clients}"; do
    case "$check" in
    clients | thousand) "$check" ;;
    kill)
        kill_server
        start_lectures
        ;;
    *)
        say "load_check: $check is none of clients, thousand, kill" >&2
        exit 2
        ;;
    esac
done
exit "$failed"
