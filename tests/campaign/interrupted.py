"""Ctrl-C and SIGTERM at random moments of a training, and --resume: it comes to the same end, to the bit."""

import shutil
import signal
from pathlib import Path

import numpy as np

from tests.campaign import _run
from tinysegnet import checkpoint

COUNT, SECONDS = 200, 120
MUST_COME = "stopped and saved", "came to the end, to the bit"
EPOCHS = "--epochs", "20"
LONGEST = 2         # seconds from the first line to the signal


def trials():
    whole = _run.content(_run.made("whole", *EPOCHS))
    path = Path("runs/interrupted")
    promised = 0        # the last epoch that the run has said to be done

    def trial(number):
        nonlocal promised
        rng = np.random.default_rng(number)
        which = rng.choice([signal.SIGINT, signal.SIGTERM])
        code, said = _run.ended_by(which, rng.uniform(0, LONGEST), _run.command("interrupted", *EPOCHS))
        assert code in (0, 128 + which) and "Traceback" not in said, said
        epochs = _run.epochs_done(said)
        promised = max([promised, *epochs])
        if promised:
            _run.check_is_beyond(promised, path / "last.npz")
        if code:
            if "stopped and saved" in said:
                checkpoint.load(path / "last.npz")
                return "stopped and saved"
            assert not epochs or promised == int(EPOCHS[1]), said
            return "stopped before a step, or after the last"
        assert not _run.differing(_run.content(path), whole)
        shutil.rmtree(path)
        promised = 0
        return "came to the end, to the bit"

    return trial
