"""One look at every file of a split before anything is trained on it: what is there, and what is wrong with it."""

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from tinysegnet.support.errors import InputError


@dataclass(frozen=True)
class Survey:
    images: int                 # how many there are that can be used
    pixels: np.ndarray          # (classes,): how many pixels each class has
    image_pixels: np.ndarray    # (classes,): how many pixels the images have in which the class occurs, void included
    void: int                   # how many pixels do not count
    sizes: Counter              # how many images there are of each (H, W)
    bad: list[str]              # a sentence for everything that must be mended before a training
    fingerprint: str            # of classes, images and labels: another data set has another one

    def missing(self, classes):
        """The names of the classes that have no pixel."""
        return [name for name, count in zip(classes, self.pixels) if count == 0]


def survey(data, split, watch=iter):
    """The Survey of a split of a DataSet.

    watch  is given the list of samples and gives it back one by one, such as a progress bar

    Raises InputError if the split is not there at all.
    """
    classes = len(data.classes)
    pixels, image_pixels = np.zeros((2, classes), np.int64)
    void, sizes, bad = 0, Counter(), []
    sha256 = hashlib.sha256(repr((data.classes, data.ignore)).encode())
    for sample in watch(data.samples(split)):
        try:
            photograph, labels = data.read(sample)
        except InputError as error:
            bad.append(str(error))
            continue
        sizes[labels.shape] += 1
        counts = np.bincount(labels.ravel(), minlength=256)
        void += counts[data.ignore]
        pixels += counts[:classes]
        image_pixels += labels.size * (counts[:classes] > 0)
        sha256.update(f"{labels.shape} ".encode() + photograph.tobytes() + labels.tobytes())
    if sizes and not pixels.any():
        bad.append(f"no pixel of {data.name}, {split}, is labelled: nothing can be learnt or judged there")
    elif sizes and split == "train" and (pixels > 0).sum() == 1:
        labels = f"labels go from 0 to {classes - 1}, and {data.ignore} does not count"
        bad.append(f"all of train is {data.classes[pixels.argmax()]}, nothing else can be learnt: {labels}")
    return Survey(sizes.total(), pixels, image_pixels, int(void), sizes, bad, sha256.hexdigest())


def checked_survey(data, split, watch=iter):
    """The Survey of a split that can be used. Raises InputError if anything must be mended before."""
    result = survey(data, split, watch)
    if result.bad:
        all_of_them = f" ({len(result.bad) - 1} more: see  python -m tinysegnet check-data {data.source})"
        raise InputError(result.bad[0] + (all_of_them if result.bad[1:] else ""))
    return result
