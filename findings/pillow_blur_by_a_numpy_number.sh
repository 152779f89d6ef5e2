#!/usr/bin/env bash
# pillow 13.0.0 with numpy 2.4.6: GaussianBlur and BoxBlur take a radius of Python, 0.5, and not the same number of
# NumPy, such as rng.uniform() of an array gives it. The filter is made without a word, and when it is applied it raises
# ValueError about "an array with more than one element": the radius is compared with the pair (0, 0), which NumPy
# makes an array of. np.float64 is a float, so isinstance would have let it pass. float(radius) helps.
#
# Output seen:
#     GaussianBlur: float works, float64 ValueError, float32 ValueError, int64 ValueError
#     BoxBlur: float works, float64 ValueError, float32 ValueError, int64 ValueError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0
cat >"$folder/program.py" <<'PYTHON'
import numpy as np
from PIL import Image, ImageFilter

image, lines = Image.new("L", (8, 8), 7), []
for blur in (ImageFilter.GaussianBlur, ImageFilter.BoxBlur):
    said = []
    for radius in (0.5, np.float64(0.5), np.float32(0.5), np.int64(1)):
        try:
            image.filter(blur(radius))
            said.append(f"{type(radius).__name__} works")
        except ValueError:
            said.append(f"{type(radius).__name__} ValueError")
    lines.append(f"{blur.__name__}: {', '.join(said)}")
print(*lines, sep="\n")
if not all("float works, float64 ValueError" in line for line in lines):
    raise SystemExit("pillow's blurs now take other radii")
PYTHON
"$folder/venv/bin/python" "$folder/program.py"
