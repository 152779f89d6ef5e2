"""train.py as a function, with a network so small that it takes no time."""

import sys
from pathlib import Path

from tinysegnet.commands import train as script
from tinysegnet.networks import segnet_basic
from tinysegnet.plots import figures
from tinysegnet.training import settings

RUN = str(Path(__file__).parents[1] / "train.py")


def train_script(monkeypatch):
    """train(*options) trains in the working directory, as train.py does; train.script is the command's module.

    A segnet-basic has 2 filters, 2 levels and kernels of 3 x 3 then, if nothing else is asked for. Its pictures are
    empty files, as to draw them takes longer than all the rest: test_plots.py and test_commands.py look at pictures.
    """
    for picture in ("curves", "confusion", "shares"):
        monkeypatch.setattr(figures, picture, lambda *args: args[-1].touch())
    monkeypatch.setattr(figures, "predictions", lambda examples, data, path: path.touch() if [*examples] else None)
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
