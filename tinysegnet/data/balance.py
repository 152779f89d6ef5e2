"""Class balance: a CamVid pixel is road 100 times as often as it is bicyclist, and the loss can make up for it."""

import numpy as np

from tinysegnet.data import camvid
from tinysegnet.errors import InputError


def count_pixels(samples, classes):
    """Count each class's pixels over the annotations of (image, annotation) pairs of paths.

    pixels        (classes,), how many pixels each class has
    image_pixels  (classes,), how many pixels the images have in which the class occurs; void pixels count here

    Raises InputError if a file cannot be used or no pixel is labelled: every image is read here, before training.
    """
    pixels, image_pixels = np.zeros((2, classes), np.int64)
    for sample in samples:
        _, labels = camvid.read_pair(sample)
        counts = np.bincount(labels.ravel(), minlength=classes)[:classes]
        pixels += counts
        image_pixels += labels.size * (counts > 0)
    if not pixels.any():
        raise InputError(f"no pixel of {samples[0][1].parent} is labelled: nothing can be learnt or judged there")
    return pixels, image_pixels


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
