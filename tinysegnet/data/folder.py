"""Data sets in folders: photographs and annotations of the same names, with CamVid's classes or those of classes.txt.

    FOLDER/{train,val,test}/NAME.png                     photographs (.jpg and .jpeg too)
    FOLDER/{trainannot,valannot,testannot}/NAME.png      the class of each pixel, as labels.py reads it
    FOLDER/classes.txt                                   a class per line, name and colour: Sky 128 128 128

The class in the first line has the label 0. Without classes.txt the classes are CamVid's.
"""

import os
import unicodedata
from collections import defaultdict
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinysegnet.data import camvid
from tinysegnet.data.classes_file import read_classes
from tinysegnet.data.dataset import DataSet
from tinysegnet.data.labels import LabelFile, Legend, read_labels
from tinysegnet.data.photographs import read_photograph, upright_photograph  # noqa: F401  the first: as in 0.1.0
from tinysegnet.data.problems import FileError
from tinysegnet.support.errors import InputError

PHOTOGRAPHS = ".png", ".jpg", ".jpeg"
IMAGES = *PHOTOGRAPHS, ".bmp", ".gif", ".tif", ".tiff", ".webp"
OF_WINDOWS = "thumbs.db", "desktop.ini"
SPLITS = "train", "val", "test"
OF_OTHERS = "and python -m tinysegnet import-data makes a data set of another tool's"


class Pair(NamedTuple):
    """A photograph, uint8 (H, W, 3), the file of its labels, and whether it was turned as its camera had noted."""

    photograph: np.ndarray
    file: LabelFile
    turned: bool


def dataset(folder, ignore=None):
    """The data set in `folder`. Labels of the value `ignore` do not count; by default 255, and 11 in CamVid.

    Raises InputError if there is no such folder, or its classes.txt cannot be used.
    """
    if folder == "":
        raise InputError("a data set is named by nothing, '': name the folder that holds its train/ and val/")
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no data set at {folder}: name the folder that holds its train/ and val/")
    own = (folder / "classes.txt").exists()
    name = f"{folder.resolve().name or folder} in {folder}" if own else f"CamVid in {folder}"
    if own:
        classes, palette, given = read_classes(folder / "classes.txt")
    else:
        classes, palette, given = camvid.CLASSES, camvid.PALETTE, range(len(camvid.CLASSES))
    if ignore is None:
        ignore = 255 if own else camvid.VOID
    if ignore < len(classes):
        raise InputError(f"--ignore {ignore} is the label of {classes[ignore]}: give {len(classes)} to 255")
    owners = defaultdict(tuple) if own else defaultdict(tuple, {camvid.COLOUR_OF_VOID: (ignore,)})
    for k in given:
        owners[tuple(palette[k].tolist())] += (k,)
    read = Reader(Legend(classes, ignore, dict(owners)))
    listed = lru_cache(None)(partial(samples, folder))          # once: a training counts on it
    source = str(folder) if str(folder) != "streets" else os.path.join(".", "streets")      # not those that are drawn
    return DataSet(name, source, classes, palette, ignore, listed, read, recipe="photographs")


class Reader:
    """read(sample) gives the photograph and the labels of two paths, read.examine(sample) their Pair."""

    def __init__(self, legend):
        self.legend = legend

    def __call__(self, sample):
        pair = self.examine(sample)
        return pair.photograph, pair.file.labels

    def examine(self, sample):
        return examine_pair(sample, self.legend)


def samples(folder, split):
    """The (photograph, annotation) paths of a split, "train", "val" or "test", in order of their names.

    The names are compared as people see them, whichever way their accents are written. Raises InputError if there is
    no folder of that split, no photograph in it, or two of one name. An annotation that is missing is found when the
    pair is read.
    """
    images, annotations = folder / split, folder / f"{split}annot"
    for path, other in ((images, annotations), (annotations, images)):
        if not path.is_dir():
            near = [one.name for one in files_in(folder) if one.name.lower() == path.name and one.is_dir()]
            way_out = f"rename {near[0]}/" if near else f"a data set has one, beside {other.name}/"
            if split == "val" and not (near or other.is_dir()):
                way_out += ", unless --fold k/K deals out train"
            if not (near or (folder / "train").is_dir() or (folder / "trainannot").is_dir()):
                way_out = f"a data set has one, beside {other.name}/, {OF_OTHERS}"
            raise InputError(f"there is no folder {path}: {way_out}")
    photographs = list_photographs(images)
    if not photographs:
        others = f", but {passed}" if (passed := in_words(passed_over(images))) else ""
        raise InputError(f"there is no photograph (.png, .jpg) in {images}{others}: put them there")
    by_name = {}
    for path in photographs:
        if other := by_name.get(name_of(path)):
            raise InputError(f"{other} and {path.name} would have one annotation: rename one of them")
        by_name[name_of(path)] = path
    labels = {}
    for path in list_annotations(annotations):
        if other := labels.get(name_of(path)):
            raise InputError(f"{other} and {path.name} would be annotations of one photograph: remove one of them")
        labels[name_of(path)] = path
    return [(path, labels.get(name, annotations / f"{path.stem}.png")) for name, path in by_name.items()]


def name_of(path):
    """Its name without the suffix, with each accent in the letter that bears it (NFC)."""
    return unicodedata.normalize("NFC", path.stem)


def files_in(folder):
    """In order of their names; hidden ones are left out. Raises InputError if the folder may not be read."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except PermissionError as error:
        raise InputError(f"{folder} may not be read: change its rights") from error


def list_photographs(folder):
    """The photographs in a folder, in order of their names; hidden ones are left out."""
    return [path for path in files_in(folder) if path.suffix.lower() in PHOTOGRAPHS and not path.is_dir()]


def list_annotations(folder):
    return [path for path in files_in(folder) if path.suffix.lower() == ".png" and not path.is_dir()]


def passed_over(folder, suffixes=PHOTOGRAPHS):
    """What is in a folder and is not looked at, as its name does not end in one of the suffixes."""
    return [
        path for path in files_in(folder)
        if (path.suffix.lower() not in suffixes or path.is_dir()) and path.name.lower() not in OF_WINDOWS
    ]


def in_words(passed):
    """ "3 files were not looked at (.tif, .webp, more/)", or nothing."""
    if not passed:
        return ""
    kinds = sorted({f"{path.name}/" if path.is_dir() else path.suffix.lower() or path.name for path in passed})
    kinds = ", ".join(kinds[:4] + ["..."] * (len(kinds) > 4))
    return f"{len(passed)} file{'s were' if len(passed) > 1 else ' was'} not looked at ({kinds})"


def examine_pair(sample, legend):
    """The Pair of two paths. Raises FileError if a file is missing or cannot be used, or they are of two sizes."""
    image_path, annotation_path = sample
    if not (annotation_path.is_file() or annotation_path.is_symlink()):
        text = f"has no annotation: {annotation_path} is missing{instead(sample)}"
        raise FileError("no annotation", image_path, text)
    photograph, turned = upright_photograph(image_path)
    file = read_labels(annotation_path, legend)
    check_size(file.labels.shape, photograph.shape[:2], turned, annotation_path)
    return Pair(photograph, file, turned)


def check_size(have, want, turned, path):
    """Raise FileError if labels, at that path, and their upright photograph are of two sizes (H, W)."""
    if have != want:
        text = f"has {have[0]}x{have[1]} pixels (height x width) and its image {want[0]}x{want[1]}"
        if turned and have == want[::-1]:
            text += ", turned by its EXIF note: draw the annotation on the turned picture"
            raise FileError("size before turning", path, text)
        raise FileError("size", path, f"{text}: they must be of one size")


def instead(sample):
    """What there is of that name where an annotation is missing, and what to do about it."""
    image_path, annotation_path = sample
    folder, name, near = annotation_path.parent, plain_name(image_path), []
    for path, other in names_in(folder, folder.stat().st_mtime_ns):
        if other == name and path.suffix.lower() != ".png":
            return f", there is {path.name}: save it as PNG from the program it was drawn in"
        if other == name or (other.startswith(name) and not other[len(name)].isalnum()):
            if not any((image_path.parent / f"{path.stem}{suffix}").exists() for suffix in PHOTOGRAPHS):
                near.append(path)
    return f", there is {near[0].name}: rename it" if near else ""


@lru_cache(1)
def names_in(folder, changed):
    """(path, its plain name) of the images in a folder that was last changed then: 5,000 may be asked for."""
    return [(path, plain_name(path)) for path in files_in(folder) if path.suffix.lower() in IMAGES]


def plain_name(path):
    """What names have in common that a person takes for one: no case, no letters of other widths (NFKC)."""
    return unicodedata.normalize("NFKC", path.stem).casefold()
