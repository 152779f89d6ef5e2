"""`train.py --ops library`: the functions of tinysegnet itself. (`--ops lessons`: lessons/engine/my_segnet.py.)"""

from tinysegnet.ops.fast import ops_with
from tinysegnet.training.loop import Functions

DEFAULTS = {}       # settings that are others than usual


def run_name():
    """Of a run that is not given one."""
    return "first"


def functions(settings, data):
    """The Functions of a training."""
    return Functions(ops=ops_with(settings.conv))


def finished(run, functions):
    """What else a finished run leaves."""
