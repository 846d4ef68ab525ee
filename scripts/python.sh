#!/usr/bin/env bash
# Makes .build-python, a Python with the clients that the tests use, and prints the path of its
# interpreter. Asks PyPI only when a file of requirements changed.
#
#   python.sh [requirements.txt ...]
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
environment="$root/.build-python"
[ $# -gt 0 ] || set -- "$root/Tests/Clients/requirements.txt"

for requirements in "$@"; do
    stamp="$environment/$(basename "$requirements").installed"
    if ! cmp -s "$requirements" "$stamp"; then
        [ -x "$environment/bin/python3" ] || python3 -m venv "$environment" >&2
        "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" >&2
        cp "$requirements" "$stamp"
    fi
done
echo "$environment/bin/python3"
