"""What training and evaluation need to know of a data set, whichever it is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DataSet:
    name: str
    source: str                 # what --data must say to have it again
    classes: tuple[str, ...]
    palette: np.ndarray         # uint8 (classes, 3): the colour of each class in pictures
    ignore: int                 # the label of pixels that do not count, above those of the classes
    samples: Callable           # samples("train") -> a list of whatever `read` takes
    read: Callable              # read(sample) -> photograph, uint8 (H, W, 3), and labels, uint8 (H, W)
    recipe: str                 # the one of training.settings.RECIPES that a run takes if it is told nothing else

    def colours(self, labels):
        """Labels, (...), in their colours, uint8 (..., 3); black where they do not count."""
        table = np.zeros((256, 3), np.uint8)
        table[: len(self.palette)] = self.palette
        return table[labels]
