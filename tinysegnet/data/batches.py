"""From files to batches: shuffled, resized, stacked, and loaded while the step before is being computed."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image


def training_batches(data, size, batch, seed, epoch):
    """One epoch: all training samples once, in an order of this seed and epoch, `batch` at a time (last maybe fewer).

    Yields images, uint8 (N, H, W, 3), and labels, uint8 (N, H, W), resized to `size` = (H, W).
    """
    samples = data.samples("train")
    order = np.random.default_rng([seed, epoch]).permutation(len(samples))
    groups = [[samples[i] for i in order[start : start + batch]] for start in range(0, len(order), batch)]
    return prefetched(lambda group: load_batch(data.read, group, size), groups)


def evaluation_batches(data, split, size):
    """Every sample of a split, in order, one at a time: the image resized, (1, H, W, 3), its labels as they are."""

    def load(sample):
        pixels, labels = data.read(sample)
        return resize_image(pixels, size)[None], labels[None]

    return prefetched(load, data.samples(split))


def load_batch(read, samples, size):
    images, labels = [], []
    for sample in samples:
        pixels, annotation = read(sample)
        images.append(resize_image(pixels, size))
        labels.append(resize_labels(annotation, size))
    return np.stack(images), np.stack(labels)


def resize_image(pixels, size):
    """Bilinear, over the whole area that becomes one pixel (so that a pole of one pixel does not vanish)."""
    if size == pixels.shape[:2]:
        return pixels
    return np.array(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR))


def resize_labels(labels, size):
    """To the nearest pixel: the mean of two labels means nothing."""
    if size == labels.shape:
        return labels
    return np.array(Image.fromarray(labels).resize(size[::-1], Image.Resampling.NEAREST))


def prefetched(load, items):
    """load(item) for each item in turn, the next already being loaded in a thread while the caller works."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting = None
        for item in items:
            loading = thread.submit(load, item)
            if waiting is not None:
                yield waiting.result()
            waiting = loading
        if waiting is not None:
            yield waiting.result()
