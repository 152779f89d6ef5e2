"""train.py as a function, with a network so small that it takes no time."""

import importlib.util
import sys
from pathlib import Path

from tinysegnet.networks import segnet_basic
from tinysegnet.training import settings

RUN = str(Path(__file__).parents[1] / "train.py")


def train_script(monkeypatch):
    """train(*options) runs train.py in the working directory; train.script is its module.

    A segnet-basic has 2 filters, 2 levels and kernels of 3 x 3 then, if nothing else is asked for.
    """
    spec = importlib.util.spec_from_file_location("train_script", RUN)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    whole = segnet_basic.segnet_basic

    def small(classes=11, filters=2, levels=2, kernel=3):
        return whole(classes, filters, levels, kernel)

    monkeypatch.setattr(segnet_basic, "segnet_basic", small)
    monkeypatch.setitem(settings.USUAL, "filters", 2)

    def train(*options):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["train.py", *options])
            script.main()

    train.script = script
    return train
