#!/usr/bin/env bash
# safetensors 0.8.0 with numpy 2.4.6: save_file writes a transposed NumPy array with the right shape and its values in
# another order, without a word; so it does one in Fortran's order, and so do kernels that are brought from (K, K, C, F)
# to (F, C, K, K) by transpose. 0.7.0 wrote them rightly. np.ascontiguousarray before saving helps.
#
# Output seen:
#     0.7.0: transposed right, Fortran's order right
#     0.8.0: transposed wrong, Fortran's order wrong
#     [[0. 3.] [1. 4.] [2. 5.]] was saved, and [[0. 1.] [2. 3.] [4. 5.]] came back
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/program.py" <<'PYTHON'
import sys

import numpy as np
from safetensors import __version__
from safetensors.numpy import load_file, save_file

path = sys.argv[1]
array = np.arange(6, dtype=np.float32).reshape(2, 3)
arrays = {"transposed": array.T, "Fortran's order": np.asfortranarray(array)}
save_file(arrays, path)
back = load_file(path)
said = [f"{name} {'right' if (back[name] == a).all() else 'wrong'}" for name, a in arrays.items()]
print(f"{__version__}: {', '.join(said)}")
if __version__ == "0.8.0":
    flat = [" ".join(map(str, a)) for a in (arrays["transposed"], back["transposed"])]
    print(f"[{flat[0]}] was saved, and [{flat[1]}] came back")
if [one.endswith("wrong") for one in said] != [__version__ == "0.8.0"] * 2:
    raise SystemExit(f"safetensors {__version__} now writes them otherwise")
PYTHON
for version in 0.7.0 0.8.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 "safetensors==$version"
    "$folder/$version/bin/python" "$folder/program.py" "$folder/$version.safetensors"
done
