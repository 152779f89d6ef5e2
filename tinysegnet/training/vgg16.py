"""SegNet's encoder from VGG16 (Simonyan and Zisserman, 2015): 13 convolutions that others have trained on ImageNet.

The file is a .safetensors with the names of torchvision and timm: "features.0.weight" (F, C, K, K), "features.0.bias"
(F,) of the first convolution, and so on. In that of VGG16 with batch norm each convolution is followed by
"features.1.weight", ".bias", ".running_mean" and ".running_var", (F,). The rest, such as its classifier, is not needed.
"""

from pathlib import Path

from tinysegnet import networks
from tinysegnet.data.normalisation import IMAGENET
from tinysegnet.networks.blocks import names_of
from tinysegnet.networks.more.segnet import CONVOLUTIONS
from tinysegnet.support.errors import InputError
from tinysegnet.support.safetensors import array_of, opened

NETWORKS, FILTERS = ("segnet", "bayesian-segnet"), 64
FLOATS = "F16", "F32", "F64"
OF_NORM = "weight", "bias", "running_mean", "running_var"
FILES_OF_PYTORCH = ".pth", ".pt", ".bin"
WAY_OUT = "give VGG16, configuration D, with the names of torchvision or timm"


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
    if Path(path).is_file() and Path(path).suffix in FILES_OF_PYTORCH:
        raise InputError(f"{path} is of PyTorch: make it a .safetensors by the three lines in docs/networks.md")
    network = networks.build("segnet")
    shapes = network.shapes | network.stats
    with opened(path, "--init-encoder", "name VGG16's weights, a .safetensors") as file:
        return {ours: kernel_last(file, path, theirs, shapes[ours]) for theirs, ours in names_in(file.keys()).items()}


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


def kernel_last(file, path, name, shape):
    """The array of that name in the file, a kernel as (K, K, C, F)."""
    if len(shape) < 4:
        return array_of(file, path, name, shape, FLOATS, WAY_OUT)
    K, _, C, F = shape
    return array_of(file, path, name, (F, C, K, K), FLOATS, WAY_OUT).transpose(2, 3, 1, 0)
