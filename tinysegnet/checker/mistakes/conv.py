"""Known wrong answers of conv2d and conv2d_backward."""

import numpy as np

from tinysegnet.checker.mistakes.table import Table, alone
from tinysegnet.ops.conv import col2im, conv2d, conv2d_backward, im2col

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


def all_columns(x, K):
    """im2col of all images, (N, H, W, K*K*C)."""
    return np.array([im2col(image, K) for image in pad(x, K // 2, K // 2)])


backward = Table(READ, cases, ["dx", "dw", "db"], conv2d, axes=("channel",))


@backward.formula
def right_gradients(dy, x, w, b):
    (N, H, W, C), (K, _, _, F), columns = x.shape, w.shape, all_columns(x, len(w))
    dcolumns = dy.reshape(-1, F) @ w.reshape(-1, F).T
    padded, p = np.array([col2im(image, K) for image in dcolumns.reshape(N, H, W, -1)]), K // 2
    dx = padded[:, p : p + H, p : p + W]
    dw = (columns.reshape(-1, K * K * C).T @ dy.reshape(-1, F)).reshape(w.shape)
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


backward.mistake("only the first image has a dx, the others have 0: do all (is a return in the loop?)", "dx",
                 dx_of_first_image=lambda dy, x, w, b: alone(0, right(dy, x, w, b)[0]))
backward.mistake("only the last image has a dx, the others have 0: do all (is dx made anew for each?)", "dx",
                 dx_of_last_image=lambda dy, x, w, b: alone(-1, right(dy, x, w, b)[0]))
backward.mistake("only the first image reached dw: add up over all images", "dw",
                 dw_from_first_image=lambda dy, x, w, b: right(dy[:1], x[:1], w, b)[1])
backward.mistake("only the first image reached db: add up over all images", "db",
                 db_from_first_image=lambda dy, x, w, b: dy[0].sum(axis=(0, 1)))
backward.mistake("dx is divided by the number of images: the loss has taken its mean already", "dx",
                 dx_divided_by_images=lambda dy, x, w, b: right(dy, x, w, b)[0] / len(x))
backward.mistake("dw is divided by the number of pixels, but w was used in every pixel, so it is the sum", "dw",
                 dw_mean=lambda dy, x, w, b: right(dy, x, w, b)[1] / dy[..., 0].size)
backward.mistake("dw is divided by the pixels of an image, but w was used in every pixel, so it is the sum", "dw",
                 dw_mean_in_images=lambda dy, x, w, b: right(dy, x, w, b)[1] / dy[0, ..., 0].size)
backward.mistake("db is divided by the number of images: the loss has taken its mean already", "db",
                 db_divided_by_images=lambda dy, x, w, b: dy.sum(axis=(0, 1, 2)) / len(dy))
backward.mistake("db is divided by the pixels of an image, but b was added to every pixel, so it is the sum", "db",
                 db_mean_in_images=lambda dy, x, w, b: dy.mean(axis=(1, 2)).sum(axis=0))
backward.mistake("db is one sum over everything: each filter has a sum of its own, over the pixels", "db",
                 db_of_all_filters=lambda dy, x, w, b: np.full_like(b, dy.sum()))
backward.mistake("dy is reshaped to have its filters first, which mixes up its numbers: sum over axes 0, 1, 2", "db",
                 db_dy_reshaped=lambda dy, x, w, b: dy.reshape(len(b), -1).sum(axis=1))
backward.mistake("db has only the last pixel of the last image: add up (+=) over the pixels", "db",
                 db_of_the_last_pixel=lambda dy, x, w, b: dy[-1, -1, -1])
backward.mistake("dw has its filters first and is reshaped to have them last: transpose it, (F, K*K*C) to (K*K*C, F)",
                 "dw", dw_filters_first=lambda dy, x, w, b: np.moveaxis(right(dy, x, w, b)[1], 3, 0).reshape(w.shape))
backward.mistake("dw has its channels before the places of the kernel: its rows are in the order (i*K + j)*C + c", "dw",
                 dw_channels_first=lambda dy, x, w, b: right(dy, x, w, b)[1].transpose(2, 0, 1, 3).reshape(w.shape))
backward.mistake("dw is upside down: its first row belongs to the pixels above", "dw",
                 dw_rows_flipped=lambda dy, x, w, b: right(dy, x, w, b)[1][::-1])
backward.mistake("dw is mirrored: its first column belongs to the pixels to the left", "dw",
                 dw_columns_flipped=lambda dy, x, w, b: right(dy, x, w, b)[1][:, ::-1])


def dw_of_windows(dy, x, w, first):
    """dw if the window of a pixel begins so many rows and columns from it."""
    return np.einsum("ijnrqc,nrqf->ijcf", windows(x, len(w), first), dy)


backward.mistake("for dw all zeros were put below and to the right of x: put K//2 on each side, as the forward does",
                 "dw", dw_padding_after=lambda dy, x, w, b: dw_of_windows(dy, x, w, 0))
backward.mistake("for dw all zeros were put above and to the left of x: put K//2 on each side, as the forward does",
                 "dw", dw_padding_before=lambda dy, x, w, b: dw_of_windows(dy, x, w, 1 - len(w)))
backward.mistake("in dx the columns are taken to have their channels first: they are in the order (i*K + j)*C + c",
                 "dx", dx_channels_first=lambda dy, x, w, b: middle(padded_dx(
                     dy, x, w.reshape(w.shape[2], *w.shape[:2], -1).transpose(1, 2, 0, 3)), x))


backward.mistake("dx of every image is that of the first: each has its own", "dx",
                 dx_of_first_for_all=lambda dy, x, w, b: np.repeat(right(dy, x, w, b)[0][:1], len(x), axis=0))
backward.mistake("dw is read as if its filters came first: the product is (K*K*C, F) already", "dw",
                 dw_read_filters_first=lambda dy, x, w, b: np.moveaxis(
                     right(dy, x, w, b)[1].reshape(w.shape[3], *w.shape[:3]), 0, 3))
backward.mistake("dw is read as if its channels came first: the rows of the product are in the order (i*K + j)*C + c",
                 "dw", dw_read_channels_first=lambda dy, x, w, b: np.moveaxis(
                     right(dy, x, w, b)[1].reshape(w.shape[2], *w.shape[:2], -1), 0, 2))
backward.mistake("dw has only the last pixel of each image: add up (+=) over the pixels", "dw",
                 dw_of_the_last_pixel=lambda dy, x, w, b: np.einsum(
                     "ijnc,nf->ijcf", windows(x, len(w), -(len(w) // 2))[:, :, :, -1, -1], dy[:, -1, -1]))


@backward.mistake("the columns are reshaped to (K*K*C, H*W), which mixes up their numbers: transpose them", "dw")
def dw_columns_reshaped(dy, x, w, b):
    K, _, C, F = w.shape
    columns = windows(x, K, -(K // 2)).transpose(2, 3, 4, 0, 1, 5).reshape(len(x), K * K * C, -1)
    return (columns @ dy.reshape(len(x), -1, F)).sum(axis=0).reshape(w.shape)


def filters_first(dy):
    """dy, read as if its filters came before its pixels."""
    return np.moveaxis(dy.reshape(len(dy), dy.shape[3], *dy.shape[1:3]), 1, 3)


backward.mistake("for dx dy is reshaped to have its filters first, which mixes up its numbers: they are its last axis",
                 "dx", dx_dy_reshaped=lambda dy, x, w, b: right(filters_first(dy), x, w, b)[0])
backward.mistake("for dw dy is reshaped to have its filters first, which mixes up its numbers: they are its last axis",
                 "dw", dw_dy_reshaped=lambda dy, x, w, b: right(filters_first(dy), x, w, b)[1])


forward = Table(READ, cases, ["y"], conv2d)


@forward.formula
def right_y(x, w, b):
    F, columns = len(b), all_columns(x, len(w))
    y = columns @ w.reshape(-1, F) + b
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


forward.mistake("every image of the batch has the result of the last", last_image_for_all=lambda x, w, b: (
                    np.broadcast_to(gathered(x[-1:], w, b), (len(x), *x.shape[1:3], len(b)))))
forward.mistake("only the first image has its y, the others are 0: do all (is a return in the loop?)",
                only_first_image=lambda x, w, b: alone(0, gathered(x, w, b)))
forward.mistake("only the first image has its y, the others are the bias: do all images",
                only_first_image_and_bias=lambda x, w, b: alone(0, gathered(x, w)) + b)
forward.mistake("only the last image has its y, the others are 0: do all (is y made anew for each?)",
                only_last_image=lambda x, w, b: alone(-1, gathered(x, w, b)))


def within(a, rows=slice(None), columns=slice(None)):
    """a, with zeros in all other rows and columns."""
    kept = np.zeros_like(a)
    kept[:, rows, columns] = a[:, rows, columns]
    return kept


def kernel_within(w, rows=slice(None), columns=slice(None)):
    return within(w[None], rows, columns)[0]


@forward.mistake("pixels whose window reaches over the border have the bias alone: the part of the window that is "
                 "inside counts")
def border_of_bias(x, w, b):
    p = w.shape[0] // 2
    return within(gathered(x, w), np.s_[p:-p], np.s_[p:-p]) + b


forward.mistake("at the left border y is the bias alone: a place outside is passed over (continue), and the others "
                "count (is there a break?)",
                left_border_of_bias=lambda x, w, b: within(gathered(x, w), columns=np.s_[w.shape[0] // 2 :]) + b)
forward.mistake("at the upper border y is the bias alone: a place outside is passed over (continue), and the others "
                "count (is there a break?)",
                upper_border_of_bias=lambda x, w, b: within(gathered(x, w), np.s_[w.shape[0] // 2 :]) + b)
forward.mistake("at the upper and left border y is the bias alone: a place outside is passed over (continue), and the "
                "others count (is there a break?)", upper_left_border_of_bias=lambda x, w, b: within(
                    gathered(x, w), np.s_[w.shape[0] // 2 :], np.s_[w.shape[0] // 2 :]) + b)
forward.mistake("row 0 of x is left out: it is inside, 0 <= row < H",
                first_row_of_x_left_out=lambda x, w, b: gathered(within(x, np.s_[1:]), w, b))
forward.mistake("column 0 of x is left out: it is inside, 0 <= column < W",
                first_column_of_x_left_out=lambda x, w, b: gathered(within(x, columns=np.s_[1:]), w, b))
forward.mistake("the last row of x is left out: it is inside, row < H",
                last_row_of_x_left_out=lambda x, w, b: gathered(within(x, np.s_[:-1]), w, b))
forward.mistake("the last column of x is left out: it is inside, column < W",
                last_column_of_x_left_out=lambda x, w, b: gathered(within(x, columns=np.s_[:-1]), w, b))
forward.mistake("the last row and the last column of x are left out: they are inside, row < H and column < W",
                last_row_and_column_of_x_left_out=lambda x, w, b: gathered(within(x, np.s_[:-1], np.s_[:-1]), w, b))
forward.mistake("the last row of the kernel is left out: the offset i goes from 0 to K - 1",
                last_row_left_out=lambda x, w, b: gathered(x, kernel_within(w, np.s_[:-1]), b))
forward.mistake("the last column of the kernel is left out: the offset j goes from 0 to K - 1",
                last_column_left_out=lambda x, w, b: gathered(x, kernel_within(w, columns=np.s_[:-1]), b))
forward.mistake("the first row and the first column of the kernel are left out: the offsets i and j begin at 0",
                first_row_and_column_left_out=lambda x, w, b: gathered(x, kernel_within(w, np.s_[1:], np.s_[1:]), b))
forward.mistake("the first row of the kernel is left out: the offset i begins at 0",
                first_row_left_out=lambda x, w, b: gathered(x, kernel_within(w, np.s_[1:]), b))
forward.mistake("the first column of the kernel is left out: the offset j begins at 0",
                first_column_left_out=lambda x, w, b: gathered(x, kernel_within(w, columns=np.s_[1:]), b))
forward.mistake("the last channel of x is left out: c goes from 0 to C - 1",
                last_channel_left_out=lambda x, w, b: gathered(x[..., :-1], w[:, :, :-1], b))
forward.mistake("the first channel of x is left out: c begins at 0",
                first_channel_left_out=lambda x, w, b: gathered(x[..., 1:], w[:, :, 1:], b))
forward.mistake("all channels of x meet the kernel of channel 0: each has its own, w[i, j, c]",
                kernel_of_first_channel=lambda x, w, b: gathered(x, w[:, :, :1] + 0 * w, b))
forward.mistake("the kernels of all channels meet channel 0 of x: each channel has its own",
                first_channel_for_all=lambda x, w, b: gathered(x[..., :1] + 0 * x, w, b))
forward.mistake("the last row of y is 0: r goes from 0 to H - 1",
                last_row_of_y_left_out=lambda x, w, b: within(gathered(x, w, b), np.s_[:-1]))
forward.mistake("the last column of y is 0: q goes from 0 to W - 1",
                last_column_of_y_left_out=lambda x, w, b: within(gathered(x, w, b), columns=np.s_[:-1]))
forward.mistake("the last row and the last column of y are 0: r goes from 0 to H - 1, and q from 0 to W - 1",
                last_row_and_column_of_y_left_out=lambda x, w, b: within(gathered(x, w, b), np.s_[:-1], np.s_[:-1]))
forward.mistake("outside the image it is mirrored: there should be zeros",
                border_symmetric=lambda x, w, b: with_border(x, w, b, "symmetric"))
forward.mistake("each place of the kernel reads the pixel r, q itself: place i, j reads r + i - K//2, q + j - K//2",
                without_offsets=lambda x, w, b: np.einsum(
                    "ijnrqc,nrqc,ijcf->nrqf", windows(np.ones_like(x), len(w), -(len(w) // 2)), x, w) + b)
forward.mistake("the bias is added with each product that is inside the image, and once before: once is enough",
                bias_with_each_term_and_before=lambda x, w, b: (
                    gathered(x, w) + (1 + gathered(np.ones_like(x), np.ones_like(w))) * b))
forward.mistake("y of each image, with its bias, has the filters first and is reshaped to have them last: transpose it",
                filters_before_pixels_with_bias=lambda x, w, b: reordered(gathered(x, w, b), 1))
forward.mistake("only the middle of the kernel counts: all its K * K places do", only_the_middle=lambda x, w, b: (
                    x @ w[w.shape[0] // 2, w.shape[0] // 2] + b))


def pad_rows_and_columns(x, above, below, left, right):
    return np.pad(x, ((0, 0), (above, below), (left, right), (0, 0)))


forward.mistake("the window begins in the row of its pixel: it begins K//2 rows above it",
                rows_not_centred=lambda x, w, b: gathered(x, w, b, pad_rows_and_columns(
                    x, 0, w.shape[0] - 1, w.shape[0] // 2, w.shape[0] // 2)))
forward.mistake("the window begins in the column of its pixel: it begins K//2 columns to the left of it",
                columns_not_centred=lambda x, w, b: gathered(x, w, b, pad_rows_and_columns(
                    x, w.shape[0] // 2, w.shape[0] // 2, 0, w.shape[0] - 1)))


def last_inside(x, w, b=0):
    """y if each product overwrites those before it."""
    K = len(w)
    places = np.arange(1.0, K * K + 1).reshape(K, K, 1, 1)
    last = gathered(np.ones_like(x[..., :1]), places, take=np.maximum)              # of the places inside, from 1 on
    return sum(gathered(x, w * (places == place)) * (last == place) for place in places.flat) + b


forward.mistake("each place of the kernel overwrites what was there: add up (+=) over its places",
                last_place_inside=lambda x, w, b: last_inside(x, w))
forward.mistake("each product overwrites what was there: add up (+=) over the kernel and the channels",
                last_product_inside=lambda x, w, b: last_inside(x[..., -1:], w[:, :, -1:]))
forward.mistake("each product overwrites the one before it: add up (+=) over the kernel and the channels",
                last_product_inside_and_bias=lambda x, w, b: last_inside(x[..., -1:], w[:, :, -1:], b))
