"""Training, one step after the other, and evaluation on whole images."""

import math
from types import SimpleNamespace

import numpy as np

from tinysegnet import metrics, ops, optim
from tinysegnet.backend import array_module, to_device, to_numpy
from tinysegnet.data.augment import resize_photograph, scaled
from tinysegnet.errors import InputError
from tinysegnet.inputs import CENTRED, normalise
from tinysegnet.networks import segnet_basic
from tinysegnet.resize import resized_bands

KEEP = 0.9              # how much of the running batch-norm statistics each step keeps


def learning_rate(settings, done):
    """The learning rate of the next step after so many: constant, or half a cosine from lr down to 0 at the end."""
    if settings["schedule"] == "constant":
        return settings["lr"]
    return settings["lr"] * (1 + math.cos(math.pi * done / (settings["epochs"] * settings["steps"]))) / 2


def train_steps(params, stats, memory, batches, class_weights, ignore, settings, done, ops=ops):
    """Train on every batch once, updating params, stats and memory in place. Yields the loss of each step.

    memory    what the optimiser remembers, as of optim.start
    settings  a recipe, and "steps": how many there are in an epoch
    done      how many steps the run has made before this call

    A loss is read only when the next step is under way, because reading it makes the host wait for the GPU. Raises
    InputError on a loss that is not a number; it names the step and the first layer that went wrong.
    """
    before = None
    for images, labels in batches:
        started_from = {name: a.copy() for name, a in params.items()}       # to explain a loss that is not a number
        lr = learning_rate(settings, done)
        loss = train_step(params, stats, memory, images, labels, class_weights, ignore, lr, settings["momentum"],
                          settings["weight_decay"], ops, settings["input"], optim.STEPS[settings["optimiser"]])
        done += 1
        if before is not None:
            yield read_loss(*before, ops, settings["input"])
        before = loss, images, started_from, done
    if before is not None:
        yield read_loss(*before, ops, settings["input"])


def train_step(
    params, stats, memory, images, labels, class_weights, ignore, lr, momentum=0.9, weight_decay=5e-4, ops=ops,
    kind=CENTRED, optimise=optim.sgd_step,
):
    """One step. Returns the loss before it, still on the device."""
    xp = array_module(class_weights)
    logits, batch_stats, cache = segnet_basic.forward(params, normalise(images, xp, kind), ops)
    loss, loss_cache = ops.softmax_cross_entropy(logits, to_device(labels, xp), class_weights, ignore)
    dlogits = ops.softmax_cross_entropy_backward(xp.ones_like(loss), loss_cache)
    grads = segnet_basic.backward(dlogits, cache, ops)
    optimise(params, grads, memory, lr, momentum, weight_decay)
    for name, value in batch_stats.items():
        stats[name] *= KEEP
        stats[name] += (1 - KEEP) * value
    return loss


def read_loss(loss, images, params, step, ops, kind):
    loss = float(loss)
    if not np.isfinite(loss):
        culprit = first_not_finite(params, images, ops, kind)
        again = "train again with a lower --lr and another --name"
        raise InputError(f"the loss became {loss} at step {step}, first in {culprit}: {again}")
    return loss


def first_not_finite(params, images, ops=ops, kind=CENTRED):
    """In words, where a NaN or an infinity first appears on the way from the images to the loss."""
    for name, a in params.items():
        if not is_finite(a):
            return f"the parameter {name}, after the step before"
    names = {id(a): name.rpartition(".")[0] for name, a in params.items()}

    def watched(op):
        def run(x, first_parameter, *others):
            y, *rest = op(x, first_parameter, *others)
            if not is_finite(y):
                raise FloatingPointError(f"the output of {names[id(first_parameter)]}")
            return y, *rest

        return run

    watching = SimpleNamespace(**vars(ops))
    watching.conv2d, watching.batch_norm = watched(ops.conv2d), watched(ops.batch_norm)
    try:
        segnet_basic.forward(params, normalise(images, array_module(params["classifier.w"]), kind), watching)
    except FloatingPointError as found:
        return str(found)
    return "the loss itself"


def is_finite(a):
    return bool(array_module(a).isfinite(a).all())


def classify(params, stats, about, photograph, height, width):
    """The best class of each pixel of a photograph, judged at some other size than its own: uint8 (height, width).

    about       of the network, as its checkpoint has it: the "size" (H, W) at which it looks, its "input", and
                "test_scales": None for one look, or multiples of the size at each of which it looks twice, the
                second time in a mirror
    photograph  uint8 (H', W', 3)

    The logits of each look are brought to the size of the answer, their sum decides.
    """
    looks = []
    for scale in about["test_scales"] or [1]:
        seen = resize_photograph(photograph, scaled(about["size"], scale))
        looks.append(scores(params, stats, seen, about["input"]))
        if about["test_scales"]:
            looks.append(scores(params, stats, seen[:, ::-1], about["input"])[:, :, ::-1])
    bands = zip(*(resized_bands(logits, height, width) for logits in looks), strict=True)
    return np.concatenate([to_numpy(sum(band).argmax(axis=3)) for band in bands], axis=1)[0].astype(np.uint8)


def how_seen(about):
    """In words, how `classify` looks at a photograph."""
    sizes = ["{}x{}".format(*scaled(about["size"], scale)) for scale in about["test_scales"] or [1]]
    return f"seen at {' and '.join(sizes)}" + (", as it is and in a mirror" if about["test_scales"] else "")


def scores(params, stats, photograph, kind):
    """The logits of a photograph, uint8 (H, W, 3), in one look: (1, H, W, classes)."""
    return segnet_basic.predict(params, stats, normalise(photograph[None], array_module(params["classifier.w"]), kind))


def evaluate(params, stats, about, pairs, ignore):
    """The confusion matrix, (classes, classes), over all photographs, each judged at the size of its own labels.

    about  of the network: see `classify`
    pairs  a photograph, uint8 (H, W, 3), and its labels, (H', W')
    """
    classes = len(about["classes"])
    counts = np.zeros((classes, classes), np.int64)
    for photograph, labels in pairs:
        predicted = classify(params, stats, about, photograph, *labels.shape)
        counts += metrics.confusion_matrix(labels, predicted, classes, ignore)
    return counts


def examples(params, stats, about, data, count=4):
    """Some images of val, evenly spread: (photograph, labels, predicted) of each, all of the annotation's size."""
    samples = data.samples("val")
    for i in np.unique(np.linspace(0, len(samples) - 1, count).round().astype(int)):
        photograph, labels = data.read(samples[i])
        yield photograph, labels, classify(params, stats, about, photograph, *labels.shape)


def exact_statistics(params, batches, kind=CENTRED):
    """Batch-norm statistics for inference as the authors take them: averaged over one pass through the training set.

    The running averages of training belong to a moving network; these belong to the parameters as they are.
    """
    xp = array_module(params["classifier.w"])
    sums, steps = {}, 0
    for images, _ in batches:
        _, batch_stats, _ = segnet_basic.forward(params, normalise(images, xp, kind))
        sums = {name: sums.get(name, 0) + value for name, value in batch_stats.items()}
        steps += 1
    return {name: value / steps for name, value in sums.items()}
