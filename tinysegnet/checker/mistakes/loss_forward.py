"""Known wrong answers of softmax_cross_entropy."""

import numpy as np

from tinysegnet.checker.mistakes.loss import cases
from tinysegnet.ops.loss import log_softmax, softmax_cross_entropy

__all__ = ["cases"]
READ = "tinysegnet/ops/loss.py"
RESULTS = ("loss",)
forward = softmax_cross_entropy


def parts(logits, labels, class_weights, ignore):
    """-log p of the label and the weight of each pixel, both 0 where it is ignored, and which pixels are labelled."""
    labelled = labels != ignore
    at = np.where(labelled, labels, 0)
    surprise = -np.take_along_axis(log_softmax(logits), at[..., None], axis=-1)[..., 0]
    return surprise * labelled, class_weights[at] * labelled, labelled


def void_in_the_divisor(logits, labels, class_weights, ignore):
    """the sum is divided by the number of all pixels: divide by that of the labelled ones"""
    surprise, weights, _ = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights * surprise).sum() / labels.size}


def divided_by_weights(logits, labels, class_weights, ignore):
    """the sum is divided by the sum of the weights: the authors divide by the number of labelled pixels"""
    surprise, weights, _ = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights * surprise).sum() / weights.sum()}


def not_divided(logits, labels, class_weights, ignore):
    """the sum is not divided by the number of labelled pixels"""
    surprise, weights, _ = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights * surprise).sum()}


def no_class_weights(logits, labels, class_weights, ignore):
    """the class weights are left out"""
    surprise, _, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": surprise.sum() / labelled.sum()}


def sign(logits, labels, class_weights, ignore):
    """the sign is turned round: the loss is minus the logarithm"""
    surprise, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": -(weights * surprise).sum() / labelled.sum()}


def base_2(logits, labels, class_weights, ignore):
    """the logarithm is that to base 2: the loss has the natural one"""
    surprise, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights * surprise).sum() / labelled.sum() / np.log(2)}


def base_10(logits, labels, class_weights, ignore):
    """the logarithm is that to base 10: the loss has the natural one"""
    surprise, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights * surprise).sum() / labelled.sum() / np.log(10)}


def probability(logits, labels, class_weights, ignore):
    """the logarithm is missing: the loss adds up -p, and must add up -log p"""
    surprise, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": -(weights * np.exp(-surprise)).sum() / labelled.sum()}


def one_less_probability(logits, labels, class_weights, ignore):
    """the loss adds up 1 - p, and must add up -log p"""
    surprise, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights * (1 - np.exp(-surprise))).sum() / labelled.sum()}


def squared_error(logits, labels, class_weights, ignore):
    """the loss is the squared difference of p and the one-hot labels: cross-entropy is -log p of the label"""
    _, weights, labelled = parts(logits, labels, class_weights, ignore)
    difference = np.exp(log_softmax(logits)) - (labels[..., None] == np.arange(logits.shape[-1]))
    return {"loss": (weights * (difference**2).sum(axis=-1)).sum() / labelled.sum()}


def no_softmax(logits, labels, class_weights, ignore):
    """the loss adds up minus the logit of the label: the logarithm of the sum of all exponentials is missing"""
    _, weights, labelled = parts(logits, labels, class_weights, ignore)
    logit = np.take_along_axis(logits, np.where(labelled, labels, 0)[..., None], axis=-1)[..., 0]
    return {"loss": -(weights * logit).sum() / labelled.sum()}


def void_as_the_first_class(logits, labels, class_weights, ignore):
    """pixels to be ignored are taken for the first class: they should count in nothing"""
    surprise, weights, _ = parts(logits, np.where(labels == ignore, 0, labels), class_weights, ignore)
    return {"loss": (weights * surprise).sum() / labels.size}


def void_as_the_last_class(logits, labels, class_weights, ignore):
    """pixels to be ignored are taken for the last class: they should count in nothing"""
    last = logits.shape[-1] - 1
    surprise, weights, _ = parts(logits, np.where(labels == ignore, last, labels), class_weights, ignore)
    return {"loss": (weights * surprise).sum() / labels.size}


def mean_of_images(logits, labels, class_weights, ignore):
    """the loss is the mean over the images of their means: one mean is taken, over the labelled pixels of all images"""
    surprise, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": ((weights * surprise).sum(axis=(1, 2)) / labelled.sum(axis=(1, 2))).mean()}


def weighted_logits(logits, labels, class_weights, ignore):
    """the class weights multiply the logits: they multiply -log p of the label"""
    surprise, _, labelled = parts(logits * class_weights, labels, class_weights, ignore)
    return {"loss": surprise.sum() / labelled.sum()}


def all_classes(logits, labels, class_weights, ignore):
    """it adds up -log p of every class: only that of the label counts"""
    _, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": -(weights * log_softmax(logits).sum(axis=-1)).sum() / labelled.sum()}


def mean_of_classes(logits, labels, class_weights, ignore):
    """the sum is divided by the number of classes too: divide by that of the labelled pixels alone"""
    surprise, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights * surprise).sum() / labelled.sum() / logits.shape[-1]}


def mean_of_all_entries(logits, labels, class_weights, ignore):
    """the sum is divided by all pixels times all classes: divide by the number of the labelled pixels"""
    surprise, weights, _ = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights * surprise).sum() / logits.size}


def shifted_in_one_place(logits, labels, class_weights, ignore):
    """the largest logit is taken away in the sum of the exponentials and not in front of it: shift both"""
    surprise, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights * (surprise - logits.max(axis=-1) * labelled)).sum() / labelled.sum()}


def weighted_twice(logits, labels, class_weights, ignore):
    """the class weight is multiplied in twice"""
    surprise, weights, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": (weights**2 * surprise).sum() / labelled.sum()}


def weight_of_the_answer(logits, labels, class_weights, ignore):
    """a pixel has the weight of the class with the largest logit: it should have that of its label"""
    surprise, _, labelled = parts(logits, labels, class_weights, ignore)
    return {"loss": (class_weights[logits.argmax(axis=-1)] * surprise).sum() / labelled.sum()}


MISTAKES = (
    all_classes, mean_of_classes, mean_of_all_entries, shifted_in_one_place, weighted_twice, weight_of_the_answer,
    void_in_the_divisor, divided_by_weights, not_divided, no_class_weights, sign, base_2, base_10, probability,
    one_less_probability, squared_error, no_softmax, void_as_the_first_class, void_as_the_last_class, mean_of_images,
    weighted_logits,
)
