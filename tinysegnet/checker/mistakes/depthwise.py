"""Known wrong answers of depthwise_conv2d and depthwise_conv2d_backward."""

import numpy as np

from tinysegnet.checker.mistakes.conv import windows
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.more.depthwise_conv2d import depthwise_conv2d, depthwise_conv2d_backward

READ = "tinysegnet/ops/more/depthwise_conv2d.py"


def cases():
    rng = np.random.default_rng(0)
    for N, H, W, C, K in ((2, 4, 6, 5, 3), (3, 7, 6, 4, 5)):
        yield rng.standard_normal((N, H, W, C)), rng.standard_normal((K, K, C)), rng.standard_normal(C)


def right(dy, x, w, b):
    _, cache = depthwise_conv2d(x, w, b)
    return depthwise_conv2d_backward(dy, cache)


def pad(x, before, after, mode="constant"):
    return np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)), mode)


def gathered(x, w, b=0, padded=None, take=np.add):
    """y from images that are padded already; take(what is there, what comes) for each place of the kernel."""
    (_, H, W, _), K = x.shape, len(w)
    padded = pad(x, K // 2, K // 2) if padded is None else padded
    y = np.zeros_like(x)
    for i in range(K):
        for j in range(K):
            y = take(y, padded[:, i : i + H, j : j + W] * w[i, j])
    return y + b


def padded_dx(dy, x, w, combine=np.add):
    """dx with its padding; combine(what is there, what comes) says what happens where windows overlap."""
    (N, H, W, C), K = x.shape, len(w)
    dx = np.zeros((N, H + K - 1, W + K - 1, C))
    for i in range(K):
        for j in range(K):
            window = dx[:, i : i + H, j : j + W]
            window[...] = combine(window, dy * w[i, j])
    return dx


def middle(padded, x):
    p, H, W = (padded.shape[1] - x.shape[1]) // 2, *x.shape[1:3]
    return padded[:, p : p + H, p : p + W]


def border_zero(a, w):
    """a, with 0 where a window reaches over the border."""
    p, inside = len(w) // 2, np.zeros_like(a)
    inside[:, p:-p, p:-p] = a[:, p:-p, p:-p]
    return inside


def all_channels(a):
    """The sum over the channels, in every channel."""
    return np.broadcast_to(a.sum(axis=-1, keepdims=True), a.shape)


def first_channel(a):
    return np.broadcast_to(a[..., :1], a.shape)


def last(there, comes):
    return comes


backward = Table(READ, cases, ["dx", "dw", "db"], depthwise_conv2d, axes=("channel",))


@backward.formula
def right_gradients(dy, x, w, b):
    K, x_windows = len(w), np.moveaxis(windows(x, len(w), -(len(w) // 2)), (0, 1), (4, 5))
    dy_turned, _ = np.moveaxis(windows(dy, K, -(K // 2))[::-1, ::-1], (0, 1), (4, 5)), None
    dx = np.einsum("nrqcij,ijc->nrqc", dy_turned, w)
    dw = np.einsum("nrqcij,nrqc->ijc", x_windows, dy)
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


backward.mistake("in dx the kernel is not rotated: x[r, q] is in y[r - i + K//2, q - j + K//2], so i and j go the "
                 "other way", "dx", dx_not_rotated=lambda dy, x, w, b: gathered(dy, w))
backward.mistake("in dx only the rows of the kernel are turned round: seen from x it is rotated by 180 degrees, "
                 "columns too", "dx", dx_rows_turned=lambda dy, x, w, b: gathered(dy, w[::-1]))
backward.mistake("in dx only the columns of the kernel are turned round: seen from x it is rotated by 180 degrees, "
                 "rows too", "dx", dx_columns_turned=lambda dy, x, w, b: gathered(dy, w[:, ::-1]))
backward.mistake("the rows and columns of the kernel are exchanged in dx: the first axis of w goes down the image",
                 "dx", dx_kernel_transposed=lambda dy, x, w, b: gathered(dy, w[::-1, ::-1].swapaxes(0, 1)))
backward.mistake("the kernel of channel 0 is taken for all channels in dx: each has its own", "dx",
                 dx_one_kernel=lambda dy, x, w, b: gathered(dy, first_channel(w)[::-1, ::-1]))
backward.mistake("dy is added up over the channels in dx: a channel of x is in that channel of y alone", "dx",
                 dx_channels_summed=lambda dy, x, w, b: gathered(all_channels(dy), w[::-1, ::-1]))
backward.mistake("dx is added up over the channels: a channel of x is in that channel of y alone", "dx",
                 dx_summed_over_channels=lambda dy, x, w, b: all_channels(right(dy, x, w, b)[0]))
backward.mistake("windows overwrite each other in dx: a pixel lies in up to K*K windows, and their gradients add up "
                 "(+=)", "dx", dx_overwritten=lambda dy, x, w, b: middle(padded_dx(dy, x, w, last), x))
backward.mistake("dx is cut out of the padded gradient at the wrong place: skip the K//2 rows and columns of padding "
                 "first", "dx",
                 dx_padding_at_the_end=lambda dy, x, w, b: padded_dx(dy, x, w)[:, : x.shape[1], : x.shape[2]])
backward.mistake("dx is 0 at the border, where windows reach outside: what of them is inside counts", "dx",
                 dx_border_zero=lambda dy, x, w, b: border_zero(right(dy, x, w, b)[0], w))
backward.mistake("outside dy its border is repeated in dx: there is no y there, so nothing comes back", "dx",
                 dx_border_repeated=lambda dy, x, w, b: gathered(
                     dy, w[::-1, ::-1], 0, pad(dy, len(w) // 2, len(w) // 2, "edge")))


backward.mistake("dx is the mean over the kernel: a pixel moved the y of K * K windows, so it is the sum", "dx",
                 dx_mean=lambda dy, x, w, b: right(dy, x, w, b)[0] / w[..., 0].size)
backward.mistake("outside dy the other side comes in in dx: there is no y there, so nothing comes back", "dx",
                 dx_border_wrapped=lambda dy, x, w, b: gathered(
                     dy, w[::-1, ::-1], 0, pad(dy, len(w) // 2, len(w) // 2, "wrap")))


@backward.mistake("what fell on the padding is added to the border of dx: it belongs to no pixel, cut it off", "dx")
def dx_padding_folded(dy, x, w, b):
    (_, H, W, _), p, dx = x.shape, len(w) // 2, np.zeros_like(x)
    padded = padded_dx(dy, x, w)
    for r in range(H + 2 * p):
        for q in range(W + 2 * p):
            dx[:, np.clip(r - p, 0, H - 1), np.clip(q - p, 0, W - 1)] += padded[:, r, q]
    return dx


backward.mistake("dw is rotated by 180 degrees: the kernel offset (i, j) must move the window of x by (+i, +j), not "
                 "by (-i, -j)", "dw", dw_rotated=lambda dy, x, w, b: right(dy, x, w, b)[1][::-1, ::-1])
backward.mistake("the rows and columns of the kernel are exchanged in dw: the first axis of w goes down the image",
                 "dw", dw_kernel_transposed=lambda dy, x, w, b: right(dy, x, w, b)[1].swapaxes(0, 1))
backward.mistake("dw is added up over the channels: each channel has a kernel of its own", "dw",
                 dw_summed_over_channels=lambda dy, x, w, b: all_channels(right(dy, x, w, b)[1]))
backward.mistake("dy is added up over the channels in dw: a kernel has touched its own channel alone", "dw",
                 dw_of_all_dy=lambda dy, x, w, b: right(all_channels(dy), x, w, b)[1])
backward.mistake("x is added up over the channels in dw: a kernel has seen its own channel alone", "dw",
                 dw_of_all_x=lambda dy, x, w, b: right(dy, all_channels(x), w, b)[1])
backward.mistake("channel 0 of x is taken for all channels in dw: each kernel has seen its own", "dw",
                 dw_of_the_first_channel=lambda dy, x, w, b: right(dy, first_channel(x), w, b)[1])
backward.mistake("dw has the channel first and is reshaped to have it last: transpose it", "dw",
                 dw_channel_first=lambda dy, x, w, b: np.moveaxis(right(dy, x, w, b)[1], 2, 0).reshape(w.shape))
backward.mistake("dw is upside down: its first row belongs to the pixels above", "dw",
                 dw_rows_flipped=lambda dy, x, w, b: right(dy, x, w, b)[1][::-1])
backward.mistake("dw is mirrored: its first column belongs to the pixels to the left", "dw",
                 dw_columns_flipped=lambda dy, x, w, b: right(dy, x, w, b)[1][:, ::-1])
backward.mistake("only the first image reached dw: go on to the last", "dw",
                 dw_from_first_image=lambda dy, x, w, b: right(dy[:1], x[:1], w, b)[1])
backward.mistake("only the last image reached dw: add up (+=) over the images", "dw",
                 dw_from_last_image=lambda dy, x, w, b: right(dy[-1:], x[-1:], w, b)[1])
backward.mistake("dw is divided by the number of images: the loss has taken its mean already, so the backward only "
                 "adds up", "dw", dw_mean_over_batch=lambda dy, x, w, b: right(dy, x, w, b)[1] / len(x))
backward.mistake("dw is the mean over the pixels, but w was used at every pixel, so it is the sum", "dw",
                 dw_mean=lambda dy, x, w, b: right(dy, x, w, b)[1] / dy[..., 0].size)
backward.mistake("dw leaves out the pixels at the border, whose window reaches outside: they used w too", "dw",
                 dw_of_the_inside=lambda dy, x, w, b: right(border_zero(dy, w), x, w, b)[1])


def dw_of(dy, padded, K):
    """dw from images that are padded already."""
    _, H, W, _ = dy.shape
    places = [[(dy * padded[:, i : i + H, j : j + W]).sum(axis=(0, 1, 2)) for j in range(K)] for i in range(K)]
    return np.array(places)


backward.mistake("in dw the border of x is repeated outside: the forward had zeros there", "dw",
                 dw_border_repeated=lambda dy, x, w, b: dw_of(dy, pad(x, len(w) // 2, len(w) // 2, "edge"), len(w)))
backward.mistake("in dw all zeros are below and to the right of x: the forward had K//2 on each side", "dw",
                 dw_padding_after=lambda dy, x, w, b: dw_of(dy, pad(x, 0, len(w) - 1), len(w)))
backward.mistake("in dw all zeros are above and to the left of x: the forward had K//2 on each side", "dw",
                 dw_padding_before=lambda dy, x, w, b: dw_of(dy, pad(x, len(w) - 1, 0), len(w)))
backward.mistake("db is the mean of dy, but b was added to every pixel, so it is the sum", "db",
                 db_mean=lambda dy, x, w, b: dy.mean(axis=(0, 1, 2)))
backward.mistake("only the last image reached db: add up (+=) over the images", "db",
                 db_from_last_image=lambda dy, x, w, b: dy[-1].sum(axis=(0, 1)))
backward.mistake("only the first image reached db: go on to the last", "db",
                 db_from_first_image=lambda dy, x, w, b: dy[0].sum(axis=(0, 1)))
backward.mistake("db is divided by the number of images: the loss has taken its mean already, so the backward only "
                 "adds up", "db", db_mean_over_batch=lambda dy, x, w, b: dy.sum(axis=(0, 1, 2)) / len(x))
backward.mistake("db is multiplied by K * K: b was added once for each pixel, not for each place of the kernel", "db",
                 db_for_each_place=lambda dy, x, w, b: len(w) ** 2 * dy.sum(axis=(0, 1, 2)))
backward.mistake("db is added up over the channels too: each channel has a bias of its own", "db",
                 db_of_all_channels=lambda dy, x, w, b: all_channels(dy.sum(axis=(0, 1, 2))))
backward.mistake("db is the sum over the images alone, for one pixel: b was added to every pixel", "db",
                 db_of_the_first_pixel=lambda dy, x, w, b: dy[:, 0, 0].sum(axis=0))


forward = Table(READ, cases, ["y"], depthwise_conv2d)


@forward.formula
def right_y(x, w, b):
    x_windows, _ = np.moveaxis(windows(x, len(w), -(len(w) // 2)), (0, 1), (4, 5)), None
    product = np.einsum("nrqcij,ijc->nrqc", x_windows, w)
    y = product + b
    return y


forward.mistake("the kernel is rotated by 180 degrees: its first row belongs to the pixels above, w[0, 0] to the "
                "upper left", kernel_rotated=lambda x, w, b: gathered(x, w[::-1, ::-1], b))
forward.mistake("the kernel is upside down: its first row belongs to the pixels above",
                rows_flipped=lambda x, w, b: gathered(x, w[::-1], b))
forward.mistake("the kernel is mirrored: its first column belongs to the pixels to the left",
                columns_flipped=lambda x, w, b: gathered(x, w[:, ::-1], b))
forward.mistake("the rows and columns of the kernel are exchanged: its first axis goes down the image",
                kernel_transposed=lambda x, w, b: gathered(x, w.swapaxes(0, 1), b))
forward.mistake("the kernel of channel 0 is taken for all channels: each has its own",
                one_kernel=lambda x, w, b: gathered(x, first_channel(w), b))
forward.mistake("channel 0 of x is taken for all channels: each kernel sees its own",
                first_channel_of_x=lambda x, w, b: gathered(first_channel(x), w, b))
forward.mistake("y is added up over the channels, as in an ordinary convolution: each channel is by itself",
                channels_summed=lambda x, w, b: all_channels(gathered(x, w)) + b)
forward.mistake("every kernel sees the sum of all channels of x: it should see its own channel alone",
                sum_of_x=lambda x, w, b: gathered(all_channels(x), w, b))
forward.mistake("the kernels of all channels are added up: each channel has its own",
                sum_of_w=lambda x, w, b: gathered(x, all_channels(w), b))
forward.mistake("w is reshaped to have the channel first, and read so: it has the channel last",
                w_channel_first=lambda x, w, b: gathered(x, np.moveaxis(w.reshape(w.shape[::-1]), 0, 2), b))
forward.mistake("pixels whose window reaches over the border are left 0: there it sees zeros for what is outside",
                border_not_computed=lambda x, w, b: border_zero(gathered(x, w, b), w))
forward.mistake("there is only the bias where a window reaches over the border: there it sees zeros for what is "
                "outside", border_of_bias=lambda x, w, b: border_zero(gathered(x, w), w) + b)
forward.mistake("all zeros are below and to the right: put K//2 on each side, so that the pixel is in the middle of "
                "its window", padding_after=lambda x, w, b: gathered(x, w, b, pad(x, 0, len(w) - 1)))
forward.mistake("all zeros are above and to the left: put K//2 on each side, so that the pixel is in the middle of "
                "its window", padding_before=lambda x, w, b: gathered(x, w, b, pad(x, len(w) - 1, 0)))
forward.mistake("outside the image its border is repeated: there should be zeros",
                border_repeated=lambda x, w, b: gathered(x, w, b, pad(x, len(w) // 2, len(w) // 2, "edge")))
forward.mistake("outside the image the other side comes in: there should be zeros",
                border_wrapped=lambda x, w, b: gathered(x, w, b, pad(x, len(w) // 2, len(w) // 2, "wrap")))
forward.mistake("outside the image it is mirrored: there should be zeros",
                border_reflected=lambda x, w, b: gathered(x, w, b, pad(x, len(w) // 2, len(w) // 2, "reflect")))
forward.mistake("only the last place of the kernel is left: add up (+=) over the kernel",
                overwritten=lambda x, w, b: gathered(x, w, b, take=last))
forward.mistake("y is the mean of the products: it should be their sum",
                mean=lambda x, w, b: gathered(x, w) / w[..., 0].size + b)
forward.mistake("the bias is missing: add b[c] to every pixel of y", no_bias=lambda x, w, b: gathered(x, w))
forward.mistake("the bias of channel 0 is added to all channels: each has its own",
                one_bias=lambda x, w, b: gathered(x, w, b[0]))
forward.mistake("the bias is added once for each place of the kernel: add it once for each pixel, after the sum",
                bias_for_each_place=lambda x, w, b: gathered(x, w, len(w) ** 2 * b))
forward.mistake("every image of the batch has the result of the first",
                first_image_for_all=lambda x, w, b: np.broadcast_to(gathered(x[:1], w, b), x.shape))
