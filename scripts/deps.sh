#!/usr/bin/env bash
# Installs the apt packages the build needs, and those given as arguments; asks apt only when one is
# missing.
set -euo pipefail

# What Swift links with, the libraries that compress payloads and speak to Postgres, and what the
# scripts call.
packages=(
    binutils ca-certificates curl g++ git libc6-dev liblz4-dev libpq-dev pkg-config zlib1g-dev
    "$@"
)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "deps: no apt on this system. Install the equivalents of: ${packages[*]}" >&2
    echo "deps: then run swift build -c release and swift test by hand." >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    status="$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)"
    [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

echo "deps: installing ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: not root and no sudo. As root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
"${as_root[@]}" apt-get update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"
