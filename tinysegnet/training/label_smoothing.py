"""Label smoothing (Szegedy et al., 2016): no pixel is to be called what it is with all certainty."""

from types import SimpleNamespace

from tinysegnet.support.backend import array_module


def with_label_smoothing(ops, e):
    """These operations with a softmax_cross_entropy whose target is (1 - e) for the true class, and e / C for all C.

    loss = (1 - e) * softmax_cross_entropy + e / C * (sum over labelled pixels and classes of -w[c] log p[c]) / count

    Each class with its own weight, as in PyTorch; the count is that of the labelled pixels, as in ours.
    """
    def softmax_cross_entropy(logits, labels, class_weights, ignore):
        loss, cache = ops.softmax_cross_entropy(logits, labels, class_weights, ignore)
        xp, classes = array_module(logits), logits.shape[3]
        log_p, one_hot, _ = cache
        labelled = one_hot.any(axis=3)
        share = e / classes * labelled / xp.maximum(labelled.sum(), 1)                      # (N, H, W)
        weights = class_weights.astype(logits.dtype)
        share = share.astype(logits.dtype)
        evenly = -(share * (log_p @ weights)).sum()
        return xp.asarray((1 - e) * loss + evenly), (cache, share, weights)

    def softmax_cross_entropy_backward(dloss, cache):
        of_truth, share, weights = cache
        p = array_module(share).exp(of_truth[0])
        dlogits = (1 - e) * ops.softmax_cross_entropy_backward(dloss, of_truth)
        return dlogits + (dloss * share)[..., None] * (weights.sum() * p - weights)

    loss = dict(softmax_cross_entropy=softmax_cross_entropy,
                softmax_cross_entropy_backward=softmax_cross_entropy_backward)
    return SimpleNamespace(**vars(ops) | loss)
