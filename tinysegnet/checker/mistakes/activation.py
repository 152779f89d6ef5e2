"""Known wrong answers of relu_backward."""

import numpy as np

from tinysegnet.ops.activation import relu

READ = "tinysegnet/ops/activation.py"
forward = relu


def cases():
    rng = np.random.default_rng(0)
    for shape in ((2, 4, 5, 3), (3, 7, 6, 2)):
        yield (rng.standard_normal(shape),)


def no_mask(dy, x):
    """dy is handed on everywhere, but where x was negative it could not move the output"""
    return {"dx": dy}


def mask_turned_round(dy, x):
    """the mask is the wrong way round: dy passes where x was positive"""
    return {"dx": dy * (x < 0)}


def mask_from_dy(dy, x):
    """the mask asks whether dy is positive, and must ask whether x was"""
    return {"dx": dy * (dy > 0)}


def relu_of_product(dy, x):
    """dx is dy times the output: the slope of ReLU is 1 where x was positive, whatever the value"""
    return {"dx": dy * np.maximum(x, 0)}


def only_the_mask(dy, x):
    """dx is the slope alone: multiply it by dy"""
    return {"dx": (x > 0).astype(x.dtype)}


def leaky(dy, x):
    """a hundredth of dy passes where x was negative: that is the leaky ReLU; here it is 0"""
    return {"dx": np.where(x > 0, dy, 0.01 * dy)}


def both_masks(dy, x):
    """dx is 0 where dy is negative too: only the sign of x matters"""
    return {"dx": dy * (x > 0) * (dy > 0)}


def sign(dy, x):
    """the sign is turned round: the slope of ReLU is 1 where x was positive, not -1"""
    return {"dx": -dy * (x > 0)}


def slope_added(dy, x):
    """the slope is added to dy: the chain rule multiplies"""
    return {"dx": dy + (x > 0)}


MISTAKES = (
    no_mask, mask_turned_round, mask_from_dy, relu_of_product, only_the_mask, leaky, both_masks, sign, slope_added,
)
