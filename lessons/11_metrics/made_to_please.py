"""Predictions for the forty streets of val, made from their labels and each wrong in one way; and one by a network."""

import json
from pathlib import Path

import numpy as np

from tinysegnet import metrics
from tinysegnet.data import streets
from tinysegnet.data.camvid import CLASSES, VOID

SMALL = [CLASSES.index(name) for name in ("Pole", "SignSymbol", "Fence", "Pedestrian", "Bicyclist")]
labels = np.stack([streets.scene(seed)[1] for seed in streets.VAL])         # (40, 96, 128)


def moved(picture, down, right):
    """Every picture moved by so many pixels; at the border the last row or column is repeated."""
    rows, columns = (np.arange(size) for size in picture.shape[1:])
    return picture[:, (rows - down).clip(0, rows[-1])[:, None], (columns - right).clip(0, columns[-1])]


SIDES = (1, 0), (-1, 0), (0, 1), (0, -1)


def filled(picture):
    """A prediction has no void: let what is beside it grow into it."""
    while (picture == VOID).any():
        for side in SIDES:
            picture = np.where(picture == VOID, moved(picture, *side), picture)
    return picture


def thicker(picture):
    """Small things grow by one pixel, over everything that is not small."""
    grown = picture
    for side in SIDES:
        beside = moved(picture, *side)
        grown = np.where(np.isin(beside, SMALL) & ~np.isin(grown, SMALL), beside, grown)
    return grown


def percent(counts):
    return {name: round(100 * float(share)) for name, share in metrics.figures(counts).items()}


def judge(predicted):
    return percent(metrics.confusion_matrix(labels, predicted, classes=11, ignore=VOID))


truth = filled(labels)
made = {
    "the truth": truth,
    "road everywhere": np.full_like(labels, CLASSES.index("Road")),
    "nothing small": filled(np.where(np.isin(labels, SMALL), VOID, labels)),
    "small things thicker": thicker(thicker(truth)),
    "moved by one pixel": moved(truth, 0, 1),
    "moved by two pixels": moved(truth, 0, 2),
}

# of one training of a small network
notes = json.loads((Path(__file__).parent / "figures" / "network.json").read_text(encoding="utf-8"))
of_each = np.array(notes["counts"])[:, :11]                     # its matrix on each street, (40, 11, 11)
network = of_each.sum(axis=0)
