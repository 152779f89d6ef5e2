"""What training and evaluation need to know of a data set, whichever it is."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    name: str
    classes: tuple[str, ...]
    ignore: int                 # the label of pixels that do not count
    samples: Callable           # samples("train") -> a list of whatever `read` takes
    read: Callable              # read(sample) -> photograph, uint8 (H, W, 3), and labels, uint8 (H, W)
    epochs: int                 # how many passes a default run makes
