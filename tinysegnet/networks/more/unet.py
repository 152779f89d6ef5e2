"""U-Net (Ronneberger, Fischer and Brox, MICCAI 2015), for comparison: whole maps cross, beside the decoder's."""

import numpy as np

from tinysegnet.networks.blocks import chain, conv, conv_norm, pool, relu
from tinysegnet.networks.more.blocks import concatenate_lent, lend, upsample_learnt


def unet(classes=11, filters=64):
    """The network as a list, from the image (N, H, W, 3) to the logits (N, H, W, classes).

        encoder 1 .. 3   twice conv 3 x 3 -> batch norm -> ReLU; the map is lent, then max-pooled
        bottom           twice the same
        decoder 3 .. 1   transposed conv 2 x 2 to half the channels, beside it the map lent, then twice the same
        classifier       conv 1 x 1 to the classes

    The levels have 64, 128 and 256 filters, the bottom 512. It departs from the paper, whose bottom is a level deeper,
    in that convolutions keep the size and have batch norm, as is usual today. 7,703,627 parameters with the default
    arguments. H and W are at least 2**3 = 8, and more to train on single images: the bottom's batch norms cannot learn
    from one pixel.
    """
    blocks, C = [], 3
    for level in (1, 2, 3):
        blocks += [*twice(f"encoder{level}", C, filters), lend(f"level{level}"), pool(f"level{level}")]
        C, filters = filters, 2 * filters
    blocks += twice("bottom", C, filters)
    for level in (3, 2, 1):
        C, filters = filters, filters // 2
        blocks.append(upsample_learnt(f"decoder{level}.up", f"level{level}", C, filters, K=2, start=as_large))
        blocks += [concatenate_lent(f"level{level}"), *twice(f"decoder{level}", 2 * filters, filters)]
    return chain(*blocks, conv("classifier", filters, classes, K=1))


def twice(name, C, F):
    """conv 3 x 3 -> batch norm -> ReLU, from C channels to F, and once more."""
    return [*conv_norm(f"{name}.1", C, F, 3), relu(), *conv_norm(f"{name}.2", F, F, 3), relu()]


def as_large(rng, shape):
    """Gaussian with standard deviation sqrt(1 / C), so that numbers stay as large as they were: one place of a 2 x 2
    kernel reaches each pixel, from C channels, and no ReLU comes after."""
    return rng.standard_normal(shape) / np.sqrt(shape[2])
