"""Right answers to lessons 09 to 11 and 13 to 23, as a learner writes them: what planted_answers_3.py spoils by
lines.

Some stand here in more than one build: the exercise's name comes first, and after two underscores, how it is done.
Lessons 09 and 17 both have a `backward`: that of lesson 17 is tape_backward here (see every_exercise.py).
"""

import math

import numpy as np

from tinysegnet.support.backend import array_module, to_numpy

BETA2, EPS = 0.99, 1e-8


# ---- lesson 09: the network

def forward(params, x, ops):
    stats, cache = {}, {}

    def conv(name, x):
        y, cache[name] = ops.conv2d(x, params[name + ".w"], params[name + ".b"])
        return y

    def norm(name, x):
        y, (mean, var), cache[name] = ops.batch_norm(x, params[name + ".gamma"], params[name + ".beta"])
        stats[name + ".mean"] = mean
        stats[name + ".var"] = var
        return y

    for level in (1, 2):
        x = conv(f"encoder{level}.conv", x)
        x = norm(f"encoder{level}.norm", x)
        x, cache[f"encoder{level}.relu"] = ops.relu(x)
        shape = x.shape
        x, corners = ops.max_pool(x)
        cache[f"level{level}"] = corners, shape
    for level in (2, 1):
        corners, shape = cache[f"level{level}"]
        x = ops.max_unpool(x, corners, shape)
        x = conv(f"decoder{level}.conv", x)
        x = norm(f"decoder{level}.norm", x)
    return conv("classifier", x), stats, cache


def backward(dlogits, cache, ops):
    grads = {}

    def conv(name, dy):
        dx, grads[name + ".w"], grads[name + ".b"] = ops.conv2d_backward(dy, cache[name])
        return dx

    def norm(name, dy):
        dx, dgamma, dbeta = ops.batch_norm_backward(dy, cache[name])
        grads[name + ".gamma"] = dgamma
        grads[name + ".beta"] = dbeta
        return dx

    dx = conv("classifier", dlogits)
    for level in (1, 2):
        dx = norm(f"decoder{level}.norm", dx)
        dx = conv(f"decoder{level}.conv", dx)
        dx = ops.max_unpool_backward(dx, cache[f"level{level}"][0])
    for level in (2, 1):
        corners, shape = cache[f"level{level}"]
        dx = ops.max_pool_backward(dx, corners, shape)
        dx = ops.relu_backward(dx, cache[f"encoder{level}.relu"])
        dx = norm(f"encoder{level}.norm", dx)
        dx = conv(f"encoder{level}.conv", dx)
    return grads


# ---- lesson 10: class weights, rate, Adam

def class_weights(pixels, image_pixels, power=1.0):
    there = pixels > 0
    freq = pixels[there] / image_pixels[there]
    weights = np.zeros(len(pixels))
    weights[there] = (np.median(freq) / freq) ** power
    return weights


def cosine_rate(lr, done, steps):
    return lr * (1 + math.cos(math.pi * done / steps)) / 2


def adam_step(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    memory["steps"] += 1
    t = memory["steps"]
    for name, w in params.items():
        g, m, s = grads[name], memory[name], memory[name + ".square"]
        m *= momentum
        m += (1 - momentum) * g
        s *= BETA2
        s += (1 - BETA2) * g * g
        pace = m / (1 - momentum**t) / (np.sqrt(s / (1 - BETA2**t)) + EPS)
        if w.ndim == 4:
            pace += weight_decay * w
        w -= lr * pace


# ---- lesson 11: metrics

def confusion_matrix(labels, predicted, classes, ignore):
    counted = labels != ignore
    pairs = labels[counted].astype(np.int64) * classes + predicted[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def confusion_matrix__by_add_at(labels, predicted, classes, ignore):
    counted = labels != ignore
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels[counted], predicted[counted]), 1)
    return counts


def global_accuracy(counts):
    return np.trace(counts) / counts.sum() if counts.any() else np.nan


def class_average(counts):
    rows = counts.sum(axis=1)
    present = rows > 0
    return (np.diag(counts)[present] / rows[present]).mean() if present.any() else np.nan


def mean_iou(counts):
    tp = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - tp
    present = union > 0
    return (tp[present] / union[present]).mean() if present.any() else np.nan


# ---- lesson 13: the GPU

def pad(x, margin):
    xp = array_module(x)
    N, H, W, C = x.shape
    padded = xp.zeros((N, H + 2 * margin, W + 2 * margin, C), x.dtype)
    padded[:, margin : margin + H, margin : margin + W] = x
    return padded


def pixel_weights(labels, class_weights, ignore):
    xp = array_module(labels)
    labelled = labels != ignore
    count = xp.maximum(labelled.sum(), 1).astype(class_weights.dtype)
    return class_weights[xp.where(labelled, labels, 0)] * labelled / count


def class_sums(values, labels, classes):
    xp = array_module(values)
    return xp.stack([(values * (labels == k)[..., None]).sum(axis=(0, 1, 2)) for k in range(classes)])


def class_sums__by_product(values, labels, classes):
    xp = array_module(values)
    one_hot = (labels.reshape(-1, 1) == xp.arange(classes)).astype(values.dtype)
    return one_hot.T @ values.reshape(-1, values.shape[3])


def train(step, batches, every):
    def read(group):
        return to_numpy(array_module(group[0]).stack(group)).tolist() if group else []

    losses, group = [], []
    for batch in batches:
        group.append(step(batch))
        if len(group) == every:
            losses += read(group)
            group = []
    return losses + read(group)


# ---- lesson 14: circular convolution

def transforms(T, dtype):
    L = T // 2 + 1
    angle = 2 * np.pi * np.outer(np.arange(L), np.arange(T)) / T
    forward = np.concatenate([np.cos(angle), -np.sin(angle)])
    weights = np.full(L, 2 / T)
    weights[0] = 1 / T
    if T % 2 == 0:
        weights[-1] = 1 / T
    inverse = forward.T * np.concatenate([weights, weights])
    return forward.astype(dtype), inverse.astype(dtype)


def by_frequencies(p, q, T, conjugate):
    """The inverse transform of p_hat * q_hat, or of p_hat * conj(q_hat); p and q at most T long."""
    forward, inverse = transforms(T, p.dtype)
    L = T // 2 + 1
    p_hat, q_hat = forward[:, : len(p)] @ p, forward[:, : len(q)] @ q
    a, b, c, d = p_hat[:L], p_hat[L:], q_hat[:L], q_hat[L:]
    if conjugate:
        d = -d
    return inverse @ np.concatenate([a * c - b * d, b * c + a * d])


def circular_convolution(x, w):
    return by_frequencies(x, w, len(x), conjugate=True), (x, w)


def circular_convolution_backward(dy, cache):
    x, w = cache
    T, K = len(x), len(w)
    dx = by_frequencies(dy, w, T, conjugate=False)
    dw = by_frequencies(x, dy, T, conjugate=True)[:K]
    return dx, dw


def overlap_save(x, w, T):
    S, K = len(x), len(w)
    M = T - K + 1
    y = np.zeros(S - K + 1, x.dtype)
    for first in range(0, S - K + 1, M):
        tile = np.zeros(T, x.dtype)
        part = x[first : first + T]
        tile[: len(part)] = part
        kept = by_frequencies(tile, w, T, conjugate=True)[:M]
        y[first : first + M] = kept[: S - K + 1 - first]
    return y


# ---- lesson 15: the fast convolution

def cut_out(x, T, M, margin):
    """Tiles (N, rows of tiles, columns of tiles, T, T, C) of x with zeros around it."""
    N, H, W, C = x.shape
    down, right = -(-H // M), -(-W // M)
    padded = np.zeros((N, (down - 1) * M + T + margin, (right - 1) * M + T + margin, C), x.dtype)
    padded[:, margin : margin + H, margin : margin + W] = x
    return np.stack([np.stack([padded[:, i * M : i * M + T, j * M : j * M + T] for j in range(right)], 1)
                     for i in range(down)], 1)


def conv2d_by_tiles(x, w, b, T):
    N, H, W, C = x.shape
    K, F = w.shape[0], w.shape[3]
    M = T - K + 1
    x_hat = np.fft.rfft2(cut_out(x, T, M, K // 2), (T, T), axes=(3, 4))
    w_hat = np.fft.rfft2(w, (T, T), axes=(0, 1)).conj()
    y_hat = np.einsum("nijklc,klcf->nijklf", x_hat, w_hat)
    tiles = np.fft.irfft2(y_hat, (T, T), axes=(3, 4))
    y = np.zeros((N, H, W, F), x.dtype)
    for i, j in np.ndindex(tiles.shape[1], tiles.shape[2]):
        into = y[:, i * M : (i + 1) * M, j * M : (j + 1) * M]
        into[...] = tiles[:, i, j, : into.shape[1], : into.shape[2]]
    return y + b, (x, w, T)


def conv2d_by_tiles_backward(dy, cache):
    x, w, T = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    M, half = T - K + 1, K // 2
    dy_hat = np.fft.rfft2(cut_out(dy, M, M, 0), (T, T), axes=(3, 4))        # M x M, and zeros behind it
    x_hat = np.fft.rfft2(cut_out(x, T, M, half), (T, T), axes=(3, 4))
    w_hat = np.fft.rfft2(w, (T, T), axes=(0, 1))
    dx_hat = np.einsum("nijklf,klcf->nijklc", dy_hat, w_hat)
    dx_tiles = np.fft.irfft2(dx_hat, (T, T), axes=(3, 4))
    down, right = dx_tiles.shape[1:3]
    padded = np.zeros((N, (down - 1) * M + T + K, (right - 1) * M + T + K, C), x.dtype)
    for i, j in np.ndindex(down, right):
        padded[:, i * M : i * M + T, j * M : j * M + T] += dx_tiles[:, i, j]
    dx = padded[:, half : half + H, half : half + W].copy()
    dw_hat = np.einsum("nijklc,nijklf->klcf", x_hat, dy_hat.conj())
    dw = np.fft.irfft2(dw_hat, (T, T), axes=(0, 1))[:K, :K]
    return dx, dw.astype(w.dtype), dy.sum(axis=(0, 1, 2))


# ---- lesson 16: Winograd's convolution

A_T = np.array([[1, 1, 1, 0], [0, 1, -1, 1]])
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
B_T = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]])


def four_products(d, g):
    plus, minus = (g[0] + g[1] + g[2]) / 2, (g[0] - g[1] + g[2]) / 2
    m = np.stack([(d[0] - d[2]) * g[0], (d[1] + d[2]) * plus, (d[2] - d[1]) * minus, (d[3] - d[1]) * g[2]])
    y = np.stack([m[0] + m[1] + m[2], m[1] - m[2] + m[3]])
    return m, y


def four_products__by_matrices(d, g):
    m = (G @ g) * (B_T @ d)
    y = A_T @ m
    return m.astype(d.dtype), y.astype(d.dtype)


def on_both_axes(matrix, a):
    """matrix a matrix^T, of the first two axes."""
    return np.einsum("ki,lj,ij...->kl...", matrix, matrix, a).astype(a.dtype)


def transform_kernel(w):
    return on_both_axes(G, w)


def transform_kernel__by_rows(w):
    rows = np.stack([w[0], (w[0] + w[1] + w[2]) / 2, (w[0] - w[1] + w[2]) / 2, w[2]])
    left, middle, right = rows[:, 0], rows[:, 1], rows[:, 2]
    return np.stack([left, (left + middle + right) / 2, (left - middle + right) / 2, right], axis=1)


def transform_tiles(x):
    N, H, W, C = x.shape
    R, S = -(-H // 2), -(-W // 2)
    padded = np.zeros((N, 2 * R + 2, 2 * S + 2, C), x.dtype)
    padded[:, 1 : H + 1, 1 : W + 1] = x
    d = np.zeros((4, 4, N, R, S, C), x.dtype)
    for i, j in np.ndindex(4, 4):
        d[i, j] = padded[:, i : i + 2 * R : 2, j : j + 2 * S : 2]
    return on_both_axes(B_T, d)


def conv2d_by_winograd(x, w, b):
    N, H, W, C = x.shape
    x_hat, w_hat = transform_tiles(x), transform_kernel(w)
    R, S = x_hat.shape[3:5]
    y_hat = x_hat.reshape(4, 4, N * R * S, C) @ w_hat
    tiles = on_both_axes(A_T, y_hat).reshape(2, 2, N, R, S, len(b))
    y = np.zeros((N, 2 * R, 2 * S, len(b)), x.dtype)
    for i, j in np.ndindex(2, 2):
        y[:, i::2, j::2] = tiles[i, j]
    return y[:, :H, :W] + b, (x, w)


def conv2d_by_winograd_backward(dy, cache):
    x, w = cache
    N, H, W, F = dy.shape
    x_hat, w_hat = transform_tiles(x), transform_kernel(w)
    R, S, C = x_hat.shape[3:]
    padded = np.zeros((N, 2 * R, 2 * S, F), dy.dtype)
    padded[:, :H, :W] = dy
    dtiles = np.zeros((2, 2, N, R, S, F), dy.dtype)
    for i, j in np.ndindex(2, 2):
        dtiles[i, j] = padded[:, i::2, j::2]
    dy_hat = on_both_axes(A_T.T, dtiles).reshape(4, 4, N * R * S, F)
    dw_hat = x_hat.reshape(4, 4, N * R * S, C).swapaxes(2, 3) @ dy_hat
    dw = on_both_axes(G.T, dw_hat)
    dx_hat = dy_hat @ w_hat.swapaxes(2, 3)
    dd = on_both_axes(B_T.T, dx_hat).reshape(4, 4, N, R, S, C)
    dx = np.zeros((N, 2 * R + 2, 2 * S + 2, C), x.dtype)
    for i, j in np.ndindex(4, 4):
        dx[:, i : i + 2 * R : 2, j : j + 2 * S : 2] += dd[i, j]
    return dx[:, 1 : H + 1, 1 : W + 1].copy(), dw, dy.sum(axis=(0, 1, 2))


# ---- lesson 17: the tape

def topological(root):
    nodes, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            nodes.append(node)

    visit(root)
    return nodes


def tape_backward(root):
    grads = {root: np.ones_like(root.value)}
    for node in reversed(topological(root)):
        if node.parents:
            for parent, g in zip(node.parents, node.hand_back(grads[node])):
                grads[parent] = grads[parent] + g if parent in grads else g
    return grads


# ---- lesson 18: six more

def leaky_relu_backward(dy, cache):
    x, slope = cache
    dx = np.where(x > 0, dy, slope * dy)
    dslope = (dy * np.minimum(x, 0)).sum(axis=(0, 1, 2))
    return dx, dslope


def conv2d_stride2_backward(dy, cache):
    x, w, b = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    half = K // 2
    padded = np.zeros((N, H + K, W + K, C), x.dtype)
    padded[:, half : half + H, half : half + W] = x
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    db = dy.sum(axis=(0, 1, 2))
    rows, columns = dy.shape[1:3]
    for i, j in np.ndindex(K, K):
        at = (slice(None), slice(i, i + 2 * rows, 2), slice(j, j + 2 * columns, 2))
        dw[i, j] = np.tensordot(padded[at], dy, axes=((0, 1, 2), (0, 1, 2)))
        dpadded[at] += dy @ w[i, j].T
    dx = dpadded[:, half : half + H, half : half + W]
    return dx, dw, db


def layer_norm_backward(dy, cache):
    x, gamma, beta, eps = cache
    inv_std = 1 / np.sqrt(x.var(axis=3, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=3, keepdims=True)) * inv_std
    g = gamma * dy
    shift = g.mean(axis=3, keepdims=True)
    stretch = (g * x_hat).mean(axis=3, keepdims=True)
    dx = inv_std * (g - shift - x_hat * stretch)
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


def local_response_backward(dy, cache):
    x, alpha, beta = cache
    scale = 1 + alpha * (x * x).sum(axis=3, keepdims=True)
    factor = scale**-beta
    dfactor = (dy * x).sum(axis=3, keepdims=True)
    dscale = -beta * dfactor * factor / scale
    return factor * dy + 2 * alpha * x * dscale


def dice_loss_backward(dloss, cache):
    p, labels, ignore, smooth = cache
    classes = p.shape[3]
    labelled = (labels != ignore)[..., None]
    there = ((labels[..., None] == np.arange(classes)) & labelled).astype(p.dtype)
    labelled = labelled.astype(p.dtype)
    overlap = (p * there).sum(axis=(0, 1, 2))
    said = (p * labelled).sum(axis=(0, 1, 2))
    top = (2 * overlap + smooth).astype(p.dtype)
    bottom = (said + there.sum(axis=(0, 1, 2)) + smooth).astype(p.dtype)
    return -dloss / classes * (2 * there / bottom - labelled * top / bottom**2)


def gate_backward(dy, cache):
    x, w, b = cache
    seen = x.mean(axis=(1, 2))
    opening = 1 / (1 + np.exp(-(seen @ w + b)))
    dopening = (dy * x).sum(axis=(1, 2))
    dz = dopening * opening * (1 - opening)
    pixels = x.shape[1] * x.shape[2]
    dx = dy * opening[:, None, None] + (dz @ w.T)[:, None, None] / pixels
    return dx, seen.T @ dz, dz.sum(axis=0)


# ---- lesson 19: two other ways up

def shares(source, target, dtype):
    """(target, source): how much of each pixel of x is in each of y, along one axis."""
    centre = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    matrix = np.zeros((target, source), dtype)
    for i in range(target):
        below = int(centre[i])
        rest = centre[i] - below
        matrix[i, below] += 1 - rest
        matrix[i, min(below + 1, source - 1)] += rest
    return matrix


def resize_bilinear(x, shape):
    rows = shares(x.shape[1], shape[1], x.dtype)
    columns = shares(x.shape[2], shape[2], x.dtype)
    y = np.einsum("rh,nhwc->nrwc", rows, x)
    y = np.einsum("qw,nrwc->nrqc", columns, y)
    return y, x.shape


def resize_bilinear__by_indices(x, shape):
    y = x
    for axis in (1, 2):
        source, target = x.shape[axis], shape[axis]
        centre = (np.arange(target) + 0.5) * source / target - 0.5
        centre = np.clip(centre, 0, source - 1)
        below = np.floor(centre).astype(int)
        above = np.minimum(below + 1, source - 1)
        rest = (centre - below).astype(x.dtype)
        rest = rest[:, None, None] if axis == 1 else rest[:, None]
        y = np.take(y, below, axis) * (1 - rest) + np.take(y, above, axis) * rest
    return y, x.shape


def resize_bilinear_backward(dy, cache):
    rows = shares(cache[1], dy.shape[1], dy.dtype)
    columns = shares(cache[2], dy.shape[2], dy.dtype)
    dx = np.einsum("rh,nrqc->nhqc", rows, dy)
    return np.einsum("qw,nhqc->nhwc", columns, dx)


def resize_bilinear_backward__by_indices(dy, cache):
    N, H, W, C = cache
    dx = dy
    for axis, source in ((1, H), (2, W)):
        target = dy.shape[axis]
        centre = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
        below = np.floor(centre).astype(int)
        above = np.minimum(below + 1, source - 1)
        rest = (centre - below).astype(dy.dtype)[:, None, None, None]
        given = np.moveaxis(dx, axis, 0)
        taken = np.zeros((source, *given.shape[1:]), dy.dtype)
        np.add.at(taken, below, (1 - rest) * given)
        np.add.at(taken, above, rest * given)
        dx = np.moveaxis(taken, 0, axis)
    return dx


def conv_transpose2d(x, w, b, shape):
    N, H, W, C = x.shape
    K, F, p = len(w), len(b), (len(w) - 1) // 2
    wide = np.zeros((N, 2 * H + K, 2 * W + K, F), x.dtype)
    for i in range(K):
        for j in range(K):
            wide[:, i : i + 2 * H : 2, j : j + 2 * W : 2] += x @ w[i, j]
    y = wide[:, p : p + shape[1], p : p + shape[2]] + b
    return y, (x, w)


def conv_transpose2d__by_stamps(x, w, b, shape):
    N, H, W, C = x.shape
    K, p = len(w), (len(w) - 1) // 2
    wide = np.zeros((N, 2 * H + K, 2 * W + K, len(b)), x.dtype)
    for r in range(H):
        for q in range(W):
            stamp = np.einsum("nc,ijcf->nijf", x[:, r, q], w)
            wide[:, 2 * r : 2 * r + K, 2 * q : 2 * q + K] += stamp
    return wide[:, p : p + shape[1], p : p + shape[2]] + b, (x, w)


def conv_transpose2d_backward(dy, cache):
    x, w = cache
    N, H, W, C = x.shape
    K, p = len(w), (len(w) - 1) // 2
    wide = np.zeros((N, 2 * H + K, 2 * W + K, w.shape[3]), dy.dtype)
    wide[:, p : p + dy.shape[1], p : p + dy.shape[2]] = dy
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dslice = wide[:, i : i + 2 * H : 2, j : j + 2 * W : 2]
            dx += dslice @ w[i, j].T
            dw[i, j] = np.einsum("nrqc,nrqf->cf", x, dslice)
    return dx, dw, dy.sum(axis=(0, 1, 2))


# ---- lesson 20: dropout, and many looks

def draw_mask(rng, shape, rate, dtype):
    kept = rng.random(shape, np.float32) >= rate
    return kept.astype(dtype) / np.asarray(1 - rate, dtype)


def draw_mask__by_where(rng, shape, rate, dtype):
    numbers = rng.random(shape, np.float32)
    mask = np.zeros(shape, dtype)
    mask[numbers >= rate] = 1 / (1 - rate)
    return mask


def dropout(x, mask):
    return x * mask, mask


def dropout_backward(dy, cache):
    mask = cache
    return dy * mask


def mean_and_variance(looks):
    mean, squares = 0, 0
    for number, p in enumerate(looks, start=1):
        before = p - mean
        mean = mean + before / number
        after = p - mean
        squares = squares + before * after
    return mean, squares / number


# ---- lesson 21: boundaries

def boundary(labels, c, ignore):
    H, W = labels.shape
    line = np.zeros((H, W), bool)
    for r in range(H):
        for q in range(W):
            for down, right in ((0, 1), (1, 0), (1, 1)):
                if r + down < H and q + right < W:
                    here, there = labels[r, q], labels[r + down, q + right]
                    if here != ignore and there != ignore and (here == c) != (there == c):
                        line[r, q] = True
    return line


def boundary__by_slices(labels, c, ignore):
    inside, counted = labels == c, labels != ignore
    line = np.zeros(labels.shape, bool)
    line[:, :-1] |= (inside[:, :-1] != inside[:, 1:]) & counted[:, :-1] & counted[:, 1:]
    line[:-1] |= (inside[:-1] != inside[1:]) & counted[:-1] & counted[1:]
    line[:-1, :-1] |= (inside[:-1, :-1] != inside[1:, 1:]) & counted[:-1, :-1] & counted[1:, 1:]
    return line


def count_pairs(a, b, tolerance):
    ours, theirs = np.argwhere(a).tolist(), np.argwhere(b).tolist()
    partner = {}

    def find(i, seen):
        for j, place in enumerate(theirs):
            if j not in seen and math.dist(ours[i], place) <= tolerance:
                seen.add(j)
                if j not in partner or find(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    return sum(find(i, set()) for i in range(len(ours)))


def boundary_f1(labels, predicted, classes, ignore, tolerance):
    predicted = np.where(labels == ignore, ignore, predicted)
    f1 = np.full(classes, np.nan)
    for c in range(classes):
        true = boundary(labels, c, ignore)
        called = boundary(predicted, c, ignore)
        both = true.sum() + called.sum()
        if both > 0:
            f1[c] = 2 * count_pairs(true, called, tolerance) / both
    return f1


def boundary_f1__by_precision(labels, predicted, classes, ignore, tolerance):
    predicted = predicted.copy()
    predicted[labels == ignore] = ignore
    f1 = []
    for c in range(classes):
        true, called = boundary(labels, c, ignore), boundary(predicted, c, ignore)
        pairs = count_pairs(true, called, tolerance)
        if not true.any() and not called.any():
            f1.append(np.nan)
        elif pairs == 0:
            f1.append(0.0)
        else:
            precision, recall = pairs / called.sum(), pairs / true.sum()
            f1.append(2 * precision * recall / (precision + recall))
    return np.array(f1)


# ---- 21: two classes

def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def sigmoid__by_tanh(z):
    return (1 + np.tanh(z / 2)) / 2


def binary_cross_entropy(z, labels, ignore):
    labelled = labels != ignore
    there = labels == 1
    surprise = np.maximum(z, 0) - z * there + np.log(1 + np.exp(-np.abs(z)))
    loss = (surprise * labelled).sum() / max(labelled.sum(), 1)
    return loss.astype(z.dtype), (z, labels, ignore)


def binary_cross_entropy__turned(z, labels, ignore):
    labelled = labels != ignore
    away = np.where(labels == 1, -z, z)[labelled]
    surprise = np.maximum(away, 0) + np.log(1 + np.exp(-np.abs(away)))
    loss = surprise.sum() / max(len(away), 1)
    return np.asarray(loss, z.dtype), (z, labels, ignore)


def binary_cross_entropy_backward(dloss, cache):
    z, labels, ignore = cache
    labelled = labels != ignore
    there = labels == 1
    dz = dloss * labelled * (sigmoid(z) - there) / max(labelled.sum(), 1)
    return dz.astype(z.dtype)


def foreground_dice(z, labels, ignore, smooth):
    labelled = labels != ignore
    there = (labels == 1) & labelled
    p = sigmoid(z) * labelled
    overlap = (p * there).sum()
    loss = 1 - (2 * overlap + smooth) / (p.sum() + there.sum() + smooth)
    return np.asarray(loss, z.dtype), (z, labels, ignore, smooth)


def foreground_dice_backward(dloss, cache):
    z, labels, ignore, smooth = cache
    labelled = labels != ignore
    there = (labels == 1) & labelled
    p = sigmoid(z)
    top = 2 * (p * there).sum() + smooth
    bottom = (p * labelled).sum() + there.sum() + smooth
    dp = -dloss * labelled * (2 * there / bottom - top / bottom**2)
    dz = dp * p * (1 - p)
    return dz.astype(z.dtype)


# ---- lesson 23: what SegNet is not

def dilated_conv2d(x, w, b, dilation):
    N, H, W, C = x.shape
    K, d = len(w), dilation
    p = d * (K // 2)
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    y = np.zeros((N, H, W, len(b)), x.dtype) + b
    for i in range(K):
        for j in range(K):
            y += padded[:, i * d : i * d + H, j * d : j * d + W] @ w[i, j]
    return y, (x, w, dilation)


def dilated_conv2d__interleaved(x, w, b, dilation):
    N, H, W, C = x.shape
    d, p = dilation, len(w) // 2
    y = np.zeros((N, H, W, len(b)), x.dtype)
    for r in range(min(d, H)):
        for q in range(min(d, W)):
            part = np.pad(x[:, r::d, q::d], ((0, 0), (p, p), (p, p), (0, 0)))
            rows, columns = part.shape[1] - 2 * p, part.shape[2] - 2 * p
            for i, j in np.ndindex(w.shape[:2]):
                y[:, r::d, q::d] += part[:, i : i + rows, j : j + columns] @ w[i, j]
    return y + b, (x, w, dilation)


def dilated_conv2d_backward(dy, cache):
    x, w, d = cache
    N, H, W, C = x.shape
    p = d * (len(w) // 2)
    margin = ((0, 0), (p, p), (p, p), (0, 0))
    padded = np.pad(x, margin)
    dpadded = np.zeros(padded.shape, dy.dtype)
    dw = np.zeros(w.shape, dy.dtype)
    for i, j in np.ndindex(w.shape[:2]):
        rows, columns = slice(i * d, i * d + H), slice(j * d, j * d + W)
        dpadded[:, rows, columns] += dy @ w[i, j].T
        dw[i, j] = padded[:, rows, columns].reshape(-1, C).T @ dy.reshape(-1, w.shape[3])
    dx = dpadded[:, p : p + H, p : p + W]
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


def pseudo_labels(p, threshold, ignore):
    sure = p.max(axis=-1) >= threshold
    labels = np.where(sure, p.argmax(axis=-1), ignore)
    return labels.astype(np.uint8)
