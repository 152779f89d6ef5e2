"""Class balance: CamVid has 100 times more road than bicyclist; weights in the loss make up for it."""

import numpy as np


def median_frequency_weights(pixels, image_pixels, power=1.0):
    """weight[c] = (median of the frequencies / freq[c]) ** power,  freq[c] = pixels[c] / image_pixels[c].

    So a class of middling frequency weighs 1, a rarer one more, a more frequent one less (Eigen and Fergus 2015, with
    power 1). A power below 1 softens it, and with 0 all weigh 1. Only a class without a pixel is left out of the median
    and gets weight 0, whatever the power.

    pixels        (classes,), how many pixels each class has
    image_pixels  (classes,), how many pixels the images have in which the class occurs
    """
    present = pixels > 0
    freq = pixels[present] / image_pixels[present]
    weights = np.zeros(len(pixels))
    if present.any():
        weights[present] = (np.median(freq) / freq) ** power
    return weights
