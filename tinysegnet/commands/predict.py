"""python -m tinysegnet predict"""

import errno
import os
import textwrap
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tinysegnet import inference, plots
from tinysegnet.commands.options import ITS_OWN, add_backend, add_samples, add_weights
from tinysegnet.data import folder
from tinysegnet.data.photographs import read_photograph
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError, complain, writing
from tinysegnet.support.progress import bar
from tinysegnet.support.signals import stopped_with

SUMMARY = "what a trained network sees in photographs"
DESCRIPTION = """For each photograph NAME, of any size and kind, two pictures:

    NAME_mask.png      the label of each pixel, in the colours of the classes
    NAME_overlay.png   the photograph tinted with them, and below it a legend

With --samples N a network with dropout looks N times, each time with other
values left out. The mean decides, and there is a third picture:

    NAME_uncertainty.png   the variance of the N answers: bright where they
                           differ, dark where they agree, right or wrong
"""
NOTE = "Software", "tinysegnet predict"         # in what it writes


def add_options(option):
    option("images", nargs="+", metavar="IMAGE", help="photographs, or folders of them")
    add_weights(option)
    option("--out", default="predicted", metavar="DIR", help="folder for the pictures (default: %(default)s)")
    add_samples(option)
    add_backend(option)


def run(args):
    if args.out == "":
        raise InputError("--out is named by nothing, '': name a folder for the pictures")
    model, out = inference.load(args.weights, args.backend), Path(args.out)
    if args.samples:
        inference.check_dropout(model)
    paths, passed = photographs(args.images, out)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    bad, note = [], PngInfo()
    note.add_text(*NOTE)
    with stopped_with(f"what is done is in {out}"):
        for path in bar(paths, "predict", unit="img"):
            try:
                photograph = read_photograph(path)
            except InputError as error:         # one bad frame does not cost the others
                bad.append(error)
                continue
            for kind, picture in pictures(model, photograph, args.samples).items():
                with atomic.replacing(out / f"{path.stem}_{kind}.png") as file:
                    picture.save(file, "PNG", pnginfo=note)
    if done := len(paths) - len(bad):
        if args.weights is None:
            print(ITS_OWN)
        what = "1 photograph" if done == 1 else f"{done} photographs"
        print(f"{what}: the pictures are in {out}")
    if passed:
        text = f"{folder.in_words(passed)}: name them one by one, or save them as .png or .jpg"
        print(textwrap.fill(text, 79, break_long_words=False, break_on_hyphens=False))
    for error in bad[:-1]:
        complain(error)
    if bad:
        raise bad[-1]


def is_ours(path):
    """Whether there is no such file, or one that a predict has left."""
    try:
        with Image.open(path) as picture:
            return picture.info.get(NOTE[0]) == NOTE[1]
    except (FileNotFoundError, NotADirectoryError):
        return True
    except Exception as error:      # of an image that is none, in one of many ways
        if isinstance(error, OSError) and error.errno not in (None, errno.EISDIR):
            raise                   # it cannot be looked at
        return False


def pictures(model, photograph, samples):
    """{kind: a PIL image} of what the network sees in a photograph, in so many looks or, if None, in the usual ones."""
    classes, palette = model.meta["classes"], np.array(model.meta["palette"], np.uint8)
    if samples:
        predicted, uncertainty = inference.monte_carlo(model, photograph, samples)
        drawn = {"uncertainty": plots.overlay.uncertainty(uncertainty, len(classes))}
    else:
        predicted, drawn = inference.classify(model, photograph), {}
    drawn["overlay"] = plots.overlay.overlay(photograph, predicted, classes, palette)
    drawn["mask"] = plots.overlay.mask(predicted, palette)
    return drawn


def photographs(names, out):
    """The files that are meant, and those in folders that are not looked at.

    Raises InputError if there are none, two would have their pictures in one place, or what is there is of others.
    """
    paths, passed = [], []
    if "" in names:
        raise InputError("an IMAGE is named by nothing, '': name a photograph or a folder")
    for path in map(Path, names):
        if path.is_dir():
            in_folder, others = folder.list_photographs(path), folder.passed_over(path)
            if not in_folder:
                but = f", and {folder.in_words(others)}" if others else ""
                raise InputError(f"there is no photograph (.png, .jpg) in {path}{but}: name another folder")
            paths, passed = paths + in_folder, passed + others
        else:
            paths.append(path)
    if any(os.path.realpath(path.parent) == os.path.realpath(out) for path in paths):
        raise InputError(f"--out {out} is a folder that photographs come from: name another, or they would mix")
    by_stem = {}
    for path in paths:
        for kind in ("mask", "overlay", "uncertainty"):
            if not is_ours(file := out / f"{path.stem}_{kind}.png"):        # but drawn by hand, say
                raise InputError(f"{file} is there, and not as predict has written it: name another --out")
        if os.path.realpath(other := by_stem.setdefault(path.stem, path)) != os.path.realpath(path):
            raise InputError(f"{other} and {path} would both become {path.stem}_mask.png: give each its own --out")
    return list(by_stem.values()), passed
