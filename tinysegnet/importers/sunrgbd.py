"""SUN RGB-D as it is handed round for segmentation: JPEG photographs and PNG labels, of 37 classes.

S. Song, S. P. Lichtenberg, J. Xiao, SUN RGB-D: A RGB-D scene understanding benchmark suite, CVPR 2015; put together
anew by https://github.com/ankurhanda/sunrgbd-meta-data and https://github.com/chrischoy/SUN_RGBD.
"""

import re

from tinysegnet.importers.classes import mask_reader, numbered
from tinysegnet.importers.finding import files_under, plain
from tinysegnet.importers.sample import Sample
from tinysegnet.support.errors import InputError

LAYOUT = """SUNRGBD-train_images/ and SUNRGBD-test_images/: img-000001.jpg, and
sunrgbd_train_test_labels/: img-000001.png of test, train from 5051 on;
or image/train/ and label37/train/: img37labels-000001.png;
or train/ and trainannot/: img-000001.png; and likewise for test"""
CLASSES = (
    "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture", "counter",
    "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat", "clothes", "ceiling", "books",
    "fridge", "tv", "paper", "towel", "shower curtain", "box", "whiteboard", "person", "night stand", "toilet", "sink",
    "lamp", "bathtub", "bag",
)
OF_TEST = 5050      # so many labels stand before those of train, if both are in one folder
LAYOUTS = (         # photographs, labels, the beginning of a label's name
    ("SUNRGBD-{}_images", "sunrgbd_train_test_labels", "img-"),
    ("image/{}", "label37/{}", "img37labels-"),
    ("{}", "{}annot", "img-"),
)


def read(source, *_):
    """See importers/__init__.py. A label 0 is none, and each other moves down by one."""
    colours = dict.fromkeys(["unlabelled", *CLASSES])
    labels_of, samples = mask_reader(colours, numbered(colours)), []
    for photographs, labels, beginning in LAYOUTS:
        for split in ("train", "val", "test"):
            folder, masks = source / photographs.format(split), source / labels.format(split)
            first = OF_TEST if split == "train" and masks.name == labels else 0
            for path in files_under(folder) if masks.is_dir() else []:
                number = int((re.findall(r"\d+", path.stem) or ["0"])[-1])
                file = masks / f"{beginning}{number + first:06}.png"
                samples.append(Sample(plain(path, folder), path, file, labels_of(file), split))
    if not samples:
        raise InputError(f"there is no SUNRGBD-train_images/ beside sunrgbd_train_test_labels/, no image/train/ beside "
                         f"label37/train/, and no train/ beside trainannot/ in {source}: name the folder of both")
    return dict.fromkeys(CLASSES), samples
