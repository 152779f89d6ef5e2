"""A data set of CamVid's layout, made in a moment: a sky, a road, a car; colours that a network can learn."""

import numpy as np
from PIL import Image

from tinysegnet.data.camvid import PALETTE

COLOURS = np.vstack([PALETTE, [(0, 0, 0)]])        # void is black


def make(folder, counts=(("train", 5), ("val", 2)), height=24, width=32, seed=0):
    rng = np.random.default_rng(seed)
    for split, count in counts:
        for name in (split, f"{split}annot"):
            (folder / name).mkdir(parents=True)
        for i in range(count):
            labels = np.zeros((height, width), np.uint8)                        # sky
            labels[height // 2 :] = 3                                           # road
            left = rng.integers(0, width - 8)
            labels[height // 2 - 3 : height // 2 + 5, left : left + 8] = 8      # car
            labels[height // 2 - 4, left : left + 8] = 11                       # a seam of void
            pixels = np.clip(COLOURS[labels] + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / split / f"{i:03}.png")
            Image.fromarray(labels).save(folder / f"{split}annot" / f"{i:03}.png")
    return folder
