"""Input normalisation. Every checkpoint says which, so that weights are never fed another."""

from functools import lru_cache

import numpy as np

from tinysegnet.support.backend import to_device

CENTRED = "centred"
LOCAL_RESPONSE = "local_response"
IMAGENET = "imagenet"
STANDARDISED = "standardised"
NORMALISATIONS = CENTRED, LOCAL_RESPONSE, IMAGENET, STANDARDISED
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)      # of ImageNet's colours, as torchvision has them


def normalise(images, xp, kind=CENTRED):
    """uint8 images (N, H, W, 3) to the network's input on the device, float32.

    CENTRED         x / 255 - 0.5, between -0.5 and 0.5
    LOCAL_RESPONSE  x (1 + 2e-5 sum x^2)^-0.75: the authors' local response normalisation across channels (Krizhevsky
                    et al., 2012, with size 5, alpha 1e-4, beta 0.75 and k 1: with three channels the sum is over all
                    of them). Bright pixels are held down, and black is 0
    STANDARDISED    (x - mean) / (deviation + 1) of each colour over the image itself, in grey values, so that its light
                    counts for less. The 1 is for images of one colour, whose deviation is 0
    IMAGENET        (x / 255 - mean) / deviation of each colour over ImageNet, which VGG16 was trained with
    """
    x = to_device(images, xp).astype("float32")
    if kind == CENTRED:
        return x / 255 - 0.5
    if kind == IMAGENET:
        mean, deviation = of_imagenet(xp)
        return (x / 255 - mean) / deviation
    if kind == STANDARDISED:
        x = x - mean_of_pixels(x)
        return x / (xp.sqrt(mean_of_pixels(x * x)) + 1)
    return x * (1 + 2e-5 * (x * x).sum(axis=-1, keepdims=True)) ** -0.75


def mean_of_pixels(x):
    """Row by row first: a long float32 sum loses digits."""
    return x.mean(axis=2, keepdims=True).mean(axis=1, keepdims=True)


@lru_cache
def of_imagenet(xp):
    """MEAN and DEVIATION where `xp` computes: brought there once, and not in every step."""
    return [to_device(np.array(values, np.float32), xp) for values in (MEAN, DEVIATION)]
