"""SegNet's encoder from VGG16 (Simonyan and Zisserman, 2015): 13 convolutions that others have trained on ImageNet.

The file is a .safetensors with the names of torchvision and timm: "features.0.weight" (F, C, K, K), "features.0.bias"
(F,) of the first convolution, and so on. In that of VGG16 with batch norm each convolution is followed by
"features.1.weight", ".bias", ".running_mean" and ".running_var", (F,). The rest, such as its classifier, is not needed.
"""

from pathlib import Path

import numpy as np

from tinysegnet import networks
from tinysegnet.data.normalisation import IMAGENET
from tinysegnet.networks.blocks import names_of
from tinysegnet.networks.more.segnet import CONVOLUTIONS
from tinysegnet.support.errors import InputError

NETWORKS, FILTERS = ("segnet", "bayesian-segnet"), 64
FLOATS = "F16", "F32", "F64"       # as .safetensors calls them; NumPy has no bfloat16
OF_NORM = "weight", "bias", "running_mean", "running_var"
FILES_OF_PYTORCH = ".pth", ".pt", ".bin"


def encoder_for(given):
    """{name in the network: array} of the encoder in the file that settings name, {name: value}.

    Raises InputError if other settings do not go with it, or the file is missing, damaged, or has not what is needed.
    """
    network = given.get("network", "segnet-basic")
    if network not in NETWORKS:
        raise InputError(f"--init-encoder is for SegNet, and not for {network}: add --network {' or '.join(NETWORKS)}")
    if given.get("filters", FILTERS) != FILTERS:
        raise InputError(f"--init-encoder is for VGG16's {FILTERS} filters: leave out --filters {given['filters']}")
    if (other := given.get("normalisation", IMAGENET)) != IMAGENET:
        raise InputError(f"--init-encoder needs the normalisation {IMAGENET}: leave out --set normalisation={other}")
    return read(given["init_encoder"])


def read(path):
    if not Path(path).is_file():
        raise InputError(f"there is no file '{path}': name VGG16's weights, a .safetensors")
    if Path(path).suffix in FILES_OF_PYTORCH:
        raise InputError(f"{path} is of PyTorch: make it a .safetensors by the three lines in docs/networks.md")
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise InputError("--init-encoder needs a package: install it with  pip install -e '.[safetensors]'") from error
    open(path, "rb").close()            # what keeps it from being read: safetensors says that it is not there
    network = networks.build("segnet")
    shapes = network.shapes | network.stats
    try:
        with safe_open(path, "numpy") as file:
            names = names_in(file.keys())
            return {ours: array_of(file, theirs, shapes[ours], path) for theirs, ours in names.items()}
    except SafetensorError as error:
        raise InputError(f"{path} is not a .safetensors file, or a damaged one ({error}): take another") from error


def names_in(given):
    """{name in the file: name in the network}, of VGG16 with batch norm if the names given are those."""
    with_norm, names, N = "features.1.weight" in given, {}, 0
    for level, count in enumerate(CONVOLUTIONS, 1):
        for i in range(1, count + 1):
            w, b, *of_norm = names_of(f"encoder{level}.{i}")
            names |= {f"features.{N}.weight": w, f"features.{N}.bias": b}
            if with_norm:
                names |= {f"features.{N + 1}.{kind}": ours for kind, ours in zip(OF_NORM, of_norm)}
            N += 2 + with_norm                          # convolution, batch norm, ReLU
        N += 1                                          # pooling
    return names


def array_of(file, name, shape, path):
    """The array of that name in the file, a kernel as (K, K, C, F), if it is floats of that shape."""
    if name not in file.keys():
        raise InputError(f"{path} has no {name}: give VGG16, configuration D, with the names of torchvision or timm")
    stored = file.get_slice(name)
    found, dtype = tuple(stored.get_shape()), stored.get_dtype()
    wanted = (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape
    if found != wanted:
        raise InputError(f"{path}: {name} should be {wanted}, and is {found}: give VGG16, configuration D")
    if dtype not in FLOATS:
        raise InputError(f"{path}: {name} is {dtype}: save it as one of {', '.join(FLOATS)}")
    array = file.get_tensor(name)
    with np.errstate(over="ignore"):
        is_number = np.isfinite(array.astype(np.float32))
    if not is_number.all() or (name.endswith("running_var") and array.min() < 0):
        raise InputError(f"{path}: {name} has values that cannot be: take another file")
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
