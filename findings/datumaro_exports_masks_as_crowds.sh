#!/usr/bin/env bash
# datumaro 1.13.12: exported as coco_instances, a mask of one object becomes "iscrowd": 1, with uncompressed run
# lengths; a polygon becomes 0. In COCO's format a crowd is a region of objects that cannot be told apart: loaders leave
# it out of training, and COCO's evaluation does not count it. So what was drawn with a brush is not trained on, and not
# missed. Nothing is said. A reader that wants all objects must take crowds too.
#
# Output seen:
#     Mask of one object: iscrowd 1, segmentation dict
#     Polygon of one object: iscrowd 0, segmentation list
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datumaro==1.13.12
cat >"$folder/program.py" <<'PYTHON'
import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import numpy as np
from datumaro.components.annotation import Mask, Polygon
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image

square = np.zeros((8, 10), bool)
square[2:5, 3:7] = True
drawn = {"Mask": Mask(image=square, label=0, id=1, group=1), "Polygon": Polygon([1, 1, 4, 1, 4, 4], label=0, id=2, group=2)}
item = DatasetItem("a", media=Image.from_numpy(data=np.zeros((8, 10, 3), np.uint8)), annotations=[*drawn.values()])
Dataset.from_iterable([item], categories=["car"]).export(sys.argv[1], "coco_instances", save_media=True)
[path] = Path(sys.argv[1]).rglob("instances_*.json")
written = json.loads(path.read_text())["annotations"]
for name, one in zip(drawn, written):
    print(f"{name} of one object: iscrowd {one['iscrowd']}, segmentation {type(one['segmentation']).__name__}")
if [one["iscrowd"] for one in written] != [1, 0]:
    raise SystemExit("datumaro now writes masks otherwise")
PYTHON
"$folder/venv/bin/python" "$folder/program.py" "$folder/coco" 2>/dev/null
