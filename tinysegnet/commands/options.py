"""Options that several commands have."""

import os
from pathlib import Path

from tinysegnet.support.errors import InputError, writing
from tinysegnet.support.options import at_least_2

ITS_OWN = "Network: the one that comes with tinysegnet, trained on CamVid."


def add_weights(option, usual="the network that comes with this, for CamVid"):
    option("--weights", metavar="FILE", help=f"a checkpoint, such as runs/first/best.npz (default: {usual})")


def add_samples(option):
    option("--samples", type=at_least_2, metavar="N", help="a network with dropout looks N times, in one size")


def add_backend(option):
    option("--backend", choices=("numpy", "cupy"), default="numpy", help="processor or GPU (default: %(default)s)")


def check_new(path):
    """Raise InputError if there is something of that name already, which may have been trained for hours, or no folder
    for it."""
    if not path:
        raise InputError("'' is no name of a file: give one")
    if os.path.lexists(path):
        raise InputError(f"{path} is already there: name another file, or move it away")
    with writing(path):
        Path(path).parent.stat()
