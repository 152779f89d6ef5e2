#!/usr/bin/env bash
# numpy 2.4.6: default_rng takes a sequence of integers as its seed, and two sequences that differ only in zeros at their
# end, up to the fourth place, are the same seed: default_rng([7, 3]) and default_rng([7, 3, 0]) give the same numbers.
# Whoever draws the order of an epoch by [seed, epoch] and the augmentation of photograph 0 by [seed, epoch, 0] draws
# both by one stream; so do masks seeded by [seed, epoch, step, layer] for layer 0 and what is seeded by the first three.
# From the fifth number on zeros count.
#
# Output seen:
#   [7] and [7, 0]: the same
#   [7, 3] and [7, 3, 0]: the same
#   [7, 3, 2] and [7, 3, 2, 0]: the same
#   [7, 3, 2, 1] and [7, 3, 2, 1, 0]: different
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
cat >"$folder/program.py" <<'PYTHON'
import numpy as np

seeds = [7, 3, 2, 1]
found = []
for length in range(1, 5):
    short, long = seeds[:length], [*seeds[:length], 0]
    same = bool((np.random.default_rng(short).random(4) == np.random.default_rng(long).random(4)).all())
    print(f"{short} and {long}: {'the same' if same else 'different'}")
    found.append(same)
if found != [True, True, True, False]:
    raise SystemExit("numpy now tells seeds apart that differ in zeros at their end, or from another length on")
PYTHON
"$folder/venv/bin/python" "$folder/program.py"
