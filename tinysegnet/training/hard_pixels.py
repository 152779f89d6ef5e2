"""Hard pixels only ("online hard example mining", Shrivastava et al., 2016): what is known is not practised again."""

from types import SimpleNamespace

from tinysegnet.support.backend import array_module


def with_hard_pixels(ops, share):
    """These operations with a softmax_cross_entropy that counts only so large a share of a batch's labelled pixels:
    those whose true class has the lowest probability, and all that are as hard as the last of them. The others are as
    if they were not labelled."""
    def softmax_cross_entropy(logits, labels, class_weights, ignore):
        xp = array_module(logits)
        p = ops.softmax(logits)
        labelled = labels != ignore
        true = xp.take_along_axis(p, xp.where(labelled, labels, 0)[..., None].astype("int64"), axis=3)[..., 0]
        if bool(labelled.any()):
            bound = xp.quantile(true[labelled], share)
            labels = xp.where(labelled & (true <= bound), labels, ignore).astype(labels.dtype)
        return ops.softmax_cross_entropy(logits, labels, class_weights, ignore)

    return SimpleNamespace(**vars(ops) | {"softmax_cross_entropy": softmax_cross_entropy})
