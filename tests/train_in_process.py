"""train.py as a function, with a network so small that it takes no time."""

import importlib.util
import sys
from pathlib import Path

from tinysegnet.networks import segnet_basic

RUN = str(Path(__file__).parents[1] / "train.py")


def train_script(monkeypatch):
    """train(*options) runs train.py in the working directory; train.script is its module."""
    spec = importlib.util.spec_from_file_location("train_script", RUN)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    init = segnet_basic.init

    def small(seed, classes, width=2, levels=2, kernel=3):
        return init(seed, classes, width, levels, kernel)

    monkeypatch.setattr(segnet_basic, "init", small)

    def train(*options):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["train.py", *options])
            script.main()

    train.script = script
    return train
