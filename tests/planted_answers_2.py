"""More wrong answers, of lessons 01 to 07, by somebody else: see planted_answers.py.

PLANTED is a list of (function, name of the mistake, the mistake in words, the wrong answer). Some are right on most
inputs: wrong only in float32, at ties, with K = 1, where no pixel is labelled, ...
"""

import numpy as np

PLANTED = []


def wrong(function_name, short_id, description):
    def add(function):
        function.__name__ = function_name
        PLANTED.append((function_name, short_id, description, function))
        return function
    return add


# Right helpers, as a learner has them from the lesson before.

def _pad(x, p):
    return np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))


def _im2col(x, K):
    H, W, C = x.shape[0] - K + 1, x.shape[1] - K + 1, x.shape[2]
    columns = np.empty((H, W, K, K, C), x.dtype)
    for i in range(K):
        for j in range(K):
            columns[:, :, i, j] = x[i:i + H, j:j + W]
    return columns.reshape(H, W, K * K * C)


def _col2im(columns, K):
    H, W, n = columns.shape
    C = n // (K * K)
    columns = columns.reshape(H, W, K, K, C)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i:i + H, j:j + W] += columns[:, :, i, j]
    return x


# ---------------------------------------------------------------------------------------------- numerical_gradient

@wrong("numerical_gradient", "one_sided", "Forward difference (f(x+s) - f(x)) / s in the place of the central one.")
def _(f, x):
    x = np.array(x, np.float64)
    gradient, step = np.zeros_like(x), 1e-5
    here = f(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + step
        gradient[i] = (f(x) - here) / step
        x[i] = old
    return gradient


@wrong("numerical_gradient", "not_halved", "Central difference divided by step and not by 2 * step.")
def _(f, x):
    x = np.array(x, np.float64)
    gradient, step = np.zeros_like(x), 1e-5
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + step
        above = f(x)
        x[i] = old - step
        below = f(x)
        x[i] = old
        gradient[i] = (above - below) / step
    return gradient


@wrong("numerical_gradient", "not_put_back",
       "Each entry of the copy stays at x - step after it was measured, so later entries are measured "
       "elsewhere.")
def _(f, x):
    x = np.array(x, np.float64)
    gradient, step = np.zeros_like(x), 1e-5
    for i in np.ndindex(x.shape):
        x[i] += step
        above = f(x)
        x[i] -= 2 * step
        below = f(x)
        gradient[i] = (above - below) / (2 * step)
    return gradient


@wrong("numerical_gradient", "tiny_step", "A step of 1e-12: the smaller the better, which drowns in rounding.")
def _(f, x):
    x = np.array(x, np.float64)
    gradient, step = np.zeros_like(x), 1e-12
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + step
        above = f(x)
        x[i] = old - step
        below = f(x)
        x[i] = old
        gradient[i] = (above - below) / (2 * step)
    return gradient


@wrong("numerical_gradient", "huge_step", "A step of 0.1, as in the example by hand.")
def _(f, x):
    x = np.array(x, np.float64)
    gradient, step = np.zeros_like(x), 0.1
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + step
        above = f(x)
        x[i] = old - step
        below = f(x)
        x[i] = old
        gradient[i] = (above - below) / (2 * step)
    return gradient


@wrong("numerical_gradient", "float32_copy", "The copy keeps the dtype of x, so float32 input is measured in float32.")
def _(f, x):
    x = x.copy()
    gradient, step = np.zeros(x.shape), 1e-5
    for i in np.ndindex(x.shape):
        old = x[i].copy()
        x[i] = old + step
        above = f(x)
        x[i] = old - step
        below = f(x)
        x[i] = old
        gradient[i] = (above - below) / (2 * step)
    return gradient


@wrong("numerical_gradient", "restored_by_arithmetic",
       "Works on x itself and puts it back by + step, which leaves a rounding error in the caller's x.")
def _(f, x):
    x = np.asarray(x, np.float64)
    gradient, step = np.zeros_like(x), 1e-5
    for i in np.ndindex(x.shape):
        x[i] += step
        above = f(x)
        x[i] -= 2 * step
        below = f(x)
        x[i] += step
        gradient[i] = (above - below) / (2 * step)
    return gradient


@wrong("numerical_gradient", "sign", "f(x - step) - f(x + step): the sign is turned.")
def _(f, x):
    x = np.array(x, np.float64)
    gradient, step = np.zeros_like(x), 1e-5
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + step
        above = f(x)
        x[i] = old - step
        below = f(x)
        x[i] = old
        gradient[i] = (below - above) / (2 * step)
    return gradient


@wrong("numerical_gradient", "all_at_once",
       "Moves all entries of x together, so each entry of the gradient is the sum of all slopes.")
def _(f, x):
    x = np.array(x, np.float64)
    step = 1e-5
    gradient = np.zeros_like(x)
    gradient[...] = (f(x + step) - f(x - step)) / (2 * step)
    return gradient


@wrong("numerical_gradient", "rows_only",
       "Loops over the first axis and moves a whole row at a time (and cannot do shape ()).")
def _(f, x):
    x = np.array(x, np.float64)
    gradient, step = np.zeros_like(x), 1e-5
    for i in range(len(x)):
        old = x[i].copy()
        x[i] = old + step
        above = f(x)
        x[i] = old - step
        below = f(x)
        x[i] = old
        gradient[i] = (above - below) / (2 * step)
    return gradient


@wrong("numerical_gradient", "moves_a_copy",
       "flatten() makes a copy: the moved entries are not those that f sees, and the gradient is 0.")
def _(f, x):
    x = np.array(x, np.float64)
    flat, step = x.flatten(), 1e-5
    gradient = np.zeros(flat.shape)
    for i in range(flat.size):
        old = flat[i]
        flat[i] = old + step
        above = f(x)
        flat[i] = old - step
        below = f(x)
        flat[i] = old
        gradient[i] = (above - below) / (2 * step)
    return gradient.reshape(x.shape)


@wrong("numerical_gradient", "gradient_dtype",
       "The gradient is made like the x that was given, so it comes back in float32 for a float32 x.")
def _(f, x):
    gradient, step = np.zeros_like(x), 1e-5
    x = np.array(x, np.float64)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + step
        above = f(x)
        x[i] = old - step
        below = f(x)
        x[i] = old
        gradient[i] = (above - below) / (2 * step)
    return gradient


@wrong("numerical_gradient", "relative_step",
       "Moves each entry by a share of itself (1e-5 * x) but divides by 2 * 1e-5.")
def _(f, x):
    x = np.array(x, np.float64)
    gradient, step = np.zeros_like(x), 1e-5
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old * (1 + step)
        above = f(x)
        x[i] = old * (1 - step)
        below = f(x)
        x[i] = old
        gradient[i] = (above - below) / (2 * step)
    return gradient


# ------------------------------------------------------------------------------------------------------------ relu

@wrong("relu", "abs", "The absolute value: negative numbers are turned round and not put to 0.")
def _(x):
    return np.abs(x), x > 0


@wrong("relu", "in_place", "x[x < 0] = 0 changes the array that was given.")
def _(x):
    cache = x > 0
    x[x < 0] = 0
    return x, cache


@wrong("relu", "cache_ge", "The cache is x >= 0, so a 0 counts as positive.")
def _(x):
    return np.maximum(x, 0), x >= 0


@wrong("relu", "cache_of_y_ge", "The cache is y >= 0, taken after the zeros were put in: True everywhere.")
def _(x):
    y = np.maximum(x, 0)
    return y, y >= 0


@wrong("relu", "cache_x", "The cache is x itself and not where it is positive.")
def _(x):
    return np.maximum(x, 0), x


@wrong("relu", "np_max", "np.max(x, 0) in the place of np.maximum: the maximum over the first axis.")
def _(x):
    return np.max(x, 0), x > 0


@wrong("relu", "minimum", "Keeps what is negative in the place of what is positive.")
def _(x):
    return np.minimum(x, 0), x > 0


@wrong("relu", "clipped", "np.clip(x, 0, 1): what is above 1 is cut off as well.")
def _(x):
    return np.clip(x, 0, 1), x > 0


@wrong("relu", "float64", "Fills np.zeros(x.shape), so float32 comes back as float64.")
def _(x):
    y = np.zeros(x.shape)
    y[x > 0] = x[x > 0]
    return y, x > 0


@wrong("relu", "mask_returned", "y is the mask as numbers, a step function: the multiplication by x is missing.")
def _(x):
    cache = x > 0
    return cache.astype(x.dtype), cache


# --------------------------------------------------------------------------------------------------- relu_backward

@wrong("relu_backward", "mask_of_dy", "Masks by the sign of dy in the place of that of x.")
def _(dy, cache):
    return dy * (dy > 0)


@wrong("relu_backward", "inverted", "Sets dx to 0 where x was positive: the mask is inverted.")
def _(dy, cache):
    return np.where(cache, 0, dy)


@wrong("relu_backward", "slope_only", "Returns the slope, 1 or 0, and forgets to multiply by dy.")
def _(dy, cache):
    return cache.astype(dy.dtype)


@wrong("relu_backward", "guided", "Takes the ReLU of dy as well: only positive dy at positive x get through.")
def _(dy, cache):
    return np.maximum(dy, 0) * cache


@wrong("relu_backward", "in_place", "dy[~cache] = 0 changes the dy that was given.")
def _(dy, cache):
    dy[~cache] = 0
    return dy


@wrong("relu_backward", "boolean_index", "dy[cache] picks the entries instead of masking them: a flat array.")
def _(dy, cache):
    return dy[cache]


@wrong("relu_backward", "handed_through", "Hands dy on as it is, without the mask.")
def _(dy, cache):
    return dy.copy()


@wrong("relu_backward", "leaky", "A slope of 0.01 where x was not positive.")
def _(dy, cache):
    return np.where(cache, dy, 0.01 * dy)


@wrong("relu_backward", "batch_mean", "Divides by the number of images.")
def _(dy, cache):
    return dy * cache / len(dy)


@wrong("relu_backward", "minus", "A minus in front, because we want to go downhill.")
def _(dy, cache):
    return -dy * cache


@wrong("relu_backward", "added", "Adds the slope to dy instead of multiplying.")
def _(dy, cache):
    return dy + cache


@wrong("relu_backward", "any_channel", "One mask per pixel, where any channel was positive, for all its channels.")
def _(dy, cache):
    return dy * cache.any(axis=-1, keepdims=True)


@wrong("relu_backward", "magnitude", "Returns abs(dy) where x was positive.")
def _(dy, cache):
    return np.abs(dy) * cache


# --------------------------------------------------------------------------------------------------------- conv1x1

@wrong("conv1x1", "no_bias", "The bias is forgotten.")
def _(x, w, b):
    return x @ w, (x, w)


@wrong("conv1x1", "w_transposed", "x @ w.T: the shapes refuse unless C = F.")
def _(x, w, b):
    return x @ w.T + b, (x, w)


@wrong("conv1x1", "flatten_channels_first",
       "Flattens x by reshape(C, -1).T and not by reshape(-1, C), so channels and pixels are mixed.")
def _(x, w, b):
    N, H, W, C = x.shape
    flat = x.reshape(C, -1).T
    return (flat @ w + b).reshape(N, H, W, -1), (x, w)


@wrong("conv1x1", "result_not_transposed",
       "Computes w.T @ flat.T and reshapes it to (N, H, W, F) without transposing back.")
def _(x, w, b):
    N, H, W, C = x.shape
    y = w.T @ x.reshape(-1, C).T + b[:, None]
    return y.reshape(N, H, W, -1), (x, w)


@wrong("conv1x1", "cache_order", "The cache is (w, x) and not (x, w).")
def _(x, w, b):
    return x @ w + b, (w, x)


@wrong("conv1x1", "cache_flat", "The cache keeps the flattened x.")
def _(x, w, b):
    flat = x.reshape(-1, x.shape[-1])
    return (flat @ w + b).reshape(*x.shape[:3], -1), (flat, w)


@wrong("conv1x1", "channel_mean", "Divides by the number of channels: a mean over c and not a sum.")
def _(x, w, b):
    return x @ w / w.shape[0] + b, (x, w)


@wrong("conv1x1", "bias_each_channel", "The bias is added inside the sum over channels, so C times.")
def _(x, w, b):
    y = np.zeros(x.shape[:3] + b.shape, x.dtype)
    for c in range(x.shape[3]):
        y += x[..., c, None] * w[c] + b
    return y, (x, w)


@wrong("conv1x1", "float64", "y is made by np.zeros without a dtype: float64 for float32 input.")
def _(x, w, b):
    y = np.zeros(x.shape[:3] + b.shape)
    for n in range(len(x)):
        y[n] = x[n] @ w + b
    return y, (x, w)


# ------------------------------------------------------------------------------------------------ conv1x1_backward

def _flat(a):
    return a.reshape(-1, a.shape[-1])


@wrong("conv1x1_backward", "dx_w_reshaped", "dx: w.reshape(F, C) in the place of w.T.")
def _(dy, cache):
    x, w = cache
    dx = dy @ w.reshape(w.shape[1], w.shape[0])
    return dx, _flat(x).T @ _flat(dy), dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dx_not_transposed_back",
       "dx: w @ flat_dy.T has the pixels last, and is reshaped to (N, H, W, C) without a transpose.")
def _(dy, cache):
    x, w = cache
    dx = (w @ _flat(dy).T).reshape(x.shape)
    return dx, _flat(x).T @ _flat(dy), dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dx_w_not_transposed", "dx: dy @ w, which the shapes refuse unless C = F.")
def _(dy, cache):
    x, w = cache
    return dy @ w, _flat(x).T @ _flat(dy), dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dx_masked", "dx: set to 0 where x is not positive, as if a ReLU were in it.")
def _(dy, cache):
    x, w = cache
    return dy @ w.T * (x > 0), _flat(x).T @ _flat(dy), dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dw_pixel_mean", "dw: the mean over all pixels and not the sum.")
def _(dy, cache):
    x, w = cache
    dw = _flat(x).T @ _flat(dy) / _flat(dy).shape[0]
    return dy @ w.T, dw, dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dw_batch_mean", "dw: divided by the number of images.")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, _flat(x).T @ _flat(dy) / len(x), dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dw_x_reshaped", "dw: x.reshape(C, -1) in the place of x.reshape(-1, C).T.")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, x.reshape(x.shape[3], -1) @ _flat(dy), dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dw_reshaped_back",
       "dw: flat_dy.T @ flat_x is (F, C), and reshaped to (C, F) in the place of transposed.")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, (_flat(dy).T @ _flat(x)).reshape(w.shape), dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dw_last_image", "dw: = in a loop over images, so only the last one counts.")
def _(dy, cache):
    x, w = cache
    for n in range(len(x)):
        dw = _flat(x[n]).T @ _flat(dy[n])
    return dy @ w.T, dw, dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dw_outer_of_sums",
       "dw: x and dy are each summed over the pixels first, and then multiplied.")
def _(dy, cache):
    x, w = cache
    dw = np.outer(x.sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2)))
    return dy @ w.T, dw, dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dw_from_dx", "dw: made with dx in the place of x.")
def _(dy, cache):
    x, w = cache
    x = dx = dy @ w.T
    return dx, _flat(x).T @ _flat(dy), dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "dw_no_dy", "dw: x summed over the pixels, the same for each filter: dy is forgotten.")
def _(dy, cache):
    x, w = cache
    dw = np.repeat(x.sum(axis=(0, 1, 2))[:, None], dy.shape[3], axis=1)
    return dy @ w.T, dw, dy.sum(axis=(0, 1, 2))


@wrong("conv1x1_backward", "db_mean", "db: the mean and not the sum.")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, _flat(x).T @ _flat(dy), dy.mean(axis=(0, 1, 2))


@wrong("conv1x1_backward", "db_no_dy", "db: the number of pixels, as each has slope 1: dy is forgotten.")
def _(dy, cache):
    x, w = cache
    db = np.full(dy.shape[3], dy[..., 0].size, dy.dtype)
    return dy @ w.T, _flat(x).T @ _flat(dy), db


@wrong("conv1x1_backward", "db_batch_only", "db: summed over the images only, so it has the shape (H, W, F).")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, _flat(x).T @ _flat(dy), dy.sum(axis=0)


@wrong("conv1x1_backward", "db_total", "db: the sum over everything, filters too, in each entry.")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, _flat(x).T @ _flat(dy), np.full(dy.shape[3], dy.sum())


@wrong("conv1x1_backward", "db_first_image", "db: dy[0] summed over rows and columns; the other images are forgotten.")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, _flat(x).T @ _flat(dy), dy[0].sum(axis=(0, 1))


@wrong("conv1x1_backward", "order", "Returns dw, dx, db.")
def _(dy, cache):
    x, w = cache
    return _flat(x).T @ _flat(dy), dy @ w.T, dy.sum(axis=(0, 1, 2))


# --------------------------------------------------------------------------------------------------------- softmax

@wrong("softmax", "first_axis", "Normalises over axis 0, the images, and not over the classes.")
def _(logits):
    e = np.exp(logits - logits.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


@wrong("softmax", "no_shift", "The largest logit is not taken away: exp overflows.")
def _(logits):
    with np.errstate(all="ignore"):
        e = np.exp(logits)
        return e / e.sum(axis=-1, keepdims=True)


@wrong("softmax", "global_max",
       "Takes away the largest logit of the whole array: pixels that lie far below it become 0 / 0.")
def _(logits):
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.max())
        return e / e.sum(axis=-1, keepdims=True)


@wrong("softmax", "global_sum", "Divides by the sum over everything, so that all pixels together make 1.")
def _(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum()


@wrong("softmax", "min_shift", "Takes away the smallest logit, so that exp overflows all the more.")
def _(logits):
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.min(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)


@wrong("softmax", "half_shift", "The shift is in the numerator only.")
def _(logits):
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return e / np.exp(logits).sum(axis=-1, keepdims=True)


@wrong("softmax", "no_keepdims", "The sum is taken without keepdims, so the shapes do not fit.")
def _(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1)


@wrong("softmax", "log", "Returns the logarithm of p.")
def _(logits):
    s = logits - logits.max(axis=-1, keepdims=True)
    return s - np.log(np.exp(s).sum(axis=-1, keepdims=True))


@wrong("softmax", "in_place", "logits -= the largest changes the logits that were given.")
def _(logits):
    logits -= logits.max(axis=-1, keepdims=True)
    e = np.exp(logits)
    return e / e.sum(axis=-1, keepdims=True)


@wrong("softmax", "no_exp", "The shifted logits are divided by their sum, without exp.")
def _(logits):
    with np.errstate(all="ignore"):
        s = logits - logits.max(axis=-1, keepdims=True)
        return s / s.sum(axis=-1, keepdims=True)


@wrong("softmax", "clipped", "Clips the logits to +-30 against overflow in the place of a shift.")
def _(logits):
    e = np.exp(np.clip(logits, -30, 30))
    return e / e.sum(axis=-1, keepdims=True)


@wrong("softmax", "divided_by_max", "Divides the logits by the largest instead of subtracting it.")
def _(logits):
    with np.errstate(all="ignore"):
        e = np.exp(logits / np.abs(logits).max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)


@wrong("softmax", "epsilon", "Adds 1e-3 to the divisor so that it never is 0; p does not add up to 1.")
def _(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / (e.sum(axis=-1, keepdims=True) + 1e-3)


# ------------------------------------------------------------------------------------------- softmax_cross_entropy

def _log_softmax(z):
    s = z - z.max(axis=-1, keepdims=True)
    return s - np.log(np.exp(s).sum(axis=-1, keepdims=True))


def _parts(logits, labels, class_weights, ignore):
    """What a right answer has at hand: labelled, one_hot, count, weights, log_p."""
    labelled = labels != ignore
    one_hot = (labels[..., None] == np.arange(logits.shape[-1])) & labelled[..., None]
    count = logits.dtype.type(max(labelled.sum(), 1))
    weights = (one_hot * class_weights.astype(logits.dtype)).sum(axis=-1) / count
    return labelled, one_hot, count, weights, _log_softmax(logits)


def _loss(weights, one_hot, log_p):
    return -(weights * np.where(one_hot, log_p, 0).sum(axis=-1)).sum()


@wrong("softmax_cross_entropy", "count_all", "Divides by the number of all pixels, ignored ones too.")
def _(logits, labels, class_weights, ignore):
    labelled = labels != ignore
    one_hot = (labels[..., None] == np.arange(logits.shape[-1])) & labelled[..., None]
    weights = (one_hot * class_weights.astype(logits.dtype)).sum(axis=-1) / logits.dtype.type(labels.size)
    log_p = _log_softmax(logits)
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "sum_of_weights",
       "Divides by the sum of the weights of the labelled pixels, as PyTorch does.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    if weights.sum() > 0:
        weights = weights / weights.sum()
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "no_minus", "The minus is forgotten: the loss is negative.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    return -_loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "loss_unweighted",
       "The loss is a plain mean, without class weights; the cache is right.")
def _(logits, labels, class_weights, ignore):
    labelled, one_hot, count, weights, log_p = _parts(logits, labels, class_weights, ignore)
    return _loss(labelled / count, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "weights_not_divided",
       "The weights in the cache are not divided by the count; the loss is.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, count, weights, log_p = _parts(logits, labels, class_weights, ignore)
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights * count)


@wrong("softmax_cross_entropy", "cache_unweighted",
       "The weights in the cache are 1 / count without the class weight; the loss is right.")
def _(logits, labels, class_weights, ignore):
    labelled, one_hot, count, weights, log_p = _parts(logits, labels, class_weights, ignore)
    return _loss(weights, one_hot, log_p), (log_p, one_hot, labelled / count)


@wrong("softmax_cross_entropy", "nan_when_empty", "0 / 0 when no pixel is labelled.")
def _(logits, labels, class_weights, ignore):
    labelled, one_hot, _, _, log_p = _parts(logits, labels, class_weights, ignore)
    with np.errstate(all="ignore"):
        weights = (one_hot * class_weights.astype(logits.dtype)).sum(axis=-1) / logits.dtype.type(labelled.sum())
        return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "one_hot_unmasked",
       "one_hot is labels == class without a look at ignore: wrong where ignore is one of the classes.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    loss = _loss(weights, one_hot, log_p)
    one_hot = labels[..., None] == np.arange(logits.shape[-1])
    return loss, (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "ignored_as_class_0",
       "Ignored labels are replaced by 0 for the look-up of the weights, and these are not set to 0 "
       "afterwards.")
def _(logits, labels, class_weights, ignore):
    labelled, one_hot, count, _, log_p = _parts(logits, labels, class_weights, ignore)
    weights = class_weights.astype(logits.dtype)[np.where(labelled, labels, 0)] / count
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "cache_p", "The cache holds p and not its logarithm.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    return _loss(weights, one_hot, log_p), (np.exp(log_p), one_hot, weights)


@wrong("softmax_cross_entropy", "log_of_p", "log_p is np.log(softmax): minus infinity where p has become 0.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    with np.errstate(all="ignore"):
        log_p = np.log(np.exp(log_p))
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "log_epsilon", "log_p is np.log(p + 1e-8): off wherever p is small.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    log_p = np.log(np.exp(log_p) + logits.dtype.type(1e-8))
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "hard_coded_void", "Ignores label 11 in the place of the label `ignore`.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, 11)
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "valid_means_labelled",
       "Counts a pixel as labelled if its label is a class, so an `ignore` that is one of the classes is not "
       "ignored.")
def _(logits, labels, class_weights, ignore):
    K = logits.shape[-1]
    labelled = (labels >= 0) & (labels < K)
    one_hot = (labels[..., None] == np.arange(K)) & labelled[..., None]
    count = logits.dtype.type(max(labelled.sum(), 1))
    weights = (one_hot * class_weights.astype(logits.dtype)).sum(axis=-1) / count
    log_p = _log_softmax(logits)
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "count_images", "Divides by the number of images.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, count, weights, log_p = _parts(logits, labels, class_weights, ignore)
    weights = weights * count / logits.dtype.type(len(logits))
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "count_per_image", "The mean of each image by itself, then the mean over the images.")
def _(logits, labels, class_weights, ignore):
    labelled, one_hot, _, _, log_p = _parts(logits, labels, class_weights, ignore)
    count = np.maximum(labelled.sum(axis=(1, 2), keepdims=True), 1).astype(logits.dtype)
    weights = (one_hot * class_weights.astype(logits.dtype)).sum(axis=-1) / count / logits.dtype.type(len(logits))
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "mean_of_all",
       "The loss is np.mean over pixels and classes, so it is divided by the number of classes as well.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    return _loss(weights, one_hot, log_p) / logits.dtype.type(logits.shape[-1]), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "python_float",
       "The loss is a Python float and not a NumPy number of the dtype of the logits.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    return float(_loss(weights, one_hot, log_p)), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "eye_index",
       "one_hot is np.eye(classes)[labels], which cannot look up an `ignore` that is no class.")
def _(logits, labels, class_weights, ignore):
    labelled, _, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    one_hot = np.eye(logits.shape[-1], dtype=bool)[labels] & labelled[..., None]
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "labels_in_place", "labels[labels == ignore] = 0 changes the labels that were given.")
def _(logits, labels, class_weights, ignore):
    labelled, one_hot, count, _, log_p = _parts(logits, labels, class_weights, ignore)
    labels[~labelled] = 0
    weights = class_weights.astype(logits.dtype)[labels] * labelled / count
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "weight_of_predicted",
       "The weight of a pixel is that of the class with the largest logit, and not of its label.")
def _(logits, labels, class_weights, ignore):
    labelled, one_hot, count, _, log_p = _parts(logits, labels, class_weights, ignore)
    weights = class_weights.astype(logits.dtype)[logits.argmax(axis=-1)] * labelled / count
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "weighted_twice",
       "In the loss the class weight comes in twice: once in weights, and once more.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    again = (one_hot * class_weights.astype(logits.dtype)).sum(axis=-1)
    return _loss(weights * again, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "promoted",
       "The count is a NumPy int64, so that float32 weights and loss become float64.")
def _(logits, labels, class_weights, ignore):
    labelled, one_hot, _, _, log_p = _parts(logits, labels, class_weights, ignore)
    count = np.maximum(labelled.sum(), 1)
    weights = (one_hot * class_weights.astype(logits.dtype)).sum(axis=-1) / count
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "shifted_only",
       "log_p is the logits less the log of the sum of the SHIFTED exponentials: the shift is not in the "
       "first term.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, _ = _parts(logits, labels, class_weights, ignore)
    s = logits - logits.max(axis=-1, keepdims=True)
    log_p = logits - np.log(np.exp(s).sum(axis=-1, keepdims=True))
    return _loss(weights, one_hot, log_p), (log_p, one_hot, weights)


@wrong("softmax_cross_entropy", "all_classes", "The surprise of every class is added up, not only that of the label.")
def _(logits, labels, class_weights, ignore):
    _, one_hot, _, weights, log_p = _parts(logits, labels, class_weights, ignore)
    loss = -(weights[..., None] * log_p).sum()
    return loss, (log_p, one_hot, weights)


# ---------------------------------------------------------------------------------- softmax_cross_entropy_backward

@wrong("softmax_cross_entropy_backward", "sign", "one_hot - p: the sign is turned.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * weights[..., None] * (one_hot - np.exp(log_p))


@wrong("softmax_cross_entropy_backward", "no_exp", "log_p - one_hot: the exp is forgotten.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * weights[..., None] * (log_p - one_hot)


@wrong("softmax_cross_entropy_backward", "no_weights",
       "p - one_hot without the weights: no class weight, no count, and ignored pixels take part.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * (np.exp(log_p) - one_hot)


@wrong("softmax_cross_entropy_backward", "no_dloss", "dloss is forgotten.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return weights[..., None] * (np.exp(log_p) - one_hot)


@wrong("softmax_cross_entropy_backward", "weights_on_one_hot", "The weights multiply one_hot only, and not p.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * (np.exp(log_p) - weights[..., None] * one_hot)


@wrong("softmax_cross_entropy_backward", "divided_again",
       "Divides by the number of labelled pixels once more, though the weights have it in them.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    count = max(one_hot.sum(), 1)
    return (dloss * weights[..., None] * (np.exp(log_p) - one_hot) / count).astype(log_p.dtype)


@wrong("softmax_cross_entropy_backward", "label_only",
       "Only the label's logit gets a gradient, p - 1; the others get 0.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * weights[..., None] * np.where(one_hot, np.exp(log_p) - 1, 0)


@wrong("softmax_cross_entropy_backward", "wrt_p", "-one_hot / p: the derivative by p, before the softmax.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return -dloss * weights[..., None] * one_hot / np.exp(log_p)


@wrong("softmax_cross_entropy_backward", "minus_one_everywhere", "p - 1 in all classes and not only at the label.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * weights[..., None] * (np.exp(log_p) - 1)


@wrong("softmax_cross_entropy_backward", "p_only", "one_hot is forgotten: the gradient of log S alone.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * weights[..., None] * np.exp(log_p)


@wrong("softmax_cross_entropy_backward", "class_mean", "Divides by the number of classes.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * weights[..., None] * (np.exp(log_p) - one_hot) / log_p.shape[-1]


@wrong("softmax_cross_entropy_backward", "no_new_axis",
       "weights * (p - one_hot) without a new axis: the shapes do not fit.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * weights * (np.exp(log_p) - one_hot)


@wrong("softmax_cross_entropy_backward", "cache_in_place",
       "np.exp(..., out=log_p) overwrites the cache, so a second call gives something else.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    p = np.exp(log_p, out=log_p)
    return dloss * weights[..., None] * (p - one_hot)


@wrong("softmax_cross_entropy_backward", "through_softmax_again",
       "Multiplies p - one_hot by p * (1 - p) to get through the softmax, which was in it already.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    p = np.exp(log_p)
    return dloss * weights[..., None] * (p - one_hot) * p * (1 - p)


@wrong("softmax_cross_entropy_backward", "weights_as_mask", "The weights are used as a mask only, weights > 0.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    return dloss * (weights > 0)[..., None] * (np.exp(log_p) - one_hot)


@wrong("softmax_cross_entropy_backward", "hard_prediction",
       "The class with the largest p, as 0 and 1, in the place of p.")
def _(dloss, cache):
    log_p, one_hot, weights = cache
    said = log_p == log_p.max(axis=-1, keepdims=True)
    return dloss * weights[..., None] * (said.astype(log_p.dtype) - one_hot)


# -------------------------------------------------------------------------------------------------------- sgd_step

@wrong("sgd_step", "uphill", "w += v: the step goes uphill.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v[...] = momentum * v + lr * g
        w += v


@wrong("sgd_step", "nesterov", "Nesterov's step: w moves by momentum * v + lr * g with the new v.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v[...] = momentum * v + lr * g
        w -= momentum * v + lr * g


@wrong("sgd_step", "all_decay", "All parameters decay, biases too.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        v = velocity[name]
        v[...] = momentum * v + lr * (grads[name] + weight_decay * w)
        w -= v


@wrong("sgd_step", "decay_without_lr", "The decay is added outside the brackets, so lr does not multiply it.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        v = velocity[name]
        decay = weight_decay * w if w.ndim == 4 else 0
        v[...] = momentum * v + lr * grads[name] + decay
        w -= v


@wrong("sgd_step", "pytorch_lr", "lr multiplies the velocity when w moves (as in PyTorch), and is not in the velocity.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v[...] = momentum * v + g
        w -= lr * v


@wrong("sgd_step", "w_rebound", "w = w - v makes a new array: the parameter does not move.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v *= momentum
        v += lr * g
        w = w - v


@wrong("sgd_step", "dict_rebound",
       "params[name] = w - v puts a new array into the dict and leaves the old one, which others may hold, "
       "as it was.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v *= momentum
        v += lr * g
        params[name] = w - v


@wrong("sgd_step", "velocity_rebound", "v is computed into a new array and never stored, so nothing is remembered.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v = momentum * v + lr * g
        w -= v


@wrong("sgd_step", "grads_in_place", "g += weight_decay * w changes the gradients that were given.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g += weight_decay * w
        v[...] = momentum * v + lr * g
        w -= v


@wrong("sgd_step", "dampened", "The gradient is multiplied by 1 - momentum, a running mean.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v[...] = momentum * v + (1 - momentum) * lr * g
        w -= v


@wrong("sgd_step", "old_velocity", "w moves by the velocity of the step before: it is updated afterwards.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        w -= v
        v[...] = momentum * v + lr * g


@wrong("sgd_step", "decay_sign", "g - weight_decay * w: the decay pushes the weights away from 0.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g - weight_decay * w
        v[...] = momentum * v + lr * g
        w -= v


@wrong("sgd_step", "decoupled",
       "The decay is taken from w directly, after the step, and is not in the velocity (AdamW style).")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        v[...] = momentum * v + lr * g
        decay = lr * weight_decay * w if w.ndim == 4 else 0
        w -= v + decay


@wrong("sgd_step", "momentum_on_all", "momentum * (v + lr * g): the bracket is too wide.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v[...] = momentum * (v + lr * g)
        w -= v


@wrong("sgd_step", "fixed_momentum", "0.9 is written out in the place of the argument momentum.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v[...] = 0.9 * v + lr * g
        w -= v


@wrong("sgd_step", "matrices_decay", "Decays where ndim > 1, so that matrices of two dimensions decay as well.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim > 1:
            g = g + weight_decay * w
        v[...] = momentum * v + lr * g
        w -= v


@wrong("sgd_step", "decay_doubled", "2 * weight_decay * w, the derivative of decay * w**2.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + 2 * weight_decay * w
        v[...] = momentum * v + lr * g
        w -= v


@wrong("sgd_step", "decay_of_moved", "The decay is computed from w after the plain step, and not before it.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        v[...] = momentum * v + lr * g
        if w.ndim == 4:
            v += lr * weight_decay * (w - v)
        w -= v


@wrong("sgd_step", "first_only", "A return inside the loop: only the first parameter is updated.")
def _(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v[...] = momentum * v + lr * g
        w -= v
        return


# ---------------------------------------------------------------------------------------------------- conv2d_loops

def _loops(x, w, b, where, weight=lambda w, i, j, c: w[i, j, c]):
    """The right loops, but for where(r, q, i, j, K), the pixel that is read, and for the weight."""
    (N, H, W, C), K = x.shape, len(w)
    y = np.zeros((N, H, W, w.shape[3]), x.dtype)
    for n, r, q in np.ndindex(N, H, W):
        y[n, r, q] = b
        for i, j in np.ndindex(K, K):
            rr, qq = where(r, q, i, j, K)
            if 0 <= rr < H and 0 <= qq < W:
                for c in range(C):
                    y[n, r, q] += x[n, rr, qq, c] * weight(w, i, j, c)
    return y


def _centred(r, q, i, j, K):
    return r + i - K // 2, q + j - K // 2


@wrong("conv2d_loops", "flipped", "A true convolution: the window is read backwards (r - i + K//2).")
def _(x, w, b):
    return _loops(x, w, b, lambda r, q, i, j, K: (r - i + K // 2, q - j + K // 2))


@wrong("conv2d_loops", "not_centred", "The offset K // 2 is forgotten, so the window begins at the pixel.")
def _(x, w, b):
    return _loops(x, w, b, lambda r, q, i, j, K: (r + i, q + j))


@wrong("conv2d_loops", "offset_rounded_up", "The offset is (K + 1) // 2 and not K // 2.")
def _(x, w, b):
    return _loops(x, w, b, lambda r, q, i, j, K: (r + i - (K + 1) // 2, q + j - (K + 1) // 2))


@wrong("conv2d_loops", "kernel_transposed", "w[j, i] in the place of w[i, j].")
def _(x, w, b):
    return _loops(x, w, b, _centred, lambda w, i, j, c: w[j, i, c])


@wrong("conv2d_loops", "border_repeated", "Outside the image the nearest pixel is read (clipped indices) and not 0.")
def _(x, w, b):
    _, H, W, _ = x.shape
    return _loops(x, w, b, lambda r, q, i, j, K: (
        min(max(r + i - K // 2, 0), H - 1), min(max(q + j - K // 2, 0), W - 1)))


@wrong("conv2d_loops", "negative_wraps",
       "Only the upper ends are checked: negative indices read from the other side of the image.")
def _(x, w, b):
    (N, H, W, C), K = x.shape, len(w)
    y = np.zeros((N, H, W, w.shape[3]), x.dtype)
    for n, r, q in np.ndindex(N, H, W):
        y[n, r, q] = b
        for i, j, c in np.ndindex(K, K, C):
            rr, qq = r + i - K // 2, q + j - K // 2
            if rr < H and qq < W:
                y[n, r, q] += x[n, rr, qq, c] * w[i, j, c]
    return y


@wrong("conv2d_loops", "strict_border", "0 < row in the place of 0 <= row: row 0 and column 0 of x are never read.")
def _(x, w, b):
    (N, H, W, C), K = x.shape, len(w)
    y = np.zeros((N, H, W, w.shape[3]), x.dtype)
    for n, r, q in np.ndindex(N, H, W):
        y[n, r, q] = b
        for i, j, c in np.ndindex(K, K, C):
            rr, qq = r + i - K // 2, q + j - K // 2
            if 0 < rr < H and 0 < qq < W:
                y[n, r, q] += x[n, rr, qq, c] * w[i, j, c]
    return y


@wrong("conv2d_loops", "bias_each_term", "The bias is added with each product, so as often as there are terms.")
def _(x, w, b):
    (N, H, W, C), K = x.shape, len(w)
    y = np.zeros((N, H, W, w.shape[3]), x.dtype)
    for n, r, q in np.ndindex(N, H, W):
        for i, j, c in np.ndindex(K, K, C):
            rr, qq = r + i - K // 2, q + j - K // 2
            if 0 <= rr < H and 0 <= qq < W:
                y[n, r, q] += x[n, rr, qq, c] * w[i, j, c] + b
    return y


@wrong("conv2d_loops", "break_outside",
       "break in the place of continue when a column is outside: the rest of the kernel's row is skipped.")
def _(x, w, b):
    (N, H, W, C), K = x.shape, len(w)
    y = np.zeros((N, H, W, w.shape[3]), x.dtype)
    for n, r, q in np.ndindex(N, H, W):
        y[n, r, q] = b
        for i in range(K):
            for j in range(K):
                rr, qq = r + i - K // 2, q + j - K // 2
                if not (0 <= rr < H and 0 <= qq < W):
                    break
                for c in range(C):
                    y[n, r, q] += x[n, rr, qq, c] * w[i, j, c]
    return y


@wrong("conv2d_loops", "valid_only",
       "Only pixels whose whole window lies inside are computed; the border is left at 0.")
def _(x, w, b):
    (N, H, W, C), K = x.shape, len(w)
    p = K // 2
    y = np.zeros((N, H, W, w.shape[3]), x.dtype)
    for n in range(N):
        for r in range(p, H - p):
            for q in range(p, W - p):
                y[n, r, q] = b
                for i, j, c in np.ndindex(K, K, C):
                    y[n, r, q] += x[n, r + i - p, q + j - p, c] * w[i, j, c]
    return y


@wrong("conv2d_loops", "height_and_width_mixed",
       "The row is checked against W and the column against H: an IndexError unless H = W.")
def _(x, w, b):
    (N, H, W, C), K = x.shape, len(w)
    y = np.zeros((N, H, W, w.shape[3]), x.dtype)
    for n, r, q in np.ndindex(N, H, W):
        y[n, r, q] = b
        for i, j, c in np.ndindex(K, K, C):
            rr, qq = r + i - K // 2, q + j - K // 2
            if 0 <= rr < W and 0 <= qq < H:
                y[n, r, q] += x[n, rr, qq, c] * w[i, j, c]
    return y


@wrong("conv2d_loops", "last_channel", "= over the channels: only the last channel's product is added.")
def _(x, w, b):
    (N, H, W, C), K = x.shape, len(w)
    y = np.zeros((N, H, W, w.shape[3]), x.dtype)
    for n, r, q in np.ndindex(N, H, W):
        y[n, r, q] = b
        for i, j in np.ndindex(K, K):
            rr, qq = r + i - K // 2, q + j - K // 2
            if 0 <= rr < H and 0 <= qq < W:
                for c in range(C):
                    term = x[n, rr, qq, c] * w[i, j, c]
                y[n, r, q] += term
    return y


@wrong("conv2d_loops", "float64", "np.zeros without a dtype: y is float64 for float32 input.")
def _(x, w, b):
    return _loops(x.astype(np.float64), w, b, _centred)


# ---------------------------------------------------------------------------------------------------------- im2col

@wrong("im2col", "channels_first", "sliding_window_view gives (H, W, C, K, K), reshaped as it is: c runs slowest.")
def _(x, K):
    windows = np.lib.stride_tricks.sliding_window_view(x, (K, K), axis=(0, 1))
    return windows.reshape(windows.shape[0], windows.shape[1], -1)


@wrong("im2col", "i_j_swapped", "Each window is read column by column: i and j are exchanged.")
def _(x, K):
    H, W, C = x.shape[0] - K + 1, x.shape[1] - K + 1, x.shape[2]
    columns = np.empty((H, W, K, K, C), x.dtype)
    for i in range(K):
        for j in range(K):
            columns[:, :, j, i] = x[i:i + H, j:j + W]
    return columns.reshape(H, W, -1)


@wrong("im2col", "flat_pixels", "One row for each pixel, (H*W, K*K*C), in the place of (H, W, K*K*C).")
def _(x, K):
    H, W = x.shape[0] - K + 1, x.shape[1] - K + 1
    return np.array([x[r:r + K, q:q + K].ravel() for r in range(H) for q in range(W)], x.dtype)


@wrong("im2col", "rectangles_not_transposed",
       "The K*K rectangles are stacked in front, (K, K, H, W, C), and reshaped without a transpose.")
def _(x, K):
    H, W = x.shape[0] - K + 1, x.shape[1] - K + 1
    rectangles = np.array([x[i:i + H, j:j + W] for i in range(K) for j in range(K)], x.dtype)
    return rectangles.reshape(H, W, -1)


@wrong("im2col", "flipped", "Each window is turned by 180 degrees.")
def _(x, K):
    H, W = x.shape[0] - K + 1, x.shape[1] - K + 1
    columns = np.empty((H, W, K * K * x.shape[2]), x.dtype)
    for r in range(H):
        for q in range(W):
            columns[r, q] = x[r:r + K, q:q + K][::-1, ::-1].ravel()
    return columns


@wrong("im2col", "float64", "np.zeros without a dtype: columns are float64 for float32 input.")
def _(x, K):
    H, W = x.shape[0] - K + 1, x.shape[1] - K + 1
    columns = np.zeros((H, W, K * K * x.shape[2]))
    for r in range(H):
        for q in range(W):
            columns[r, q] = x[r:r + K, q:q + K].ravel()
    return columns


@wrong("im2col", "pads_again", "Pads x by K // 2 once more, though it is padded already.")
def _(x, K):
    p = K // 2
    return _im2col(np.pad(x, ((p, p), (p, p), (0, 0))), K)


@wrong("im2col", "last_row_missing",
       "H and W are x.shape - K without + 1: the last row and column of windows are missing.")
def _(x, K):
    H, W = x.shape[0] - K, x.shape[1] - K
    columns = np.empty((H, W, K * K * x.shape[2]), x.dtype)
    for r in range(H):
        for q in range(W):
            columns[r, q] = x[r:r + K, q:q + K].ravel()
    return columns


@wrong("im2col", "index_without_k",
       "The place is computed as (i*C + c)*K + j: j runs fastest, and c stands between i and j.")
def _(x, K):
    H, W, C = x.shape[0] - K + 1, x.shape[1] - K + 1, x.shape[2]
    columns = np.empty((H, W, K * K * C), x.dtype)
    for i in range(K):
        for j in range(K):
            for c in range(C):
                columns[:, :, (i * C + c) * K + j] = x[i:i + H, j:j + W, c]
    return columns


@wrong("im2col", "square", "The width of the result is taken from the height of x.")
def _(x, K):
    H = W = x.shape[0] - K + 1
    columns = np.zeros((H, W, K, K, x.shape[2]), x.dtype)
    for i in range(K):
        for j in range(K):
            columns[:, :, i, j] = x[i:i + H, j:j + W]
    return columns.reshape(H, W, -1)


@wrong("im2col", "stride_k", "The windows do not overlap: the loop over pixels steps by K, and the rest stays 0.")
def _(x, K):
    H, W = x.shape[0] - K + 1, x.shape[1] - K + 1
    columns = np.zeros((H, W, K * K * x.shape[2]), x.dtype)
    for r in range(0, H, K):
        for q in range(0, W, K):
            columns[r, q] = x[r:r + K, q:q + K].ravel()
    return columns


# ---------------------------------------------------------------------------------------------------------- conv2d

def _conv(padded, w, b, flat_w, H, W):
    K, F = len(w), w.shape[3]
    return np.stack([(_im2col(image, K).reshape(H * W, -1) @ flat_w + b).reshape(H, W, F) for image in padded])


@wrong("conv2d", "pad_one_side", "All K - 1 rows and columns of zeros are put at the bottom and at the right.")
def _(x, w, b):
    _, H, W, _ = x.shape
    K, _, C, F = w.shape
    padded = np.pad(x, ((0, 0), (0, K - 1), (0, K - 1), (0, 0)))
    return _conv(padded, w, b, w.reshape(-1, F), H, W), (x, w)


@wrong("conv2d", "pad_edge", "Pads with the border pixels (mode='edge') and not with zeros.")
def _(x, w, b):
    _, H, W, _ = x.shape
    K, _, C, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)), mode="edge")
    return _conv(padded, w, b, w.reshape(-1, F), H, W), (x, w)


@wrong("conv2d", "pad_always_one", "Pads by 1 whatever K is: right for K = 3, another shape else.")
def _(x, w, b):
    K, _, C, F = w.shape
    y = np.stack([_im2col(image, K) @ w.reshape(-1, F) + b for image in _pad(x, 1)])
    return y, (x, w)


@wrong("conv2d", "no_padding", "x is not padded at all, so y is smaller than x by K - 1.")
def _(x, w, b):
    K, _, C, F = w.shape
    y = np.stack([_im2col(image, K) @ w.reshape(-1, F) + b for image in x])
    return y, (x, w)


@wrong("conv2d", "w_channels_first", "w is brought to the order (C, K, K) before it is flattened; the columns are not.")
def _(x, w, b):
    _, H, W, _ = x.shape
    K, _, C, F = w.shape
    return _conv(_pad(x, K // 2), w, b, w.transpose(2, 0, 1, 3).reshape(-1, F), H, W), (x, w)


@wrong("conv2d", "w_reshaped_transposed", "w.reshape(F, K*K*C).T in the place of w.reshape(K*K*C, F).")
def _(x, w, b):
    _, H, W, _ = x.shape
    K, _, C, F = w.shape
    return _conv(_pad(x, K // 2), w, b, w.reshape(F, -1).T, H, W), (x, w)


@wrong("conv2d", "flipped", "A true convolution: the kernel is turned by 180 degrees.")
def _(x, w, b):
    _, H, W, _ = x.shape
    K, _, C, F = w.shape
    return _conv(_pad(x, K // 2), w, b, w[::-1, ::-1].reshape(-1, F), H, W), (x, w)


@wrong("conv2d", "no_bias", "The bias is forgotten.")
def _(x, w, b):
    _, H, W, _ = x.shape
    K, _, C, F = w.shape
    return _conv(_pad(x, K // 2), w, 0, w.reshape(-1, F), H, W), (x, w)


@wrong("conv2d", "cache_padded", "The cache holds the padded x.")
def _(x, w, b):
    _, H, W, _ = x.shape
    K, _, C, F = w.shape
    x = _pad(x, K // 2)
    return _conv(x, w, b, w.reshape(-1, F), H, W), (x, w)


@wrong("conv2d", "cache_flat_w", "The cache holds w as a matrix, (K*K*C, F).")
def _(x, w, b):
    _, H, W, _ = x.shape
    K, _, C, F = w.shape
    flat_w = w.reshape(-1, F)
    return _conv(_pad(x, K // 2), w, b, flat_w, H, W), (x, flat_w)


@wrong("conv2d", "filters_first", "flat_w.T @ columns.T is (F, H*W), reshaped to (H, W, F) without a transpose.")
def _(x, w, b):
    N, H, W, _ = x.shape
    K, _, C, F = w.shape
    y = np.empty((N, H, W, F), x.dtype)
    for n, image in enumerate(_pad(x, K // 2)):
        columns = _im2col(image, K).reshape(H * W, -1)
        y[n] = (w.reshape(-1, F).T @ columns.T + b[:, None]).reshape(H, W, F)
    return y, (x, w)


@wrong("conv2d", "first_image", "padded[0] inside the loop: each image of the batch gets the result of the first.")
def _(x, w, b):
    N, H, W, _ = x.shape
    K, _, C, F = w.shape
    padded = _pad(x, K // 2)
    return _conv(np.repeat(padded[:1], N, axis=0), w, b, w.reshape(-1, F), H, W), (x, w)


@wrong("conv2d", "width_and_height", "The product is reshaped to (W, H, F), then put back by a transpose.")
def _(x, w, b):
    N, H, W, _ = x.shape
    K, _, C, F = w.shape
    y = _conv(_pad(x, K // 2), w, b, w.reshape(-1, F), H, W)
    return y.reshape(N, W, H, F).transpose(0, 2, 1, 3), (x, w)


# ---------------------------------------------------------------------------------------------------------- col2im

def _split(columns, K):
    H, W, n = columns.shape
    return H, W, n // (K * K), columns.reshape(H, W, K, K, -1)


@wrong("col2im", "overwrites", "= in the place of +=: where windows overlap the last one wins.")
def _(columns, K):
    H, W, C, columns = _split(columns, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i:i + H, j:j + W] = columns[:, :, i, j]
    return x


@wrong("col2im", "channels_first", "Each row is read as (C, K, K) and not as (K, K, C).")
def _(columns, K):
    H, W, C, _ = _split(columns, K)
    columns = columns.reshape(H, W, C, K, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i:i + H, j:j + W] += columns[:, :, :, i, j]
    return x


@wrong("col2im", "i_j_swapped", "columns[:, :, j, i]: rows and columns of the window are exchanged.")
def _(columns, K):
    H, W, C, columns = _split(columns, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i:i + H, j:j + W] += columns[:, :, j, i]
    return x


@wrong("col2im", "flipped", "The window is turned by 180 degrees, because one has heard that the backward does that.")
def _(columns, K):
    H, W, C, columns = _split(columns, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i:i + H, j:j + W] += columns[:, :, K - 1 - i, K - 1 - j]
    return x


@wrong("col2im", "cropped", "The ring of padding is cut off already here, so the shape is (H, W, C).")
def _(columns, K):
    H, W = columns.shape[:2]
    return _col2im(columns, K)[K // 2:K // 2 + H, K // 2:K // 2 + W]


@wrong("col2im", "averaged",
       "Divides by the number of windows that a pixel lies in: a mean of the copies and not their sum.")
def _(columns, K):
    return _col2im(columns, K) / _col2im(np.ones_like(columns), K)


@wrong("col2im", "clipped", "x[i:H, j:W]: what would go beyond row H or column W is lost.")
def _(columns, K):
    H, W, C, columns = _split(columns, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(min(K, H)):
        for j in range(min(K, W)):
            x[i:H, j:W] += columns[:H - i, :W - j, i, j]
    return x


@wrong("col2im", "float64", "np.zeros without a dtype: x is float64 for float32 columns.")
def _(columns, K):
    H, W, C, columns = _split(columns, K)
    x = np.zeros((H + K - 1, W + K - 1, C))
    for r in range(H):
        for q in range(W):
            x[r:r + K, q:q + K] += columns[r, q]
    return x


@wrong("col2im", "fancy_index", "x[rows, cols] += with index arrays: NumPy adds only once where an index occurs twice.")
def _(columns, K):
    H, W, C, columns = _split(columns, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    r, q, i, j = np.ogrid[:H, :W, :K, :K]
    x[r + i, q + j] += columns
    return x


@wrong("col2im", "last_place_missing", "range(K - 1) for j: the last column of each window is never added.")
def _(columns, K):
    H, W, C, columns = _split(columns, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K - 1):
            x[i:i + H, j:j + W] += columns[:, :, i, j]
    return x


@wrong("col2im", "centred", "Only the middle of each window goes back: each pixel gets one number and not K*K.")
def _(columns, K):
    H, W, C, columns = _split(columns, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    p = K // 2
    x[p:p + H, p:p + W] += columns[:, :, p, p]
    return x


@wrong("col2im", "reshaped_places_first", "columns.reshape(K, K, H, W, C) in the place of a transpose.")
def _(columns, K):
    H, W, C, _ = _split(columns, K)
    columns = columns.reshape(K, K, H, W, C)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i:i + H, j:j + W] += columns[i, j]
    return x


@wrong("col2im", "stride_k",
       "The windows are laid side by side in steps of K, as if they did not overlap; what does not fit is "
       "lost.")
def _(columns, K):
    H, W, C, columns = _split(columns, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for r in range(H):
        for q in range(W):
            if K * r + K <= len(x) and K * q + K <= x.shape[1]:
                x[K * r:K * r + K, K * q:K * q + K] += columns[r, q]
    return x


# ------------------------------------------------------------------------------------------------- conv2d_backward

def _dw(dy, x, w):
    K, F = len(w), w.shape[3]
    dw = 0
    for n, image in enumerate(_pad(x, K // 2)):
        dw = dw + _im2col(image, K).reshape(-1, w[..., 0].size).T @ dy[n].reshape(-1, F)
    return dw.reshape(w.shape)


def _dpadded(dy, w, flat_w_t=None):
    """(N, H + K - 1, W + K - 1, C), with the ring."""
    K, F = len(w), w.shape[3]
    flat_w_t = w.reshape(-1, F).T if flat_w_t is None else flat_w_t
    return np.stack([_col2im(dy_n @ flat_w_t, K) for dy_n in dy])


def _inside(a, K, H, W):
    return a[:, K // 2:K // 2 + H, K // 2:K // 2 + W]


def _dx(dy, x, w, flat_w_t=None):
    return _inside(_dpadded(dy, w, flat_w_t), len(w), x.shape[1], x.shape[2]).copy()


def _db(dy):
    return dy.sum(axis=(0, 1, 2))


def _conv_with(dy, w):
    """Right forward convolution of dy with another kernel, as dx written as a convolution."""
    K, _, _, G = w.shape
    return np.stack([_im2col(image, K) @ w.reshape(-1, G) for image in _pad(dy, K // 2)])


@wrong("conv2d_backward", "dx_cut_first", "dx: the ring is cut off by [:H, :W], from the wrong corner.")
def _(dy, cache, need_dx=True):
    x, w = cache
    dx = _dpadded(dy, w)[:, :x.shape[1], :x.shape[2]] if need_dx else None
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_minus_p", "dx: the ring is cut off by [p:-p], which leaves nothing for K = 1.")
def _(dy, cache, need_dx=True):
    x, w = cache
    p = len(w) // 2
    dx = _dpadded(dy, w)[:, p:-p, p:-p] if need_dx else None
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_with_ring", "dx: the ring is not cut off.")
def _(dy, cache, need_dx=True):
    x, w = cache
    return _dpadded(dy, w) if need_dx else None, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_ring_folded", "dx: what fell on the ring is added to the border pixels.")
def _(dy, cache, need_dx=True):
    x, w = cache
    _, H, W, _ = x.shape
    dx, p = None, len(w) // 2
    if need_dx:
        d = _dpadded(dy, w)
        for k in range(p):
            d[:, p] += d[:, k]
            d[:, p + H - 1] += d[:, p + H + k]
        for k in range(p):
            d[:, :, p] += d[:, :, k]
            d[:, :, p + W - 1] += d[:, :, p + W + k]
        dx = _inside(d, len(w), H, W).copy()
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_w_reshaped",
       "dx: w.reshape(F, K*K*C) in the place of the transpose of w.reshape(K*K*C, F).")
def _(dy, cache, need_dx=True):
    x, w = cache
    dx = _dx(dy, x, w, w.reshape(w.shape[3], -1)) if need_dx else None
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_kernel_upright",
       "dx as a convolution of dy with w, channels exchanged, but the kernel not turned.")
def _(dy, cache, need_dx=True):
    x, w = cache
    dx = _conv_with(dy, w.swapaxes(2, 3)) if need_dx else None
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_kernel_half_turned", "dx as a convolution of dy with the kernel flipped up-down only.")
def _(dy, cache, need_dx=True):
    x, w = cache
    dx = _conv_with(dy, w[::-1].swapaxes(2, 3)) if need_dx else None
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_kernel_transposed",
       "dx as a convolution of dy with the turned kernel, in which i and j are exchanged as well "
       "(w.transpose(1, 0, 3, 2)).")
def _(dy, cache, need_dx=True):
    x, w = cache
    dx = _conv_with(dy, w[::-1, ::-1].transpose(1, 0, 3, 2)) if need_dx else None
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_channels_reshaped",
       "dx as a convolution with the turned kernel, but reshape(K, K, F, C) instead of exchanging "
       "channels.")
def _(dy, cache, need_dx=True):
    x, w = cache
    K, _, C, F = w.shape
    dx = _conv_with(dy, w[::-1, ::-1].reshape(K, K, F, C)) if need_dx else None
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_accumulates",
       "dx: one buffer for all images that is not set back to 0, so later images hold the sum of the earlier "
       "ones.")
def _(dy, cache, need_dx=True):
    x, w = cache
    dx = np.cumsum(_dx(dy, x, w), axis=0) if need_dx else None
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_overwrites", "dx: the scatter back assigns and does not add (a col2im with =).")
def _(dy, cache, need_dx=True):
    x, w = cache
    (N, H, W, C), K = x.shape, len(w)
    dx = None
    if need_dx:
        d = np.zeros((N, H + K - 1, W + K - 1, C), x.dtype)
        for n, r, q in np.ndindex(N, H, W):
            d[n, r:r + K, q:q + K] = w @ dy[n, r, q]
        dx = _inside(d, K, H, W).copy()
    return dx, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dx_batch_mean", "dx: divided by the number of images.")
def _(dy, cache, need_dx=True):
    x, w = cache
    return _dx(dy, x, w) / len(x) if need_dx else None, _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "need_dx_ignored", "dx is computed and returned although need_dx is False.")
def _(dy, cache, need_dx=True):
    x, w = cache
    return _dx(dy, x, w), _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "need_dx_two_values", "With need_dx=False only dw and db are returned.")
def _(dy, cache, need_dx=True):
    x, w = cache
    if not need_dx:
        return _dw(dy, x, w), _db(dy)
    return _dx(dy, x, w), _dw(dy, x, w), _db(dy)


@wrong("conv2d_backward", "dw_last_image", "dw: = in the loop over images, so only the last one counts.")
def _(dy, cache, need_dx=True):
    x, w = cache
    return _dx(dy, x, w) if need_dx else None, _dw(dy[-1:], x[-1:], w), _db(dy)


@wrong("conv2d_backward", "dw_batch_mean", "dw: the mean over the images.")
def _(dy, cache, need_dx=True):
    x, w = cache
    return _dx(dy, x, w) if need_dx else None, _dw(dy, x, w) / len(x), _db(dy)


@wrong("conv2d_backward", "dw_reshaped",
       "dw: dy.T @ columns is (F, K*K*C), reshaped to (K, K, C, F) without a transpose.")
def _(dy, cache, need_dx=True):
    x, w = cache
    dw = _dw(dy, x, w).reshape(-1, w.shape[3]).T.reshape(w.shape)
    return _dx(dy, x, w) if need_dx else None, dw, _db(dy)


@wrong("conv2d_backward", "dw_flipped", "dw: turned by 180 degrees.")
def _(dy, cache, need_dx=True):
    x, w = cache
    return _dx(dy, x, w) if need_dx else None, _dw(dy, x, w)[::-1, ::-1].copy(), _db(dy)


@wrong("conv2d_backward", "dw_channels_first",
       "dw: reshaped to (C, K, K, F) and transposed, as if c ran slowest in the columns.")
def _(dy, cache, need_dx=True):
    x, w = cache
    K, _, C, F = w.shape
    dw = _dw(dy, x, w).reshape(C, K, K, F).transpose(1, 2, 0, 3)
    return _dx(dy, x, w) if need_dx else None, dw, _db(dy)


@wrong("conv2d_backward", "dw_edge_padding", "dw: x is padded with its border pixels and not with zeros.")
def _(dy, cache, need_dx=True):
    x, w = cache
    K, _, C, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)), mode="edge")
    dw = sum(_im2col(a, K).reshape(-1, K * K * C).T @ d.reshape(-1, F) for a, d in zip(padded, dy))
    return _dx(dy, x, w) if need_dx else None, dw.reshape(w.shape), _db(dy)


@wrong("conv2d_backward", "dw_valid_only", "dw: x is not padded; dy is cropped to the pixels whose window lies inside.")
def _(dy, cache, need_dx=True):
    x, w = cache
    K, _, C, F = w.shape
    _, H, W, _ = x.shape
    p = K // 2
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            seen = x[:, i:i + H - 2 * p, j:j + W - 2 * p].reshape(-1, C)
            dw[i, j] = seen.T @ dy[:, p:H - p, p:W - p].reshape(-1, F) if min(H, W) > 2 * p else 0
    return _dx(dy, x, w) if need_dx else None, dw, _db(dy)


@wrong("conv2d_backward", "db_mean", "db: the mean over the pixels.")
def _(dy, cache, need_dx=True):
    x, w = cache
    return _dx(dy, x, w) if need_dx else None, _dw(dy, x, w), dy.mean(axis=(0, 1, 2))


@wrong("conv2d_backward", "db_per_image", "db: summed over rows and columns only, so (N, F).")
def _(dy, cache, need_dx=True):
    x, w = cache
    return _dx(dy, x, w) if need_dx else None, _dw(dy, x, w), dy.sum(axis=(1, 2))


@wrong("conv2d_backward", "db_last_image", "db: = in the loop over images.")
def _(dy, cache, need_dx=True):
    x, w = cache
    for n in range(len(x)):
        db = dy[n].sum(axis=(0, 1))
    return _dx(dy, x, w) if need_dx else None, _dw(dy, x, w), db


@wrong("conv2d_backward", "db_times_window",
       "db: multiplied by K * K, as if the bias were added for each place of the window.")
def _(dy, cache, need_dx=True):
    x, w = cache
    return _dx(dy, x, w) if need_dx else None, _dw(dy, x, w), len(w) ** 2 * _db(dy)


# -------------------------------------------------------------------------------------------------------- max_pool

def _four(x, fill=-np.inf, **how):
    """(4, N, h, w, C): the corners of all windows, an odd border filled up."""
    N, H, W, C = x.shape
    width = ((0, 0), (0, H % 2), (0, W % 2), (0, 0))
    x = np.pad(x, width, **how) if how else np.pad(x, width, constant_values=fill)
    return np.stack([x[:, 0::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 0::2], x[:, 1::2, 1::2]])


@wrong("max_pool", "last_of_ties", "Of equal values the last wins (>= in the place of >).")
def _(x):
    four = _four(x)
    return four.max(axis=0), (3 - four[::-1].argmax(axis=0)).astype(np.uint8)


@wrong("max_pool", "zero_border", "An odd border is filled with zeros, which win over negative values.")
def _(x):
    four = _four(x, fill=0)
    return four.max(axis=0), four.argmax(axis=0).astype(np.uint8)


@wrong("max_pool", "floor_mode", "The last row and column of an odd size are dropped.")
def _(x):
    _, H, W, _ = x.shape
    four = _four(x[:, :H // 2 * 2, :W // 2 * 2])
    return four.max(axis=0), four.argmax(axis=0).astype(np.uint8)


@wrong("max_pool", "corners_by_column", "Corners are numbered down the columns: 1 is lower left and 2 upper right.")
def _(x):
    four = _four(x)
    return four.max(axis=0), four[[0, 2, 1, 3]].argmax(axis=0).astype(np.uint8)


@wrong("max_pool", "corners_from_1", "Corners are counted from 1 to 4.")
def _(x):
    four = _four(x)
    return four.max(axis=0), (four.argmax(axis=0) + 1).astype(np.uint8)


@wrong("max_pool", "corners_int64", "Corners are left as argmax gives them, int64 and not uint8.")
def _(x):
    four = _four(x)
    return four.max(axis=0), four.argmax(axis=0)


@wrong("max_pool", "corners_shared", "One corner for all channels of a window, that of the largest sum over channels.")
def _(x):
    four = _four(x)
    shared = four.sum(axis=-1, keepdims=True).argmax(axis=0)
    return four.max(axis=0), np.broadcast_to(shared, four.shape[1:]).astype(np.uint8)


@wrong("max_pool", "corners_updated_late",
       "The corner is updated after the maximum, when nothing is larger any more: all corners stay 0.")
def _(x):
    four = _four(x)
    y, corners = four[0].copy(), np.zeros(four.shape[1:], np.uint8)
    for k in range(1, 4):
        y = np.maximum(y, four[k])
        corners[four[k] > y] = k
    return y, corners


@wrong("max_pool", "x_overwritten", "y starts as the view x[:, ::2, ::2], and the running maximum is written into x.")
def _(x):
    y = x[:, ::2, ::2]
    corners = np.zeros(y.shape, np.uint8)
    for k in range(1, 4):
        values = x[:, k // 2::2, k % 2::2]
        h, w = values.shape[1:3]
        best, corner = y[:, :h, :w], corners[:, :h, :w]
        corner[values > best] = k
        np.maximum(best, values, out=best)
    return y, corners


@wrong("max_pool", "starts_at_zero", "The running maximum starts at 0, so a window of negative values gives 0.")
def _(x):
    four = _four(x)
    y, corners = np.zeros(four.shape[1:], x.dtype), np.zeros(four.shape[1:], np.uint8)
    for k in range(4):
        corners[four[k] > y] = k
        y = np.maximum(y, four[k])
    return y, corners


@wrong("max_pool", "compares_with_neighbour",
       "Each value is compared with the corner before it and not with the maximum so far; y is right.")
def _(x):
    four = _four(x)
    corners = np.zeros(four.shape[1:], np.uint8)
    for k in range(1, 4):
        corners[four[k] > four[k - 1]] = k
    return four.max(axis=0), corners


@wrong("max_pool", "windows_by_reshape",
       "reshape(N, h, w, 4, C) instead of cutting 2 x 2 windows: four pixels of one row.")
def _(x):
    N, H, W, C = x.shape
    x = np.pad(x, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)), constant_values=-np.inf)
    windows = x.reshape(N, (H + 1) // 2, (W + 1) // 2, 4, C)
    return windows.max(axis=3), windows.argmax(axis=3).astype(np.uint8)


@wrong("max_pool", "mean", "y is the mean of the window (average pooling); corners are right.")
def _(x):
    four = _four(x, fill=np.nan)
    return np.nanmean(four, axis=0).astype(x.dtype), np.nanargmax(four, axis=0).astype(np.uint8)


@wrong("max_pool", "largest_magnitude", "The largest absolute value wins, with its sign.")
def _(x):
    four = _four(x, fill=0)
    corners = np.abs(four).argmax(axis=0)
    return np.take_along_axis(four, corners[None], axis=0)[0], corners.astype(np.uint8)


@wrong("max_pool", "flat_index",
       "corners are the flat index of the maximum in the image, r * W + q, as in other libraries.")
def _(x):
    four = _four(x)
    k = four.argmax(axis=0)
    r, q = np.ogrid[:k.shape[1], :k.shape[2]]
    index = (2 * r[..., None] + k // 2) * x.shape[2] + 2 * q[..., None] + k % 2
    return four.max(axis=0), index.astype(np.uint8)


@wrong("max_pool", "wrapped_border", "An odd border is filled with the first row and column (np.pad mode 'wrap').")
def _(x):
    four = _four(x, mode="wrap")
    return four.max(axis=0), four.argmax(axis=0).astype(np.uint8)


# ----------------------------------------------------------------------------------------------- max_pool_backward

@wrong("max_pool_backward", "all_four", "All four pixels of the window get dy.")
def _(dy, corners, shape):
    _, H, W, _ = shape
    return dy.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W]


@wrong("max_pool_backward", "quarter", "Each pixel of the window gets a quarter of dy, as in average pooling.")
def _(dy, corners, shape):
    _, H, W, _ = shape
    return dy.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W] / 4


@wrong("max_pool_backward", "by_column", "The corner is taken apart as i = k % 2, j = k // 2.")
def _(dy, corners, shape):
    dx = np.zeros(shape, dy.dtype)
    for k in range(4):
        i, j = k % 2, k // 2
        view = dx[:, i::2, j::2]
        view[...] = (dy * (corners == k))[:, :view.shape[1], :view.shape[2]]
    return dx


@wrong("max_pool_backward", "shape_ignored", "dx is always twice as high and wide as dy: one too many for odd sizes.")
def _(dy, corners, shape):
    N, h, w, C = dy.shape
    dx = np.zeros((N, 2 * h, 2 * w, C), dy.dtype)
    for k in range(4):
        dx[:, k // 2::2, k % 2::2] = dy * (corners == k)
    return dx


@wrong("max_pool_backward", "cut_first", "The row and column too many are cut off at the top and at the left.")
def _(dy, corners, shape):
    N, h, w, C = dy.shape
    dx = np.zeros((N, 2 * h, 2 * w, C), dy.dtype)
    for k in range(4):
        dx[:, k // 2::2, k % 2::2] = dy * (corners == k)
    return dx[:, 2 * h - shape[1]:, 2 * w - shape[2]:]


@wrong("max_pool_backward", "corner_3_missing", "range(3): corner 3 is never filled.")
def _(dy, corners, shape):
    dx = np.zeros(shape, dy.dtype)
    for k in range(3):
        view = dx[:, k // 2::2, k % 2::2]
        view[...] = (dy * (corners == k))[:, :view.shape[1], :view.shape[2]]
    return dx


@wrong("max_pool_backward", "always_corner_0", "dy goes to the upper left pixel whatever the corner says.")
def _(dy, corners, shape):
    dx = np.zeros(shape, dy.dtype)
    dx[:, ::2, ::2] = dy
    return dx


@wrong("max_pool_backward", "clipped_windows_lost",
       "Only the H // 2 times W // 2 full windows are handled; the cut-off windows at an odd border get 0.")
def _(dy, corners, shape):
    N, H, W, C = shape
    dx = np.zeros(shape, dy.dtype)
    h, w = H // 2, W // 2
    for k in range(4):
        dx[:, k // 2:2 * h:2, k % 2:2 * w:2] = (dy * (corners == k))[:, :h, :w]
    return dx


@wrong("max_pool_backward", "tiled_corners",
       "Enlarges dy with repeat but the corners with np.tile, so they belong to other windows.")
def _(dy, corners, shape):
    _, H, W, _ = shape
    large = dy.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W]
    k = np.tile(corners, (1, 2, 2, 1))[:, :H, :W]
    here = 2 * (np.arange(H) % 2)[:, None, None] + (np.arange(W) % 2)[:, None]
    return large * (k == here)


@wrong("max_pool_backward", "precedence", "dy * corners == k without brackets: compares the product.")
def _(dy, corners, shape):
    dx = np.zeros(shape, dy.dtype)
    for k in range(4):
        view = dx[:, k // 2::2, k % 2::2]
        view[...] = (dy * corners == k)[:, :view.shape[1], :view.shape[2]]
    return dx


@wrong("max_pool_backward", "written_into_copy", "The values are written into dx[mask], a copy: dx stays 0.")
def _(dy, corners, shape):
    _, H, W, _ = shape
    dx = np.zeros(shape, dy.dtype)
    here = 2 * (np.arange(H) % 2)[:, None, None] + (np.arange(W) % 2)[:, None]
    mask = corners.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W] == here
    dx[mask][:] = dy.ravel()
    return dx


@wrong("max_pool_backward", "mask_order",
       "dx[mask] = dy.ravel(): the mask is read row by row of the large map, which is not the order of the "
       "windows.")
def _(dy, corners, shape):
    _, H, W, _ = shape
    dx = np.zeros(shape, dy.dtype)
    here = 2 * (np.arange(H) % 2)[:, None, None] + (np.arange(W) % 2)[:, None]
    dx[corners.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W] == here] = dy.ravel()
    return dx


@wrong("max_pool_backward", "left_right_swapped", "j = 1 - k % 2: left and right are exchanged.")
def _(dy, corners, shape):
    dx = np.zeros(shape, dy.dtype)
    for k in range(4):
        view = dx[:, k // 2::2, 1 - k % 2::2]
        view[...] = (dy * (corners == k))[:, :view.shape[1], :view.shape[2]]
    return dx


@wrong("max_pool_backward", "float64", "np.zeros without a dtype: dx is float64 for a float32 dy.")
def _(dy, corners, shape):
    dx = np.zeros(shape)
    for k in range(4):
        view = dx[:, k // 2::2, k % 2::2]
        view[...] = (dy * (corners == k))[:, :view.shape[1], :view.shape[2]]
    return dx


@wrong("max_pool_backward", "corners_of_channel_0", "The corners of channel 0 are used for all channels.")
def _(dy, corners, shape):
    dx = np.zeros(shape, dy.dtype)
    for k in range(4):
        view = dx[:, k // 2::2, k % 2::2]
        view[...] = (dy * (corners[..., :1] == k))[:, :view.shape[1], :view.shape[2]]
    return dx


@wrong("max_pool_backward", "ones", "The winner gets 1 and not dy.")
def _(dy, corners, shape):
    dx = np.zeros(shape, dy.dtype)
    for k in range(4):
        view = dx[:, k // 2::2, k % 2::2]
        view[...] = (corners == k)[:, :view.shape[1], :view.shape[2]]
    return dx


# ------------------------------------------------------------------------------------------------------ max_unpool

@wrong("max_unpool", "nearest", "Each value goes to all four pixels: plain upsampling.")
def _(x, corners, shape):
    _, H, W, _ = shape
    return x.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W]


@wrong("max_unpool", "shape_ignored", "y is always twice as high and wide as x.")
def _(x, corners, shape):
    N, h, w, C = x.shape
    y = np.zeros((N, 2 * h, 2 * w, C), x.dtype)
    for k in range(4):
        y[:, k // 2::2, k % 2::2] = np.where(corners == k, x, 0)
    return y


@wrong("max_unpool", "opposite", "Corners are counted from the lower right: 3 - k.")
def _(x, corners, shape):
    y = np.zeros(shape, x.dtype)
    for k in range(4):
        view = y[:, k // 2::2, k % 2::2]
        view[...] = np.where(corners == 3 - k, x, 0)[:, :view.shape[1], :view.shape[2]]
    return y


@wrong("max_unpool", "negative_lost", "np.maximum(y, value) into zeros: negative values are lost.")
def _(x, corners, shape):
    y = np.zeros(shape, x.dtype)
    for k in range(4):
        view = y[:, k // 2::2, k % 2::2]
        put = np.where(corners == k, x, 0)[:, :view.shape[1], :view.shape[2]]
        np.maximum(view, put, out=view)
    return y


@wrong("max_unpool", "flat_stride",
       "Flat positions are computed with a row length of 2 * w and not W: wrong for odd widths.")
def _(x, corners, shape):
    N, h, w, C = x.shape
    r, q = np.arange(h)[:, None, None], np.arange(w)[:, None]
    y = np.zeros((N, max(shape[1] * shape[2], 4 * h * w), C), x.dtype)
    index = (2 * r + corners // 2) * (2 * w) + 2 * q + corners % 2
    np.put_along_axis(y, index.reshape(N, h * w, C), x.reshape(N, h * w, C), axis=1)
    return y[:, :shape[1] * shape[2]].reshape(shape)


@wrong("max_unpool", "first_image_corners", "The corners of the first image are used for all images.")
def _(x, corners, shape):
    y = np.zeros(shape, x.dtype)
    for k in range(4):
        view = y[:, k // 2::2, k % 2::2]
        view[...] = np.where(corners[:1] == k, x, 0)[:, :view.shape[1], :view.shape[2]]
    return y


@wrong("max_unpool", "down_and_right_mixed", "Corner 1 is lower left and corner 2 upper right.")
def _(x, corners, shape):
    y = np.zeros(shape, x.dtype)
    for k, (i, j) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        view = y[:, i::2, j::2]
        view[...] = np.where(corners == k, x, 0)[:, :view.shape[1], :view.shape[2]]
    return y


@wrong("max_unpool", "corner_3_falls_to_0",
       "Corner 3 is not handled in a chain of if and elif, and its values stay where the first branch put "
       "them, in corner 0.")
def _(x, corners, shape):
    y = np.zeros(shape, x.dtype)
    for k in range(3):
        view = y[:, k // 2::2, k % 2::2]
        mask = corners == k if k else (corners == 0) | (corners == 3)
        view[...] = np.where(mask, x, 0)[:, :view.shape[1], :view.shape[2]]
    return y


@wrong("max_unpool", "float64", "np.zeros without a dtype: y is float64 for a float32 x.")
def _(x, corners, shape):
    y = np.zeros(shape)
    for n, r, q, c in np.ndindex(x.shape):
        k = corners[n, r, q, c]
        y[n, 2 * r + k // 2, 2 * q + k % 2, c] = x[n, r, q, c]
    return y


@wrong("max_unpool", "half_scale", "Row r goes to r + k // 2 and not to 2 * r + k // 2: the windows overlap.")
def _(x, corners, shape):
    y = np.zeros(shape, x.dtype)
    for n, r, q, c in np.ndindex(x.shape):
        k = corners[n, r, q, c]
        y[n, r + k // 2, q + k % 2, c] = x[n, r, q, c]
    return y


# --------------------------------------------------------------------------------------------- max_unpool_backward

@wrong("max_unpool_backward", "window_sum", "Adds up the whole window of dy instead of taking the corner.")
def _(dy, corners):
    return _four(dy, fill=0).sum(axis=0)


@wrong("max_unpool_backward", "window_max",
       "Pools dy: takes the largest dy of the window and not the one in the corner.")
def _(dy, corners):
    return _four(dy).max(axis=0)


@wrong("max_unpool_backward", "window_mean", "The mean of the window of dy.")
def _(dy, corners):
    return np.nanmean(_four(dy, fill=np.nan), axis=0).astype(dy.dtype)


@wrong("max_unpool_backward", "always_corner_0", "dy[:, ::2, ::2] whatever the corner says.")
def _(dy, corners):
    return dy[:, ::2, ::2].copy()


@wrong("max_unpool_backward", "by_column", "The corner is taken apart as i = k % 2, j = k // 2.")
def _(dy, corners):
    four = _four(dy, fill=0)[[0, 2, 1, 3]]
    return np.take_along_axis(four, corners[None].astype(int), axis=0)[0]


@wrong("max_unpool_backward", "clipped_windows_lost",
       "The cut-off windows at an odd border get 0: only full windows are read.")
def _(dy, corners):
    _, H, W, _ = dy.shape
    h, w = H // 2, W // 2
    dx = np.zeros(corners.shape, dy.dtype)
    for k in range(4):
        view = dy[:, k // 2:2 * h:2, k % 2:2 * w:2]
        dx[:, :h, :w] += view * (corners[:, :h, :w] == k)
    return dx


@wrong("max_unpool_backward", "last_corner_survives",
       "= in the place of += over the four corners: only corner 3 survives in full windows.")
def _(dy, corners):
    dx = np.zeros(corners.shape, dy.dtype)
    for k in range(4):
        view = dy[:, k // 2::2, k % 2::2]
        h, w = view.shape[1:3]
        dx[:, :h, :w] = view * (corners[:, :h, :w] == k)
    return dx


@wrong("max_unpool_backward", "masked_large", "Masks dy at its full size and does not gather: the shape is that of dy.")
def _(dy, corners):
    _, H, W, _ = dy.shape
    here = 2 * (np.arange(H) % 2)[:, None, None] + (np.arange(W) % 2)[:, None]
    return dy * (corners.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W] == here)


@wrong("max_unpool_backward", "other_three", "Adds up the three pixels that are NOT the corner: the mask is inverted.")
def _(dy, corners):
    four = _four(dy, fill=0)
    return (four * (corners != np.arange(4)[:, None, None, None, None])).sum(axis=0)


@wrong("max_unpool_backward", "quarter", "Divides what it takes by 4.")
def _(dy, corners):
    return np.take_along_axis(_four(dy, fill=0), corners[None].astype(int), axis=0)[0] / 4


@wrong("max_unpool_backward", "boolean_order",
       "dy[mask].reshape: the picked values come row by row of the large map, not window by window.")
def _(dy, corners):
    _, H, W, _ = dy.shape
    here = 2 * (np.arange(H) % 2)[:, None, None] + (np.arange(W) % 2)[:, None]
    mask = corners.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W] == here
    return dy[mask].reshape(corners.shape)


@wrong("max_unpool_backward", "opposite", "Reads the opposite corner, 3 - k.")
def _(dy, corners):
    return np.take_along_axis(_four(dy, fill=0), 3 - corners[None].astype(int), axis=0)[0]


@wrong("max_unpool_backward", "floor_shape",
       "dx has H // 2 rows and W // 2 columns: the last of an odd size are dropped.")
def _(dy, corners):
    _, H, W, _ = dy.shape
    h, w = H // 2, W // 2
    four = _four(dy[:, :2 * h, :2 * w], fill=0)
    return np.take_along_axis(four, corners[None, :, :h, :w].astype(int), axis=0)[0]


@wrong("max_unpool_backward", "channel_0_corners", "The corners of channel 0 are used for all channels.")
def _(dy, corners):
    shared = np.broadcast_to(corners[..., :1], corners.shape)
    return np.take_along_axis(_four(dy, fill=0), shared[None].astype(int), axis=0)[0]


@wrong("max_unpool_backward", "corners_from_1",
       "The loop counts the corners from 1 to 4, so corner 0 is never found and the others are off by one.")
def _(dy, corners):
    dx = np.zeros(corners.shape, dy.dtype)
    for k, view in enumerate(_four(dy, fill=0), start=1):
        dx += view * (corners == k)
    return dx


@wrong("max_unpool_backward", "corners_dtype",
       "dx is made like corners, uint8, so the gradient is cut to whole numbers.")
def _(dy, corners):
    dx = np.zeros_like(corners)
    for k, view in enumerate(_four(dy, fill=0)):
        with np.errstate(invalid="ignore"):
            dx[corners == k] = view[corners == k].astype(np.int64).astype(np.uint8)
    return dx


@wrong("max_unpool_backward", "float64", "np.zeros without a dtype: dx is float64 for a float32 dy.")
def _(dy, corners):
    dx = np.zeros(corners.shape)
    for k, view in enumerate(_four(dy, fill=0)):
        dx += view * (corners == k)
    return dx
