"""What a training begins with, if not with random numbers: with what another network has learnt.

    --init FILE             a checkpoint, without its classifier if the classes are others; `shipped` is the network
                            that comes with tinysegnet
    --init-encoder FILE     VGG16, for SegNet's encoder: see vgg16.py
"""

import hashlib
from pathlib import Path

import numpy as np

from tinysegnet import inference, networks
from tinysegnet.data.normalisation import IMAGENET
from tinysegnet.support.backend import to_device
from tinysegnet.support.errors import InputError
from tinysegnet.training import vgg16
from tinysegnet.training.settings import option_of

SHIPPED = "shipped"


def begin(model, settings):
    """Give a model before its first step the arrays that settings.init or settings.init_encoder names, if one does.

    Returns the names of those that stay as the seed has drawn them. Raises InputError as `follow` does.
    """
    arrays = {}
    if settings.init is not None:
        arrays = arrays_for(model.meta["classes"], vars(settings))
    elif settings.init_encoder is not None:
        arrays = vgg16.encoder_for(vars(settings))
    for group in (model.params, model.stats):
        for name in group.keys() & arrays.keys():
            group[name][...] = to_device(arrays[name].astype(group[name].dtype), model.xp)
    return [name for name in [*model.params, *model.stats] if name not in arrays]


def follow(given):
    """{name: value} of the settings that the file decides, of a run with the settings `given`, {name: value}.

    Raises InputError if other settings do not go with it, or the file is missing, damaged, or has not what is needed.
    """
    if given.get("init") is not None:
        return decided_by(source(given))
    if given.get("init_encoder") is not None:
        vgg16.encoder_for(given)
        return {"normalisation": IMAGENET}
    return {}


def decided_by(model):
    """{name: value} of the settings that are those of the Model in the file."""
    name, arguments = name_and_arguments(model)
    return {"network": name, "filters": arguments["filters"], "normalisation": model.meta["normalisation"]}


def name_and_arguments(model):
    """Those of its network, {argument: value} with the ones that its checkpoint does not name."""
    name = model.meta["network"]["name"]
    return name, networks.defaults(name) | {k: v for k, v in model.meta["network"].items() if k != "name"}


def source(given):
    """The Model in the file of --init. Raises InputError as `follow` does."""
    if given.get("init_encoder") is not None:
        raise InputError("--init and --init-encoder both say what to begin with: leave one of them out")
    path = path_of(given["init"])
    model = inference.load_on(np, path)
    for setting, value in decided_by(model).items():
        if (asked := given.get(setting, value)) != value:
            option = option_of(setting) + ("=" if setting == "normalisation" else " ")
            raise InputError(f"{path} has {option}{value}: leave out {option}{asked}, or give --init another file")
    name, arguments = name_and_arguments(model)
    for argument, usual in networks.defaults(name).items():
        if (value := arguments[argument]) != usual and argument not in ("classes", "filters"):
            made = f"a training makes {name} with {usual}"
            raise InputError(f"{path} holds {name} with {argument} {value}, and {made}: give --init another file")
    for key, array in (model.params | model.stats).items():
        if not np.isfinite(array).all():
            raise InputError(f"{path}: {key} has values that are not numbers: give --init another file")
    return model


def arrays_for(classes, given):
    """{name: array} of what is taken from the file of --init by a network for these classes."""
    model = source(given)
    arrays = model.params | model.stats
    if model.meta["classes"] != list(classes):
        for name in of_the_classes(model):
            del arrays[name]
    return arrays


def of_the_classes(model):
    """The names of the arrays that have a value for each class, such as the classifier's."""
    name, arguments = name_and_arguments(model)
    one_more = networks.build(name, **arguments | {"classes": arguments["classes"] + 1})
    shapes = one_more.shapes | one_more.stats
    return [name for name, array in (model.params | model.stats).items() if array.shape != shapes[name]]


def path_of(init):
    return inference.SHIPPED if init == SHIPPED else Path(init)


def fingerprint(settings):
    """{name: SHA-256} of the file that a run begins with, for its config.json; {} if there is none."""
    for name in ("init", "init_encoder"):
        if (file := getattr(settings, name)) is not None:
            with open(path_of(file) if name == "init" else file, "rb") as stream:
                return {f"{name}_sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
    return {}
