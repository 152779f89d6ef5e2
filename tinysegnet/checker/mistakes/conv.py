"""Known wrong answers of conv2d_backward."""

import numpy as np

from tinysegnet.ops.conv import conv2d, conv2d_backward

READ = "tinysegnet/ops/conv.py"
forward = conv2d


def cases():
    rng = np.random.default_rng(0)
    for N, H, W, C, F, K in ((2, 4, 6, 5, 7, 3), (3, 7, 6, 2, 4, 5)):
        yield rng.standard_normal((N, H, W, C)), rng.standard_normal((K, K, C, F)), rng.standard_normal(F)


def right(dy, x, w, b):
    _, cache = conv2d(x, w, b)
    return conv2d_backward(dy, cache)


def dw_rotated(dy, x, w, b):
    """dw is rotated by 180 degrees: the kernel offset (i, j) must move the window of x by (+i, +j), not by (-i, -j)"""
    return {"dw": right(dy, x, w, b)[1][::-1, ::-1]}


def dw_from_last_image(dy, x, w, b):
    """only the last image reached dw: add up (+=) over the images"""
    return {"dw": right(dy[-1:], x[-1:], w, b)[1]}


def dw_mean_over_batch(dy, x, w, b):
    """dw is divided by the number of images: the loss has taken its mean already, so the backward only adds up"""
    return {"dw": right(dy, x, w, b)[1] / len(x)}


def dw_kernel_transposed(dy, x, w, b):
    """the rows and columns of the kernel are exchanged in dw: the first axis of w goes down the image"""
    return {"dw": right(dy, x, w, b)[1].swapaxes(0, 1)}


def db_mean(dy, x, w, b):
    """db is the mean of dy, but b was added to every pixel, so it is the sum"""
    return {"db": dy.mean(axis=(0, 1, 2))}


def db_from_one_image(dy, x, w, b):
    """only the last image reached db: add up (+=) over the images"""
    return {"db": dy[-1].sum(axis=(0, 1))}


def dx_kernel_not_rotated(dy, x, w, b):
    """dx is the convolution of dy with w as it stands: seen from x the kernel is rotated by 180 degrees"""
    return {"dx": conv2d(dy, w.transpose(0, 1, 3, 2), np.zeros_like(dy, shape=w.shape[2]))[0]}


def padded_dx(dy, x, w, combine):
    """dx with its padding; combine(what is there, what comes) says what happens where windows overlap."""
    N, H, W, C = x.shape
    K = w.shape[0]
    dx = np.zeros((N, H + K - 1, W + K - 1, C))
    for i in range(K):
        for j in range(K):
            window = dx[:, i : i + H, j : j + W]
            window[...] = combine(window, dy @ w[i, j].T)
    return dx


def dx_overwritten(dy, x, w, b):
    """col2im overwrites where windows overlap: a pixel lies in up to K*K windows, and their gradients add up (+=)"""
    p, H, W = w.shape[0] // 2, *x.shape[1:3]
    return {"dx": padded_dx(dy, x, w, lambda there, comes: comes)[:, p : p + H, p : p + W]}


def dx_padding_at_the_end(dy, x, w, b):
    """dx is cut out of the padded gradient at the wrong place: skip the K//2 rows and columns of padding first"""
    return {"dx": padded_dx(dy, x, w, np.add)[:, : x.shape[1], : x.shape[2]]}


def dx_w_reshaped(dy, x, w, b):
    """w is reshaped to exchange its channels and filters: transpose it, or its entries get mixed up"""
    K, _, C, F = w.shape
    p, H, W = K // 2, *x.shape[1:3]
    mixed = w.reshape(K, K, F, C).swapaxes(2, 3)
    return {"dx": padded_dx(dy, x, mixed, np.add)[:, p : p + H, p : p + W]}


def dx_overwritten_backwards(dy, x, w, b):
    """windows overwrite each other in dx: a pixel lies in up to K*K windows, and their gradients add up (+=)"""
    K, p, H, W = w.shape[0], w.shape[0] // 2, *x.shape[1:3]
    dx = np.zeros((len(x), H + K - 1, W + K - 1, x.shape[3]))
    for r in range(H):
        for q in range(W):
            dx[:, r : r + K, q : q + K] = np.einsum("nf,ijcf->nijc", dy[:, r, q], w)
    return {"dx": dx[:, p : p + H, p : p + W]}


def db_of_the_first_pixel(dy, x, w, b):
    """db is the sum over the images alone, for one pixel: b was added to every pixel"""
    return {"db": dy[:, 0, 0].sum(axis=0)}


def db_for_each_place(dy, x, w, b):
    """db is multiplied by K * K: b was added once for each pixel, not for each place of the kernel"""
    return {"db": w.shape[0] ** 2 * dy.sum(axis=(0, 1, 2))}


def dw_of_the_inside(dy, x, w, b):
    """dw leaves out the pixels at the border, whose window reaches outside: they used w too"""
    p, inside = w.shape[0] // 2, np.zeros_like(dy)
    inside[:, p:-p, p:-p] = dy[:, p:-p, p:-p]
    return {"dw": right(inside, x, w, b)[1]}


def dw_border_repeated(dy, x, w, b):
    """in dw the border of x is repeated outside: the forward had zeros there"""
    (N, H, W, C), K, p = x.shape, w.shape[0], w.shape[0] // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)), "edge")
    windows = [[padded[:, i : i + H, j : j + W].reshape(-1, C).T for j in range(K)] for i in range(K)]
    return {"dw": np.array(windows) @ dy.reshape(N * H * W, -1)}


def seen_from_x(dy, w):
    """The convolution of dy with w, its channels and filters exchanged."""
    return {"dx": conv2d(dy, w.swapaxes(2, 3), np.zeros(w.shape[2], w.dtype))[0]}


def dx_rows_turned(dy, x, w, b):
    """in dx only the rows of the kernel are turned round: seen from x it is rotated by 180 degrees, columns too"""
    return seen_from_x(dy, w[::-1])


def dx_columns_turned(dy, x, w, b):
    """in dx only the columns of the kernel are turned round: seen from x it is rotated by 180 degrees, rows too"""
    return seen_from_x(dy, w[:, ::-1])


def dx_kernel_transposed(dy, x, w, b):
    """the rows and columns of the kernel are exchanged in dx: the first axis of w goes down the image"""
    return seen_from_x(dy, w[::-1, ::-1].swapaxes(0, 1))


def dx_filters_first(dy, x, w, b):
    """in dx w is reshaped to have its filters first: transpose the (K*K*C, F) matrix, or its numbers get mixed up"""
    p, H, W = w.shape[0] // 2, *x.shape[1:3]
    mixed = w.reshape(w.shape[3], -1).T.reshape(w.shape)
    return {"dx": padded_dx(dy, x, mixed, np.add)[:, p : p + H, p : p + W]}


def dx_of_all_before(dy, x, w, b):
    """dx of an image has that of the images before it in it: begin each image at 0"""
    return {"dx": right(dy, x, w, b)[0].cumsum(axis=0)}


def dx_padding_folded(dy, x, w, b):
    """what fell on the padding is added to the border of dx: it belongs to no pixel, cut it off"""
    (_, H, W, _), p, dx = x.shape, w.shape[0] // 2, np.zeros_like(x)
    padded = padded_dx(dy, x, w, np.add)
    for r in range(H + 2 * p):
        for q in range(W + 2 * p):
            dx[:, np.clip(r - p, 0, H - 1), np.clip(q - p, 0, W - 1)] += padded[:, r, q]
    return {"dx": dx}


MISTAKES = (
    db_for_each_place, dw_of_the_inside, dw_border_repeated, dx_rows_turned, dx_columns_turned, dx_kernel_transposed,
    dx_filters_first, dx_of_all_before, dx_padding_folded,
    dw_rotated, dw_from_last_image, dw_mean_over_batch, dw_kernel_transposed, db_mean, db_from_one_image,
    db_of_the_first_pixel, dx_kernel_not_rotated, dx_overwritten, dx_overwritten_backwards, dx_padding_at_the_end,
    dx_w_reshaped,
)
