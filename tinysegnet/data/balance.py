"""What a split holds, and class balance: CamVid has 100 times more road than bicyclist; weights make up for it."""

import numpy as np

from tinysegnet.errors import InputError


def survey(data, split):
    """Read a whole split once, before training: its class counts, its images' one size, and every error there is.

    data          a DataSet
    pixels        (classes,), how many pixels each class has
    image_pixels  (classes,), how many pixels the images have in which the class occurs; void pixels count here
    size          (H, W) of all images, or None if they differ

    Raises InputError if a file cannot be used or no pixel is labelled.
    """
    classes = len(data.classes)
    pixels, image_pixels = np.zeros((2, classes), np.int64)
    sizes = set()
    for sample in data.samples(split):
        _, labels = data.read(sample)
        sizes.add(labels.shape)
        counts = np.bincount(labels.ravel(), minlength=classes)[:classes]
        pixels += counts
        image_pixels += labels.size * (counts > 0)
    if not pixels.any():
        raise InputError(f"no pixel of {data.name}, {split}, is labelled: nothing can be learnt or judged there")
    return pixels, image_pixels, sizes.pop() if len(sizes) == 1 else None


def median_frequency_weights(pixels, image_pixels):
    """weight[c] = median of the frequencies / freq[c],  freq[c] = pixels[c] / image_pixels[c]  (Eigen, Fergus 2015).

    So a class of middling frequency weighs 1, a rarer one more, a more frequent one less. A class without a pixel is
    left out of the median and gets weight 0.
    """
    present = pixels > 0
    freq = pixels[present] / image_pixels[present]
    weights = np.zeros(len(pixels))
    weights[present] = np.median(freq) / freq
    return weights
