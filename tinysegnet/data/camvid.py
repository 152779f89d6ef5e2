"""CamVid as released with the authors' tutorial: where its files are, what its labels mean, and a check of each.

    FOLDER/{train,val,test}/NAME.png                     480 x 360 photographs, RGB
    FOLDER/{trainannot,valannot,testannot}/NAME.png      one label 0..11 per pixel, 8-bit grey
"""

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tinysegnet.data.dataset import DataSet
from tinysegnet.errors import InputError

CLASSES = (
    "Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist",
)
VOID = 11       # unlabelled: not a twelfth class, but left out of the loss and of every figure
PALETTE = np.array([
    (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0),
    (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192), (0, 0, 0),
], np.uint8)


def dataset(folder):
    """CamVid in that folder. Raises InputError if there is no such folder."""
    if not Path(folder).is_dir():
        raise InputError(f"there is no CamVid at {folder}: name the folder with its train/ and val/ by --data FOLDER")
    return DataSet(f"CamVid in {folder}", CLASSES, VOID, partial(samples, folder), read_pair, epochs=100)


def samples(folder, split):
    """The (image, annotation) paths of a split, "train", "val" or "test", in order of their names.

    Raises InputError if there is no folder of that split, no image in it, or an image has no annotation.
    """
    images, annotations = Path(folder) / split, Path(folder) / f"{split}annot"
    for path in (images, annotations):
        if not path.is_dir():
            raise InputError(f"there is no folder {path}: --data must name the folder that holds CamVid's {path.name}/")
    pairs = [(image, annotations / image.name) for image in sorted(images.glob("*.png"))]
    if not pairs:
        raise InputError(f"there is no PNG image in {images}: CamVid's images belong there")
    for image, annotation in pairs:
        if not annotation.is_file():
            raise InputError(f"{image} has no annotation: {annotation} is missing")
    return pairs


def read_pair(sample):
    """The photograph, uint8 (H, W, 3), and its labels, uint8 (H, W), of an (image, annotation) pair of paths.

    Raises InputError if a file cannot be read, the annotation is not 8-bit grey, has a label above 11, or is not of
    the photograph's size.
    """
    image_path, annotation_path = sample
    pixels, labels = read_image(image_path), read_labels(annotation_path)
    if labels.shape != pixels.shape[:2]:
        raise InputError(
            f"{annotation_path} is {labels.shape[1]} x {labels.shape[0]} pixels and its image "
            f"{pixels.shape[1]} x {pixels.shape[0]}: they must be of one size"
        )
    return pixels, labels


def read_image(path):
    return np.array(decoded(path).convert("RGB"))


def read_labels(path):
    image = decoded(path)
    if image.mode != "L":
        raise InputError(f"{path} is an image of mode {image.mode}: an annotation must be 8-bit grey (mode L)")
    labels = np.array(image)
    if labels.max() > VOID:
        raise InputError(f"{path} has a label {labels.max()}: labels are 0 to {VOID - 1}, and {VOID} for void")
    return labels


def decoded(path):
    """The image, wholly decoded, so that a file cut short is found here and not in the middle of an epoch."""
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be read as an image ({error}): put an intact copy there") from error
