"""A photograph and where its labels come from."""

import re
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tinysegnet.data.folder import SPLITS
from tinysegnet.data.problems import FileError


class Sample(NamedTuple):
    """
    name        in the tool's data set, with its folders, as in "aachen/000019"; without a suffix
    photograph  its path
    file        that says the labels
    labels      labels((H, W)) gives those of a photograph of that size, uint8 (H, W), 255 for void, or raises FileError
    split       "train", "val", "test", or None if the tool does not say
    size        (H, W) of the picture that the labels were drawn on, if the tool says it
    content     the photograph's bytes, content(), if they are but a part of the file at that path
    """

    name: str
    photograph: Path
    file: Path
    labels: Callable
    split: str | None = None
    size: tuple | None = None
    content: Callable | None = None

    @property
    def of_labels(self):
        """What a sentence names: the file of its labels, and if that is a JSON file of many, the photograph too."""
        own = self.file.suffix != ".json" or self.file.stem == self.photograph.stem
        return self.file if own else f"{self.file}, for {self.photograph.name},"


class NothingDrawnError(FileError):
    """A picture without any `what`: it may be empty, or not labelled yet, which its tool does not tell."""

    def __init__(self, path, what):
        way_out = "draw one, remove it, or name background in --classes FILE if it is empty"
        super().__init__("nothing drawn", path, f"has no {what}, and may not be done yet: {way_out}")


def split_of(text):
    """Which split a name means: "instances_train2017", "valid", "testing"; None if it means none, or two."""
    found = {*re.findall(rf"(?<![a-z])({'|'.join(SPLITS)})(?:id|idation|ing)?(?![a-z])", text.lower())}
    return found.pop() if len(found) == 1 else None


@contextmanager
def noted(problems):
    """A FileError inside becomes one of the Problems."""
    try:
        yield
    except FileError as error:
        problems.add(error.kind, error.path, str(error))


def left_over(problems, paths, sentence):
    """Each of the paths, for which there is no other half, becomes one of the Problems."""
    for path in paths:
        problems.add("alone", path, f"{path} {sentence}")
