# Sourced: gives PEER_PYTHON, a Python that has the packages named, when the caller has set none.
#
# peer_python DIRECTORY PACKAGE…: makes an environment in the directory from PyPI.
peer_python() {
    local place="$1"
    shift
    [ -z "${PEER_PYTHON:-}" ] || return 0
    python3 -m venv "$place/venv"
    "$place/venv/bin/pip" install -q "$@"
    PEER_PYTHON="$place/venv/bin/python"
}
