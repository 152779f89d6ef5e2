"""Known wrong answers of softmax."""

import numpy as np

from tinysegnet.ops.loss import log_softmax, softmax

READ = "tinysegnet/ops/loss.py"
RESULTS = ("p",)
forward = softmax


def cases():
    rng = np.random.default_rng(0)
    for shape in ((2, 4, 5, 3), (3, 7, 6, 4)):
        yield (rng.standard_normal(shape),)


def over_everything(logits):
    """the sum goes over everything: it goes over the classes of one pixel, the last axis"""
    return {"p": np.exp(logits) / np.exp(logits).sum()}


def over_images(logits):
    """the sum goes over the images: it goes over the classes, the last axis"""
    return {"p": np.exp(logits) / np.exp(logits).sum(axis=0)}


def over_rows(logits):
    """the sum goes over the rows of the image: it goes over the classes, the last axis"""
    return {"p": np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)}


def over_pixels(logits):
    """the sum goes over the pixels: it goes over the classes, the last axis"""
    return {"p": np.exp(logits) / np.exp(logits).sum(axis=(0, 1, 2))}


def not_divided(logits):
    """the exponentials are not divided by their sum"""
    return {"p": np.exp(logits)}


def shifted_and_not_divided(logits):
    """the exponentials are not divided by their sum"""
    return {"p": np.exp(logits - logits.max(axis=-1, keepdims=True))}


def mean_for_sum(logits):
    """the exponentials are divided by their mean, and must be divided by their sum"""
    return {"p": np.exp(logits) / np.exp(logits).mean(axis=-1, keepdims=True)}


def logarithm(logits):
    """this is log p: take the exponential"""
    return {"p": log_softmax(logits)}


def without_exponential(logits):
    """the logits themselves are divided by their sum: take their exponentials first"""
    return {"p": logits / logits.sum(axis=-1, keepdims=True)}


def minus(logits):
    """the sign of the logits is turned round: the largest must give the largest p"""
    return {"p": softmax(-logits)}


def sigmoid(logits):
    """each class has a sigmoid of its own: the classes of a pixel share one sum"""
    return {"p": 1 / (1 + np.exp(-logits))}


def the_best(logits):
    """p is 1 for the largest logit and 0 for the others: that is argmax; softmax leaves something to each"""
    return {"p": (logits == logits.max(axis=-1, keepdims=True)).astype(logits.dtype)}


def base_2(logits):
    """the powers are those of 2: take the exponential"""
    return {"p": softmax(logits * np.log(2))}


def shifted(logits):
    """The exponentials as most write them, after the largest logit of each pixel is taken away."""
    return np.exp(logits - logits.max(axis=-1, keepdims=True))


def over_everything_shifted(logits):
    """the sum goes over everything: it goes over the classes of one pixel, the last axis"""
    return {"p": shifted(logits) / shifted(logits).sum()}


def over_images_shifted(logits):
    """the sum goes over the images: it goes over the classes, the last axis"""
    return {"p": shifted(logits) / shifted(logits).sum(axis=0)}


def over_rows_shifted(logits):
    """the sum goes over the rows of the image: it goes over the classes, the last axis"""
    return {"p": shifted(logits) / shifted(logits).sum(axis=1, keepdims=True)}


def shift_in_one_place(logits):
    """the largest logit is taken away above the line and not below it: shift both"""
    return {"p": shifted(logits) / np.exp(logits).sum(axis=-1, keepdims=True)}


def divided_by_the_largest(logits):
    """the logits are divided by the largest: subtract it"""
    return {"p": softmax(logits / logits.max(axis=-1, keepdims=True))}


def without_exponential_shifted(logits):
    """the logits themselves, less the largest, are divided by their sum: take their exponentials first"""
    less = logits - logits.max(axis=-1, keepdims=True)
    return {"p": less / less.sum(axis=-1, keepdims=True)}


MISTAKES = (
    over_everything_shifted, over_images_shifted, over_rows_shifted, shift_in_one_place, divided_by_the_largest,
    without_exponential_shifted,
    over_everything, over_images, over_rows, over_pixels, not_divided, shifted_and_not_divided, mean_for_sum, logarithm,
    without_exponential, minus, sigmoid, the_best, base_2,
)
