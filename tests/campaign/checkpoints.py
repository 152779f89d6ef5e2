"""Damaged checkpoints: refused in a sentence, or to the bit what was saved."""

from pathlib import Path

import numpy as np
from test_checkpoint import META, arrays, mutated

from tests.campaign import _run
from tinysegnet import checkpoint
from tinysegnet.support.errors import InputError

COUNT, SECONDS = 100_000, 20


def files():
    """A small network, and the last.npz of a run, which also has what the optimiser remembers."""
    params, stats = arrays()
    checkpoint.save(Path("network.npz"), META, params=params, stats=stats)
    return Path("network.npz"), _run.made("one", "--epochs", "1") / "last.npz"


def trials():
    whole = [(path.read_bytes(), checkpoint.load(path)) for path in files()]
    path = Path("damaged.npz")

    def trial(number):
        rng = np.random.default_rng(number)
        content, expected = whole[number % len(whole)]
        damaged = mutated(content, rng)
        path.write_bytes(damaged)
        try:
            meta, groups = checkpoint.load(path)
        except InputError as error:
            assert str(error).startswith(f"{path} is not") and "\n" not in str(error), error
            return "refused"
        assert meta == expected[0] and list(groups) == list(expected[1])
        for group, named in groups.items():
            for name, a in named.items():
                right = expected[1][group][name]
                assert a.dtype == right.dtype and a.tobytes() == right.tobytes(), f"{group}/{name}"
        return "undamaged where it counts" if damaged != content else "not changed"

    return trial
