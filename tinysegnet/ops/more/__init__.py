"""Operations of other networks than SegNet-Basic, in the same form: a forward and a backward, one under the other.

The networks of networks/more take them from the `ops` that they are given, or else from here.
"""

from tinysegnet.ops.more.conv_transpose2d import conv_transpose2d, conv_transpose2d_backward
from tinysegnet.ops.more.depthwise_conv2d import depthwise_conv2d, depthwise_conv2d_backward
from tinysegnet.ops.more.dropout import dropout, dropout_backward
from tinysegnet.ops.more.join import add, concatenate, concatenate_backward
from tinysegnet.ops.more.resize import (
    resize_bilinear,
    resize_bilinear_backward,
    upsample_nearest,
    upsample_nearest_backward,
)

__all__ = [
    "add", "concatenate", "concatenate_backward",
    "conv_transpose2d", "conv_transpose2d_backward",
    "depthwise_conv2d", "depthwise_conv2d_backward",
    "dropout", "dropout_backward",
    "resize_bilinear", "resize_bilinear_backward",
    "upsample_nearest", "upsample_nearest_backward",
]
