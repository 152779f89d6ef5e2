"""Folds: train and val of a data set, dealt out anew: one by one, or by what their names begin with."""

import unicodedata
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


def dealt_out(data, part, beginning):
    """The DataSet with train and val dealt out anew, and in words what val is; as it is, and "", if both are None.

    part       (k, K), see `fold`
    beginning  see `hold_out`

    Raises InputError if both are given, or as they do.
    """
    if part is not None and beginning is not None:
        raise InputError("--fold and --hold-out both say what val is: leave one of them out")
    if part is not None:
        return fold(data, *part), "fold {}/{}".format(*part)
    if beginning is not None:
        return hold_out(data, beginning), in_words(beginning)
    return data, ""


def fold(data, k, parts):
    """The DataSet with part k of so many as val, k from 1, and the others as train.

    All of train and val are taken in the order of their names, and dealt out one by one, to part 1, part 2, and so on
    round. A folder without val/ will do. There is no test split then.

    Raises InputError if there are fewer photographs than parts.
    """
    everything = train_and_val(data)
    if parts > len(everything):
        raise InputError(f"--fold {k}/{parts} of {len(everything)} photographs: K can be 2 to {len(everything)}")
    val = everything[k - 1 :: parts]
    return with_val(data, everything, val, "--fold", f"fold {k}/{parts}")


def hold_out(data, beginning):
    """The DataSet whose val are the photographs of train and val whose names begin so, and train all others.

    Frames of one film are nearly the same photograph, and should not be in both. There is no test split then.

    Raises InputError if no name begins so, or all do.
    """
    everything = train_and_val(data)
    val = [sample for sample in everything if nfc(str(name_of(sample)[0])).startswith(nfc(beginning))]
    if len(val) in (0, len(everything)):
        which = f"all names of {data.name} begin" if val else f"no name of {data.name} begins"
        raise InputError(f"--hold-out {beginning}: {which} so: give the beginning of some")
    return with_val(data, everything, val, "--hold-out", in_words(beginning))


def nfc(name):
    """With each accent in the letter that bears it, as people type it; a file's name may have them apart."""
    return unicodedata.normalize("NFC", name)


def in_words(beginning):
    return f"names that begin with {beginning}"


def with_val(data, everything, val, option, how):
    judged = set(val)
    dealt = {"train": [sample for sample in everything if sample not in judged], "val": val}

    def samples(split):
        if split not in dealt:
            raise InputError(f"{option} deals out train and val: leave it out for --split {split}")
        return dealt[split]

    return replace(data, name=f"{data.name}, {how}", samples=samples)


def train_and_val(data):
    """All samples of both, in order of their names."""
    return sorted([*data.samples("train"), *val_if_there(data)], key=name_of)


def val_if_there(data):
    try:
        return data.samples("val")
    except InputError:
        halves = [path for path in files_in(Path(data.source)) if path.name.lower() in ("val", "valannot")]
        if any(path.is_dir() and files_in(path) for path in halves):
            raise               # it is there, and cannot be used
        return []


def name_of(sample):
    """That of its photograph, and its path, as there may be two of one name; of a street its seed."""
    return (sample,) if isinstance(sample, int) else (sample[0].name, str(sample[0]))
