"""Training, one epoch at a time, and evaluation on whole images."""

import numpy as np

from tinysegnet import metrics, ops, optim
from tinysegnet.backend import array_module, to_device, to_numpy
from tinysegnet.errors import InputError
from tinysegnet.networks import segnet_basic
from tinysegnet.resize import resize_bilinear

INPUT = "x / 255 - 0.5"      # kept in every checkpoint, so that weights are never fed another input
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
KEEP = 0.9              # how much of the running batch-norm statistics each step keeps


def normalise(images, xp):
    """uint8 images to the network's input on the device: x / 255 - 0.5, float32, between -0.5 and 0.5."""
    return to_device(images, xp).astype("float32") / 255 - 0.5


def train_epoch(params, stats, velocity, batches, class_weights, ignore, lr):
    """Train on every batch once, updating params, stats and velocity in place. Yields (loss, images) of each step.

    A loss is read only when the next step is under way, because reading it makes the host wait for the GPU. Raises
    InputError on a loss that is not a number.
    """
    before = None
    for images, labels in batches:
        loss = train_step(params, stats, velocity, images, labels, class_weights, ignore, lr)
        if before is not None:
            yield read_loss(before[0], lr), before[1]
        before = loss, len(images)
    yield read_loss(before[0], lr), before[1]


def train_step(params, stats, velocity, images, labels, class_weights, ignore, lr):
    """One step of SGD. Returns the loss before it, still on the device."""
    xp = array_module(class_weights)
    logits, batch_stats, cache = segnet_basic.forward(params, normalise(images, xp))
    loss, loss_cache = ops.softmax_cross_entropy(logits, to_device(labels, xp), class_weights, ignore)
    dlogits = ops.softmax_cross_entropy_backward(xp.ones_like(loss), loss_cache)
    grads = segnet_basic.backward(dlogits, cache)
    optim.sgd_step(params, grads, velocity, lr, MOMENTUM, WEIGHT_DECAY)
    for name, value in batch_stats.items():
        stats[name] *= KEEP
        stats[name] += (1 - KEEP) * value
    return loss


def read_loss(loss, lr):
    loss = float(loss)
    if not np.isfinite(loss):
        raise InputError(f"the loss became {loss}: train again with an --lr below {lr:g}")
    return loss


def evaluate(params, stats, batches, classes, ignore):
    """The confusion matrix, (classes, classes), over all images, each judged at the size of its own labels.

    batches  pairs of an image, uint8 (1, H, W, 3), and its labels, (1, H', W'). Where the two sizes differ the logits
             are brought to that of the labels before the best class is taken.
    """
    xp = array_module(params["classifier.w"])
    counts = np.zeros((classes, classes), np.int64)
    for images, labels in batches:
        logits = resize_bilinear(segnet_basic.predict(params, stats, normalise(images, xp)), *labels.shape[1:])
        counts += metrics.confusion_matrix(labels, to_numpy(logits.argmax(axis=3)), classes, ignore)
    return counts


def exact_statistics(params, batches):
    """Batch-norm statistics for inference as the authors take them: averaged over one pass through the training set.

    The running averages of training belong to a moving network; these belong to the parameters as they are.
    """
    xp = array_module(params["classifier.w"])
    sums, steps = {}, 0
    for images, _ in batches:
        _, batch_stats, _ = segnet_basic.forward(params, normalise(images, xp))
        sums = {name: sums.get(name, 0) + value for name, value in batch_stats.items()}
        steps += 1
    return {name: value / steps for name, value in sums.items()}
