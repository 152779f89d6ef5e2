"""The loss of an auxiliary classifier, see networks/more/auxiliary.py."""

from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import ceil_div


def auxiliary(ops, labels, criterion, weight):
    """judge(logits) -> the gradient of `weight` times their softmax cross-entropy, for ops.auxiliary.

    logits  of a smaller map than the labels (N, H, W), of which every second one is taken, or as many as it needs
    """
    def judge(logits):
        step = ceil_div(labels.shape[1], logits.shape[1])
        loss, cache = ops.softmax_cross_entropy(logits, labels[:, ::step, ::step], *criterion)
        return weight * ops.softmax_cross_entropy_backward(array_module(loss).ones_like(loss), cache)

    return judge
