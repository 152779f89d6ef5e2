"""what a trained network sees in photographs

For each photograph NAME, of any size and kind, two pictures:

    NAME_mask.png      the label of each pixel, in the colours of the classes
    NAME_overlay.png   the photograph tinted with them, and below it a legend
"""

import math
from pathlib import Path

import numpy as np

from tinysegnet import plots, runs, training
from tinysegnet.backend import select
from tinysegnet.data.folder import list_photographs, read_photograph
from tinysegnet.errors import InputError, complain, writing
from tinysegnet.networks import segnet_basic
from tinysegnet.progress import bar


def add_options(option):
    option("images", nargs="+", metavar="IMAGE", help="photographs, or folders of them")
    option("--weights", metavar="FILE", help=runs.WHICH_WEIGHTS)
    option("--out", default="predicted", metavar="DIR", help="folder for the pictures (default: %(default)s)")
    option("--backend", choices=("numpy", "cupy"), default="numpy", help="processor or GPU (default: %(default)s)")


def run(args):
    params, stats, about = runs.load_network(args.weights, select(args.backend))
    palette, out = np.array(about["palette"], np.uint8), Path(args.out)
    paths = photographs(args.images, out)
    smallest = math.ceil(segnet_basic.smallest_side(params) / min(about["test_scales"] or [1]))
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    bad = []
    for path in bar(paths, "predict", unit="img"):
        try:
            photograph = read_photograph(path)
        except InputError as error:         # one bad frame does not cost the others
            bad.append(error)
            continue
        size = size_seen(photograph.shape[:2], about["size"], smallest)
        predicted = training.classify(params, stats, about | {"size": size}, photograph, *photograph.shape[:2])
        for kind, picture in (
            ("overlay", plots.overlay(photograph, predicted, about["classes"], palette)),
            ("mask", plots.mask(predicted, palette)),
        ):
            with writing(out / f"{path.stem}_{kind}.png"):
                picture.save(out / f"{path.stem}_{kind}.png")
    if done := len(paths) - len(bad):
        if args.weights is None:
            print(runs.ITS_OWN)
        print(f"{done} photograph{'s' * (done > 1)}: the pictures are in {out}")
    for error in bad[:-1]:
        complain(error)
    if bad:
        raise bad[-1]


def photographs(names, out):
    """The files that are meant. Raises InputError if there are none, or two would have their pictures in one place."""
    paths = []
    for path in map(Path, names):
        if path.is_dir():
            found = list_photographs(path)
            if not found:
                raise InputError(f"there is no photograph (.png, .jpg) in {path}: name another folder")
            paths += found
        else:
            paths.append(path)
    if any(path.parent.resolve() == out.resolve() for path in paths):
        raise InputError(f"--out {out} is a folder that photographs come from: name another, or they would mix")
    by_stem = {}
    for path in paths:
        if (other := by_stem.setdefault(path.stem, path)) != path:
            raise InputError(f"{other} and {path} would both become {path.stem}_mask.png: predict them one by one")
    return list(by_stem.values())


def size_seen(size, trained, smallest):
    """The size at which the network looks at a photograph: of its own proportions, with about the pixels of training.

    A strip that is too narrow to be halved at every level is widened.
    """
    if size[0] * trained[1] == size[1] * trained[0]:
        return tuple(trained)
    factor = (trained[0] * trained[1] / (size[0] * size[1])) ** 0.5
    return tuple(max(smallest, round(factor * side)) for side in size)
