"""`train --ops library`: the functions of tinysegnet itself.

commands/train.py takes five names from here: DEFAULTS, run_name, check_settings, functions, finished. With `--ops
lessons` it takes them from lessons/engine/my_segnet.py, where they are a learner's.
"""

from tinysegnet import networks
from tinysegnet.support.errors import InputError
from tinysegnet.training.loop import functions_of

DEFAULTS = {}       # settings that are others than usual


def run_name():
    """Of a run that is not given one."""
    return "first"


def check_settings(given):
    """Raise InputError if the settings that are given do not go together."""
    if given.get("conv") in ("fft", "winograd") and given.get("backend") == "cupy":
        raise InputError(f"--conv {given['conv']} is written for NumPy: train with --backend numpy, or without --conv")


def functions(settings, data):
    """The Functions of a training."""
    if settings.conv == "winograd":
        shapes = networks.build(settings.network).shapes.values()
        if others := sorted({shape[0] for shape in shapes if len(shape) == 4 and shape[0] != 3}):
            sizes = " and ".join(f"{K} x {K}" for K in others)
            print(f"--conv winograd is for kernels of 3 x 3: those of {sizes} go as by --conv auto.", flush=True)
    return functions_of(settings)


def finished(run, functions):
    """What else a finished run leaves."""
