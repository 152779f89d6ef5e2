"""Data sets, and which one is used."""

from pathlib import Path

from tinysegnet.data import folder, streets
from tinysegnet.support.errors import InputError


def open_dataset(path, ignore=None):
    """The data set in the folder `path`, or "streets", and a line that says which and why. None is the one at hand.

    Raises InputError if the folder is not there or its classes.txt cannot be used.
    """
    why = ""
    if path is None and Path("data/CamVid").is_dir():
        path = "data/CamVid"
    elif path is None:
        path, why = "streets", ", as there is no data/CamVid (python -m tinysegnet download)"
    elif path == "streets" and Path(path, "train").is_dir():
        raise InputError("streets are what tinysegnet draws, and there is a folder of that name: if that is meant, "
                         "write ./streets, or rename it")
    if path != "streets":
        data = folder.dataset(path, ignore)
        return data, f"Data: {data.name}."
    if ignore is not None:
        raise InputError("--ignore belongs to a data set of your own: name its folder by --data FOLDER")
    return streets.dataset(), f"Data: streets{why}."
