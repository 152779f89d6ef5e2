#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image of the autograder.
set -euo pipefail
root=${AUTOGRADER:-/autograder}     # another folder in a trial

good() {        # 3.11 or newer, with what makes a virtual environment
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python=python3
if ! good python3; then
    apt-get update
    apt-get install -y python3 python3-venv
fi
if ! good python3; then     # Ubuntu 22.04 has 3.10, and 3.11 beside it
    apt-get install -y python3.11 python3.11-venv
    python=python3.11
fi
"$python" -m venv "$root/venv"
"$root/venv/bin/pip" install --no-cache-dir -e "$root/source/course[boundary]"
chmod -R a+rX "$root/source" "$root/venv"       # the judge has no rights of its own
