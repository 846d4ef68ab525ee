#!/bin/bash
# Runs the durability tests under the thread sanitizer, the engine and its tests alone.
#
# usage: scripts/tsan.sh [FILTER ...]             for instance: scripts/tsan.sh "kill -9" Relaxed
#
# Ends with an error when a test fails or anything is reported; there are no suppressions. The lock of the
# standard library, into which the sanitizer does not see, is replaced by one that it knows:
# Tests/ThreadSanitizer. TSAN_DIR keeps the build between runs; RUN goes before the build and the tests, for
# instance RUN="nice -n 10".
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
dir=${TSAN_DIR:-$root/.build-tsan}
filters=()
for filter in "${@:-DurabilityTests}"; do filters+=(--filter "$filter"); done

# Directories of links, so that a module can hold one file more than in the repository.
rm -rf "$dir/package/Sources" "$dir/package/Tests"
for module in Sources/{CVectorKernels,CStorageShims,CLZ4,VectorMath,StorageIO,VectorStore} \
    Tests/{TestSupport,CrashWorker,DurabilityTests}; do
    mkdir -p "$dir/package/$module"
    ln -s "$root/$module"/* "$dir/package/$module/"
done
for module in Sources/{StorageIO,VectorStore} Tests/{TestSupport,CrashWorker,DurabilityTests}; do
    ln -s "$root/Tests/ThreadSanitizer/Mutex.swift" "$dir/package/$module/Mutex.swift"
done
cp Tests/Mutants/Package.swift "$dir/package/Package.swift"

arguments=(-c release -Xswiftc -enable-testing --sanitize=thread --package-path "$dir/package")
${RUN:-} swift build --build-tests "${arguments[@]}" -j "${JOBS:-2}" >"$dir/build.log" 2>&1 ||
    { tail -n 20 "$dir/build.log" >&2; exit 1; }
export TSAN_OPTIONS=halt_on_error=0:exitcode=66
status=0
: >"$dir/test.log"
# Deaths at named points need a processor to themselves: a worker that hardly gets on never comes to some.
kills=(--filter "kill -9" --filter "death at every named point")
if [ $# -gt 0 ]; then
    ${RUN:-} swift test --skip-build "${arguments[@]}" "${filters[@]}" >>"$dir/test.log" 2>&1 || status=$?
else
    ${RUN:-} swift test --skip-build "${arguments[@]}" "${filters[@]}" --skip "kill -9" \
        --skip "death at every named point" >>"$dir/test.log" 2>&1 || status=$?
    ${RUN:-} swift test --skip-build "${arguments[@]}" "${kills[@]}" >>"$dir/test.log" 2>&1 || status=$?
fi
reports=$(grep -c '^WARNING: ThreadSanitizer' "$dir/test.log" || true)
grep -E '^SUMMARY: ThreadSanitizer' "$dir/test.log" | sort | uniq -c | sort -rn | head -20 || true
grep -E '^(✘|✔) Test run|recorded an issue|^error:' "$dir/test.log" | head -20 || true
echo "tsan: $reports reports, tests ended with $status"
[ "$reports" -eq 0 ] && [ "$status" -eq 0 ]
