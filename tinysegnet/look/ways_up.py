"""Other ways up in the place of unpooling. What a trained decoder makes of their maps shows what the corners are worth.
All give a map about the sum that unpooling gives it: only the place differs.
"""

from tinysegnet.ops import fast
from tinysegnet.ops.more.resize import (
    resize_bilinear,
    resize_bilinear_backward,
    upsample_nearest,
    upsample_nearest_backward,
)
from tinysegnet.support.backend import array_module

CORNERS = "corners"


def in_quarters(resize, resize_backward):
    """Unpooling and its backward made of a resize, which knows no corners: a value for four pixels is divided by 4."""
    return {
        "max_unpool": lambda x, corners, shape: resize(x, shape)[0] / 4,
        "max_unpool_backward": lambda dy, corners: resize_backward(dy / 4, corners.shape),
    }


def first_corner():
    """Each value goes to the upper left corner, wherever the maximum was."""
    def first(corners):
        return array_module(corners).zeros_like(corners)

    return {
        "max_unpool": lambda x, corners, shape: fast.max_unpool(x, first(corners), shape),
        "max_unpool_backward": lambda dy, corners: fast.max_unpool_backward(dy, first(corners)),
    }


# {name: operations of that name for ops_with}
WAYS = {
    CORNERS: {},
    "replication": in_quarters(upsample_nearest, upsample_nearest_backward),
    "bilinear": in_quarters(resize_bilinear, resize_bilinear_backward),
    "first": first_corner(),
}
