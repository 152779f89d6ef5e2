"""One look at every file of a split before anything is trained on it: what is there, and what is wrong with it."""

import hashlib
import shlex
from collections import Counter
from dataclasses import dataclass

import numpy as np

from tinysegnet.data.doctor import Notes, are_alike, diagnose, of_all_label_files
from tinysegnet.data.folder import Reader
from tinysegnet.data.problems import FileError
from tinysegnet.support.errors import InputError


@dataclass(frozen=True)
class Survey:
    images: int                 # how many there are that can be used
    pixels: np.ndarray          # (classes,): how many pixels each class has
    image_pixels: np.ndarray    # (classes,): how many pixels the images have in which the class occurs, void included
    void: int                   # how many pixels do not count
    sizes: Counter              # how many images there are of each (H, W)
    notes: Notes                # what the files say besides, and what is wrong with them
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
    void, sizes, notes = 0, Counter(), Notes()
    sha256 = hashlib.sha256(repr((data.classes, data.ignore)).encode())
    for sample in watch(data.samples(split)):
        try:
            if isinstance(data.read, Reader):
                photograph, labels = notes.of_pair(sample, data.read.examine(sample))
            else:
                photograph, labels = data.read(sample)
        except FileError as problem:
            notes.of_problem(problem)
            continue
        sizes[labels.shape] += 1
        counts = np.bincount(labels.ravel(), minlength=256)
        void += counts[data.ignore]
        pixels += counts[:classes]
        image_pixels += labels.size * (counts[:classes] > 0)
        sha256.update(f"{labels.shape} ".encode() + photograph.tobytes() + labels.tobytes())
    return Survey(sizes.total(), pixels, image_pixels, int(void), sizes, notes, sha256.hexdigest())


def check_files(data, split, watch=iter):
    """Raise InputError if a file of a split cannot be used, or two contradict each other, whatever the others hold."""
    notes = survey(data, split, watch).notes
    problems = [problem for problem in notes.problems.values() if problem.refused]
    if not are_alike(notes):
        problems += of_all_label_files(notes).values()
    if problems:
        raise InputError(str(problems[0]))


def checked_surveys(data, splits=("train", "val"), watch=iter):
    """The Survey of each split, and a list of Problems that are none for a training, but could be mistakes.

    Raises InputError if anything must be mended first.
    """
    surveys = [survey(data, split, watch) for split in splits]
    problems = diagnose(data, dict(zip(splits, surveys)))
    if refused := [problem for problem in problems if problem.refused]:
        more = sum(problem.count for problem in refused) - 1
        all_of_them = f" ({more} more: see  python -m tinysegnet check-data {shlex.quote(data.source)})" if more else ""
        raise InputError(refused[0].sentence + all_of_them)
    return surveys, problems
