#!/bin/bash
# Builds the C kernels with the address and undefined-behaviour sanitizers and runs every one of them
# against untouchable pages. Takes the clang beside swift, or CC.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${CC:-$(dirname "$(readlink -f "$(command -v swift)")")/clang}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$compiler" -std=c17 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=all -fuse-ld=lld -ISources/CVectorKernels/include -ISources/CVectorKernels \
    Tests/KernelGuards/kernel_guards.c Sources/CVectorKernels/*.c -lm -lpthread -o "$out/guards"
ASAN_OPTIONS=detect_leaks=0 "$out/guards"
