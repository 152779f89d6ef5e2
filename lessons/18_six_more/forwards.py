"""Six forwards, given. Their backwards are the exercise, and the library has none of them.

Each returns y and a cache, and the cache is all that the forward was given.
"""

import numpy as np


def leaky_relu(x, slope):
    """y = x where x is positive, slope * x elsewhere. Each channel has a slope of its own, which is learned.

    x, y   (N, H, W, C)
    slope  (C,)
    """
    y = np.where(x > 0, x, slope * x)
    return y, (x, slope)


def conv2d_stride2(x, w, b):
    """y[n, r, q, f] = b[f] + sum over i, j, c of x[n, 2*r + i - K//2, 2*q + j - K//2, c] * w[i, j, c, f].

    Outside the image x is 0.

    x  (N, H, W, C)
    w  (K, K, C, F), K odd
    b  (F,)
    y  (N, (H + 1)//2, (W + 1)//2, F)
    """
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    padded = np.pad(x, ((0, 0), (K // 2, K // 2), (K // 2, K // 2), (0, 0)))
    y = b
    for i in range(K):
        for j in range(K):
            y = y + padded[:, i : i + H : 2, j : j + W : 2] @ w[i, j]
    return y, (x, w, b)


def layer_norm(x, gamma, beta, eps=1e-5):
    """y = gamma * x_hat + beta,  x_hat = (x - mean) / sqrt(var + eps),  over the channels of each pixel by itself.

    x, y         (N, H, W, C)
    gamma, beta  (C,)
    """
    mean = x.mean(axis=3, keepdims=True)                                # (N, H, W, 1)
    var = ((x - mean) ** 2).mean(axis=3, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x, gamma, beta, eps)


def local_response(x, alpha, beta):
    """y = x * (1 + alpha * total) ** -beta,  total = the sum of the squares of x over the channels of each pixel.

    x, y         (N, H, W, C)
    alpha, beta  numbers, which are given and not learned
    """
    total = (x * x).sum(axis=3, keepdims=True)                          # (N, H, W, 1)
    return x * (1 + alpha * total) ** -beta, (x, alpha, beta)


def dice_loss(p, labels, ignore, smooth=1.0):
    """1 - the mean over the classes of  (2 * overlap + smooth) / (said + there + smooth).

    For each class, over the labelled pixels of all images: `said` is the sum of p, `there` the number of pixels with
    that label, and `overlap` the sum of p over these.

    p       (N, H, W, classes), probabilities
    labels  (N, H, W), integers; where it is `ignore`, a pixel counts in nothing
    loss    a 0-d array
    """
    labelled = (labels != ignore)[..., None]                            # (N, H, W, 1)
    one_hot = (labels[..., None] == np.arange(p.shape[3])) & labelled   # (N, H, W, classes)
    overlap = (p * one_hot).sum(axis=(0, 1, 2))                         # (classes,)
    said = (p * labelled).sum(axis=(0, 1, 2))
    there = one_hot.sum(axis=(0, 1, 2)).astype(p.dtype)
    dice = (2 * overlap + smooth) / (said + there + smooth)
    return np.asarray(1 - dice.mean()), (p, labels, ignore, smooth)


def gate(x, w, b):
    """y = x * opening: how far each channel of an image is let through depends on the image as a whole.

    opening = sigmoid(seen @ w + b),  seen = the mean of each channel over the pixels

    x, y  (N, H, W, C)
    w     (C, C)
    b     (C,)
    """
    seen = x.mean(axis=(1, 2))                                          # (N, C)
    opening = 1 / (1 + np.exp(-(seen @ w + b)))                         # (N, C), from 0 to 1
    return x * opening[:, None, None], (x, w, b)
