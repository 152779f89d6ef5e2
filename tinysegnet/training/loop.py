"""A whole training: step after step, evaluation on whole images, and the statistics of batch norm at its end."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from tinysegnet import metrics, networks
from tinysegnet.data.balance import median_frequency_weights
from tinysegnet.data.batches import training_batches
from tinysegnet.data.normalisation import normalise
from tinysegnet.data.survey import survey
from tinysegnet.inference import Model, classify
from tinysegnet.networks.more.blocks import operation
from tinysegnet.ops import fast
from tinysegnet.support.backend import array_module, copy_to_host, select, to_device
from tinysegnet.support.errors import InputError
from tinysegnet.support.ranks import ALONE, Alone
from tinysegnet.training import fine_tune, optim
from tinysegnet.training.averaging import averages_of, averaging
from tinysegnet.training.lovasz import with_lovasz
from tinysegnet.training.settings import Settings
from tinysegnet.training.step import Criterion, train_step


def cosine_rate(lr, done, total):
    """Cosine annealing: the rate of the next step after `done` of `total`, along half a cosine from lr down to 0."""
    return lr * (1 + math.cos(math.pi * done / total)) / 2


class Functions(NamedTuple):
    """The functions that a training is made of: arguments, so that others can take their place, such as a learner's."""

    ops: object = fast
    class_weights: Callable = median_frequency_weights
    cosine_rate: Callable = cosine_rate
    sgd_step: Callable = optim.sgd_step
    adam_step: Callable = optim.adam_step
    confusion_matrix: Callable = metrics.confusion_matrix
    figures: Callable = metrics.figures
    learner: tuple = ()         # the names of those that are a learner's
    ranks: Alone = ALONE        # the processes that it is spread over


def functions_of(settings):
    """The library's Functions, with the convolution and the loss that the settings name."""
    ops = fast.ops_with(settings.conv)
    return Functions(ops=ops if settings.lovasz is None else with_lovasz(ops, settings.lovasz))


class Trainer(NamedTuple):
    """A model under training, and all that its steps need."""

    model: Model
    optimiser: optim.Optimiser
    criterion: Criterion
    settings: Settings
    functions: Functions


def new_model(settings, data, xp=np):
    """A Model before its first step: a network for the classes of a data set, its weights drawn by the seed."""
    try:
        arguments = networks.defaults(settings.network) | {"classes": len(data.classes), "filters": settings.filters}
        network = networks.build(settings.network, **arguments)
    except ValueError as error:
        raise InputError(f"{error}: see --filters") from error
    params, stats = (to_device(arrays, xp) for arrays in networks.init(network, settings.seed))
    meta = {
        "network": {"name": settings.network, **arguments}, "classes": data.classes, "palette": data.palette.tolist(),
        "size": settings.size, "normalisation": settings.normalisation, "test_scales": settings.test_scales,
        "statistics": "running", "epoch": 1,
    }
    meta |= {name: value for name in ("fold", "hold_out") if (value := getattr(settings, name)) is not None}
    return Model(network, params, stats, meta)


def prepare(model, opt_state, settings, data, train, functions):
    """The Trainer of a model: its optimiser in that state, and the class weights for the training set.

    train  the Survey of the training set
    """
    update = {"sgd": functions.sgd_step, "adam": functions.adam_step}[settings.optimiser]
    if settings.average is not None:
        update = averaging(update, settings.average)
    decays = model.network.decays
    optimiser = optim.Optimiser(update, opt_state, settings.momentum, settings.weight_decay, decays)
    weights = functions.class_weights(train.pixels, train.image_pixels, settings.class_weight_power)
    criterion = Criterion(to_device(weights.astype(np.float32), model.xp), data.ignore)
    return Trainer(model, optimiser, criterion, settings, functions)


def start(settings, params):
    """The optimiser's state before the first step, with the averages if there are to be any."""
    state = optim.start(settings.optimiser, params)
    return state if settings.average is None else state | averages_of(params)


def train(settings, data, functions=None):
    """Train a new model from its beginning, in memory: for figures and experiments that need no folder of a run.

    settings   a Settings
    data       a DataSet
    functions  Functions; by default those that the settings name

    Returns the Model, and an iterator over the epochs. Each is an iterator over its losses, which makes the steps and
    so changes the model; it raises InputError on a loss that is not a number.

    Raises ValueError if the settings ask for averaged weights, which only a run with a folder has.
    """
    if settings.average is not None:
        raise ValueError("loop.train: averaged weights are for runs that have a folder: set average to None")
    model = new_model(settings, data, select(settings.backend))
    fine_tune.begin(model, settings)
    opt_state = start(settings, model.params)
    trainer = prepare(model, opt_state, settings, data, survey(data, "train"), functions or functions_of(settings))

    def epochs():
        for epoch in range(1, settings.epochs + 1):
            losses = train_steps(trainer, training_batches(data, settings, epoch), (epoch - 1) * settings.steps)
            yield losses
            for _ in losses:        # those that nobody has asked for
                pass

    return model, epochs()


def train_steps(trainer, batches, done):
    """Train on every batch once. Yields the loss of each step.

    trainer   a Trainer, whose model and optimiser are changed in place
    batches   uint8 images (N, H, W, 3) and labels (N, H, W)
    done      how many steps the run has made before this call

    Raises InputError on a loss that is not a number, before the parameters have moved; it names the step and the first
    layer that went wrong.
    """
    model, settings = trainer.model, trainer.settings
    guard = Guard(trainer.functions.ops, trainer.optimiser)
    for images, labels in batches:
        batch = normalise(images, model.xp, settings.normalisation), to_device(labels, model.xp)
        guard.ops.rng = trainer.functions.ranks.generator(step_seed(settings, done))
        try:
            train_step(model, guard, batch, trainer.criterion, rate(trainer, done), guard.ops)
        except FloatingPointError as error:
            culprit = first_not_finite(trainer, model.params, images, step_seed(settings, done))
            again = "train again with a lower --lr and another --name"
            raise InputError(f"{error} at step {done + 1}, first in {culprit}: {again}") from error
        done += 1
        yield guard.loss


def step_seed(settings, done):
    """The seed of the masks of a dropout in the step after so many: a run that is resumed draws them again."""
    epoch, step = divmod(done, settings.steps)
    return [settings.seed, 1 + epoch, step, 1]      # four numbers, and no 0 at the end: see data/batches.py


class Guard:
    """Stands in train_step for two things, so that no parameter moves by a loss that is not a number.

    ops   the ops that are given, whose softmax_cross_entropy also orders a copy of the loss to the host
    step  the optimiser's, which first waits for that copy. Meanwhile a GPU is busy with the backward
    loss  of the last step
    """

    def __init__(self, ops, optimiser):
        self.of_ops, self.optimiser = ops.softmax_cross_entropy, optimiser
        self.ops = SimpleNamespace(**vars(ops) | {"softmax_cross_entropy": self.softmax_cross_entropy})
        self.read, self.loss = None, None

    def softmax_cross_entropy(self, *args):
        loss, cache = self.of_ops(*args)
        self.read = copy_to_host(loss)
        return loss, cache

    def step(self, params, grads, lr):
        self.loss = self.read()
        if not math.isfinite(self.loss):
            raise FloatingPointError(f"the loss became {self.loss}")
        self.optimiser.step(params, grads, lr)


def rate(trainer, done):
    """The learning rate of the next step after so many: constant, or a cosine over the whole run."""
    settings = trainer.settings
    if settings.schedule == "constant":
        return settings.lr
    return trainer.functions.cosine_rate(settings.lr, done, settings.epochs * settings.steps)


def first_not_finite(trainer, params, images, seed):
    """Name the first parameter, or else the first output of a layer, that is not finite."""
    for name, a in params.items():
        if not is_finite(a):
            return f"the parameter {name}, after the step before"
    ops, model, ranks = trainer.functions.ops, trainer.model, trainer.functions.ranks

    def watched(op):
        def run(x, *arrays):
            y, *rest = op(x, *arrays)
            if not all(ranks.gather(is_finite(y))):
                owners = [name.rpartition(".")[0] for name, a in params.items() if any(a is one for one in arrays)]
                layer = owners[0] if owners else "a layer whose parameters are not the network's own"
                raise FloatingPointError(f"the output of {layer}")
            return y, *rest

        return run

    watching = SimpleNamespace(**vars(ops) | {"rng": ranks.generator(seed)})
    for name in ("conv2d", "batch_norm", "conv_transpose2d", "depthwise_conv2d"):
        setattr(watching, name, watched(operation(ops, name)))
    x = normalise(images, model.xp, trainer.settings.normalisation)
    try:
        model.network.forward(params, x, watching)
    except FloatingPointError as error:
        return str(error)
    return "the loss itself"


def is_finite(a):
    return bool(array_module(a).isfinite(a).all())


def evaluate(model, pairs, ignore, functions=None):
    """The confusion matrix, (classes, classes), over all photographs, each judged at the size of its own labels.

    pairs  a photograph, uint8 (H, W, 3), and its labels, (H', W'); on several ranks those of this one
    """
    functions, classes = functions or Functions(), len(model.meta["classes"])
    counts = np.zeros((classes, classes), np.int64)
    for labels, predicted in predictions(model, pairs, functions.ops):
        counts += functions.confusion_matrix(labels, predicted, classes, ignore)
    return functions.ranks.sum(counts)


def predictions(model, pairs, ops=fast):
    """(labels, predicted) of each photograph, both of the size of its labels; `pairs` as in evaluate."""
    for photograph, labels in pairs:
        yield labels, classify(model, photograph, labels.shape, ops)


def examples(model, data, ops=fast, count=4):
    """Some images of val, evenly spread: (photograph, labels, predicted) of each, all of the annotation's size."""
    samples = data.samples("val")
    for i in np.unique(np.linspace(0, len(samples) - 1, count).round().astype(int)):
        photograph, labels = data.read(samples[i])
        yield photograph, labels, classify(model, photograph, labels.shape, ops)


def exact_statistics(model, batches, ops=fast, ranks=ALONE):
    """Batch-norm statistics for inference as the authors take them: averaged over one pass through the training set.

    The running averages of training belong to a moving network; these belong to the parameters as they are. Every
    batch counts the same, so a last one that is smaller weighs more per image; and the variance is the mean of the
    variances within the batches, without that between them. Both are as the authors have it. Dropout is on.
    """
    sums, steps = {}, 0
    # Without caches, as these are whole images, where a step of the training may have seen parts.
    those = {name: without_cache(getattr(ops, name)) for name in ("conv2d", "batch_norm", "relu")}
    ops = SimpleNamespace(**vars(ops) | those | {"rng": ranks.generator(0)})
    for images, _ in batches:
        x = normalise(images, model.xp, model.meta["normalisation"])
        _, batch_stats, _ = model.network.forward(model.params, x, ops)
        sums = {name: sums.get(name, 0) + value for name, value in batch_stats.items()}
        steps += 1
    return {name: value / steps for name, value in sums.items()}


def without_cache(function):
    """The same function, where no backward follows: its last result, the cache, is None."""
    def forward(*arrays):
        *results, _ = function(*arrays)
        return *results, None

    return forward
