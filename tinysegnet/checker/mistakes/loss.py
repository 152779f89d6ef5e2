"""Known wrong answers of softmax_cross_entropy_backward."""

import numpy as np

from tinysegnet.ops.loss import softmax, softmax_cross_entropy

READ = "tinysegnet/ops/loss.py"
forward = softmax_cross_entropy


def cases():
    rng = np.random.default_rng(0)
    for N, H, W, classes in ((2, 4, 5, 3), (3, 7, 6, 5)):
        labels = rng.integers(0, classes + 1, (N, H, W))            # the last value is the one to ignore
        yield rng.standard_normal((N, H, W, classes)), labels, rng.uniform(0.5, 2, classes), classes


def parts(logits, labels, class_weights, ignore):
    """p - one_hot, the weight of each pixel without the ignored ones, and their number."""
    one_hot = labels[..., None] == np.arange(logits.shape[-1])
    return softmax(logits) - one_hot, (one_hot * class_weights).sum(axis=-1), np.count_nonzero(labels != ignore)


def no_class_weights(dloss, logits, labels, class_weights, ignore):
    """the class weights are in the loss but not in its gradient"""
    difference, _, count = parts(logits, labels, class_weights, ignore)
    return {"dlogits": dloss * difference * (labels != ignore)[..., None] / count}


def void_counted(dloss, logits, labels, class_weights, ignore):
    """ignored pixels are counted in the divisor: divide by the number of labelled pixels"""
    difference, weights, _ = parts(logits, labels, class_weights, ignore)
    return {"dlogits": dloss * difference * weights[..., None] / labels.size}


def divided_by_weights(dloss, logits, labels, class_weights, ignore):
    """the gradient is divided by the sum of the weights, and the loss by the number of labelled pixels"""
    difference, weights, _ = parts(logits, labels, class_weights, ignore)
    return {"dlogits": dloss * difference * weights[..., None] / weights.sum()}


def not_divided(dloss, logits, labels, class_weights, ignore):
    """the gradient is not divided by the number of labelled pixels, as the loss is"""
    difference, weights, _ = parts(logits, labels, class_weights, ignore)
    return {"dlogits": dloss * difference * weights[..., None]}


def sign(dloss, logits, labels, class_weights, ignore):
    """the sign is turned round: it is p - one_hot, what the network said less what was there"""
    difference, weights, count = parts(logits, labels, class_weights, ignore)
    return {"dlogits": -dloss * difference * weights[..., None] / count}


def dloss_left_out(dloss, logits, labels, class_weights, ignore):
    """dloss is left out: multiply by the upstream gradient, even though training starts with 1"""
    difference, weights, count = parts(logits, labels, class_weights, ignore)
    return {"dlogits": difference * weights[..., None] / count}


def ignored_pixels_pushed(dloss, logits, labels, class_weights, ignore):
    """ignored pixels get a gradient, but nothing they say can move the loss"""
    difference, weights, count = parts(logits, labels, class_weights, ignore)
    weights = np.where(labels == ignore, 1, weights)
    return {"dlogits": dloss * difference * weights[..., None] / count}


def one_hot_left_out(dloss, logits, labels, class_weights, ignore):
    """the gradient is p alone: the label's own logit has a path of its own into the loss, take the one-hot away"""
    _, weights, count = parts(logits, labels, class_weights, ignore)
    return {"dlogits": dloss * softmax(logits) * weights[..., None] / count}


def only_the_label(dloss, logits, labels, class_weights, ignore):
    """only the logit of the label has a gradient: the others are in the sum of the exponentials"""
    difference, weights, count = parts(logits, labels, class_weights, ignore)
    at_label = labels[..., None] == np.arange(logits.shape[-1])
    return {"dlogits": dloss * difference * at_label * weights[..., None] / count}


def logarithm_for_p(dloss, logits, labels, class_weights, ignore):
    """log p stands where p belongs: take the exponential of what the cache holds"""
    _, weights, count = parts(logits, labels, class_weights, ignore)
    one_hot = labels[..., None] == np.arange(logits.shape[-1])
    return {"dlogits": dloss * (np.log(softmax(logits)) - one_hot) * weights[..., None] / count}


def logits_for_p(dloss, logits, labels, class_weights, ignore):
    """the logits stand where p belongs: take their softmax"""
    _, weights, count = parts(logits, labels, class_weights, ignore)
    one_hot = labels[..., None] == np.arange(logits.shape[-1])
    return {"dlogits": dloss * (logits - one_hot) * weights[..., None] / count}


def divided_twice(dloss, logits, labels, class_weights, ignore):
    """the gradient is divided by the number of labelled pixels twice: the weights of the pixels have that already"""
    difference, weights, count = parts(logits, labels, class_weights, ignore)
    return {"dlogits": dloss * difference * weights[..., None] / count**2}


def best_class_for_p(dloss, logits, labels, class_weights, ignore):
    """the class with the largest p stands for p, as 0 and 1: take p itself"""
    difference, weights, count = parts(logits, labels, class_weights, ignore)
    best = logits == logits.max(axis=-1, keepdims=True)
    return {"dlogits": dloss * (best - softmax(logits) + difference) * weights[..., None] / count}


def one_taken_from_all(dloss, logits, labels, class_weights, ignore):
    """in every class 1 is taken away: only that of the label has it"""
    _, weights, count = parts(logits, labels, class_weights, ignore)
    return {"dlogits": dloss * (softmax(logits) - 1) * weights[..., None] / count}


def no_weights(dloss, logits, labels, class_weights, ignore):
    """it is p - one_hot alone: the weight of the pixel is left out, which has its class weight and the count in it"""
    return {"dlogits": dloss * parts(logits, labels, class_weights, ignore)[0]}


def weights_as_a_mask(dloss, logits, labels, class_weights, ignore):
    """the weights only say which pixels count: multiply by them"""
    return {"dlogits": dloss * parts(logits, labels, class_weights, ignore)[0] * (labels != ignore)[..., None]}


def weights_on_one_hot(dloss, logits, labels, class_weights, ignore):
    """the weight of the pixel multiplies one_hot alone: it belongs to p too"""
    difference, weights, count = parts(logits, labels, class_weights, ignore)
    p = softmax(logits)
    return {"dlogits": dloss * (p + (difference - p) * weights[..., None] / count)}


def through_the_softmax_twice(dloss, logits, labels, class_weights, ignore):
    """it is multiplied by p (1 - p): p - one_hot has been through the softmax already"""
    difference, weights, count = parts(logits, labels, class_weights, ignore)
    p = softmax(logits)
    return {"dlogits": dloss * difference * p * (1 - p) * weights[..., None] / count}


def by_p(dloss, logits, labels, class_weights, ignore):
    """this is the derivative with respect to p: the softmax is still between p and the logits"""
    difference, weights, count = parts(logits, labels, class_weights, ignore)
    p = softmax(logits)
    return {"dlogits": dloss * (difference - p) / p * weights[..., None] / count}


MISTAKES = (
    best_class_for_p, one_taken_from_all, no_weights, weights_as_a_mask, weights_on_one_hot, through_the_softmax_twice,
    by_p,
    one_hot_left_out, only_the_label, logarithm_for_p, logits_for_p, divided_twice,
    no_class_weights, void_counted, divided_by_weights, not_divided, sign, dloss_left_out, ignored_pixels_pushed,
)
