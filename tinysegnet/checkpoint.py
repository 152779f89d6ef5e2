"""Trained networks on disk: one .npz of plain arrays, and what is known about them as JSON inside it."""

import json
import os
from pathlib import Path

import numpy as np

from tinysegnet.backend import to_numpy
from tinysegnet.errors import InputError

FORMAT = "tinysegnet checkpoint 1"


def save(path, params, stats, about):
    """Write params, stats and `about`, a dict that JSON can hold. At any moment `path` is the old file or the new one.

    The new file is written under another name beside it, forced to the disk, and only then renamed. Raises InputError
    if it cannot be written.
    """
    path = Path(path)
    arrays = {f"params/{name}": to_numpy(a) for name, a in params.items()}
    arrays |= {f"stats/{name}": to_numpy(a) for name, a in stats.items()}
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with open(unfinished, "wb") as file:
            np.savez(file, about=json.dumps({"format": FORMAT, **about}), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written ({error.strerror}): make room, or run elsewhere") from error


def load(path):
    """params, stats, about of a checkpoint. Raises InputError if the file is missing, damaged or something else."""
    if not Path(path).is_file():
        raise InputError(f"there is no checkpoint {path}: give the best.npz of a run folder")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("about")))
        if about["format"] != FORMAT:
            raise InputError(f"{path} is not of the format {FORMAT!r}: use the version that wrote it, or train again")
        if missing := {"classes", "size", "input", "statistics"} - about.keys():
            raise KeyError(missing)
    except InputError:
        raise
    except Exception as error:      # a damaged archive can fail in any way that zipfile, NumPy and JSON know
        raise InputError(f"{path} is not a checkpoint of tinysegnet, or a damaged one: give another file") from error
    params = {name[len("params/"):]: a for name, a in arrays.items() if name.startswith("params/")}
    stats = {name[len("stats/"):]: a for name, a in arrays.items() if name.startswith("stats/")}
    return params, stats, about
