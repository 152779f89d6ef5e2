"""Folds: train and val of a small data set, dealt out anew, so that each photograph is once one to judge by."""

from argparse import ArgumentTypeError
from dataclasses import replace
from pathlib import Path

from tinysegnet.data.folder import files_in
from tinysegnet.support.errors import InputError


def k_of_parts(text):
    """ "2/5" -> (2, 5), the second of five parts."""
    k, slash, parts = text.partition("/")
    if not (slash and k.isdecimal() and parts.isdecimal() and len(parts) < 7 and 1 <= int(k) <= int(parts) >= 2):
        raise ArgumentTypeError(f"{text!r} is not a fold: write k/K, k from 1 to K and K at least 2, as in 1/5")
    return int(k), int(parts)


def fold(data, k, parts):
    """The DataSet with part k of so many as val, k from 1, and the others as train.

    All of train and val are taken in the order of their names, and dealt out one by one, to part 1, part 2, and so on
    round. A folder without val/ will do. There is no test split then.

    Raises InputError if there are fewer photographs than parts.
    """
    everything = sorted([*data.samples("train"), *val_if_there(data)], key=name_of)
    if parts > len(everything):
        raise InputError(f"--fold {k}/{parts} of {len(everything)} photographs: K can be 2 to {len(everything)}")
    dealt = {"val": everything[k - 1 :: parts]}
    dealt["train"] = [sample for number, sample in enumerate(everything) if number % parts != k - 1]

    def samples(split):
        if split not in dealt:
            raise InputError(f"--fold deals out train and val: leave it out for --split {split}")
        return dealt[split]

    return replace(data, name=f"{data.name}, fold {k}/{parts}", samples=samples)


def val_if_there(data):
    try:
        return data.samples("val")
    except InputError:
        halves = [path for path in files_in(Path(data.source)) if path.name.lower() in ("val", "valannot")]
        if any(path.is_dir() and files_in(path) for path in halves):
            raise               # it is there, and cannot be used
        return []


def name_of(sample):
    """That of its photograph, whichever split it lies in; of a street its seed."""
    return sample if isinstance(sample, int) else (sample[0].name, str(sample[0]))
