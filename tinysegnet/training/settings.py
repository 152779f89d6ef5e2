"""The settings of a run, its hyperparameters first of all; and recipes, which are good ones for a kind of data."""

from argparse import ArgumentTypeError
from dataclasses import dataclass, field, fields
from difflib import get_close_matches

from tinysegnet import networks
from tinysegnet.checkpoint import LARGEST_TEST_SCALE, renamed
from tinysegnet.data.folds import k_of_parts
from tinysegnet.data.normalisation import CENTRED, LOCAL_RESPONSE, NORMALISATIONS, STANDARDISED
from tinysegnet.ops.fast import CONVOLUTIONS
from tinysegnet.support.errors import InputError
from tinysegnet.support.options import (
    LONGEST_SIDE,
    at_least_0,
    at_least_1,
    between,
    choice,
    height_x_width,
    label,
    not_negative,
    numbers,
    or_none,
    positive,
    yes_or_no,
)
from tinysegnet.support.shapes import ceil_div
from tinysegnet.training.optim import STEPS


def setting(parse):
    """A field whose text on the command line `parse` turns into its value, or raises ArgumentTypeError."""
    return field(metadata={"parse": parse})


def span(text):
    """ "0.75,1.25", the lowest and the highest multiple of a size."""
    low_and_high = numbers(0.1, 10)(text)
    if len(low_and_high) != 2 or low_and_high[0] > low_and_high[1]:
        raise ArgumentTypeError(f"{text!r} is not a lower and a higher number, as in 0.75,1.25")
    return low_and_high


scales = numbers(0.1, LARGEST_TEST_SCALE)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that decides how a training goes. A misspelt or a missing name is a TypeError, a wrong value a ValueError."""

    # the data
    data: str = setting(str)                               # a folder, or "streets"
    ignore: int | None = setting(or_none(label))            # label of the pixels that do not count, if not the usual
    fold: tuple[int, int] | None = setting(or_none(k_of_parts))     # which part of how many is val, see data/folds.py
    hold_out: str | None = setting(or_none(str))            # what the names of val begin with, likewise
    size: tuple[int, int] = setting(height_x_width)         # (H, W) to which photographs are brought
    # the network
    network: str = setting(choice(*networks.NETWORKS))
    filters: int = setting(at_least_1)                      # of its first level
    normalisation: str = setting(choice(*NORMALISATIONS))   # of its input, see data/normalisation.py
    init: str | None = setting(or_none(str))                # a checkpoint to begin with, or "shipped"
    init_encoder: str | None = setting(or_none(str))        # a file with VGG16, to begin SegNet's encoder with
    # the optimiser
    epochs: int = setting(at_least_1)
    batch: int = setting(at_least_1)                        # images per step
    optimiser: str = setting(choice(*STEPS))
    lr: float = setting(positive)                           # learning rate at the start
    schedule: str = setting(choice("constant", "cosine"))   # cosine: falls to 0 by the end
    momentum: float = setting(between(0, 0.9999))         # beta1 of Adam
    weight_decay: float = setting(not_negative)
    average: float | None = setting(or_none(between(0, 0.99999)))       # of the weights, see averaging.py
    class_weight_power: float = setting(between(0, 4))      # of median-frequency balancing, 0 for none
    # data augmentation, see data/augment.py
    flip: bool = setting(yes_or_no)
    scale: tuple[float, float] | None = setting(or_none(span))
    crop: float | None = setting(or_none(between(0.01, 1)))
    jitter: float | None = setting(or_none(between(0, 0.99)))
    relight: float | None = setting(or_none(between(0.01, 2)))          # see data/relight.py
    late_crop: float | None = setting(or_none(between(0.01, 1)))        # that of the last quarter of the epochs
    lovasz: float | None = setting(or_none(positive))       # so much of it in the loss, see lovasz.py
    # the network afterwards
    test_scales: tuple[float, ...] | None = setting(or_none(scales))  # inference.test_time_augmentation
    best_by: str = setting(choice("mIoU", "G", "C", "last"))    # the figure on val by which an epoch is kept, or none
    statistics: str = setting(choice("running", "exact"))   # of batch norm, with which each epoch is judged
    # the run
    judge_every: int = setting(at_least_1)                  # so many epochs, and after the last one
    seed: int = setting(at_least_0)                         # of the weights, the order, the augmentation, dropout
    recipe: str = setting(str)
    steps: int = setting(at_least_1)                        # in an epoch, as the data decide
    ops: str = setting(choice("library", "lessons"))
    conv: str = setting(choice(*CONVOLUTIONS))
    backend: str = setting(choice("numpy", "cupy"))

    def __post_init__(self):
        for name, value in vars(self).items():
            object.__setattr__(self, name, parsed(name, as_text(name, value)))      # a list from JSON becomes a tuple


PARSERS = {one.name: one.metadata["parse"] for one in fields(Settings)}

RECIPES = {
    "streets": dict(
        epochs=6, batch=2, optimiser="adam", lr=1e-3, schedule="cosine", momentum=0.9, weight_decay=5e-4,
        class_weight_power=0.7, flip=False, scale=None, crop=None, jitter=None, normalisation=CENTRED,
        test_scales=None, best_by="mIoU",
    ),
    # What `--ops lessons` takes: the optimiser is the one that learners write first.
    "lessons": dict(
        epochs=5, batch=4, optimiser="sgd", lr=0.06, schedule="cosine", momentum=0.9, weight_decay=5e-4,
        class_weight_power=0.7, flip=False, scale=None, crop=None, jitter=None, normalisation=CENTRED,
        test_scales=None, best_by="mIoU",
    ),
    "photographs": dict(
        epochs=100, batch=4, optimiser="sgd", lr=0.1, schedule="cosine", momentum=0.9, weight_decay=5e-4,
        class_weight_power=0.5, flip=True, scale=None, crop=None, jitter=None, normalisation=CENTRED,
        test_scales=None, best_by="mIoU",
    ),
    # The authors', but for the biases' rate (theirs is twice as high) and when val is judged: see docs/results.md.
    "paper": dict(
        epochs=100, batch=12, optimiser="sgd", lr=0.1, schedule="constant", momentum=0.9, weight_decay=5e-4,
        class_weight_power=1.0, flip=False, scale=None, crop=None, jitter=None, normalisation=LOCAL_RESPONSE,
        test_scales=None, best_by="G",
    ),
    # What the network of version 0.1.0 was trained by, on CamVid at 270x360.
    "best": dict(
        epochs=140, batch=2, optimiser="adam", lr=7e-4, schedule="cosine", momentum=0.9, weight_decay=0.02,
        class_weight_power=0.25, flip=True, scale=(0.75, 1.25), crop=2/3, jitter=0.3, normalisation=CENTRED,
        test_scales=(1.0, 0.75), best_by="mIoU",
    ),
}
# For streets that the network has never seen: see docs/drives.md. In 150 epochs it trained the one that comes with us.
RECIPES["unseen"] = RECIPES["best"] | dict(late_crop=1.0, normalisation=STANDARDISED, lovasz=0.5, average=0.999)
OFF = dict(relight=None, late_crop=None, lovasz=None, average=None)
USUAL = dict(
    ignore=None, fold=None, hold_out=None, network="segnet-basic", filters=64, init=None, init_encoder=None,
    statistics="running", judge_every=1, **OFF, seed=0, ops="library", conv="auto", backend="numpy",
)
NOT_GIVEN = "recipe", "steps"                       # a recipe has an option of its own, the data decide on the steps
# Settings that earlier runs of this format did not have, with what these did.
NEW = dict(fold=None, hold_out=None, init=None, init_encoder=None, statistics="running", judge_every=1, **OFF)
FEW_IMAGES = 50     # of so few an epoch makes so few steps that running statistics, of 10 steps or so, say little


def option_of(name):
    """How the command line sets it."""
    by_set = name in {*RECIPES["best"], "statistics", "judge_every", *OFF} - {"epochs", "batch", "lr"}
    return f"--set {name}" if by_set else f"--{name.replace('_', '-')}"


def assignment(given):
    """ "crop=0.5", of --set, -> ("crop", 0.5)."""
    name, equals, value = given.partition("=")
    known = [name for name in PARSERS if name not in NOT_GIVEN]
    if equals and name == "recipe":
        raise ArgumentTypeError(f"a recipe has an option of its own: write --recipe {value}")
    if name in known and not equals:
        raise ArgumentTypeError(f"{given!r} sets nothing: write {name}= and its value behind it")
    if name not in known:
        near = get_close_matches(name, known, n=1)
        which = f"did you mean {near[0]}?" if near else f"with one of the names {', '.join(known)}"
        raise ArgumentTypeError(f"{given!r} sets nothing: write NAME=VALUE, {which}")
    try:
        return name, parsed(name, value)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def from_recipe(recipe, **given):
    """The Settings of a recipe, with what is given besides: at least data, size and steps."""
    return Settings(**USUAL | RECIPES[recipe] | {"recipe": recipe} | given)


def resolve(given, data, train, val):
    """The Settings of a new run: a recipe, what is given besides, and what the data decide.

    given       {name: value} of the command line; "recipe" is by default the data set's
    train, val  the Survey of each split

    Raises InputError if they do not go together.
    """
    recipe = given.get("recipe") or data.recipe
    values = given | {"data": data.source}
    values.pop("recipe", None)
    if "size" not in values:
        if len(train.sizes | val.sizes) > 1:
            raise InputError(f"the images of {data.name} are not of one size: give one to all with --size HxW")
        values["size"] = next(iter(train.sizes))
        if max(values["size"]) > LONGEST_SIDE:
            text = "the images of {} are {}x{}, too large for a network: give a smaller --size HxW"
            raise InputError(text.format(data.name, *values["size"]))
    values.setdefault("statistics", "exact" if train.images < FEW_IMAGES else "running")
    batch = values.get("batch", RECIPES[recipe]["batch"])
    if batch > train.images:
        few = train.images
        raise InputError(f"a batch of {batch} is more than the {few} training images: give --batch {few}")
    return from_recipe(recipe, **values, steps=steps_of(train.images, batch))


def steps_of(images, batch):
    """How many steps it takes to see so many images once; the last batch may be smaller."""
    return ceil_div(images, batch)


def read(values):
    """The Settings in a dict that came from JSON. Raises ValueError that names what is unknown, missing or wrong."""
    values = NEW | values
    for name in values:
        if name not in PARSERS:
            raise ValueError(f"it has a setting {name!r} that this version does not know")
    for name in PARSERS:
        if name not in values:
            raise ValueError(f"it has no setting {name!r}")
    return Settings(**values)


def read_of_0_1(values):
    """The same, of a run of version 0.1.0, which knew one network and called some settings otherwise."""
    return read({"network": "segnet-basic"} | renamed(values))


def parsed(name, text):
    """The value of a setting in that text. Raises ValueError that names the setting."""
    try:
        return PARSERS[name](text)
    except ArgumentTypeError as error:
        raise ValueError(f"{name}: {error}") from error


def as_text(name, value):
    """The value of a setting as one would write it on the command line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return {"size": "x", "fold": "/"}.get(name, ",").join(map(str, value))
    return str(value)
