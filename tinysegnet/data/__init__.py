"""Data sets, and which one is used."""

from pathlib import Path

from tinysegnet.data import camvid, streets


def choose(folder):
    """The data set in `folder`, or the one at hand if that is None, and a line that says which it is and why.

    Raises InputError if the folder is not there.
    """
    if folder is not None:
        return camvid.dataset(folder), f"Data: CamVid in {folder}."
    if Path("data/CamVid").is_dir():
        return camvid.dataset("data/CamVid"), "Data: CamVid in data/CamVid."
    return streets.dataset(), "Data: streets, drawn on the spot, as there is no data/CamVid (see README)."
