#!/usr/bin/env bash
# Pillow 13.0.0: a palette image is saved as PNG with as many bits a pixel as its palette needs, and pixels that need more
# lose their upper bits (with two colours all but 0 become 1), without exception or warning. In memory they were what they
# had been. So a mask of two classes and 255 for unlabelled, given a palette of the two classes' colours by putpalette, is
# read back with the second class where it was unlabelled; of four classes, with the last; of sixteen likewise. With
# 17 colours or more nothing is lost: fill the palette up to 256 entries. Pillow 12.3.0 does the same.
#
# Output seen:
#      2 colours, 1 bit:  0 1 255 becomes 0 1 1
#      3 colours, 2 bits: 0 1 255 becomes 0 1 3
#      4 colours, 2 bits: 0 1 255 becomes 0 1 3
#     16 colours, 4 bits: 0 1 255 becomes 0 1 15
#     17 colours, 8 bits: 0 1 255 becomes 0 1 255
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
cat >"$folder/program.py" <<'PYTHON'
import io

from PIL import Image

labels, found = bytes([0, 1, 255]), []
for colours in (2, 3, 4, 16, 17):
    image = Image.frombytes("L", (3, 1), labels)
    image.putpalette(bytes(range(3 * colours)))
    file = io.BytesIO()
    image.save(file, "PNG")
    bits = file.getvalue()[24]
    with Image.open(file) as image:
        found.append((*image.tobytes(),))
    name = f"{bits} bit{':' if bits == 1 else 's:'}"
    print(f"{colours:2} colours, {name:7}", *labels, "becomes", *found[-1])
if found != [(0, 1, 1), (0, 1, 3), (0, 1, 3), (0, 1, 15), (0, 1, 255)]:
    raise SystemExit("Pillow now saves pixels that are beyond the palette otherwise")
PYTHON
"$folder/venv/bin/python" "$folder/program.py"
