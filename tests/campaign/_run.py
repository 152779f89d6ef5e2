"""A real training, of a network that is done in a moment: train.py as a process."""

import subprocess
import sys
from pathlib import Path

import tiny_camvid

TRAIN = Path(__file__).parents[2] / "train.py"
OPTIONS = "--data", "tiny", "--filters", "2", "--size", "24x32", "--batch", "2", "--recipe", "best"


def command(*options, name="run"):
    """That trains in the working directory, or goes on there."""
    return [sys.executable, str(TRAIN), *(OPTIONS if "--resume" not in options else ()), *options, "--name", name]


def made(folder, *options):
    """A run folder, trained to its end in `folder`, or found there."""
    if not (folder / "tiny").exists():
        tiny_camvid.make(folder / "tiny")
    if not (folder / "runs/run/best.npz").exists():
        subprocess.run(command(*options), cwd=folder, check=True, capture_output=True)
    return folder / "runs/run"
