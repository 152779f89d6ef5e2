"""Known wrong answers of conv2d."""

import numpy as np

from tinysegnet.ops.conv import conv2d

READ = "tinysegnet/ops/conv.py"
RESULTS = ("y",)
forward = conv2d


def cases():
    rng = np.random.default_rng(0)
    for N, H, W, C, F, K in ((2, 4, 6, 5, 7, 3), (3, 7, 6, 2, 4, 5)):
        yield rng.standard_normal((N, H, W, C)), rng.standard_normal((K, K, C, F)), rng.standard_normal(F)


def gathered(x, w, b, padded=None, take=np.add):
    """y from images that are padded already; take(what is there, what comes) for each place of the kernel."""
    (N, H, W, _), K = x.shape, w.shape[0]
    padded = np.pad(x, ((0, 0), (K // 2, K // 2), (K // 2, K // 2), (0, 0))) if padded is None else padded
    y = np.zeros((N, H, W, w.shape[3]))
    for i in range(K):
        for j in range(K):
            y = take(y, padded[:, i : i + H, j : j + W] @ w[i, j])
    return y + b


def pad(x, before, after, mode="constant"):
    return np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)), mode)


def no_bias(x, w, b):
    """the bias is missing: add b[f] to every pixel of y"""
    return {"y": gathered(x, w, np.zeros_like(b))}


def kernel_flipped(x, w, b):
    """the kernel is rotated by 180 degrees: its first row belongs to the pixels above, w[0, 0] to the upper left"""
    return {"y": gathered(x, w[::-1, ::-1], b)}


def kernel_transposed(x, w, b):
    """the rows and columns of the kernel are exchanged: its first axis goes down the image"""
    return {"y": gathered(x, w.swapaxes(0, 1), b)}


def rows_flipped(x, w, b):
    """the kernel is upside down: its first row belongs to the pixels above"""
    return {"y": gathered(x, w[::-1], b)}


def columns_flipped(x, w, b):
    """the kernel is mirrored: its first column belongs to the pixels to the left"""
    return {"y": gathered(x, w[:, ::-1], b)}


def padding_after(x, w, b):
    """all zeros are below and to the right: put K//2 on each side, so that the pixel is in the middle of its window"""
    return {"y": gathered(x, w, b, pad(x, 0, w.shape[0] - 1))}


def padding_before(x, w, b):
    """all zeros are above and to the left: put K//2 on each side, so that the pixel is in the middle of its window"""
    return {"y": gathered(x, w, b, pad(x, w.shape[0] - 1, 0))}


def border_repeated(x, w, b):
    """outside the image its border is repeated: there should be zeros"""
    return {"y": gathered(x, w, b, pad(x, w.shape[0] // 2, w.shape[0] // 2, "edge"))}


def border_wrapped(x, w, b):
    """a window that reaches over the border comes in again on the other side: there should be zeros"""
    return {"y": gathered(x, w, b, pad(x, w.shape[0] // 2, w.shape[0] // 2, "wrap"))}


def border_reflected(x, w, b):
    """outside the image it is mirrored: there should be zeros"""
    return {"y": gathered(x, w, b, pad(x, w.shape[0] // 2, w.shape[0] // 2, "reflect"))}


def border_of_ones(x, w, b):
    """outside the image there are ones: there should be zeros"""
    K = w.shape[0] // 2
    return {"y": gathered(x, w, b, np.pad(x, ((0, 0), (K, K), (K, K), (0, 0)), constant_values=1))}


def overwritten(x, w, b):
    """only the last place of the kernel is left: add up (+=) over the kernel"""
    return {"y": gathered(x, w, b, take=lambda there, comes: comes)}


def only_one_channel(x, w, b):
    """only the last channel of x is in it: add up (+=) over the channels"""
    return {"y": gathered(x[..., -1:], w[:, :, -1:], b)}


def first_channel(x, w, b):
    """only the first channel of x is in it: add up over the channels"""
    return {"y": gathered(x[..., :1], w[:, :, :1], b)}


def bias_for_each_place(x, w, b):
    """the bias is added once for each place of the kernel: add it once for each pixel, after the sum"""
    return {"y": gathered(x, w, w.shape[0] ** 2 * b)}


def bias_for_each_channel(x, w, b):
    """the bias is added once for each channel of x: add it once for each pixel, after the sum"""
    return {"y": gathered(x, w, x.shape[3] * b)}


def bias_for_each_product(x, w, b):
    """the bias is added for each product of the sum: add it once for each pixel, after the sum"""
    return {"y": gathered(x, w, w.shape[0] ** 2 * x.shape[3] * b)}


def mean(x, w, b):
    """y is the mean of the products: it should be their sum"""
    return {"y": gathered(x, w, np.zeros_like(b)) / w[..., 0].size + b}


def channels_before_places(x, w, b):
    """the columns have the channel first and w has it last: both must be in the order (i*K + j)*C + c"""
    K, _, C, F = w.shape
    return {"y": gathered(x, w.reshape(C, K, K, F).transpose(1, 2, 0, 3), b)}


def first_image_for_all(x, w, b):
    """every image of the batch has the result of the first"""
    return {"y": np.broadcast_to(gathered(x[:1], w, b), (len(x), *x.shape[1:3], len(b)))}


def filters_before_pixels(x, w, b):
    """the product has the filters first and is reshaped to have them last: transpose it"""
    y = gathered(x, w, np.zeros_like(b))
    return {"y": np.moveaxis(y, 3, 0).reshape(y.shape) + b}


def filters_before_pixels_of_each_image(x, w, b):
    """the product of each image has the filters first and is reshaped to have them last: transpose it"""
    y = gathered(x, w, np.zeros_like(b))
    return {"y": np.moveaxis(y, 3, 1).reshape(y.shape) + b}


def last_row_and_column_left_out(x, w, b):
    """the last row and the last column of the kernel are left out: the offsets i and j go from 0 to K - 1"""
    shorter = w.copy()
    shorter[-1] = shorter[:, -1] = 0
    return {"y": gathered(x, shorter, b)}


def border_not_computed(x, w, b):
    """pixels whose window reaches over the border are left 0: there it sees zeros for what is outside"""
    p, y = w.shape[0] // 2, gathered(x, w, b)
    inside = np.zeros_like(y)
    inside[:, p:-p, p:-p] = y[:, p:-p, p:-p]
    return {"y": inside}


def first_row_and_column_of_x_left_out(x, w, b):
    """row 0 and column 0 of x are left out: they are inside, 0 <= row < H"""
    x = x.copy()
    x[:, 0] = x[:, :, 0] = 0
    return {"y": gathered(x, w, b)}


def negative_index(x, w, b):
    """above and to the left the other side of x comes in: x[-1] is its last row, and there should be zeros"""
    p = w.shape[0] // 2
    padded = np.pad(x, ((0, 0), (p, 0), (p, 0), (0, 0)), "wrap")
    return {"y": gathered(x, w, b, pad(padded, 0, p))}


def window_too_far_up(x, w, b):
    """the window is one pixel too far up and to the left: it begins K//2 before its pixel"""
    return {"y": gathered(x, w, b, pad(x, w.shape[0] // 2 + 1, w.shape[0] // 2 - 1))}


def window_too_far_down(x, w, b):
    """the window is one pixel too far down and to the right: it begins K//2 before its pixel"""
    return {"y": gathered(x, w, b, pad(x, w.shape[0] // 2 - 1, w.shape[0] // 2 + 1))}


def bias_with_each_term(x, w, b):
    """the bias is added with each product that is inside the image: add it once for each pixel"""
    terms = gathered(np.ones_like(x), np.ones_like(w), np.zeros_like(b))
    return {"y": gathered(x, w, np.zeros_like(b)) + terms * b}


def places_before_channels(x, w, b):
    """w has the channel first and the columns have it last: both must be in the order (i*K + j)*C + c"""
    return {"y": gathered(x, w.transpose(2, 0, 1, 3).reshape(w.shape), b)}


def w_filters_first(x, w, b):
    """w has been reshaped to have its filters first, and then transposed, which mixes up its numbers: they are last"""
    return {"y": gathered(x, w.reshape(w.shape[3], -1).T.reshape(w.shape), b)}


def height_and_width_exchanged(x, w, b):
    """the pixels are reshaped to (W, H): they are in the order of rows, (H, W)"""
    y = gathered(x, w, b)
    return {"y": y.reshape(len(x), x.shape[2], x.shape[1], -1).swapaxes(1, 2)}


MISTAKES = (
    window_too_far_up, window_too_far_down, bias_with_each_term, places_before_channels, w_filters_first,
    height_and_width_exchanged, first_row_and_column_of_x_left_out, negative_index,
    filters_before_pixels, filters_before_pixels_of_each_image, last_row_and_column_left_out, border_not_computed,
    no_bias, kernel_flipped, kernel_transposed, rows_flipped, columns_flipped, padding_after, padding_before,
    border_repeated, border_wrapped, border_reflected, border_of_ones, overwritten, only_one_channel, first_channel,
    bias_for_each_place, bias_for_each_channel, bias_for_each_product, mean, channels_before_places,
    first_image_for_all,
)
