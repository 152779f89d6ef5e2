"""How this program was called, so that what a sentence tells people to type is what they can type."""

import shlex
import sys
from pathlib import Path


def program():
    """The words before the options: "tinysegnet", "python -m tinysegnet", or "python train.py" with its path."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return "python -m tinysegnet"
    return "tinysegnet" if path.stem == "tinysegnet" else shlex.join(["python", sys.argv[0]])


def training():
    """The words that begin a training, or go on with one."""
    return f"{program()} train" if sys.argv[1:2] == ["train"] else program()


def command_line():
    """All that was typed."""
    return " ".join([program(), shlex.join(sys.argv[1:])]).rstrip()
