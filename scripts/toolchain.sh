#!/usr/bin/env bash
# Refuses a Swift that is absent or older than 6.2.
set -euo pipefail

swift="${SWIFT:-swift}"
if ! command -v "$swift" >/dev/null; then
    echo "toolchain: no $swift in PATH. Swift 6.2 or newer: https://www.swift.org/install/linux/" >&2
    exit 1
fi
text="$("$swift" --version 2>/dev/null)"
if ! [[ "$text" =~ Swift\ version\ ([0-9]+)\.([0-9]+) ]]; then
    echo "toolchain: $swift --version does not name a version: $text" >&2
    exit 1
fi
major="${BASH_REMATCH[1]}" minor="${BASH_REMATCH[2]}"
if ((major < 6 || (major == 6 && minor < 2))); then
    echo "toolchain: Swift $major.$minor found, 6.2 or newer needed" >&2
    exit 1
fi
