"""Data sets in folders: photographs and annotations of the same names, with CamVid's classes or those of classes.txt.

    FOLDER/{train,val,test}/NAME.png                     photographs (.jpg and .jpeg too)
    FOLDER/{trainannot,valannot,testannot}/NAME.png      their labels, one per pixel, 8-bit grey or palette
    FOLDER/classes.txt                                   a class per line, name and colour: Sky 128 128 128

The class in the first line has the label 0. Without classes.txt the classes are CamVid's.
"""

import warnings
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tinysegnet.data import camvid
from tinysegnet.data.dataset import DataSet
from tinysegnet.support.errors import InputError

PHOTOGRAPHS = ".png", ".jpg", ".jpeg"


def dataset(folder, ignore=None):
    """The data set in `folder`. Labels of the value `ignore` do not count; by default 255, and 11 in CamVid.

    Raises InputError if there is no such folder, or its classes.txt cannot be used.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no data set at {folder}: name the folder that holds its train/ and val/")
    own = (folder / "classes.txt").is_file()
    name = f"{folder.resolve().name or folder} in {folder}" if own else f"CamVid in {folder}"
    classes, palette = read_classes(folder / "classes.txt") if own else (camvid.CLASSES, camvid.PALETTE)
    if ignore is None:
        ignore = 255 if own else camvid.VOID
    if ignore < len(classes):
        raise InputError(f"--ignore {ignore} is the label of {classes[ignore]}: give {len(classes)} to 255")
    read = partial(read_pair, classes=len(classes), ignore=ignore)
    listed = lru_cache(None)(partial(samples, folder))          # once: a training counts on it
    return DataSet(name, str(folder), classes, palette, ignore, listed, read, recipe="photographs")


def read_classes(path):
    """The names and the palette, uint8 (classes, 3), in a classes.txt. Raises InputError that names the line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text ({error}): save it as such") from error
    names, palette = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        words, rgb = line.split()[:-3], line.split()[-3:]
        name = " ".join(words)
        numbers = all(value.isdecimal() and len(value) < 4 and int(value) < 256 for value in rgb)
        if not name or not numbers:
            raise InputError(f"{path}, line {number}: write a name and three numbers 0 to 255, as in  Sky 128 128 128")
        if name in names:
            raise InputError(f"{path}, line {number}: {name!r} is there twice, give each class its own name")
        names.append(name)
        palette.append(tuple(map(int, rgb)))
    if not 2 <= len(names) <= 255:
        raise InputError(f"{path} names {len(names)} classes: it takes 2 to 255")
    return tuple(names), np.array(palette, np.uint8)


def samples(folder, split):
    """The (photograph, annotation) paths of a split, "train", "val" or "test", in order of their names.

    Raises InputError if there is no folder of that split, no photograph in it, or two of one name. An annotation that
    is missing is found when the pair is read.
    """
    images, annotations = folder / split, folder / f"{split}annot"
    for path, other in ((images, annotations), (annotations, images)):
        if not path.is_dir():
            raise InputError(f"there is no folder {path}: a data set has one, beside {other.name}/")
    photographs = list_photographs(images)
    if not photographs:
        raise InputError(f"there is no photograph (.png, .jpg) in {images}: put them there")
    by_stem = {}
    for path in photographs:
        if other := by_stem.get(path.stem):
            raise InputError(f"{other} and {path.name} would have one annotation: rename one of them")
        by_stem[path.stem] = path
    return [(path, annotations / f"{stem}.png") for stem, path in by_stem.items()]


def list_photographs(folder):
    """The image files in a folder, in order of their names; hidden ones are left out."""
    names = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return [path for path in names if path.suffix.lower() in PHOTOGRAPHS]


def read_pair(sample, classes, ignore):
    """The photograph, uint8 (H, W, 3), and its labels, uint8 (H, W), of a pair of paths.

    Raises InputError if a file is missing or cannot be read, the annotation is in colour or has an unknown label, or
    is not of the photograph's size.
    """
    image_path, annotation_path = sample
    if not annotation_path.is_file():
        raise InputError(f"{image_path} has no annotation: {annotation_path} is missing")
    pixels, labels = read_photograph(image_path), read_labels(annotation_path, classes, ignore)
    if labels.shape != pixels.shape[:2]:
        raise InputError(
            f"{annotation_path} has {labels.shape[0]}x{labels.shape[1]} pixels (height x width) and its image "
            f"{pixels.shape[0]}x{pixels.shape[1]}: they must be of one size"
        )
    return pixels, labels


def read_photograph(path):
    """An image of any mode as uint8 (H, W, 3), turned as its camera says it was held."""
    image = ImageOps.exif_transpose(decoded(path))
    if image.mode.startswith("I;16") or image.mode == "I":      # 16 bits; convert() would cut them off at 255
        return np.repeat((np.array(image) // 257).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:                             # on white, whatever colour is under it
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.array(image.convert("RGB"))


def read_labels(path, classes, ignore):
    image = decoded(path)
    if image.mode not in ("L", "P"):
        raise InputError(f"{path} is an image of mode {image.mode}: an annotation must be 8-bit grey or palette (L, P)")
    labels = np.array(image)
    unknown = labels[(labels >= classes) & (labels != ignore)]
    if unknown.size:
        raise InputError(f"{path} has a label {unknown.max()}: labels are 0 to {classes - 1}, and {ignore} for void")
    return labels


def decoded(path):
    """The image, wholly decoded, so that a file cut short is found here and not in the middle of an epoch."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.verify()          # the checksums of a PNG, which load() does not look at
            with Image.open(path) as image:
                image.load()
                return image
    except FileNotFoundError as error:
        raise InputError(f"there is no image {path}: name one that is there") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        most = Image.MAX_IMAGE_PIXELS // 10**6
        raise InputError(f"{path} claims to have more than {most} million pixels: give a smaller image") from error
    except (PermissionError, MemoryError):
        raise
    except Exception as error:      # a damaged file can fail in any way that Pillow's many formats know
        raise InputError(f"{path} cannot be read as an image ({error}): put an intact one there") from error
