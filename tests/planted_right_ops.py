"""Right backward functions of the library's ops, in plain NumPy: what planted_bugs.py spoils, line by line.

Some stand here in more than one build: the op's name comes first, and after two underscores, how it is done. What is
not its subject, a build takes from the library.
"""

import numpy as np

from tinysegnet import ops


def conv2d_backward__by_loops(dy, cache, need_dx=True):
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


def conv2d_backward__dx_by_rotation(dy, cache, need_dx=True):
    x, w = cache
    _, dw, db = ops.conv2d_backward(dy, cache, need_dx=False)
    dx = None
    if need_dx:
        rotated = w[::-1, ::-1].transpose(0, 1, 3, 2)
        dx, _ = ops.conv2d(dy, rotated, np.zeros(x.shape[3], x.dtype))
    return dx, dw, db


def conv2d_backward__dx_by_bands(dy, cache, need_dx=True):
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    m = K // 2
    _, dw, db = ops.conv2d_backward(dy, cache, need_dx=False)
    if not need_dx:
        return None, dw, db
    dpadded = np.zeros((N, H + 2 * m, W + 2 * m, C), x.dtype)
    for n in range(N):
        for top in range(0, H, 2):
            bottom = min(top + 2, H)
            dcolumns = dy[n, top:bottom] @ w.reshape(-1, F).T
            dpadded[n, top:bottom + K - 1] += ops.col2im(dcolumns, K)
    return dpadded[:, m:m + H, m:m + W], dw, db


def conv2d_backward__dw_by_loops(dy, cache, need_dx=True):
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    dx, _, db = ops.conv2d_backward(dy, cache, need_dx)
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
    return dx, dw, db


def conv2d_backward__dw_by_columns(dy, cache, need_dx=True):
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    m = K // 2
    dx, _, db = ops.conv2d_backward(dy, cache, need_dx)
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    flat_dw = np.zeros((K * K * C, F), w.dtype)
    for n in range(N):
        columns = ops.im2col(padded[n], K).reshape(H * W, -1)
        flat_dw += columns.T @ dy[n].reshape(H * W, F)
    return dx, flat_dw.reshape(w.shape), db


def batch_norm_backward__by_sums(dy, cache):
    x_hat, gamma, inv_std = cache
    M = x_hat.size // x_hat.shape[-1]
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = gamma * inv_std * (dy - dbeta / M - x_hat * dgamma / M)
    return dx, dgamma, dbeta


def batch_norm_backward__by_one_division(dy, cache):
    x_hat, gamma, inv_std = cache
    M = x_hat.size // x_hat.shape[-1]
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = gamma * inv_std / M * (M * dy - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


def batch_norm_backward__by_means(dy, cache):
    x_hat, gamma, inv_std = cache
    dx_hat = gamma * dy
    shift = dx_hat.mean(axis=(0, 1, 2))
    stretch = (dx_hat * x_hat).mean(axis=(0, 1, 2))
    dx = inv_std * (dx_hat - shift - x_hat * stretch)
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


def batch_norm_backward__by_steps(dy, cache):
    x_hat, gamma, inv_std = cache
    M = x_hat.size // x_hat.shape[-1]
    centred = x_hat / inv_std
    dx_hat = gamma * dy
    dvar = (dx_hat * centred).sum(axis=(0, 1, 2)) * -0.5 * inv_std ** 3
    dcentred = dx_hat * inv_std + 2 * dvar * centred / M
    dx = dcentred - dcentred.mean(axis=(0, 1, 2))
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


def relu_backward__by_product(dy, cache):
    return dy * cache


def relu_backward__by_index(dy, cache):
    dx = dy.copy()
    dx[~cache] = 0
    return dx


def max_pool_backward__by_corners(dy, corners, shape):
    N, H, W, C = shape
    dx = np.zeros((N, 2 * dy.shape[1], 2 * dy.shape[2], C), dy.dtype)
    for k in range(4):
        dx[:, k // 2::2, k % 2::2] = dy * (corners == k)
    return dx[:, :H, :W]


def max_pool_backward__by_pixels(dy, corners, shape):
    N, H, W, C = shape
    dx = np.zeros(shape, dy.dtype)
    for n in range(N):
        for r, q, c in np.ndindex(dy.shape[1:]):
            i, j = divmod(int(corners[n, r, q, c]), 2)
            dx[n, 2 * r + i, 2 * q + j, c] = dy[n, r, q, c]
    return dx


def max_unpool_backward(dy, corners):
    dx = np.zeros(corners.shape, dy.dtype)
    for k in range(4):
        view = dy[:, k // 2::2, k % 2::2]
        h, w = view.shape[1:3]
        dx[:, :h, :w] += view * (corners[:, :h, :w] == k)
    return dx


def softmax_cross_entropy_backward(dloss, cache):
    log_p, one_hot, pixel_weights = cache
    p = np.exp(log_p)
    return (dloss * pixel_weights)[..., None] * (p - one_hot)
