"""Trainings that a benchmark is made of: each is a run of train.py in runs/, and is not made twice."""

import os
import subprocess
import sys
from pathlib import Path

from tinysegnet import checkpoint
from tinysegnet.support.errors import InputError
from tinysegnet.training.runs import read_config
from tinysegnet.training.settings import RECIPES, as_text, option_of

TRAIN = Path(__file__).parents[1] / "train.py"


def trained(name, recipe, changes, quietly=False):
    """The path of the network of runs/NAME, trained now unless it is there, or to its end if it was interrupted.

    changes  what is not as in the recipe, {setting: value}
    quietly  on one thread and without its progress, as one of several at a time

    Raises InputError if what is there was trained with other settings. If the training fails, or is stopped, the
    process ends as train.py did, which has said why.
    """
    path = Path("runs") / name
    if path.exists():
        kept = read_config(path)["settings"]
        differing = [key for key, value in (RECIPES[recipe] | changes).items() if getattr(kept, key) != value]
        if differing:
            raise InputError(f"{path} was trained with another {differing[0]}: delete that folder, or ask for the same")
    best = path / "best.npz"
    if not (best.exists() and checkpoint.load(best)[0]["statistics"] == "exact"):
        options = [word for key, value in changes.items() for word in as_option(key, value)]
        resume = ["--resume"] if path.exists() else []
        command = [sys.executable, TRAIN, "--recipe", recipe, *options, "--name", name, *resume]
        one_thread = {"TINYSEGNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} if quietly else {}
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE} if quietly else {}
        process = subprocess.run(command, env=os.environ | one_thread, check=False, **streams)
        if process.returncode:
            if process.stderr:
                print(process.stderr.decode(errors="replace").splitlines()[-1], file=sys.stderr)
            sys.exit(process.returncode)
    return best


def as_option(key, value):
    """A setting as train.py takes it, in words of the command line."""
    *option, name = option_of(key).split()
    return [*option, f"{name}={as_text(key, value)}"]
