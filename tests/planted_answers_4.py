"""149 wrong answers to lessons 00 to 15 and 17 to 21, as a class would hand them in at the first try, written
without a look at the tables or the checker: see planted_answers.py.

PLANTED is a list of (function, name of the mistake, the mistake in words, the wrong answer). tape_backward is the
`backward` of lesson 17.
"""

from functools import partial

import numpy as np
import planted_right
import planted_right_3
from mutation import planted

from tinysegnet.support.backend import array_module

wrong, wrong_3 = partial(planted, planted_right), partial(planted, planted_right_3)

EPS = 1e-5


# ---- lesson 00: NumPy

def q1_first_two_axes(x):
    y = x.mean(axis=(0, 1))
    return y


def q1_channels_first(x):
    y = x.mean(axis=(2, 3))
    return y


def q2_no_keepdims(x):
    y = x - x.max(axis=1)
    return y


def q2_largest_of_columns(x):
    y = x - np.max(x, axis=0, keepdims=True)
    return y


def q3_no_new_axis(labels, classes):
    y = labels == np.arange(classes)
    return y


def q3_eye(labels, classes):
    y = np.eye(classes)[labels]
    return y


def q4_channels_then_transposed(x):
    y = x.reshape(x.shape[2], -1).T
    return y


def q5_transpose_of_the_other(x, dy):
    y = x @ dy.T
    return y


def q5_other_way_round(x, dy):
    y = np.dot(dy.T, x)
    return y


def q6_upper_right(x):
    y = x[:, 0::2, 1::2]
    return y


def q6_batch_axis_forgotten(x):
    y = x[1::2, ::2]
    return y


def q7_kept_as_zeros(x, labels, ignore):
    mask = (labels != ignore)[:, :, None]
    y = x * mask
    return y


def q7_the_ignored_ones(x, labels, ignore):
    y = x[labels == ignore]
    return y


def q8_second_name(x):
    y = x
    y[:, 0] = 0
    return y


def q8_first_row(x):
    y = x.copy()
    y[0] = 0
    return y


def q9_max(scores):
    y = scores.max(axis=2)
    return y


def q9_axis_of_the_primer(scores):
    y = scores.argmax(axis=1)
    return y


def q10_two_axes(labels, classes):
    y = np.bincount(labels, minlength=classes)
    return y


def q10_unique(labels, classes):
    values, counts = np.unique(labels, return_counts=True)
    y = counts
    return y


# ---- lessons 01 to 04

def numerical_gradient_as_in_cs231n(f, x):
    grad = np.zeros(x.shape)
    h = 1e-5
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        ix = it.multi_index
        oldval = x[ix]
        x[ix] = oldval + h
        fxph = f(x)
        x[ix] = oldval - h
        fxmh = f(x)
        x[ix] = oldval
        grad[ix] = (fxph - fxmh) / (2 * h)
        it.iternext()
    return grad


def relu_keeps_x(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache


def relu_backward_into_zeros(dy, cache):
    dx = np.zeros(dy.shape)
    dx[cache] = dy[cache]
    return dx


def conv1x1_keeps_bias(x, w, b):
    N, H, W, C = x.shape
    out = x.reshape(N * H * W, C).dot(w) + b
    cache = (x, w, b)
    return out.reshape(N, H, W, -1), cache


def conv1x1_backward_image_by_image(dy, cache):
    x, w = cache
    N, H, W, C = x.shape
    F = w.shape[1]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    db = np.zeros(F, dy.dtype)
    for n in range(N):
        rows = x[n].reshape(H * W, C)
        drows = dy[n].reshape(H * W, F)
        dx[n] = (drows @ w.T).reshape(H, W, C)
        dw = rows.T @ drows
        db += drows.sum(axis=0)
    return dx, dw, db


def softmax_from_the_formula(logits):
    scores = np.exp(logits)
    return scores / np.sum(scores, axis=-1, keepdims=True)


def softmax_cross_entropy_by_index(logits, labels, class_weights, ignore):
    labelled = labels != ignore
    M = max(int(labelled.sum()), 1)
    z = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))
    one_hot = np.zeros(logits.shape, bool)
    n, r, q = np.nonzero(labelled)
    one_hot[n, r, q, labels[labelled]] = True
    weights = class_weights.astype(logits.dtype)[labels] * labelled / M
    loss = -np.sum(weights[labelled] * log_p[one_hot])
    return loss, (log_p, one_hot, weights)


def softmax_cross_entropy_backward_as_in_cs231n(dloss, cache):
    log_p, one_hot, weights = cache
    N = log_p.shape[0]
    dlogits = np.exp(log_p)
    dlogits[one_hot] -= 1
    dlogits *= weights[..., np.newaxis]
    dlogits /= N
    return dloss * dlogits


def sgd_step_as_in_pytorch(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name in params:
        w = params[name]
        d_p = grads[name]
        if w.ndim == 4:
            d_p = d_p + weight_decay * w
        buf = velocity[name]
        buf *= momentum
        buf += d_p
        w -= lr * buf


# ---- lessons 05, 06

def conv2d_loops_inside_only(x, w, b):
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    y = np.zeros((N, H, W, F), x.dtype)
    y[:] = b
    for n in range(N):
        for r in range(p, H - p):
            for q in range(p, W - p):
                for i in range(K):
                    for j in range(K):
                        for c in range(C):
                            y[n, r, q] += x[n, r + i - p, q + j - p, c] * w[i, j, c]
    return y


def im2col_by_sliding_windows(x, K):
    windows = np.lib.stride_tricks.sliding_window_view(x, (K, K), axis=(0, 1))
    H, W = windows.shape[:2]
    columns = windows.reshape(H, W, -1)
    return columns


def conv2d_as_in_cs231n(x, w, b):
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    x_pad = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="constant")
    out = np.zeros((N, H, W, F), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            for r in range(H):
                for q in range(W):
                    out[n, r, q, f] = np.sum(x_pad[n, r:r + K, q:q + K] * w[..., f]) + b[f]
    return out, (x, w)


def conv2d_backward_as_in_cs231n(dy, cache, need_dx=True):
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    pad = K // 2
    x_pad = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="constant")
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = np.sum(dy, axis=(0, 1, 2))
    for n in range(N):
        for f in range(F):
            for r in range(H):
                for q in range(W):
                    dw[..., f] += dy[n, r, q, f] * x_pad[n, r:r + K, q:q + K]
                    dx_pad[n, r:r + K, q:q + K] += dy[n, r, q, f] * w[..., f]
    dx = None
    if need_dx:
        dx = dx_pad[:, pad:-pad, pad:-pad]
    return dx, dw, db


def conv2d_backward_by_forward(dy, cache, need_dx=True):
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    db = dy.sum(axis=(0, 1, 2))
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
    dx = None
    if need_dx:
        dx, _ = planted_right.conv2d(dy, w.swapaxes(2, 3), np.zeros(C, dy.dtype))
    return dx, dw, db


# ---- lesson 07

def max_pool_floor(x):
    N, H, W, C = x.shape
    h, w = H // 2, W // 2
    windows = x[:, :2 * h, :2 * w].reshape(N, h, 2, w, 2, C)
    windows = windows.transpose(0, 1, 3, 5, 2, 4).reshape(N, h, w, C, 4)
    corners = windows.argmax(axis=-1).astype(np.uint8)
    y = windows.max(axis=-1)
    return y, corners


def max_unpool_by_masks(x, corners, shape):
    y = np.zeros(shape, x.dtype)
    y[:, 0::2, 0::2] = x * (corners == 0)
    y[:, 0::2, 1::2] = x * (corners == 1)
    y[:, 1::2, 0::2] = x * (corners == 2)
    y[:, 1::2, 1::2] = x * (corners == 3)
    return y


def max_unpool_backward_is_pooling(dy, corners):
    N, H, W, C = dy.shape
    _, h, w, _ = corners.shape
    dx = np.zeros(corners.shape, dy.dtype)
    for r in range(h):
        for q in range(w):
            window = dy[:, 2 * r:2 * r + 2, 2 * q:2 * q + 2]
            dx[:, r, q] = window.max(axis=(1, 2))
    return dx


# ---- lesson 08

def batch_norm_keeps_std(x, gamma, beta):
    N, H, W, C = x.shape
    flat = x.reshape(-1, C)
    mean = flat.mean(axis=0)
    var = flat.var(axis=0)
    std = np.sqrt(var + EPS)
    x_hat = (x - mean) / std
    out = gamma * x_hat + beta
    cache = (x_hat, gamma, std)
    return out, (mean, var), cache


def batch_norm_backward_as_in_cs231n(dy, cache):
    x_hat, gamma, inv_std = cache
    N = dy.shape[0]
    dbeta = np.sum(dy, axis=(0, 1, 2))
    dgamma = np.sum(dy * x_hat, axis=(0, 1, 2))
    dx_hat = dy * gamma
    dx = (1.0 / N) * inv_std * (N * dx_hat - np.sum(dx_hat, axis=(0, 1, 2))
                                - x_hat * np.sum(dx_hat * x_hat, axis=(0, 1, 2)))
    return dx, dgamma, dbeta


def batch_norm_inference_copied(x, gamma, beta, mean, var):
    inv_std = 1 / np.sqrt(var + EPS)
    x_hat = (x - mean) * inv_std
    y = gamma * x_hat + beta
    cache = x_hat, gamma, inv_std
    return y, (mean, var), cache


# ---- lesson 09

def forward_one_block_for_all(params, x, ops):
    batch_stats, cache = {}, {}

    def block(name, x):
        x, cache[name + ".conv"] = ops.conv2d(x, params[name + ".conv.w"], params[name + ".conv.b"])
        x, (mean, var), cache[name + ".norm"] = ops.batch_norm(x, params[name + ".norm.gamma"],
                                                               params[name + ".norm.beta"])
        batch_stats[name + ".norm.mean"], batch_stats[name + ".norm.var"] = mean, var
        x, cache[name + ".relu"] = ops.relu(x)
        return x

    x = block("encoder1", x)
    shape1 = x.shape
    x, corners1 = ops.max_pool(x)
    x = block("encoder2", x)
    shape2 = x.shape
    x, corners2 = ops.max_pool(x)
    x = block("decoder2", ops.max_unpool(x, corners2, shape2))
    x = block("decoder1", ops.max_unpool(x, corners1, shape1))
    cache["level1"], cache["level2"] = (corners1, shape1), (corners2, shape2)
    logits, cache["classifier"] = ops.conv2d(x, params["classifier.w"], params["classifier.b"])
    return logits, batch_stats, cache


def backward_written_out(dlogits, cache, ops):
    g = {}
    dx, g["classifier.w"], g["classifier.b"] = ops.conv2d_backward(dlogits, cache["classifier"])

    dx, g["decoder1.norm.gamma"], g["decoder1.norm.beta"] = ops.batch_norm_backward(dx, cache["decoder1.norm"])
    dx, g["decoder1.conv.w"], g["decoder1.conv.b"] = ops.conv2d_backward(dx, cache["decoder1.conv"])
    dx = ops.max_unpool_backward(dx, cache["level1"][0])

    dx, g["decoder2.norm.gamma"], g["decoder2.norm.beta"] = ops.batch_norm_backward(dx, cache["decoder2.norm"])
    dx, g["decoder1.conv.w"], g["decoder1.conv.b"] = ops.conv2d_backward(dx, cache["decoder2.conv"])
    dx = ops.max_unpool_backward(dx, cache["level2"][0])

    dx = ops.max_pool_backward(dx, *cache["level2"])
    dx = ops.relu_backward(dx, cache["encoder2.relu"])
    dx, g["encoder2.norm.gamma"], g["encoder2.norm.beta"] = ops.batch_norm_backward(dx, cache["encoder2.norm"])
    dx, g["encoder2.conv.w"], g["encoder2.conv.b"] = ops.conv2d_backward(dx, cache["encoder2.conv"])

    dx = ops.max_pool_backward(dx, *cache["level1"])
    dx = ops.relu_backward(dx, cache["encoder1.relu"])
    dx, g["encoder1.norm.gamma"], g["encoder1.norm.beta"] = ops.batch_norm_backward(dx, cache["encoder1.norm"])
    _, g["encoder1.conv.w"], g["encoder1.conv.b"] = ops.conv2d_backward(dx, cache["encoder1.conv"], need_dx=False)
    return g


forward = planted_right_3.forward       # which lesson 09 asks for beside a backward


# ---- lesson 10

def weights_with_zeros_in_the_median(pixels, image_pixels, power=1.0):
    freq = np.zeros(len(pixels))
    for c in range(len(pixels)):
        if pixels[c] > 0:
            freq[c] = pixels[c] / image_pixels[c]
    median = np.median(freq)
    weights = np.zeros(len(pixels))
    for c in range(len(pixels)):
        if freq[c] > 0:
            weights[c] = (median / freq[c]) ** power
    return weights


# ---- lesson 11

def counts_by_comparing(labels, predicted, classes, ignore):
    counts = np.zeros((classes, classes), np.int64)
    for i in range(classes):
        for j in range(classes):
            counts[i, j] = ((labels == i) & (predicted == j)).sum()
    return counts


def average_over_all_classes(counts):
    if counts.sum() == 0:
        return np.nan
    total = 0.0
    for k in range(len(counts)):
        row = counts[k].sum()
        if row > 0:
            total += counts[k, k] / row
    return total / len(counts)


# ---- lesson 12

def culprits_all_called_dx():
    A = "max_pool_backward", "dx"
    B = "conv2d_backward", "dx"
    C = "relu_backward", "dx"
    D = "batch_norm_backward", "dx"
    E = "softmax_cross_entropy_backward", "dx"
    F = "conv2d_backward", "dw"
    return A, B, C, D, E, F


def culprits_the_other_pooling():
    A = "max_unpool_backward", "dx"
    B = "conv2d_backward", "dx"
    C = "relu_backward", "dx"
    D = "batch_norm_backward", "dx"
    E = "softmax_cross_entropy_backward", "dlogits"
    F = "conv2d_backward", "dw"
    return A, B, C, D, E, F


# ---- lesson 13

def pad_all_four_axes(x, margin):
    return array_module(x).pad(x, margin)


def sums_by_eye(values, labels, classes):
    xp = array_module(values)
    one_hot = xp.eye(classes, dtype=values.dtype)[labels]
    return one_hot.reshape(-1, classes).T @ values.reshape(-1, values.shape[3])


# ---- lesson 14

def circular_with_the_conjugate_of_x(x, w):
    T, K = len(x), len(w)
    L = T // 2 + 1
    forward, inverse = planted_right_3.transforms(T, x.dtype)
    w_padded = np.zeros(T, w.dtype)
    w_padded[:K] = w
    X, W = forward @ x, forward @ w_padded
    a, b = X[:L], X[L:]
    c, d = W[:L], W[L:]
    real = a * c + b * d
    imag = a * d - b * c
    y = inverse @ np.concatenate([real, imag])
    return y, (x, w)


def circular_backward_rolled_the_wrong_way(dy, cache):
    x, w = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for j in range(len(w)):
        dx += w[j] * np.roll(dy, -j)
        dw[j] = (dy * np.roll(x, -j)).sum()
    return dx, dw


def overlap_save_whole_tiles_only(x, w, T):
    S, K = len(x), len(w)
    M = T - K + 1
    length = S - K + 1
    tiles = length // M
    x_padded = np.concatenate([x, np.zeros(T, x.dtype)])
    y = np.zeros(length, x.dtype)
    for t in range(tiles):
        part, _ = planted_right_3.circular_convolution(x_padded[t * M : t * M + T], w)
        y[t * M : (t + 1) * M] = part[:M]
    return y


# ---- lesson 15

def tiles_that_fit(x, w, b, T):
    N, H, W, C = x.shape
    K, F = w.shape[0], w.shape[3]
    M, p = T - K + 1, K // 2
    padded = np.pad(x, ((0, 0), (p, T), (p, T), (0, 0)))
    w_hat = np.fft.rfft2(w, (T, T), axes=(0, 1)).conj()
    y = np.zeros((N, H, W, F), x.dtype)
    for r in range(0, H - M + 1, M):
        for q in range(0, W - M + 1, M):
            x_hat = np.fft.rfft2(padded[:, r : r + T, q : q + T], (T, T), axes=(1, 2))
            y_hat = np.einsum("nklc,klcf->nklf", x_hat, w_hat)
            tile = np.fft.irfft2(y_hat, (T, T), axes=(1, 2))
            y[:, r : r + M, q : q + M] = tile[:, :M, :M]
    return y + b, (x, w, T)


# ---- lesson 17

def topological_preorder_turned_round(root):
    order, seen = [], set()

    def visit(node):
        if node in seen:
            return
        seen.add(node)
        order.append(node)
        for parent in node.parents:
            visit(parent)

    visit(root)
    return order[::-1]


def topological_without_marks(root):
    nodes = []
    for parent in root.parents:
        nodes += topological_without_marks(parent)
    nodes.append(root)
    return nodes


# ---- lesson 18

def leaky_by_mask(dy, cache):
    x, slope = cache
    negative = x <= 0
    dx = dy.copy()
    dx[negative] *= slope
    dslope = (dy * x * negative).sum(axis=(0, 1, 2))
    return dx, dslope


def stride2_cut_by_minus_p(dy, cache):
    x, w, b = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            window = padded[:, i : i + H : 2, j : j + W : 2]
            dw[i, j] = np.einsum("nrqc,nrqf->cf", window, dy)
            dpadded[:, i : i + H : 2, j : j + W : 2] += dy @ w[i, j].T
    return dpadded[:, p:-p, p:-p], dw, dy.sum(axis=(0, 1, 2))


def local_response_of_each_channel_alone(dy, cache):
    x, alpha, beta = cache
    scale = 1 + alpha * np.sum(x**2, axis=3, keepdims=True)
    return dy * (scale**-beta - 2 * alpha * beta * x**2 * scale ** (-beta - 1))


# ---- lesson 19

def bilinear_align_corners(x, shape):
    _, H, W, _ = x.shape
    rows, columns = np.linspace(0, H - 1, shape[1]), np.linspace(0, W - 1, shape[2])
    r0, q0 = np.floor(rows).astype(int), np.floor(columns).astype(int)
    r1, q1 = np.minimum(r0 + 1, H - 1), np.minimum(q0 + 1, W - 1)
    dr = (rows - r0).astype(x.dtype)[None, :, None, None]
    dq = (columns - q0).astype(x.dtype)[None, None, :, None]
    top = x[:, r0][:, :, q0] * (1 - dq) + x[:, r0][:, :, q1] * dq
    bottom = x[:, r1][:, :, q0] * (1 - dq) + x[:, r1][:, :, q1] * dq
    return top * (1 - dr) + bottom * dr, x.shape


def bilinear_backward_resized_back(dy, cache):
    dx, _ = planted_right_3.resize_bilinear(dy, cache)
    return dx


def transposed_backward_padded_by_p(dy, cache):
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    p = (K - 1) // 2
    dy_padded = np.pad(dy, ((0, 0), (p, p), (p, p), (0, 0)))
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            part = dy_padded[:, i : i + 2 * H : 2, j : j + 2 * W : 2]
            dx += np.einsum("nrqf,cf->nrqc", part, w[i, j])
            dw[i, j] = np.einsum("nrqc,nrqf->cf", x, part)
    return dx, dw, dy.sum(axis=(0, 1, 2))


# ---- lesson 20

def mask_as_in_cs231n(rng, shape, rate, dtype):
    p = 1 - rate
    mask = (rng.random(shape, np.float32) < p) / p
    return mask.astype(dtype)


def mean_and_variance_in_two_passes(looks):
    total, number = 0, 0
    for p in looks:
        total = total + p
        number += 1
    mean = total / number
    squares = np.zeros_like(mean)
    for p in looks:
        squares += (p - mean) ** 2
    return mean, squares / number


# ---- lesson 21

def boundary_by_roll(labels, c, ignore):
    inside, counted = labels == c, labels != ignore
    line = np.zeros(labels.shape, bool)
    for shift in ((0, -1), (-1, 0), (-1, -1)):
        other = np.roll(inside, shift, axis=(0, 1))
        other_counted = np.roll(counted, shift, axis=(0, 1))
        line |= (inside != other) & counted & other_counted
    return line


def pairs_with_the_nearest_free(a, b, tolerance):
    free = [tuple(place) for place in np.argwhere(b)]
    pairs = 0
    for r, q in np.argwhere(a):
        best, best_distance = None, tolerance
        for place in free:
            distance = np.hypot(r - place[0], q - place[1])
            if distance <= best_distance:
                best, best_distance = place, distance
        if best is not None:
            free.remove(best)
            pairs += 1
    return pairs


PLANTED = [
    # lesson 00
    ("q1", "first_two_axes", "The mean is taken over images and rows, as if there were no axis N.", q1_first_two_axes),
    ("q1", "channels_first", "The axes are counted as in (N, C, H, W).", q1_channels_first),
    ("q2", "no_keepdims", "Without keepdims the maxima of the rows are laid along the columns.", q2_no_keepdims),
    ("q2", "largest_of_columns", "The largest of each column is taken away and not of each row.",
     q2_largest_of_columns),
    ("q3", "no_new_axis", "labels has got no axis for the classes.", q3_no_new_axis),
    ("q3", "eye_is_float", "The rows of np.eye are float64 and not True and False.", q3_eye),
    ("q4", "channels_then_transposed", "Cut into C rows and transposed: the channels of a pixel get separated.",
     q4_channels_then_transposed),
    ("q5", "transpose_of_the_other", "dy is transposed in the place of x.", q5_transpose_of_the_other),
    ("q5", "other_way_round", "The product is the transpose of the right one, (F, C).", q5_other_way_round),
    ("q6", "upper_right", "Rows and columns exchanged: the upper right number of each window.", q6_upper_right),
    ("q6", "batch_axis_forgotten", "The slices are for images and rows, as if x were one image.",
     q6_batch_axis_forgotten),
    ("q7", "kept_as_zeros", "The ignored pixels become zeros and are not left out.", q7_kept_as_zeros),
    ("q7", "the_ignored_ones", "The pixels that are to be ignored are taken.", q7_the_ignored_ones),
    ("q8", "second_name", "y is only another name of x, and x is changed.", q8_second_name),
    ("q8", "first_row", "The first row becomes zero and not the left column.", q8_first_row),
    ("q9", "max_for_argmax", "The highest score and not where it stands.", q9_max),
    ("q9", "axis_of_the_primer", "axis=1, as in two dimensions: the columns go away and not the classes.",
     q9_axis_of_the_primer),
    ("q10", "bincount_of_two_axes", "bincount is given an array of two axes.", q10_two_axes),
    ("q10", "unique_drops_absent", "np.unique has no entry for a class that does not occur.", q10_unique),

    # lesson 01
    wrong("numerical_gradient", "divided_by_2_times_step", "/ 2 * step divides by 2 and multiplies by the step.",
          "(above - below) / (2 * step)", "(above - below) / 2 * step"),
    wrong("numerical_gradient__by_copies", "all_entries_moved", "All of x is moved, and not the one entry.",
          "above[i] += step", "above += step", "below[i] -= step", "below -= step"),
    ("numerical_gradient", "measured_in_float32", "It measures in x itself, where in float32 1e-5 drowns in rounding.",
     numerical_gradient_as_in_cs231n),

    # lesson 02
    wrong("relu", "np_max_for_maximum", "np.max(x, 0) is the maximum along axis 0.",
          "y = np.maximum(x, 0)", "y = np.max(x, 0)"),
    ("relu", "cache_is_x", "The cache is x and not x > 0.", relu_keeps_x),
    ("relu_backward", "float64_zeros", "np.zeros without a dtype: float64 for a dy of float32.",
     relu_backward_into_zeros),
    wrong("relu_backward__by_index", "dy_changed_in_place", "dx is dy itself, and the zeros are written into dy.",
          "dx = dy.copy()", "dx = dy"),

    # lesson 03
    ("conv1x1", "bias_in_cache", "The cache has the bias as well: (x, w, b).", conv1x1_keeps_bias),
    wrong("conv1x1", "weights_as_in_pytorch", "w is transposed, as if it were (F, C).",
          "x @ w + b", "x @ w.T + b"),
    ("conv1x1_backward", "dw_of_the_last_image", "dw is overwritten by each image.", conv1x1_backward_image_by_image),
    wrong("conv1x1_backward", "db_over_images_only", "db is summed over the images only, as for a table (N, F).",
          "db = dy.sum(axis=(0, 1, 2))", "db = dy.sum(axis=0)"),

    # lesson 04
    ("softmax", "largest_not_subtracted", "exp of the logits as they are: overflow at 1000.", softmax_from_the_formula),
    wrong("softmax", "largest_of_all_pixels", "One maximum for all pixels: elsewhere all exponentials may be 0.",
          "logits.max(axis=-1, keepdims=True)", "logits.max()"),
    wrong("softmax_cross_entropy", "divided_by_all_pixels", "The divisor counts ignored pixels too.",
          "count = max(int(labelled.sum()), 1)", "count = labels.size"),
    wrong("softmax_cross_entropy", "divided_by_the_weights", "Divided by the sum of the weights, as PyTorch does.",
          "weights = (one_hot * class_weights.astype(logits.dtype)).sum(axis=-1) / count",
          "weights = (one_hot * class_weights.astype(logits.dtype)).sum(axis=-1)\n"
          "total = weights.sum()\nweights = weights / (total if total > 0 else 1)"),
    wrong("softmax_cross_entropy", "log_of_softmax", "The logarithm of p, which may be exactly 0.",
          "log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))", "log_p = np.log(softmax(logits))"),
    ("softmax_cross_entropy", "ignore_as_index", "class_weights[labels] takes `ignore` for an index.",
     softmax_cross_entropy_by_index),
    wrong("softmax_cross_entropy_backward", "dloss_forgotten", "dloss is left out, as if it were always 1.",
          "dloss * weights[..., None] * (p - one_hot)", "weights[..., None] * (p - one_hot)"),
    ("softmax_cross_entropy_backward", "divided_by_n_too", "Divided by N too, but the weights are divided already.",
     softmax_cross_entropy_backward_as_in_cs231n),
    wrong("sgd_step", "new_w", "w = w - v makes a new array, and params keeps the old one.",
          "w -= v", "w = w - v"),
    wrong("sgd_step", "decay_into_grads", "g += adds the decay to the array in grads.",
          "g = g + weight_decay * w", "g += weight_decay * w"),
    ("sgd_step", "lr_outside_velocity", "As in PyTorch: lr is not in the velocity but multiplies it.",
     sgd_step_as_in_pytorch),

    # lesson 05
    wrong("conv2d_loops", "upper_bounds_only", "Rows and columns below 0 are not tested: -1 is the last one.",
          "if not (0 <= rr < H and 0 <= qq < W):", "if rr >= H or qq >= W:"),
    wrong("conv2d_loops__by_padding", "bias_at_each_place", "The bias is added for each place of the kernel.",
          "y[n, r, q] += padded[n, r + i, q + j] @ w[i, j]", "y[n, r, q] += padded[n, r + i, q + j] @ w[i, j] + b",
          "return y + b", "return y"),
    ("conv2d_loops", "border_left_out", "Only pixels whose window lies inside the image are computed.",
     conv2d_loops_inside_only),
    wrong("im2col", "one_row_too_few", "H and W are one too small.",
          "x.shape[0] - K + 1, x.shape[1] - K + 1", "x.shape[0] - K, x.shape[1] - K"),
    ("im2col", "channel_first_in_row", "In a row the channel runs slowest, as in PyTorch's unfold, and not fastest.",
     im2col_by_sliding_windows),
    wrong("conv2d", "padded_all_axes", "np.pad(x, p) puts zeros around images and channels as well.",
          "padded = framed(x, K // 2)", "padded = np.pad(x, K // 2)"),
    ("conv2d", "padding_of_one", "One row of zeros on each side, whatever K is.", conv2d_as_in_cs231n),

    # lesson 06
    wrong("col2im__by_windows", "overwritten", "= for +=: each pixel keeps what the last of its windows said.",
          "x[r:r + K, q:q + K] += columns[r, q]", "x[r:r + K, q:q + K] = columns[r, q]"),
    wrong("col2im", "ring_cut_off", "The ring is cut off here already.",
          "return x", "p = K // 2\nreturn x[p:p + H, p:p + W]"),
    wrong("conv2d_backward", "columns_without_padding", "dw takes the columns of x without its zeros.",
          "enumerate(framed(x, p))", "enumerate(x)"),
    wrong("conv2d_backward__by_shifts", "need_dx_ignored", "dx is returned although it is not wanted.",
          "dx = dpadded[:, p:p + H, p:p + W].copy() if need_dx else None", "dx = dpadded[:, p:p + H, p:p + W].copy()"),
    ("conv2d_backward", "not_rotated", "dx as a convolution of dy: the channels are exchanged, but w is not rotated.",
     conv2d_backward_by_forward),
    ("conv2d_backward", "ring_cut_by_minus_p", "Cut by [p:-p], which is empty for K = 1.",
     conv2d_backward_as_in_cs231n),

    # lesson 07
    wrong("max_pool", "padded_with_zeros", "The odd border is filled with zeros, which win over negative numbers.",
          ", constant_values=-np.inf", ""),
    wrong("max_pool", "corners_int64", "The corners stay int64, as argmax gives them.",
          "four.argmax(axis=0).astype(np.uint8)", "four.argmax(axis=0)"),
    ("max_pool", "rounded_down", "H // 2: the last row or column of an odd size is left out.", max_pool_floor),
    wrong("max_pool_backward__by_corners", "not_cut_to_shape", "dx has 2 h rows, also where x had one less.",
          "return dx[:, :H, :W]", "return dx"),
    wrong("max_pool_backward", "return_in_the_loop", "It returns after the first corner.",
          "view[...] = (dy * (corners == k))[:, :view.shape[1], :view.shape[2]]", "...\nreturn dx"),
    wrong("max_unpool", "float64_zeros_unpooled", "np.zeros without a dtype: float64 for float32.",
          "y = np.zeros(shape, x.dtype)", "y = np.zeros(shape)"),
    ("max_unpool", "odd_sizes_do_not_fit", "At an odd size the slices are shorter than the small map.",
     max_unpool_by_masks),
    wrong("max_unpool_backward", "zeros_like_corners", "np.zeros_like(corners) is uint8.",
          "dx = np.zeros(corners.shape, dy.dtype)", "dx = np.zeros_like(corners)"),
    ("max_unpool_backward", "pooled", "The maximum of dy in each window and not the dy of the corner.",
     max_unpool_backward_is_pooling),

    # lesson 08
    wrong("batch_norm", "eps_outside_root", "EPS is added to the root and not under it.",
          "1 / np.sqrt(var + EPS)", "1 / (np.sqrt(var) + EPS)"),
    ("batch_norm", "std_in_cache", "The cache has the standard deviation and not 1 / it.", batch_norm_keeps_std),
    ("batch_norm_backward", "count_is_n", "M is taken to be N and not N * H * W.", batch_norm_backward_as_in_cs231n),
    wrong("batch_norm_backward__by_steps", "two_of_the_square_forgotten", "The 2 of the square's slope is left out.",
          "2 * dvar * centred / M", "dvar * centred / M"),
    wrong("batch_norm_backward__by_means", "dbeta_times_gamma", "dbeta sums gamma * dy and not dy.",
          "dbeta = dy.sum(axis=(0, 1, 2))", "dbeta = (gamma * dy).sum(axis=(0, 1, 2))"),
    wrong("batch_norm_inference", "root_forgotten", "Divided by the variance and not by its root.",
          "np.sqrt(var + EPS)", "(var + EPS)"),
    ("batch_norm_inference", "returns_three_things", "It returns what batch_norm returns and not y alone.",
     batch_norm_inference_copied),

    # lesson 09
    ("forward", "relu_in_decoder", "The decoders have a ReLU too.", forward_one_block_for_all),
    wrong_3("forward", "shape_after_pooling", "The shape is noted after pooling and not before.",
            "shape = x.shape\n        x, corners = ops.max_pool(x)", "x, corners = ops.max_pool(x)\nshape = x.shape"),
    wrong_3("forward", "stats_in_pairs", "The statistics are pairs under the name of the norm.",
            'stats[name + ".mean"] = mean\n        stats[name + ".var"] = var', "stats[name] = mean, var"),
    ("backward", "copied_key", "The gradients of decoder2.conv go under the keys of decoder1.conv.",
     backward_written_out),
    wrong_3("backward", "decoder_in_forward_order", "In the decoders the convolution goes back before the norm.",
            'dx = norm(f"decoder{level}.norm", dx)\n        dx = conv(f"decoder{level}.conv", dx)',
            'dx = conv(f"decoder{level}.conv", dx)\ndx = norm(f"decoder{level}.norm", dx)'),
    # ---- lesson 10
    wrong_3("class_weights", "of_all_labelled_pixels",
            "The frequency is the share of all labelled pixels, and image_pixels is not used.",
            "freq = pixels[there] / image_pixels[there]", "freq = pixels[there] / pixels.sum()"),
    ("class_weights", "zeros_in_the_median",
     "Classes without a pixel take part in the median with a frequency of 0.", weights_with_zeros_in_the_median),
    wrong_3("cosine_rate", "not_halved", "1 + cos goes from 2 to 0, and was not halved.",
            "(1 + math.cos(math.pi * done / steps)) / 2", "(1 + math.cos(math.pi * done / steps))"),
    wrong_3("cosine_rate", "zero_at_the_last_step",
            "Divided by steps - 1: the rate is 0 at the last step already, and one step alone divides by 0.",
            "done / steps", "done / (steps - 1)"),
    wrong_3("adam_step", "decay_in_the_gradient",
            "The weight decay is added to the gradient, as in sgd_step, and so divided by the root too.",
            "        if w.ndim == 4:\n            pace += weight_decay * w\n", "",
            "m *= momentum", "if w.ndim == 4:\n    g = g + weight_decay * w\n..."),
    wrong_3("adam_step", "new_w_not_in_place", "w - lr * pace is a new array: those in params stay as they were.",
            "w -= lr * pace", "w = w - lr * pace"),

    # ---- lesson 11
    wrong_3("confusion_matrix", "rows_are_the_predictions",
            "Rows and columns are exchanged: a row is what was called so.",
            "labels[counted].astype(np.int64) * classes + predicted[counted]",
            "predicted[counted].astype(np.int64) * classes + labels[counted]"),
    wrong_3("confusion_matrix", "labels_of_8_bits_overflow",
            "labels * classes is computed in the 8 bits of the labels.",
            "labels[counted].astype(np.int64) * classes", "labels[counted] * classes"),
    wrong_3("confusion_matrix__by_add_at", "each_place_once", "+= by an index adds 1 to each place once only.",
            "np.add.at(counts, (labels[counted], predicted[counted]), 1)",
            "counts[labels[counted], predicted[counted]] += 1"),
    ("confusion_matrix", "ignored_class_counted",
     "Ignored pixels are only left out if their label is none of the classes.", counts_by_comparing),
    wrong_3("global_accuracy", "0_for_no_pixels", "0 instead of NaN if there is no labelled pixel.",
            "np.trace(counts) / counts.sum() if counts.any() else np.nan", "np.trace(counts) / max(counts.sum(), 1)"),
    wrong_3("global_accuracy", "over_the_entries", "Divided by the number of entries of the matrix, not by their sum.",
            "/ counts.sum()", "/ counts.size"),
    wrong_3("class_average", "columns_for_rows", "Divided by what was called so: sums over the wrong axis.",
            "counts.sum(axis=1)", "counts.sum(axis=0)"),
    ("class_average", "mean_over_all_classes",
     "Absent classes are left out of the sum, but the sum is divided by all classes.", average_over_all_classes),
    wrong_3("mean_iou", "intersection_counted_twice", "The union holds the intersection twice.",
            "counts.sum(axis=1) - tp", "counts.sum(axis=1)"),
    wrong_3("mean_iou", "only_labelled_classes",
            "A class that is predicted and not labelled is left out, as in C; its IoU is 0.",
            "present = union > 0", "present = counts.sum(axis=1) > 0"),

    # ---- lesson 12
    ("culprits", "dlogits_called_dx",
     "E is called dx like most others; it is the loss's dlogits.", culprits_all_called_dx),
    ("culprits", "unpooling_for_pooling",
     "A is said to be in unpooling; it is in pooling.", culprits_the_other_pooling),

    # ---- lesson 13
    wrong_3("pad", "float64_zeros", "zeros without a dtype: float64, whatever x is.",
            "W + 2 * margin, C), x.dtype)", "W + 2 * margin, C))"),
    ("pad", "all_four_axes", "pad(x, margin) pads images and channels too.", pad_all_four_axes),
    wrong_3("pixel_weights", "void_as_an_index", "class_weights[labels] with a label of 255 is out of range.",
            "class_weights[xp.where(labelled, labels, 0)]", "class_weights[labels]"),
    wrong_3("pixel_weights", "float64_by_the_count", "A count of int64 makes float64 of float32 weights.",
            "xp.maximum(labelled.sum(), 1).astype(class_weights.dtype)", "xp.maximum(labelled.sum(), 1)"),
    ("class_sums", "rows_of_the_identity",
     "eye(classes)[labels]: a label that is no class is out of range, or -1 is the last class.", sums_by_eye),
    wrong_3("class_sums__by_product", "float64_one_hot", "The one-hot matrix is float64, and so are the sums.",
            ".astype(values.dtype)", ".astype(float)"),
    wrong_3("train", "last_group_lost", "The last, smaller group is never read.",
            "return losses + read(group)", "return losses"),
    wrong_3("train", "group_not_emptied", "The group is not emptied after it was read, and comes once more at the end.",
            "            group = []\n", ""),

    # ---- lesson 14
    wrong_3("transforms", "odd_T_as_even", "The last frequency counts once for odd T too, where it counts twice.",
            "    if T % 2 == 0:\n        weights[-1] = 1 / T", "    weights[-1] = 1 / T"),
    wrong_3("transforms", "plus_sin", "The imaginary parts have the wrong sign: +sin. There and back is still right.",
            "-np.sin(angle)", "np.sin(angle)"),
    wrong_3("circular_convolution", "no_conjugate", "x_hat * w_hat: the kernel looks the other way.",
            "conjugate=True", "conjugate=False"),
    ("circular_convolution", "conjugate_of_x",
     "ad - bc for bc - ad: the conjugate of x_hat, and y is mirrored.", circular_with_the_conjugate_of_x),
    wrong_3("circular_convolution_backward", "dw_not_cut", "dw has T values; only the first K are those of w.",
            "conjugate=True)[:K]", "conjugate=True)"),
    ("circular_convolution_backward", "dx_rolled_the_wrong_way",
     "dx is rolled like x in the forward, by -j, and has to go back by +j.", circular_backward_rolled_the_wrong_way),
    wrong_3("overlap_save", "everything_kept",
            "All T values of a tile are kept, wrapped ones too, and tiles do not overlap.",
            "M = T - K + 1", "M = T"),
    ("overlap_save", "only_whole_tiles",
     "The number of tiles is rounded down, and the end of y stays 0.", overlap_save_whole_tiles_only),

    # ---- lesson 15
    wrong_3("conv2d_by_tiles", "irfft2_without_the_size", "irfft2 is not told the size: an odd T comes back as T - 1.",
            "np.fft.irfft2(y_hat, (T, T), axes=(3, 4))", "np.fft.irfft2(y_hat, axes=(3, 4))"),
    ("conv2d_by_tiles", "border_tiles_left_out",
     "Only tiles that lie in the image altogether: what is left at the right and below is b.", tiles_that_fit),
    wrong_3("conv2d_by_tiles_backward", "dx_set_not_added", "= for +=: where tiles overlap, the last one wins.",
            "+= dx_tiles[:, i, j]", "= dx_tiles[:, i, j]"),
    wrong_3("conv2d_by_tiles_backward", "tiles_of_dy_too_large",
            "Tiles of T x T are cut out of dy as of x, without zeros behind M x M: what overlaps counts twice.",
            "cut_out(dy, M, M, 0)", "cut_out(dy, T, M, 0)"),

    # ---- lesson 17
    ("topological", "preorder_turned_round",
     "The node is noted before its parents, and the list turned round: not an order if a node is used twice.",
     topological_preorder_turned_round),
    ("topological", "visited_not_marked",
     "Visited nodes are not marked: what is used twice is in the list twice.", topological_without_marks),
    wrong_3("tape_backward", "last_use_only", "The last use overwrites those before it: no sum.",
            "grads[parent] = grads[parent] + g if parent in grads else g", "grads[parent] = g"),
    wrong_3("tape_backward", "added_in_place", "+= changes an array that another node has been handed too.",
            "grads[parent] = grads[parent] + g if parent in grads else g",
            "if parent in grads:\n    grads[parent] += g\nelse:\n    grads[parent] = g"),

    # ---- lesson 18
    wrong_3("leaky_relu_backward", "dslope_of_all_x",
            "dslope is summed over positive x too, which do not depend on it.",
            "np.minimum(x, 0)", "x"),
    ("leaky_relu_backward", "slope_on_a_mask",
     "dx[mask] is one row of numbers, and slope has one for each channel: they do not fit.", leaky_by_mask),
    wrong_3("conv2d_stride2_backward", "dx_set_not_added", "= for +=: of an x that was read twice one use is lost.",
            "dpadded[at] += dy @ w[i, j].T", "dpadded[at] = dy @ w[i, j].T"),
    ("conv2d_stride2_backward", "nothing_left_for_K_1",
     "[p:-p] is empty where p is 0: K = 1 has a dx without a pixel.", stride2_cut_by_minus_p),
    wrong_3("layer_norm_backward", "gamma_as_in_batch_norm",
            "gamma stands before the bracket as in batch norm, and belongs into the means here.",
            "g = gamma * dy", "g = dy", "dx = inv_std * (", "dx = gamma * inv_std * ("),
    wrong_3("layer_norm_backward", "means_over_pixels",
            "The means of the gradient go over the pixels, as in batch norm.",
            "shift = g.mean(axis=3, keepdims=True)", "shift = g.mean(axis=(0, 1, 2))",
            "stretch = (g * x_hat).mean(axis=3, keepdims=True)", "stretch = (g * x_hat).mean(axis=(0, 1, 2))"),
    wrong_3("local_response_backward", "no_factor_2", "The square of x has the slope 2 x, and the 2 is missing.",
            "2 * alpha * x * dscale", "alpha * x * dscale"),
    ("local_response_backward", "other_channels_forgotten",
     "Each x only moves its own y: those of the other channels are forgotten.", local_response_of_each_channel_alone),
    wrong_3("dice_loss_backward", "void_gets_a_gradient", "The share of `said` goes to void pixels too.",
            "- labelled * top / bottom**2", "- top / bottom**2"),
    wrong_3("dice_loss_backward", "not_a_mean", "The loss is a mean over the classes, and 1 / classes is missing.",
            "-dloss / classes * (", "-dloss * ("),
    wrong_3("gate_backward", "mean_taken_for_a_sum",
            "`seen` is a mean: the second path has to be divided by the pixels.",
            "(dz @ w.T)[:, None, None] / pixels", "(dz @ w.T)[:, None, None]"),
    wrong_3("gate_backward", "w_not_transposed", "dz @ w without a transpose: it fits, as w is square.",
            "(dz @ w.T)", "(dz @ w)"),

    # ---- lesson 19
    wrong_3("resize_bilinear__by_indices", "no_clip", "Centres are not clipped: row -1 is the last one.",
            "        centre = np.clip(centre, 0, source - 1)\n", ""),
    ("resize_bilinear", "corners_aligned",
     "The first and last centres of both lie on each other: linspace from 0 to H - 1.", bilinear_align_corners),
    wrong_3("resize_bilinear_backward__by_indices", "a_row_named_twice_once",
            "+= by an index adds only once to a row that is named twice.",
            "np.add.at(taken, below, (1 - rest) * given)", "taken[below] += (1 - rest) * given",
            "np.add.at(taken, above, rest * given)", "taken[above] += rest * given"),
    ("resize_bilinear_backward", "dy_resized_back",
     "dy is resized to the shape of x, which is not the adjoint.", bilinear_backward_resized_back),
    wrong_3("conv_transpose2d", "p_of_odd_K", "p is K // 2, as in conv2d: for even K all stamps are moved by one.",
            "(len(w) - 1) // 2", "len(w) // 2"),
    wrong_3("conv_transpose2d", "b_with_each_stamp", "b is added with each stamp, and not once.",
            "+= x @ w[i, j]", "+= x @ w[i, j] + b", "shape[2]] + b", "shape[2]]"),
    wrong_3("conv_transpose2d_backward", "dx_of_the_last_place",
            "= for +=: only the last place of the kernel reaches dx.",
            "dx += dslice @ w[i, j].T", "dx = dslice @ w[i, j].T"),
    ("conv_transpose2d_backward", "p_zeros_on_each_side",
     "p zeros on each side are too few for an even K and an odd size.", transposed_backward_padded_by_p),

    # ---- lesson 20
    wrong_3("draw_mask__by_where", "drawn_in_the_dtype", "The numbers are drawn in dtype: in float64 they are others.",
            "rng.random(shape, np.float32)", "rng.random(shape, dtype)"),
    ("draw_mask", "kept_below_1_minus_rate",
     "Kept is what lies below 1 - rate, as in cs231n: other entries than those that are not below rate.",
     mask_as_in_cs231n),
    wrong_3("dropout", "cache_with_x", "The cache is (x, mask) by habit, and should be the mask.",
            "return x * mask, mask", "return x * mask, (x, mask)"),
    wrong_3("dropout_backward", "not_enlarged", "What was kept is handed back as it is, without 1 / (1 - rate).",
            "return dy * mask", "return dy * (mask > 0)"),
    wrong_3("mean_and_variance", "divided_by_T_minus_1", "The variance is divided by T - 1, and NaN for one look.",
            "squares / number", "squares / (number - 1)"),
    ("mean_and_variance", "iterator_used_up",
     "The second loop finds the iterator used up, and the variance is 0.", mean_and_variance_in_two_passes),

    # ---- lesson 21
    wrong_3("boundary", "one_side_only", "Only pixels of the class; the reverse, a neighbour of the class, is missing.",
            "(here == c) != (there == c)", "here == c and there != c"),
    ("boundary", "round_the_border",
     "roll goes round: pixels of the last row and column have the first ones as neighbours.", boundary_by_roll),
    wrong_3("count_pairs", "less_than_the_tolerance",
            "< for <=: just so far apart is no pair, and with 0 there is none.",
            "<= tolerance", "< tolerance"),
    ("count_pairs", "nearest_free_one",
     "Each takes the nearest free one, and nobody makes room for another.", pairs_with_the_nearest_free),
    wrong_3("boundary_f1", "prediction_not_void", "The prediction is not made void where the labels are.",
            "    predicted = np.where(labels == ignore, ignore, predicted)\n", ""),
    wrong_3("boundary_f1__by_precision", "prediction_changed_in_place", "The caller's prediction is changed.",
            "    predicted = predicted.copy()\n", ""),
]
