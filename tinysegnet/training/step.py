"""One training step: forward, loss, backward, optimiser."""

from typing import NamedTuple

import tinysegnet.ops
from tinysegnet.support.backend import array_module

BN_DECAY = 0.9      # how much of batch norm's running statistics each step keeps


class Criterion(NamedTuple):        # what ops.softmax_cross_entropy needs besides logits and labels
    class_weights: object
    ignore: int


def train_step(model, optimiser, batch, criterion, lr, ops=tinysegnet.ops):
    """One step, which changes params, stats and the optimiser's state in place. Returns the loss before it, 0-d and
    still on the device.

    model      an inference.Model, or whatever has a network, its params and its stats
    optimiser  an optim.Optimiser
    batch      x, float (N, H, W, 3), and labels, integers (N, H, W), where the params are
    criterion  a Criterion
    """
    x, labels = batch
    logits, batch_stats, cache = model.network.forward(model.params, x, ops)
    loss, loss_cache = ops.softmax_cross_entropy(logits, labels, *criterion)
    dlogits = ops.softmax_cross_entropy_backward(array_module(loss).ones_like(loss), loss_cache)    # dloss = 1
    _, grads = model.network.backward(dlogits, cache, ops)
    optimiser.step(model.params, grads, lr)
    for name, batch_stat in batch_stats.items():
        model.stats[name] *= BN_DECAY
        model.stats[name] += (1 - BN_DECAY) * batch_stat
    return loss
