#!/bin/bash
# Fuzzes the readers of untrusted bytes with libFuzzer and the address sanitizer.
#
# usage: scripts/fuzz.sh [SECONDS [TARGET ...]]       for instance: scripts/fuzz.sh 60 segment json
#
# Each target runs for SECONDS (60), beginning with fixtures/fuzz/TARGET. New inputs stay in
# FUZZ_DIR/corpus/TARGET, findings in FUZZ_DIR/findings; `scripts/fuzz.sh --merge` puts what adds
# coverage into fixtures/fuzz. FUZZ_DIR keeps the build between runs.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
dir=${FUZZ_DIR:-$root/.build-fuzz}
merge=
if [ "${1:-}" = --merge ]; then merge=1; shift; fi
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=($(sed -n 's/^    case [a-zA-Z]* = "\(.*\)"$/\1/p; s/^    case \([a-z]*\)$/\1/p' \
    Tests/FuzzSupport/FuzzTarget.swift))

mkdir -p "$dir/package" "$dir/corpus" "$dir/findings"
ln -sfn "$root/Sources" "$dir/package/Sources"
ln -sfn "$root/Tests" "$dir/package/Tests"
cp Tests/Fuzz/Package.swift "$dir/package/Package.swift"
swift build -c release --package-path "$dir/package" --product Fuzz -j "${JOBS:-2}" \
    -Xswiftc -enable-testing -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library \
    -Xcc -fsanitize=fuzzer-no-link,address >"$dir/build.log" 2>&1 ||
    { tail -n 20 "$dir/build.log" >&2; exit 1; }
program=$dir/package/.build/release/Fuzz

# Swift keeps what it makes once; that is no leak.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
status=0
total=0
for target in "${targets[@]}"; do
    export FUZZ_TARGET=$target
    corpus=$dir/corpus/$target
    seeds=$root/fixtures/fuzz/$target
    mkdir -p "$corpus" "$seeds"
    export FUZZ_SEEDS=$corpus
    "$program"
    unset FUZZ_SEEDS
    if [ -n "$merge" ]; then
        rm -rf "$dir/merged"; mkdir -p "$dir/merged"
        "$program" -merge=1 "$dir/merged" "$seeds" "$corpus" >"$dir/$target.log" 2>&1
        # Inputs with a name of their own are former findings, and stay.
        find "$seeds" -regextype egrep -regex '.*/[0-9a-f]{40}' -delete
        # The smallest inputs that together reach what all reach, at most 200.
        ls -S -r "$dir/merged" | sed -n 1,200p | while read -r file; do
            cp "$dir/merged/$file" "$seeds/$file"
        done
        echo "$target: $(ls "$seeds" | wc -l) inputs kept"
        continue
    fi
    if "$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=256 \
        -max_len=8192 -print_final_stats=1 -artifact_prefix="$dir/findings/$target-" \
        "$corpus" "$seeds" >"$dir/$target.log" 2>&1; then
        done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$target.log")
        rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$dir/$target.log")
        echo "$target: $done executions, $rate a second"
        total=$((total + done))
    else
        status=1
        echo "$target: FINDING, see $dir/$target.log and $dir/findings" >&2
        tail -n 30 "$dir/$target.log" >&2
    fi
done
[ -n "$merge" ] || echo "fuzz: $total executions"
exit $status
