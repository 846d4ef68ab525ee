#!/bin/bash
# Runs every C kernel against untouchable pages and against the scalar one.
#
# usage: scripts/kernel-guards.sh        this machine's kernels, with address and undefined-behaviour
#                                        sanitizers
#        scripts/kernel-guards.sh arm    the NEON kernels, emulated by qemu-aarch64
#
# Takes the clang beside swift, or CC.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${CC:-$(dirname "$(readlink -f "$(command -v swift)")")/clang}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
sources=(-ISources/CVectorKernels/include -ISources/CVectorKernels
    Tests/KernelGuards/kernel_guards.c Sources/CVectorKernels/*.c -fuse-ld=lld -lm -lpthread)
if [ "${1:-}" = arm ]; then
    gcc=$(ls -d /usr/lib/gcc-cross/aarch64-linux-gnu/* | tail -n 1)
    "$compiler" --target=aarch64-linux-gnu -std=gnu17 -O2 -static --rtlib=libgcc \
        -isystem /usr/aarch64-linux-gnu/include -B"$gcc" -L"$gcc" \
        -B/usr/aarch64-linux-gnu/lib -L/usr/aarch64-linux-gnu/lib "${sources[@]}" -o "$out/guards"
    qemu-aarch64 "$out/guards"
    exit
fi
"$compiler" -std=c17 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=all "${sources[@]}" -o "$out/guards"
ASAN_OPTIONS=detect_leaks=0 "$out/guards"
