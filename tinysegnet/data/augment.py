"""Data augmentation: random flip, scale, crop and colour jitter, so that no epoch sees a photograph twice alike."""

import numpy as np

from tinysegnet.data.images import resize_labels, resize_photograph, scaled
from tinysegnet.data.relight import relight

MIDDLE = 128        # grey, which the network's input maps to about 0


def augment(photograph, labels, size, ignore, rng, flip, scale, crop=None, jitter=None, relighting=None):
    """A photograph and its labels as a training step sees them: of `size` = (H, W), or of a part of it.

    photograph  uint8 (H', W', 3)
    labels      uint8 (H', W')
    rng         draws everything, so that the same generator gives the same picture
    flip        mirror left and right, every second time
    scale       (lowest, highest), or None: the picture is resized to a random multiple of `size` in between. Of a
                larger one than the step sees a random part is cut out; a smaller one lies at random on grey, with
                labels that do not count
    crop        2/3, say, or None: how much of `size` a step sees, in height and in width
    jitter      0.3, say, or None: see `colour_jitter`
    relighting  0.5, say, or None: see relight.py
    """
    factor = rng.uniform(*scale) if scale else 1.0
    resized = scaled(size, factor)
    photograph, labels = resize_photograph(photograph, resized), resize_labels(labels, resized)
    if flip and rng.random() < 0.5:
        photograph, labels = photograph[:, ::-1], labels[:, ::-1]
    cropped = scaled(size, crop or 1)
    if resized != cropped:
        corner = [rng.integers(0, abs(have - want) + 1) for have, want in zip(resized, cropped)]
        photograph, labels = window(photograph, cropped, corner, MIDDLE), window(labels, cropped, corner, ignore)
    photograph = colour_jitter(photograph, jitter, rng) if jitter else photograph
    return relight(photograph, relighting, rng) if relighting else photograph, labels


def colour_jitter(photograph, jitter, rng):
    """Random contrast and brightness in [1 - jitter, 1 + jitter], and for each channel a gain in a third of that."""
    contrast, brightness = rng.uniform(1 - jitter, 1 + jitter, 2)
    colours = rng.uniform(1 - jitter / 3, 1 + jitter / 3, 3)
    mean = photograph.mean()
    return np.clip(((photograph - mean) * contrast + mean) * brightness * colours, 0, 255).round().astype(np.uint8)


def window(a, size, corner, fill):
    """size of `a`: along an axis where `a` is larger cut out from `corner` on, where it is smaller laid there."""
    taken, laid = [], []
    for have, want, at in zip(a.shape, size, corner):
        taken.append(slice(at, at + want) if have > want else slice(None))
        laid.append(slice(None) if have > want else slice(at, at + have))
    result = np.full((*size, *a.shape[2:]), fill, a.dtype)
    result[tuple(laid)] = a[tuple(taken)]
    return result
