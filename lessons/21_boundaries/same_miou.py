"""Three predictions for the forty streets of val that differ, with one mIoU."""

import numpy as np

from tinysegnet import metrics
from tinysegnet.data import streets
from tinysegnet.data.camvid import CLASSES, VOID

BUILDING, PAVEMENT, ROAD = (CLASSES.index(name) for name in ("Building", "Pavement", "Road"))
drawn = np.stack([streets.scene(seed)[1] for seed in streets.VAL])          # (40, 96, 128), with void
rng = np.random.default_rng(20)


def taken_from(pictures, down, right):
    """Each pixel takes the class of another, so many rows and columns away: numbers, or arrays of one for each."""
    N, H, W = pictures.shape
    n, r, q = np.ogrid[:N, :H, :W]
    return pictures[n, (r + down).clip(0, H - 1), (q + right).clip(0, W - 1)]


truth = drawn
while (truth == VOID).any():                    # let what is beside the void grow into it
    for down, right in (1, 0), (-1, 0), (0, 1), (0, -1):
        truth = np.where(truth == VOID, taken_from(truth, down, right), truth)


def with_a_square(pictures, size):
    changed = pictures.copy()
    for picture in changed:
        r, q = rng.integers(0, 96 - size), rng.integers(0, 128 - size)
        picture[r : r + size, q : q + size] = BUILDING
    return changed


def judge(predicted, labels=truth):
    """mIoU and BF in %."""
    counts = metrics.confusion_matrix(labels, predicted, 11, VOID)
    of_images = [metrics.boundary_f1(one, other, 11, VOID) for one, other in zip(labels, predicted)]
    bf, _ = metrics.mean_boundary_f1(of_images)
    return tuple(round(100 * float(share), 1) for share in (metrics.mean_iou(counts), bf))


made = {
    "moved by one pixel": taken_from(truth, 0, -1),
    "a square missing": with_a_square(truth, 41),
    "ragged edges": taken_from(truth, *rng.integers(-1, 2, (2, 40, 96, 128))),
}
