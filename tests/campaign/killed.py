"""kill -9 at random moments of a training: no file that cannot be read, nothing lost that was said to be saved.

A run is killed and resumed again and again, until it has come to its end. Then it must be what it is without that.
"""

import shutil
import signal
from pathlib import Path

import numpy as np

from tests.campaign import _run
from tinysegnet import checkpoint

COUNT, SECONDS = 1_000, 120
MUST_COME = "killed, all files whole", "came to the end, to the bit"
EPOCHS = "--epochs", "20"
LONGEST = 2         # seconds from the first line to the end: some epochs are done in that


def trials():
    whole = _run.content(_run.made("whole", *EPOCHS))
    path = Path("runs/killed")
    promised = 0        # the last epoch that the run has said to be done

    def trial(number):
        nonlocal promised
        seconds = np.random.default_rng(number).uniform(0, LONGEST)
        code, said = _run.ended_by(signal.SIGKILL, seconds, _run.command("killed", *EPOCHS))
        assert code in (0, -9), said
        promised = max([promised, *_run.epochs_done(said)])
        for file in path.glob("*.npz"):
            checkpoint.load(file)
        if promised:
            _run.check_is_beyond(promised, path / "last.npz")
        if code:
            return "killed, all files whole" if (path / "last.npz").exists() else "killed before there was a file"
        assert not _run.differing(_run.content(path), whole)
        shutil.rmtree(path)
        promised = 0
        return "came to the end, to the bit"

    return trial
