#!/bin/bash
# Breaks the engine on purpose, one patch of Tests/Mutants at a time, in a copy, and expects the
# durability tests to notice. A mutant that survives is a missing test.
#
# usage: scripts/mutants.sh [PATCH-NAME ...]      for instance: scripts/mutants.sh M01 M04
# MUTANTS_DIR keeps the copy and its build between runs; JOBS is passed to swift build. RUN goes before
# each build and test, for instance RUN="nice -n 10".
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
copy=${MUTANTS_DIR:-}
if [ -z "$copy" ]; then
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
fi
arguments=(-c release -Xswiftc -enable-testing --package-path "$copy")
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for patch in Tests/Mutants/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi

# Puts the unbroken sources into the copy; unchanged files keep their dates and are not built again.
restore() {
    mkdir -p "$copy/Tests"
    for directory in Sources Tests/TestSupport Tests/CrashWorker Tests/DurabilityTests; do
        mkdir -p "$copy/$directory"
        (cd "$root/$directory" && find . -type f) | while read -r file; do
            mkdir -p "$(dirname "$copy/$directory/$file")"
            cmp -s "$root/$directory/$file" "$copy/$directory/$file" ||
                cp "$root/$directory/$file" "$copy/$directory/$file"
        done
        (cd "$copy/$directory" && find . -type f) | while read -r file; do
            [ -e "$root/$directory/$file" ] || rm -f "$copy/$directory/$file"
        done
    done
    cp "$root/Tests/Mutants/Package.swift" "$copy/Package.swift"
}

# Without whole-module optimisation a mutant is one file to compile.
build() {
    ${RUN:-} swift build --build-tests "${arguments[@]}" -Xswiftc -no-whole-module-optimization \
        -j "${JOBS:-2}" >"$copy/build.log" 2>&1
}

# Ends a process and all that it started.
stop() {
    local child
    for child in $(pgrep -P "$1"); do stop "$child"; done
    kill -KILL "$1" 2>/dev/null
}

# Runs the tests until one of them fails.
check() {
    : >"$copy/test.log"
    ${RUN:-} timeout 900 swift test --skip-build "${arguments[@]}" --filter DurabilityTests \
        --skip "kill -9" >"$copy/test.log" 2>&1 &
    local run=$! status=0
    while kill -0 "$run" 2>/dev/null; do
        if grep -q 'recorded an issue' "$copy/test.log"; then
            stop "$run"
            status=1
            break
        fi
        sleep 0.3
    done
    wait "$run" 2>/dev/null || status=1
    return "$status"
}

survivors=()
unusable=()
restore
if ! build || ! check; then
    echo "mutants: the tests fail without a mutant; see below" >&2
    for log in build test; do tail -n 5 "$copy/$log.log" >&2; done
    exit 1
fi
for name in "${names[@]}"; do
    patch=$root/Tests/Mutants/$name.patch
    restore
    if ! patch -s -p1 -F3 -d "$copy" <"$patch" >/dev/null || ! build; then
        echo "$name unusable: the patch does not apply or build"
        unusable+=("$name")
    elif check; then
        echo "$name SURVIVED: $(head -1 "$patch")"
        survivors+=("$name")
    else
        by=$(sed -n 's/.*Test "\(.*\)" recorded an issue.*/\1/p; s/.*Test case .* to "\(.*\)" recorded an issue.*/\1/p' \
            "$copy/test.log" | head -1)
        echo "$name caught by: ${by:-the process died or hung}"
    fi
done
echo "mutants: ${#names[@]} tried, ${#survivors[@]} survived, ${#unusable[@]} unusable"
[ ${#survivors[@]} -eq 0 ] && [ ${#unusable[@]} -eq 0 ]
