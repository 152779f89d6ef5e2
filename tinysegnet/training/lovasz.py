"""The Lovasz softmax loss (Berman, Triki and Blaschko, 2018): the IoU itself, made continuous."""

from types import SimpleNamespace

from tinysegnet.support.backend import array_module
from tinysegnet.support.threads import on_gpu, parallel_map


def with_lovasz(ops, weight):
    """These operations with `weight` times the Lovasz softmax loss in their softmax_cross_entropy."""
    def softmax_cross_entropy(logits, labels, class_weights, ignore):
        loss, cache = ops.softmax_cross_entropy(logits, labels, class_weights, ignore)
        p = ops.softmax(logits)
        lovasz, dp = lovasz_softmax(p, labels, ignore)
        return loss + array_module(logits).asarray(weight * lovasz, loss.dtype), (cache, dp, p)

    def softmax_cross_entropy_backward(dloss, cache):
        of_cross_entropy, dp, p = cache
        dlogits = ops.softmax_cross_entropy_backward(dloss, of_cross_entropy)
        through_softmax = p * (dp - (p * dp).sum(axis=3, keepdims=True))
        return dlogits + (weight * dloss).astype(p.dtype) * through_softmax

    loss = dict(softmax_cross_entropy=softmax_cross_entropy,
                softmax_cross_entropy_backward=softmax_cross_entropy_backward)
    return SimpleNamespace(**vars(ops) | loss)


def lovasz_softmax(p, labels, ignore):
    """The mean over the classes that a batch has of the Lovasz extension of 1 - IoU, and its gradient by p.

    p       (N, H, W, classes), probabilities
    labels  (N, H, W)

    The errors of a class are |1 if it is there - p|. In falling order, the k-th counts as much as 1 - IoU grows when
    the k-th pixel is wrong besides those before it (their algorithm 1).
    """
    xp = array_module(p)
    labelled, dp = labels != ignore, xp.zeros_like(p)
    labels = labels[labelled]

    def of_class(k):
        true = (labels == k).astype(p.dtype)
        if not bool(true.any()):
            return None
        sign = 1 - 2 * true                                     # of the error's derivative by p
        errors = true + sign * p[..., k][labelled]
        order = xp.argsort(-errors)
        growth = jaccard_growth(true[order].astype("float64")).astype(p.dtype)
        of_pixels = xp.zeros_like(errors)
        of_pixels[order] = growth
        dp[..., k][labelled] = sign * of_pixels
        return (errors * of_pixels).sum()

    present = [loss for loss in parallel_map(of_class, range(p.shape[3]), on_gpu(p)) if loss is not None]
    count = max(len(present), 1)
    return sum(present) / count, dp / count


def jaccard_growth(true):
    """How much 1 - IoU grows with each of the pixels, if those before it are wrong already. true: 1 or 0, (n,)"""
    xp = array_module(true)
    intersection = true.sum() - true.cumsum()
    union = true.sum() + (1 - true).cumsum()
    jaccard = 1 - intersection / union
    return xp.diff(jaccard, prepend=0)
