"""Lesson 14: circular convolution. Write your answers here, and ask:  python -m pytest lessons/14_circular_convolution

np.fft is what you write here yourself: a result that comes from it counts as borrowed. Complex numbers are not needed.
"""

import numpy as np


def transforms(T, dtype):
    """The discrete Fourier transform of T real values, and the way back, as real matrices.

    T        1 or more, even or odd
    dtype    of both matrices; compute in float64, and change to it at the end
    forward  (2 L, T) with L = T // 2 + 1:  in row l      cos(2 pi l n / T)  at column n,  for l = 0 ... L - 1
                                            in row L + l  -sin(2 pi l n / T)
    inverse  (T, 2 L):  inverse @ forward is the identity. It is forward.T, each column times a weight
    """
    forward = None
    inverse = None
    return forward, inverse


def circular_convolution(x, w):
    """y[r] = sum over j of x[(r + j) % T] * w[j], by way of frequencies: y_hat = x_hat * conj(w_hat).

    x      (T,)
    w      (K,), K from 1 to T
    y      (T,), of the dtype of x
    cache  (x, w)
    """
    y = None
    cache = None
    return y, cache


def circular_convolution_backward(dy, cache):
    """The gradients with respect to x and w, by way of frequencies. Each is judged by itself.

    dy     (T,), the gradient with respect to y
    cache  (x, w)
    dx     like x
    dw     like w
    """
    dx = None
    dw = None
    return dx, dw


def overlap_save(x, w, T):
    """y[r] = sum over j of x[r + j] * w[j], wherever the window lies in x: nothing wraps around.

    It cuts x into tiles of T values and uses your circular_convolution for each.

    x  (S,), as long as one likes
    w  (K,), K from 1 to S
    T  of a tile, K or more
    y  (S - K + 1,), of the dtype of x
    """
    y = None
    return y
