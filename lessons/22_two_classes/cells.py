"""Cells under a microscope, drawn from a seed: some touch, the light is uneven, and each has a thin rim.

    python lessons/22_two_classes/cells.py FOLDER [whole | seams | rims]

writes them as a data set, as docs/data.md has it: 120 photographs to train on and 40 to judge by. The last word says
how cells are labelled, see LABELLINGS.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from PIL import Image

from tinysegnet.data.dataset import DataSet
from tinysegnet.support.errors import InputError, exit_in_words, writing

SIZE = 48, 64
TRAIN, VAL = range(120), range(1000, 1040)          # the seeds
VOID = 255
BACKGROUND, CELL, RIM = 0, 1, 2
SMALLEST = 12           # pixels of a cell: what has fewer is a speck of dirt, or a crumb


def scene(seed, size=SIZE, cells=(2, 6)):
    """A photograph, uint8 (H, W, 3), and which cell each pixel belongs to, uint8 (H, W).

    Cells have the numbers 1, 2, ... and the background 0. Under a smear, where nobody can say, it is VOID.
    """
    rng = np.random.default_rng(seed)
    H, W = size
    row, column = np.mgrid[:H, :W].astype(float)
    shapes = [shape(row, column, *cell) for cell in places(rng, H, W, rng.integers(*cells, endpoint=True))]
    depth = np.stack([np.zeros(size), *shapes, np.full(size, -99.0)])       # the background is at 0
    numbers = depth.argmax(axis=0).astype(np.uint8)
    second, first = np.sort(depth, axis=0)[-2:]
    inside = first - second                                 # how far it is to what is beside
    for number in range(1, len(depth)):                     # a sliver that is left of one is none
        if (numbers == number).sum() < SMALLEST:
            numbers[numbers == number] = 0

    tint, rim = rng.normal(0, 6, 3), rng.choice([-1, 1]) * rng.uniform(30, 50)
    grey = 128 + rng.uniform(-15, 15) + np.where(numbers > 0, -rng.uniform(20, 40), 0)
    grey += rim * np.exp(-((inside / 0.9) ** 2)) * near_a_cell(numbers)
    for top, left, _, _, _ in places(np.random.default_rng([seed, 1]), H, W, 8):           # grains and dust
        grey += rng.normal(0, 25) * np.exp(-((row - top) ** 2 + (column - left) ** 2) / rng.uniform(0.5, 3))
    grey *= 1 + light(rng, row / H, column / W)
    noise = rng.normal(0, 4, (H, W, 1))
    if rng.random() < 0.3:
        top, left = rng.uniform(0, H), rng.uniform(0, W)
        smear = (((row - top) / rng.uniform(5, 10)) ** 2 + ((column - left) / rng.uniform(8, 16)) ** 2) < 1
        grey = np.where(smear, 0.5 * grey + 90, grey)
        numbers[smear] = VOID
    photograph = (grey[..., None] + tint + noise).clip(0, 255).astype(np.uint8)
    return photograph, numbers


def places(rng, H, W, count):
    """(row, column, radius, and two numbers for its form) of each cell. Half of them are laid against another one."""
    laid = []
    for _ in range(count):
        for _ in range(20):                                 # tries
            radius, top, left = rng.uniform(4.5, 8), rng.uniform(0, H), rng.uniform(0, W)
            if laid and rng.random() < 0.5:
                beside, turn = laid[rng.integers(len(laid))], rng.uniform(0, 2 * np.pi)
                apart = beside[2] + radius - rng.uniform(0, 2)
                top, left = beside[0] + apart * np.sin(turn), beside[1] + apart * np.cos(turn)
            overlaps = [r + radius - np.hypot(top - t, left - q) for t, q, r, *_ in laid]
            if max(overlaps, default=0) <= 2 and 0 <= top < H and 0 <= left < W:
                laid.append((top, left, radius, rng.uniform(0.02, 0.12), rng.uniform(0, 2 * np.pi)))
                break
    return laid


def shape(row, column, top, left, radius, uneven, turn):
    """How far inside of a cell each pixel is, in pixels; below 0 outside. It is a circle with three dents."""
    angle = np.arctan2(row - top, column - left)
    return radius * (1 + uneven * np.cos(3 * angle + turn)) - np.hypot(row - top, column - left)


def near_a_cell(numbers):
    """1 where a pixel or one of its four neighbours belongs to a cell, and elsewhere 0."""
    cell = np.pad(numbers > 0, 1)
    beside = cell[:-2, 1:-1] | cell[2:, 1:-1] | cell[1:-1, :-2] | cell[1:-1, 2:]
    return (cell[1:-1, 1:-1] | beside).astype(float)


def light(rng, down, right):
    """How much lighter or darker than 1 each place is: it falls off to one side, and there is a spot."""
    turn, top, left = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1), rng.uniform(0, 1)
    slope = np.sin(turn) * (down - 0.5) + np.cos(turn) * (right - 0.5)
    spot = np.exp(-((down - top) ** 2 + (right - left) ** 2) / 0.15)
    return rng.uniform(0.2, 0.4) * slope + rng.uniform(-0.25, 0.25) * spot


def whole(numbers):
    """1 in cells, 0 in the background."""
    return labelled(numbers, np.where(numbers > 0, CELL, BACKGROUND))


def seams(numbers):
    """The same, with a line of background between cells that touch."""
    return labelled(numbers, np.where((numbers > 0) & ~beside_another(numbers), CELL, BACKGROUND))


def rims(numbers):
    """1 inside of cells, 2 at their rim, 0 in the background."""
    edge = beside_another(numbers, of=lambda here, there: here != there)
    return labelled(numbers, np.where(numbers > 0, np.where(edge, RIM, CELL), BACKGROUND))


def labelled(numbers, labels):
    return np.where(numbers == VOID, VOID, labels).astype(np.uint8)


def beside_another(numbers, of=lambda here, there: (here != there) & (here > 0) & (there > 0)):
    """Where of(a pixel's number, that of one of its eight neighbours); neither may be VOID. bool (H, W)"""
    H, W = numbers.shape
    padded, found = np.pad(numbers, 1, mode="edge"), np.zeros((H, W), bool)
    for i, j in np.ndindex(3, 3):
        there = padded[i : i + H, j : j + W]
        found |= of(numbers, there) & (numbers != VOID) & (there != VOID)
    return found


LABELLINGS = {"whole": whole, "seams": seams, "rims": rims}
CLASSES, PALETTE = ("Background", "Cell", "Rim"), np.array([[40, 40, 60], [240, 200, 80], [190, 60, 60]], np.uint8)


def dataset(labelling="whole", cells=(2, 6)):
    """Drawn cells as a DataSet; samples are seeds."""
    classes = len(CLASSES) if labelling == "rims" else 2

    def read(seed):
        photograph, numbers = scene(seed, cells=cells)
        return photograph, LABELLINGS[labelling](numbers)

    return DataSet("cells, drawn", "cells", CLASSES[:classes], PALETTE[:classes], VOID,
                   {"train": [*TRAIN], "val": [*VAL]}.__getitem__, read, recipe="photographs")


def components(mask):
    """The connected parts of a mask, each by its number from 1 on, and 0 elsewhere. Neighbours share a side.

    mask   bool (H, W)
    parts  int64 (H, W)
    """
    parts, number = np.zeros(mask.shape, np.int64), 0
    for start in np.argwhere(mask).tolist():
        if parts[tuple(start)]:
            continue
        number += 1
        waiting = [start]
        while waiting:
            r, q = waiting.pop()
            if 0 <= r < mask.shape[0] and 0 <= q < mask.shape[1] and mask[r, q] and not parts[r, q]:
                parts[r, q] = number
                waiting += [[r - 1, q], [r + 1, q], [r, q - 1], [r, q + 1]]
    return parts


def count_cells(mask):
    """How many connected parts of SMALLEST pixels or more a mask has."""
    return int((np.bincount(components(mask).ravel())[1:] >= SMALLEST).sum())


def write(folder, labelling):
    """A data set in a folder: photographs, labels as 8-bit grey, classes.txt. Raises InputError if that fails."""
    data = dataset(labelling)
    with writing(folder):
        for split in "train", "val":
            for part in split, f"{split}annot":
                (folder / part).mkdir(parents=True, exist_ok=True)
            for seed in data.samples(split):
                photograph, labels = data.read(seed)
                Image.fromarray(photograph).save(folder / split / f"cells{seed:04}.png")
                Image.fromarray(labels).save(folder / f"{split}annot" / f"cells{seed:04}.png")
        lines = [f"{name} {' '.join(map(str, colour))}\n" for name, colour in zip(data.classes, data.palette)]
        (folder / "classes.txt").write_text("".join(lines), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="that is made; it must not be there yet")
    parser.add_argument("labelling", nargs="?", default="whole", choices=[*LABELLINGS])
    args = parser.parse_args()
    if args.folder.exists():
        raise InputError(f"{args.folder} is there already: name a folder that is to be made")
    write(args.folder, args.labelling)
    images = f"{len(TRAIN)} photographs to train on and {len(VAL)} to judge by"
    print(f"{args.folder}  {images}, {SIZE[0]}x{SIZE[1]}, cells labelled {args.labelling}")


if __name__ == "__main__":
    exit_in_words(main)
