"""A trained network, and what it sees in photographs.

    model = inference.load()                            # the one that comes with tinysegnet, trained on CamVid
    labels = inference.classify(model, photograph)      # uint8 (H, W): for each pixel the number of a class
    model.meta["classes"][labels[0, 0]]
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tinysegnet import checkpoint, networks
from tinysegnet.data.images import resize_photograph, scaled
from tinysegnet.data.normalisation import NORMALISATIONS, normalise
from tinysegnet.networks import blocks
from tinysegnet.ops import fast
from tinysegnet.ops.more.dropout import with_rng
from tinysegnet.ops.more.resize import resized_bands
from tinysegnet.support.backend import array_module, select, to_device, to_numpy
from tinysegnet.support.errors import InputError

SHIPPED = Path(__file__).parent / "weights" / "camvid.npz"
LEVELS_AT_MOST = 12     # a photograph has at least 2**levels pixels along a side


@dataclass(frozen=True)
class Model:
    """A network and what it has learnt: what is trained, saved, loaded and looked with.

    network  a Block, see networks
    params   {name: array}; a training moves them in place
    stats    {name: array}, the statistics of its batch norms
    meta     what its checkpoint says of it, a dict that JSON can hold:
             "network": its name and arguments, "classes": their names, "palette": their colours,
             "size": (H, W) at which it looks, "normalisation" of its input,
             "test_scales": see `test_time_augmentation`, "statistics": "running" or "exact", "epoch"
    folded   params with every batch norm folded into its convolution: only of a model that was loaded, and lost by
             dataclasses.replace, as it belongs to these params and stats
    """

    network: networks.Block
    params: dict
    stats: dict
    meta: dict
    folded: dict | None = field(default=None, init=False, repr=False)

    @property
    def xp(self):
        """The array library, NumPy or CuPy, where its arrays are."""
        return array_module(next(iter(self.params.values())))


def load(path=None, backend="numpy"):
    """The Model in a checkpoint, in float32; by default the one that comes with tinysegnet. Its batch norms are folded
    here, once, so in NumPy its arrays are read-only. To look with others, make a Model of copies: dataclasses.replace.

    backend  "numpy" or "cupy"

    Raises InputError if there is none that this version can use, or no such backend.
    """
    return load_on(select(backend), path)


def load_on(xp, path=None):
    """The same, for an array library that is at hand already."""
    model = as_saved(path)
    params, stats = (
        {name: a.astype(np.float32, copy=False) for name, a in arrays.items()} for arrays in (model.params, model.stats)
    )
    if xp is np:
        for array in (params | stats).values():
            array.flags.writeable = False
    model = replace(model, params=to_device(params, xp), stats=to_device(stats, xp))
    object.__setattr__(model, "folded", fold_all(model.params, model.stats))
    return model


def as_saved(path=None):
    """The Model in a checkpoint, in NumPy and in the kind of its numbers, with nothing folded.

    Raises InputError if there is none that this version can use.
    """
    path = SHIPPED if path is None else path
    meta, groups = checkpoint.load(path)
    network = network_of(meta, path)
    params, stats = groups["params"], groups["stats"]
    check_arrays(network, params, stats, path)
    check_range(params | stats, path)
    return Model(network, params, stats, meta)


def network_of(meta, path):
    """The network that a checkpoint names. Raises InputError if this version has none like that, or not its input."""
    name, arguments = meta["network"]["name"], {k: v for k, v in meta["network"].items() if k != "name"}
    if name not in networks.NETWORKS:
        raise InputError(f"{path} holds a network {name!r}, unknown to this version: use the version that wrote it")
    if meta["normalisation"] not in NORMALISATIONS:
        raise InputError(f"{path} wants the input {meta['normalisation']!r}: use the version that wrote it")
    count, names = arguments.get("classes"), len(meta["classes"])
    if count != names:
        raise InputError(f"{path} is a network of {count} classes and names {names}: give another file")
    try:
        network = networks.build(name, **arguments)
    except ValueError as error:
        raise InputError(f"{path} cannot be used ({error}): use the version that wrote it") from error
    if network.levels > LEVELS_AT_MOST:
        raise InputError(f"{path} is of a network that halves its maps {network.levels} times: give another file")
    return network


def check_arrays(network, params, stats, path):
    """Raise InputError unless the arrays read from `path` are those of the network, all float32 or all float64."""
    held, wanted = params | stats, network.shapes | network.stats
    amiss = [name for name in wanted if name not in held or held[name].shape != wanted[name]]
    amiss += [name for name in held if name not in wanted]
    if amiss:
        raise InputError(f"{path} does not hold the network that it names, see {amiss[0]}: give another file")
    if {a.dtype.name for a in held.values()} not in ({"float32"}, {"float64"}):
        raise InputError(f"{path} holds numbers that are not all float32 or all float64: give another file")


def check_range(arrays, path):
    """Raise InputError if a number is too large for float32."""
    for name, a in arrays.items():
        with np.errstate(over="ignore"):
            in_32_bits = a.astype(np.float32, copy=False)
        if not (np.isfinite(in_32_bits) | ~np.isfinite(a)).all():
            raise InputError(f"{path}: {name} has numbers too large for 32 bits: give another file")


def fold_all(params, stats, ops=fast):
    """params with every batch norm folded into its convolution, for network.predict(folded, None, x)."""
    folded = dict(params)
    for name in stats:
        if name.endswith(".norm.mean"):
            folded |= blocks.fold(name.removesuffix(".norm.mean"), params, stats, ops)
    return folded


def classify(model, photograph, size=None, ops=fast, seen_at=None):
    """The best class of each pixel: uint8 (H, W), of the photograph's own size or of `size`.

    photograph  uint8 (H, W, 3)
    size        (H, W) of the answer
    ops         the operations to compute with: see tinysegnet.ops
    seen_at     (H, W) to which the photograph is brought for the network; by default it keeps its proportions

    Raises ValueError if the photograph or a size is not of that kind, InputError if it is too small for the network.
    """
    bands = score_bands(model, photograph, size, ops, seen_at)
    return np.concatenate([to_numpy(band.argmax(axis=3).astype(np.uint8)) for band in bands], axis=1)[0]


def scores(model, photograph, size=None, ops=fast, seen_at=None):
    """The logits by which `classify` chooses, (H, W, classes), on the model's device; of several looks their sum."""
    return model.xp.concatenate(list(score_bands(model, photograph, size, ops, seen_at)), axis=1)[0]


def score_bands(model, photograph, size, ops, seen_at):
    """Yields the scores in bands of rows, (1, rows, W, classes): a large photograph's do not fit at once."""
    check_photograph(photograph, size=size, seen_at=seen_at)
    height, width = size or photograph.shape[:2]
    seen_at = seen_at or size_seen(model, photograph.shape[:2])
    looks = test_time_augmentation(model, photograph, ops, seen_at)
    for bands in zip(*[resized_bands(logits, height, width) for logits in looks], strict=True):
        yield sum(bands)


def check_photograph(photograph, **sizes):
    """Raise ValueError unless it is uint8 (H, W, 3), and each size None or two whole numbers above 0."""
    if not (isinstance(photograph, np.ndarray) and photograph.dtype == np.uint8 and photograph.shape[2:] == (3,)
            and photograph.size):
        shape, dtype = (getattr(photograph, name, type(photograph).__name__) for name in ("shape", "dtype"))
        raise ValueError(f"photograph should be an array, uint8 (H, W, 3), got {dtype} {shape}: see read_photograph")
    for name, size in sizes.items():
        pair = isinstance(size, tuple | list) and len(size) == 2
        if size is not None and not (pair and all(isinstance(n, int | np.integer) and n > 0 for n in size)):
            raise ValueError(f"{name} should be (H, W), two whole numbers above 0, got {size!r}")


def test_time_augmentation(model, photograph, ops, seen_at):
    """Yields the logits (1, h, w, classes) of each look at a photograph, whose sum decides.

    At each of the multiples in meta["test_scales"] of the size, the network looks twice, the second time in a mirror,
    which is then turned back. Without test_scales it is one look.
    """
    for scale in model.meta["test_scales"] or [1]:
        resized = resize_photograph(photograph, scaled(seen_at, scale))
        yield look(model, resized, ops)
        if model.meta["test_scales"]:
            yield look(model, resized[:, ::-1], ops)[:, :, ::-1]


def look(model, photograph, ops=fast):
    """The logits (1, H, W, classes) of a photograph, uint8 (H, W, 3), as it is."""
    x = normalise(photograph[None], model.xp, model.meta["normalisation"])
    if model.folded:
        return model.network.predict(model.folded, None, x, ops)
    return model.network.predict(model.params, model.stats, x, ops)


def one_look(model, photograph, size=None, ops=fast, seen_at=None):
    """What a network sees in one look at the photograph as it is, and how sure it is by its own word.

    labels       uint8 (H, W), of the photograph's own size or of `size`
    uncertainty  float (H, W), 1 - the softmax of that class

    Raises ValueError as `classify` does.
    """
    check_photograph(photograph, size=size, seen_at=seen_at)
    height, width = size or photograph.shape[:2]
    resized = resize_photograph(photograph, seen_at or size_seen(model, photograph.shape[:2]))
    labels, uncertainty = [], []
    for band in resized_bands(look(model, resized, ops), height, width):
        softmax = ops.softmax(band)
        labels.append(to_numpy(softmax.argmax(axis=3).astype(np.uint8)))
        uncertainty.append(to_numpy(1 - softmax.max(axis=3)))
    return np.concatenate(labels, axis=1)[0], np.concatenate(uncertainty, axis=1)[0]


def monte_carlo(model, photograph, samples, size=None, ops=fast, seen_at=None):
    """What a network with dropout sees in so many looks, each with other values left out, and how sure it is.

    The class of a pixel is the best of the mean of the softmaxes, and its uncertainty their variance, the mean over the
    classes (Kendall, Badrinarayanan and Cipolla, 2017, section 4). Each look is one at the photograph as it is. The
    masks are drawn from the same seeds for every photograph.

    labels       uint8 (H, W), of the photograph's own size or of `size`
    uncertainty  float (H, W), from 0 to below 1 / classes

    Raises ValueError as `classify` does, and if samples is not a whole number of two or more; InputError if the network
    has no dropout.
    """
    check_photograph(photograph, size=size, seen_at=seen_at)
    if not (isinstance(samples, int | np.integer) and samples >= 2):
        raise ValueError(f"samples should be a whole number of at least 2, so that they can differ, got {samples!r}")
    check_dropout(model)
    height, width = size or photograph.shape[:2]
    resized = resize_photograph(photograph, seen_at or size_seen(model, photograph.shape[:2]))
    mean, variance = softmax_statistics(model, resized, samples, ops)
    labels = [to_numpy(band.argmax(axis=3).astype(np.uint8)) for band in resized_bands(mean, height, width)]
    uncertainty = to_numpy(variance.mean(axis=3, keepdims=True))
    bands = resized_bands(uncertainty, height, width)
    return np.concatenate(labels, axis=1)[0], np.concatenate(list(bands), axis=1)[0, :, :, 0]


def softmax_statistics(model, photograph, samples, ops=fast):
    """The mean and the variance of the softmaxes of so many looks, both (1, H, W, classes): one sample at a time."""
    looks = (look(model, photograph, drawing(ops, number)) for number in range(samples))
    return mean_and_variance(map(ops.softmax, looks))


def mean_and_variance(looks):
    """Of arrays of one shape that come one after the other, of which none is kept (Welford, 1962)."""
    mean, squares = 0, 0
    for number, p in enumerate(looks, start=1):
        deviation = p - mean
        mean = mean + deviation / number
        squares = squares + deviation * (p - mean)
    return mean, squares / number


def drawing(ops, number):
    """These operations, with a generator for the masks of look number `number`."""
    return with_rng(ops, [number, 1])


def check_dropout(model):
    """Raise InputError unless the network draws something when it is given a generator to draw by."""
    name, ops = model.meta["network"]["name"], drawing(fast, 0)
    small = networks.build(name, filters=1)
    before, side = ops.rng.bit_generator.state, 2**small.levels
    small.predict(*networks.init(small, 0), np.zeros((1, side, side, 3), np.float32), ops)
    if ops.rng.bit_generator.state == before:
        others = "bayesian-segnet-basic or bayesian-segnet"
        raise InputError(f"{name} has no dropout, so its samples would all be alike: train --network {others}")


def size_seen(model, size):
    """(H, W) at which the network looks at a photograph of `size`: its proportions, about the pixels of training.

    A strip that is too narrow to be halved at every level is widened.
    """
    trained = model.meta["size"]
    if size[0] * trained[1] == size[1] * trained[0]:
        return tuple(trained)
    factor = (trained[0] * trained[1] / (size[0] * size[1])) ** 0.5
    smallest = int(np.ceil(2**model.network.levels / min(model.meta["test_scales"] or [1])))
    return tuple(max(smallest, round(factor * side)) for side in size)


def how_seen(meta):
    """In words, how a network with that meta looks at a photograph."""
    sizes = ["{}x{}".format(*scaled(meta["size"], scale)) for scale in meta["test_scales"] or [1]]
    mirrored = ", as it is and in a mirror (test-time augmentation)" if meta["test_scales"] else ""
    return f"seen at {' and '.join(sizes)}{mirrored}"
