"""Photographs and labels brought to another size."""

import numpy as np
from PIL import Image


def scaled(size, factor):
    """Such a multiple of a size (H, W), in whole pixels."""
    return tuple(max(1, round(factor * side)) for side in size)


def resize_photograph(pixels, size):
    """Bilinear, over the whole area that becomes one pixel (so that a pole of one pixel does not vanish)."""
    if size == pixels.shape[:2]:
        return pixels
    return np.array(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR))


def resize_labels(labels, size):
    """To the nearest pixel: the mean of two labels means nothing."""
    if size == labels.shape:
        return labels
    return np.array(Image.fromarray(labels).resize(size[::-1], Image.Resampling.NEAREST))
