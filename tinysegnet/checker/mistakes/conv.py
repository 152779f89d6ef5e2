"""Known wrong answers of conv2d and conv2d_backward."""

import numpy as np

from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.conv import conv2d, conv2d_backward

READ = "tinysegnet/ops/conv.py"


def cases():
    rng = np.random.default_rng(0)
    for N, H, W, C, F, K in ((2, 4, 6, 5, 7, 3), (3, 7, 6, 2, 4, 5)):
        yield rng.standard_normal((N, H, W, C)), rng.standard_normal((K, K, C, F)), rng.standard_normal(F)


def right(dy, x, w, b):
    _, cache = conv2d(x, w, b)
    return conv2d_backward(dy, cache)


def seen_from_x(dy, w):
    """The convolution of dy with w, its channels and filters exchanged."""
    return conv2d(dy, w.swapaxes(2, 3), np.zeros(w.shape[2], w.dtype))[0]


def padded_dx(dy, x, w, combine=np.add):
    """dx with its padding; combine(what is there, what comes) says what happens where windows overlap."""
    N, H, W, C = x.shape
    K = w.shape[0]
    dx = np.zeros((N, H + K - 1, W + K - 1, C))
    for i in range(K):
        for j in range(K):
            window = dx[:, i : i + H, j : j + W]
            window[...] = combine(window, dy @ w[i, j].T)
    return dx


def middle(padded, x):
    p, H, W = (padded.shape[1] - x.shape[1]) // 2, *x.shape[1:3]
    return padded[:, p : p + H, p : p + W]


def windows(x, K, first):
    """The K x K windows of the pixels of x, (K, K, N, H, W, C): from `first` rows and columns on, 0 outside."""
    _, H, W, _ = x.shape
    padded = np.pad(x, ((0, 0), (2 * K, 2 * K), (2 * K, 2 * K), (0, 0)))
    offsets = range(2 * K + first, 3 * K + first)
    return np.array([[padded[:, i : i + H, j : j + W] for j in offsets] for i in offsets])


backward = Table(READ, cases, ["dx", "dw", "db"], conv2d, axes=("channel",))


@backward.formula
def right_gradients(dy, x, w, b):
    K, _, _, _ = w.shape
    dx = np.einsum("ijnrqf,ijcf->nrqc", windows(dy, K, -(K // 2)), w[::-1, ::-1])
    dw = np.einsum("ijnrqc,nrqf->ijcf", windows(x, K, -(K // 2)), dy)
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


backward.mistake("db is multiplied by K * K: b was added once for each pixel, not for each place of the kernel", "db",
                 db_for_each_place=lambda dy, x, w, b: w.shape[0] ** 2 * dy.sum(axis=(0, 1, 2)))


@backward.mistake("dw leaves out the pixels at the border, whose window reaches outside: they used w too", "dw")
def dw_of_the_inside(dy, x, w, b):
    p, inside = w.shape[0] // 2, np.zeros_like(dy)
    inside[:, p:-p, p:-p] = dy[:, p:-p, p:-p]
    return right(inside, x, w, b)[1]


@backward.mistake("in dw the border of x is repeated outside: the forward had zeros there", "dw")
def dw_border_repeated(dy, x, w, b):
    (N, H, W, C), K, p = x.shape, w.shape[0], w.shape[0] // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)), "edge")
    windows = [[padded[:, i : i + H, j : j + W].reshape(-1, C).T for j in range(K)] for i in range(K)]
    return np.array(windows) @ dy.reshape(N * H * W, -1)


backward.mistake("in dx only the rows of the kernel are turned round: seen from x it is rotated by 180 degrees, "
                 "columns too", "dx", dx_rows_turned=lambda dy, x, w, b: seen_from_x(dy, w[::-1]))
backward.mistake("in dx only the columns of the kernel are turned round: seen from x it is rotated by 180 degrees, "
                 "rows too", "dx", dx_columns_turned=lambda dy, x, w, b: seen_from_x(dy, w[:, ::-1]))
backward.mistake("the rows and columns of the kernel are exchanged in dx: the first axis of w goes down the image",
                 "dx", dx_kernel_transposed=lambda dy, x, w, b: seen_from_x(dy, w[::-1, ::-1].swapaxes(0, 1)))
backward.mistake("in dx w is reshaped to have its filters first: transpose the (K*K*C, F) matrix, or its numbers get "
                 "mixed up", "dx", dx_filters_first=lambda dy, x, w, b: middle(
                     padded_dx(dy, x, w.reshape(w.shape[3], -1).T.reshape(w.shape)), x))
backward.mistake("dx of an image has that of the images before it in it: begin each image at 0", "dx",
                 dx_of_all_before=lambda dy, x, w, b: right(dy, x, w, b)[0].cumsum(axis=0))


@backward.mistake("what fell on the padding is added to the border of dx: it belongs to no pixel, cut it off", "dx")
def dx_padding_folded(dy, x, w, b):
    (_, H, W, _), p, dx = x.shape, w.shape[0] // 2, np.zeros_like(x)
    padded = padded_dx(dy, x, w)
    for r in range(H + 2 * p):
        for q in range(W + 2 * p):
            dx[:, np.clip(r - p, 0, H - 1), np.clip(q - p, 0, W - 1)] += padded[:, r, q]
    return dx


backward.mistake("dw is rotated by 180 degrees: the kernel offset (i, j) must move the window of x by (+i, +j), not "
                 "by (-i, -j)", "dw", dw_rotated=lambda dy, x, w, b: right(dy, x, w, b)[1][::-1, ::-1])
backward.mistake("only the last image reached dw: add up (+=) over the images", "dw",
                 dw_from_last_image=lambda dy, x, w, b: right(dy[-1:], x[-1:], w, b)[1])
backward.mistake("dw is divided by the number of images: the loss has taken its mean already, so the backward only "
                 "adds up", "dw", dw_mean_over_batch=lambda dy, x, w, b: right(dy, x, w, b)[1] / len(x))
backward.mistake("the rows and columns of the kernel are exchanged in dw: the first axis of w goes down the image",
                 "dw", dw_kernel_transposed=lambda dy, x, w, b: right(dy, x, w, b)[1].swapaxes(0, 1))
backward.mistake("db is the mean of dy, but b was added to every pixel, so it is the sum", "db",
                 db_mean=lambda dy, x, w, b: dy.mean(axis=(0, 1, 2)))
backward.mistake("only the last image reached db: add up (+=) over the images", "db",
                 db_from_one_image=lambda dy, x, w, b: dy[-1].sum(axis=(0, 1)))
backward.mistake("db is the sum over the images alone, for one pixel: b was added to every pixel", "db",
                 db_of_the_first_pixel=lambda dy, x, w, b: dy[:, 0, 0].sum(axis=0))
backward.mistake("dx is the convolution of dy with w as it stands: seen from x the kernel is rotated by 180 degrees",
                 "dx", dx_kernel_not_rotated=lambda dy, x, w, b: seen_from_x(dy, w))
backward.mistake("where windows overlap, only the last place of the kernel counts in dx: a pixel lies in up to K*K "
                 "windows, and their gradients add up (+=)", "dx", dx_overwritten=lambda dy, x, w, b: middle(
                     padded_dx(dy, x, w, lambda there, comes: comes), x))


@backward.mistake("windows overwrite each other in dx: a pixel lies in up to K*K windows, and their gradients add up "
                  "(+=)", "dx")
def dx_overwritten_backwards(dy, x, w, b):
    K, H, W = w.shape[0], *x.shape[1:3]
    dx = np.zeros((len(x), H + K - 1, W + K - 1, x.shape[3]))
    for r in range(H):
        for q in range(W):
            dx[:, r : r + K, q : q + K] = np.einsum("nf,ijcf->nijc", dy[:, r, q], w)
    return middle(dx, x)


backward.mistake("dx is cut out of the padded gradient at the wrong place: skip the K//2 rows and columns of padding "
                 "first", "dx",
                 dx_padding_at_the_end=lambda dy, x, w, b: padded_dx(dy, x, w)[:, : x.shape[1], : x.shape[2]])
backward.mistake("w is reshaped to exchange its channels and filters: transpose it, or its entries get mixed up", "dx",
                 dx_w_reshaped=lambda dy, x, w, b: middle(
                     padded_dx(dy, x, w.reshape(*w.shape[:2], w.shape[3], w.shape[2]).swapaxes(2, 3)), x))


forward = Table(READ, cases, ["y"], conv2d)


@forward.formula
def right_y(x, w, b):
    (N, H, W, C), (K, _, _, F) = x.shape, w.shape
    columns = windows(x, K, -(K // 2)).transpose(2, 3, 4, 0, 1, 5).reshape(N, H, W, K * K * C)
    y = columns @ w.reshape(K * K * C, F) + b
    return y


def gathered(x, w, b=0, padded=None, take=np.add):
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


def with_border(x, w, b, mode):
    """y with another border."""
    return gathered(x, w, b, pad(x, w.shape[0] // 2, w.shape[0] // 2, mode))


forward.mistake("the window is one pixel too far up and to the left: it begins K//2 before its pixel",
                window_too_far_up=lambda x, w, b: gathered(x, w, b, pad(x, w.shape[0] // 2 + 1, w.shape[0] // 2 - 1)))
forward.mistake("the window is one pixel too far down and to the right: it begins K//2 before its pixel",
                window_too_far_down=lambda x, w, b: gathered(x, w, b, pad(x, w.shape[0] // 2 - 1, w.shape[0] // 2 + 1)))
forward.mistake("the bias is added with each product that is inside the image: add it once for each pixel",
                bias_with_each_term=lambda x, w, b: gathered(x, w) + gathered(np.ones_like(x), np.ones_like(w)) * b)
forward.mistake("w has the channel first and the columns have it last: both must be in the order (i*K + j)*C + c",
                places_before_channels=lambda x, w, b: gathered(x, w.transpose(2, 0, 1, 3).reshape(w.shape), b))
forward.mistake("w has been reshaped to have its filters first, and then transposed, which mixes up its numbers: they "
                "are last",
                w_filters_first=lambda x, w, b: gathered(x, w.reshape(w.shape[3], -1).T.reshape(w.shape), b))


@forward.mistake("the pixels are reshaped to (W, H): they are in the order of rows, (H, W)")
def height_and_width_exchanged(x, w, b):
    y = gathered(x, w, b)
    return y.reshape(len(x), x.shape[2], x.shape[1], -1).swapaxes(1, 2)


@forward.mistake("row 0 and column 0 of x are left out: they are inside, 0 <= row < H")
def first_row_and_column_of_x_left_out(x, w, b):
    x = x.copy()
    x[:, 0] = x[:, :, 0] = 0
    return gathered(x, w, b)


@forward.mistake("above and to the left the other side of x comes in: x[-1] is its last row, and there should be zeros")
def negative_index(x, w, b):
    p = w.shape[0] // 2
    padded = np.pad(x, ((0, 0), (p, 0), (p, 0), (0, 0)), "wrap")
    return gathered(x, w, b, pad(padded, 0, p))


def reordered(y, axis):
    """y with its filters in the place of that axis, and then reshaped."""
    return np.moveaxis(y, 3, axis).reshape(y.shape)


forward.mistake("the product has the filters first and is reshaped to have them last: transpose it",
                filters_before_pixels=lambda x, w, b: reordered(gathered(x, w), 0) + b)
forward.mistake("the product of each image has the filters first and is reshaped to have them last: transpose it",
                filters_before_pixels_of_each_image=lambda x, w, b: reordered(gathered(x, w), 1) + b)


@forward.mistake("the last row and the last column of the kernel are left out: the offsets i and j go from 0 to K - 1")
def last_row_and_column_left_out(x, w, b):
    shorter = w.copy()
    shorter[-1] = shorter[:, -1] = 0
    return gathered(x, shorter, b)


@forward.mistake("pixels whose window reaches over the border are left 0: there it sees zeros for what is outside")
def border_not_computed(x, w, b):
    p, y = w.shape[0] // 2, gathered(x, w, b)
    inside = np.zeros_like(y)
    inside[:, p:-p, p:-p] = y[:, p:-p, p:-p]
    return inside


forward.mistake("the bias is missing: add b[f] to every pixel of y", no_bias=lambda x, w, b: gathered(x, w))
forward.mistake("the kernel is rotated by 180 degrees: its first row belongs to the pixels above, w[0, 0] to the "
                "upper left", kernel_flipped=lambda x, w, b: gathered(x, w[::-1, ::-1], b))
forward.mistake("the rows and columns of the kernel are exchanged: its first axis goes down the image",
                kernel_transposed=lambda x, w, b: gathered(x, w.swapaxes(0, 1), b))
forward.mistake("the kernel is upside down: its first row belongs to the pixels above",
                rows_flipped=lambda x, w, b: gathered(x, w[::-1], b))
forward.mistake("the kernel is mirrored: its first column belongs to the pixels to the left",
                columns_flipped=lambda x, w, b: gathered(x, w[:, ::-1], b))
forward.mistake("all zeros are below and to the right: put K//2 on each side, so that the pixel is in the middle of "
                "its window", padding_after=lambda x, w, b: gathered(x, w, b, pad(x, 0, w.shape[0] - 1)))
forward.mistake("all zeros are above and to the left: put K//2 on each side, so that the pixel is in the middle of "
                "its window", padding_before=lambda x, w, b: gathered(x, w, b, pad(x, w.shape[0] - 1, 0)))
forward.mistake("images and channels have a border of zeros too, as np.pad(x, K//2) gives it: they need none, so (0, "
                "0) for each of them", padded_in_all_axes=lambda x, w, b: gathered(
                    x, w, b, np.pad(x, w.shape[0] // 2)[: len(x), ..., : x.shape[3]]))
forward.mistake("outside the image its border is repeated: there should be zeros",
                border_repeated=lambda x, w, b: with_border(x, w, b, "edge"))
forward.mistake("a window that reaches over the border comes in again on the other side: there should be zeros",
                border_wrapped=lambda x, w, b: with_border(x, w, b, "wrap"))
forward.mistake("outside the image it is mirrored: there should be zeros",
                border_reflected=lambda x, w, b: with_border(x, w, b, "reflect"))


@forward.mistake("outside the image there are ones: there should be zeros")
def border_of_ones(x, w, b):
    K = w.shape[0] // 2
    return gathered(x, w, b, np.pad(x, ((0, 0), (K, K), (K, K), (0, 0)), constant_values=1))


forward.mistake("only the last place of the kernel is left: add up (+=) over the kernel",
                overwritten=lambda x, w, b: gathered(x, w, b, take=lambda there, comes: comes))
forward.mistake("only the last channel of x is in it: add up (+=) over the channels",
                only_one_channel=lambda x, w, b: gathered(x[..., -1:], w[:, :, -1:], b))
forward.mistake("only the first channel of x is in it: add up over the channels",
                first_channel=lambda x, w, b: gathered(x[..., :1], w[:, :, :1], b))
forward.mistake("the bias is added once for each place of the kernel: add it once for each pixel, after the sum",
                bias_for_each_place=lambda x, w, b: gathered(x, w, w.shape[0] ** 2 * b))
forward.mistake("the bias is added once for each channel of x: add it once for each pixel, after the sum",
                bias_for_each_channel=lambda x, w, b: gathered(x, w, x.shape[3] * b))
forward.mistake("the bias is added for each product of the sum: add it once for each pixel, after the sum",
                bias_for_each_product=lambda x, w, b: gathered(x, w, w.shape[0] ** 2 * x.shape[3] * b))
forward.mistake("y is the mean of the products: it should be their sum",
                mean=lambda x, w, b: gathered(x, w) / w[..., 0].size + b)


@forward.mistake("the columns have the channel first and w has it last: both must be in the order (i*K + j)*C + c")
def channels_before_places(x, w, b):
    K, _, C, F = w.shape
    return gathered(x, w.reshape(C, K, K, F).transpose(1, 2, 0, 3), b)


@forward.mistake("every image of the batch has the result of the first")
def first_image_for_all(x, w, b):
    return np.broadcast_to(gathered(x[:1], w, b), (len(x), *x.shape[1:3], len(b)))
