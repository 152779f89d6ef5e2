"""Softmax and the class-weighted cross-entropy of the paper (section 3.2), with pixels that do not count."""

from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import check_arrays


def softmax(logits):
    """p[..., k] = exp(logits[..., k]) / sum over j of exp(logits[..., j]): scores become probabilities.

    logits  (..., classes)
    p       the same
    """
    check_arrays("softmax", logits=(logits, "..."))
    return array_module(logits).exp(log_softmax(logits))


def log_softmax(logits):
    """log p, with the largest logit taken away first, so that exp never overflows: logits of +-1000 are fine."""
    xp = array_module(logits)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))


def softmax_cross_entropy(logits, labels, class_weights, ignore):
    """loss = (sum over labelled pixels of class_weights[label] * -log p[label]) / number of labelled pixels.

    The divisor is the count and not the sum of the weights, as in the authors' Caffe. A pixel whose label is `ignore`
    (CamVid's void) counts in neither. With no labelled pixel at all the loss is 0.

    logits         (N, H, W, classes), finite
    labels         (N, H, W), integers, each 0 to classes - 1 or `ignore` (the loader sees to that)
    class_weights  (classes,), any dtype: cast to that of the logits
    loss           a 0-d array of the logits' dtype
    cache          (log_p, one_hot, pixel_weights): two of (N, H, W, classes), one of (N, H, W)

    Raises ValueError if the shapes do not fit or the labels are not integers.
    """
    if not all(hasattr(a, "dtype") for a in (logits, labels, class_weights)):
        raise ValueError("softmax_cross_entropy: logits, labels and class_weights should be arrays")
    xp = array_module(logits)
    class_weights = class_weights.astype(logits.dtype)
    check_arrays("softmax_cross_entropy", logits=(logits, "N H W K"), class_weights=(class_weights, "K"))
    if labels.dtype.kind not in "iu" or labels.shape != logits.shape[:3]:
        shape, got = tuple(logits.shape[:3]), f"{labels.dtype} {tuple(labels.shape)}"
        raise ValueError(f"softmax_cross_entropy: labels should be integers of shape {shape}, got {got}")
    labelled = labels != ignore                                                     # (N, H, W)
    # In memory class by class, which is faster, and looked at as (N, H, W, classes) all the same.
    logits = xp.moveaxis(xp.ascontiguousarray(xp.moveaxis(logits, 3, 0)), 0, 3)
    classes = xp.arange(logits.shape[3])[:, None, None, None]
    one_hot = xp.moveaxis((labels == classes) & labelled, 0, 3)
    count = xp.maximum(labelled.sum(), 1).astype(logits.dtype)
    pixel_weights = (one_hot * class_weights).sum(axis=3) / count                   # (N, H, W), 0 where ignored
    log_p = log_softmax(logits)
    loss = -(pixel_weights * (log_p * one_hot).sum(axis=3)).sum()
    return xp.asarray(loss), (log_p, one_hot, pixel_weights)


def softmax_cross_entropy_backward(dloss, cache):
    """dlogits = dloss * weight / count * (p - one_hot): what the network said, less what was there.

    Because  -log p[k] = log(sum over j of exp(z[j])) - z[k],  whose derivative by z[j] is  p[j] - (1 if j = k else 0).

    dloss    a 0-d array, 1 where training starts its way back
    dlogits  (N, H, W, classes)
    """
    log_p, one_hot, pixel_weights = cache
    check_arrays("softmax_cross_entropy_backward", log_p=(log_p, "N H W K"), dloss=(dloss, ()))
    xp = array_module(log_p)
    return xp.ascontiguousarray((dloss * pixel_weights)[..., None] * (xp.exp(log_p) - one_hot))
