"""Wrong answers to the exercises of the course, each as a learner could have handed it in, one mistake to each.
They were written without a look at the diagnosis, which is measured by how many of them it explains.
"""

import numpy as np

# ---------------------------------------- relu


def relu_keeps_negative_halves(x):
    """Negative entries are halved, not set to 0."""
    y = np.where(x > 0, x, x / 2)
    return y, x > 0


def relu_is_absolute_value(x):
    """The absolute value: negative entries come back positive."""
    y = np.abs(x)
    return y, x > 0


def relu_reduces_with_max(x):
    """np.max(x, 0) for np.maximum(x, 0): the maximum over the images."""
    y = np.max(x, 0)
    return y, x > 0


def relu_in_place(x):
    """Writes the zeros into the caller's x."""
    mask = x > 0
    x[~mask] = 0
    return x, mask


def relu_cache_inverted(x):
    """The cache says where x is negative."""
    y = np.maximum(x, 0)
    cache = x < 0
    return y, cache


def relu_cache_of_float_x(x):
    """The cache is x and not the mask."""
    y = np.maximum(0, x)
    return y, x


def relu_in_float64(x):
    """np.zeros without a dtype: float32 becomes float64."""
    y = np.zeros(x.shape)
    positive = x > 0
    y[positive] = x[positive]
    return y, positive


def relu_without_cache(x):
    """Returns y alone."""
    return np.maximum(x, 0)


def relu_zero_counts_as_positive(x):
    """The cache has >= for >, so an x of exactly 0 lets the gradient through."""
    mask = x >= 0
    return x * mask, mask


# ---------------------------------------- relu_backward


def relu_backward_passes_everything(dy, cache):
    """The mask is not used."""
    dx = dy.copy()
    return dx


def relu_backward_inverted_mask(dy, cache):
    """The gradient passes where x was negative."""
    dx = dy * ~cache
    return dx


def relu_backward_only_mask(dy, cache):
    """The local derivative alone, without dy."""
    dx = cache.astype(dy.dtype)
    return dx


def relu_backward_mask_from_dy(dy, cache):
    """The mask is taken from dy, not from x."""
    dx = dy * (dy > 0)
    return dx


def relu_backward_both_masks(dy, cache):
    """A relu over the gradient as well: negative dy is lost."""
    dx = np.maximum(dy, 0) * cache
    return dx


def relu_backward_negative(dy, cache):
    """The sign is wrong."""
    return -dy * cache


def relu_backward_in_place(dy, cache):
    """Sets zeros in the caller's dy."""
    dx = dy
    dx[cache == 0] = 0
    return dx


def relu_backward_in_float64(dy, cache):
    """np.zeros without a dtype: float32 becomes float64."""
    dx = np.zeros(dy.shape)
    dx[cache] = dy[cache]
    return dx


def relu_backward_leaks(dy, cache):
    """The slope of the negative side is 0.01, as in the leaky relu."""
    return np.where(cache, dy, 0.01 * dy)


# ---------------------------------------- conv1x1


def conv1x1_forgets_bias(x, w, b):
    """b is not added."""
    y = x @ w
    return y, (x, w)


def conv1x1_reshapes_w(x, w, b):
    """w is reshaped to (F, C) and transposed, which mixes its entries up."""
    C, F = w.shape
    weights = w.reshape(F, C)
    y = x @ weights.T + b
    return y, (x, w)


def conv1x1_transposes_w(x, w, b):
    """x @ w.T as in a linear layer with weights (out, in): does not fit unless C is F (crashes)."""
    y = x @ w.T + b
    return y, (x, w)


def conv1x1_result_channels_first(x, w, b):
    """The result is (F, pixels), reshaped where it should be transposed."""
    N, H, W, C = x.shape
    F = w.shape[1]
    y = w.T @ x.reshape(-1, C).T
    y = y.reshape(N, H, W, F) + b
    return y, (x, w)


def conv1x1_bias_in_each_channel(x, w, b):
    """The bias is added once for each input channel."""
    N, H, W, C = x.shape
    y = np.zeros((N, H, W, w.shape[1]), x.dtype)
    for c in range(C):
        y += x[..., c, None] * w[c] + b
    return y, (x, w)


# ---------------------------------------- conv1x1_backward


def conv1x1_backward_reshapes_w(dy, cache):
    """dx: w reshaped to (F, C) where it should be transposed."""
    x, w = cache
    C, F = w.shape
    dx = dy @ w.reshape(F, C)
    dw = x.reshape(-1, C).T @ dy.reshape(-1, F)
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


def conv1x1_backward_w_not_transposed(dy, cache):
    """dx: dy @ w, which does not fit unless C is F (crashes)."""
    x, w = cache
    C, F = w.shape
    dx = dy @ w
    dw = x.reshape(-1, C).T @ dy.reshape(-1, F)
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


def conv1x1_backward_dw_transposed(dy, cache):
    """dw is (F, C)."""
    x, w = cache
    C, F = w.shape
    flat_x = x.reshape(-1, C)
    flat_dy = dy.reshape(-1, F)
    dx = dy @ w.T
    dw = flat_dy.T @ flat_x
    db = flat_dy.sum(axis=0)
    return dx, dw, db


def conv1x1_backward_db_over_batch(dy, cache):
    """db is summed over the images only."""
    x, w = cache
    C, F = w.shape
    dx = dy @ w.T
    dw = x.reshape(-1, C).T @ dy.reshape(-1, F)
    db = dy.sum(axis=0)
    return dx, dw, db


def conv1x1_backward_last_image(dy, cache):
    """dw is overwritten by each image."""
    x, w = cache
    N, H, W, C = x.shape
    F = w.shape[1]
    dx = dy @ w.T
    dw = np.zeros_like(w)
    for n in range(N):
        dw = x[n].reshape(H * W, C).T @ dy[n].reshape(H * W, F)
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


def conv1x1_backward_db_mean(dy, cache):
    """db is a mean where it should be a sum."""
    x, w = cache
    dx = np.einsum("nrqf,cf->nrqc", dy, w)
    dw = np.einsum("nrqc,nrqf->cf", x, dy)
    db = dy.mean(axis=(0, 1, 2))
    return dx, dw, db


# ---------------------------------------- softmax


def softmax_over_first_axis(logits):
    """Over axis 0."""
    e = np.exp(logits - logits.max(axis=0))
    return e / e.sum(axis=0)


def softmax_over_everything(logits):
    """One sum over all entries."""
    e = np.exp(logits - np.max(logits))
    return e / np.sum(e)


def softmax_overflows(logits):
    """The maximum is not taken away: nan for large logits."""
    e = np.exp(logits)
    return e / e.sum(axis=-1, keepdims=True)


def softmax_divides_by_maximum(logits):
    """Divided by the largest instead of the sum."""
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.max(axis=-1, keepdims=True)


def softmax_in_place(logits):
    """Takes the maximum away from the caller's logits."""
    logits -= logits.max(axis=-1, keepdims=True)
    e = np.exp(logits)
    return e / e.sum(axis=-1, keepdims=True)


# ---------------------------------------- the loss


def loss_divides_by_all_pixels(logits, labels, class_weights, ignore):
    """The divisor counts the void pixels too."""
    K = logits.shape[-1]
    weights = class_weights.astype(logits.dtype)
    valid = labels != ignore
    one_hot = (labels[..., None] == np.arange(K)) & valid[..., None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    pixel_weights = (one_hot * weights).sum(axis=-1) / labels.size
    loss = -(pixel_weights * (log_p * one_hot).sum(axis=-1)).sum()
    return np.asarray(loss), (log_p, one_hot, pixel_weights)


def loss_without_weights(logits, labels, class_weights, ignore):
    """class_weights are not used."""
    K = logits.shape[-1]
    valid = labels != ignore
    one_hot = (labels[..., None] == np.arange(K)) & valid[..., None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    count = max(int(valid.sum()), 1)
    pixel_weights = valid.astype(logits.dtype) / count
    loss = -(pixel_weights * (log_p * one_hot).sum(axis=-1)).sum()
    return np.asarray(loss), (log_p, one_hot, pixel_weights)


def loss_divides_by_weights(logits, labels, class_weights, ignore):
    """Divided by the sum of the weights, as PyTorch does, not by the count."""
    K = logits.shape[-1]
    weights = class_weights.astype(logits.dtype)
    valid = labels != ignore
    one_hot = (labels[..., None] == np.arange(K)) & valid[..., None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    pixel_weights = (one_hot * weights).sum(axis=-1)
    pixel_weights = pixel_weights / pixel_weights.sum()
    loss = -(pixel_weights * (log_p * one_hot).sum(axis=-1)).sum()
    return np.asarray(loss), (log_p, one_hot, pixel_weights)


def loss_without_minus(logits, labels, class_weights, ignore):
    """The minus sign is missing: the loss is negative."""
    K = logits.shape[-1]
    weights = class_weights.astype(logits.dtype)
    valid = labels != ignore
    one_hot = (labels[..., None] == np.arange(K)) & valid[..., None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    count = max(int(valid.sum()), 1)
    pixel_weights = (one_hot * weights).sum(axis=-1) / count
    loss = (pixel_weights * (log_p * one_hot).sum(axis=-1)).sum()
    return np.asarray(loss), (log_p, one_hot, pixel_weights)


def loss_void_is_class_zero(logits, labels, class_weights, ignore):
    """Void pixels are set to class 0 so that indexing works, and then count."""
    K = logits.shape[-1]
    weights = class_weights.astype(logits.dtype)
    safe = np.where(labels == ignore, 0, labels)
    one_hot = safe[..., None] == np.arange(K)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    pixel_weights = weights[safe] / labels.size
    loss = -(pixel_weights * (log_p * one_hot).sum(axis=-1)).sum()
    return np.asarray(loss), (log_p, one_hot, pixel_weights)


def loss_is_a_sum(logits, labels, class_weights, ignore):
    """Not divided at all."""
    K = logits.shape[-1]
    weights = class_weights.astype(logits.dtype)
    valid = labels != ignore
    one_hot = (labels[..., None] == np.arange(K)) & valid[..., None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    pixel_weights = (one_hot * weights).sum(axis=-1)
    loss = -(pixel_weights * (log_p * one_hot).sum(axis=-1)).sum()
    return np.asarray(loss), (log_p, one_hot, pixel_weights)


def loss_overflows(logits, labels, class_weights, ignore):
    """log of softmax with no maximum taken away: inf and nan for large logits."""
    K = logits.shape[-1]
    weights = class_weights.astype(logits.dtype)
    valid = labels != ignore
    one_hot = (labels[..., None] == np.arange(K)) & valid[..., None]
    e = np.exp(logits)
    log_p = np.log(e / e.sum(axis=-1, keepdims=True))
    count = max(int(valid.sum()), 1)
    pixel_weights = (one_hot * weights).sum(axis=-1) / count
    loss = -(pixel_weights * (log_p * one_hot).sum(axis=-1)).sum()
    return np.asarray(loss), (log_p, one_hot, pixel_weights)


def loss_mean_of_image_means(logits, labels, class_weights, ignore):
    """Each image is divided by its own count, then the mean over the images."""
    K = logits.shape[-1]
    N = len(logits)
    weights = class_weights.astype(logits.dtype)
    valid = labels != ignore
    one_hot = (labels[..., None] == np.arange(K)) & valid[..., None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    count = np.maximum(valid.sum(axis=(1, 2), keepdims=True), 1).astype(logits.dtype)
    pixel_weights = (one_hot * weights).sum(axis=-1) / count / N
    loss = -(pixel_weights * (log_p * one_hot).sum(axis=-1)).sum()
    return np.asarray(loss), (log_p, one_hot, pixel_weights)


def loss_per_pixel(logits, labels, class_weights, ignore):
    """The sum over the pixels is forgotten: an array comes back."""
    K = logits.shape[-1]
    weights = class_weights.astype(logits.dtype)
    valid = labels != ignore
    one_hot = (labels[..., None] == np.arange(K)) & valid[..., None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    count = max(int(valid.sum()), 1)
    pixel_weights = (one_hot * weights).sum(axis=-1) / count
    loss = -pixel_weights * (log_p * one_hot).sum(axis=-1)
    return loss, (log_p, one_hot, pixel_weights)


def loss_in_float64(logits, labels, class_weights, ignore):
    """The weights keep their float64, and np.zeros has no dtype, so a float32 loss becomes float64."""
    K = logits.shape[-1]
    valid = labels != ignore
    one_hot = (labels[..., None] == np.arange(K)) & valid[..., None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    pixel_weights = np.zeros(labels.shape)
    for k in range(K):
        pixel_weights[one_hot[..., k]] = class_weights[k]
    pixel_weights /= max(valid.sum(), 1)
    loss = -(pixel_weights * (log_p * one_hot).sum(axis=-1)).sum()
    return np.asarray(loss), (log_p, one_hot, pixel_weights)


# ---------------------------------------- loss, backward


def loss_backward_without_weights(dloss, cache):
    """The weights are in the loss and not in the gradient."""
    log_p, one_hot, pixel_weights = cache
    valid = one_hot.any(axis=-1)
    p = np.exp(log_p)
    dlogits = dloss * (p - one_hot) * valid[..., None] / max(int(valid.sum()), 1)
    return dlogits


def loss_backward_wrong_sign(dloss, cache):
    """one_hot - p for p - one_hot."""
    log_p, one_hot, pixel_weights = cache
    p = np.exp(log_p)
    return (dloss * pixel_weights)[..., None] * (one_hot - p)


def loss_backward_forgets_dloss(dloss, cache):
    """dloss is taken to be 1."""
    log_p, one_hot, pixel_weights = cache
    p = np.exp(log_p)
    return pixel_weights[..., None] * (p - one_hot)


def loss_backward_forgets_exp(dloss, cache):
    """log p is taken for p."""
    log_p, one_hot, pixel_weights = cache
    return (dloss * pixel_weights)[..., None] * (log_p - one_hot)


def loss_backward_forgets_one_hot(dloss, cache):
    """p alone: the path through the label's own logit is missing."""
    log_p, one_hot, pixel_weights = cache
    p = np.exp(log_p)
    return (dloss * pixel_weights)[..., None] * p


def loss_backward_only_label(dloss, cache):
    """Only the logit of the label gets a gradient: the path through the sum of exponentials is missing for the rest."""
    log_p, one_hot, pixel_weights = cache
    p = np.exp(log_p)
    dlogits = np.zeros_like(log_p)
    dlogits[one_hot] = (p - 1)[one_hot]
    return dloss * pixel_weights[..., None] * dlogits


def loss_backward_void_counts(dloss, cache):
    """Void pixels, whose one_hot is 0, get p."""
    log_p, one_hot, pixel_weights = cache
    p = np.exp(log_p)
    labelled = one_hot.any(axis=-1)
    scale = np.where(labelled, pixel_weights, pixel_weights.max())
    return dloss * scale[..., None] * (p - one_hot)


def loss_backward_divides_twice(dloss, cache):
    """Divided by the number of pixels once more, which is in pixel_weights already."""
    log_p, one_hot, pixel_weights = cache
    N, H, W, K = log_p.shape
    dlogits = np.exp(log_p) - one_hot
    dlogits *= (dloss * pixel_weights)[..., None]
    return dlogits / (N * H * W)


def loss_backward_overwrites_cache(dloss, cache):
    """Works in log_p, so a second backward would be wrong."""
    log_p, one_hot, pixel_weights = cache
    dlogits = np.exp(log_p, out=log_p)
    dlogits -= one_hot
    dlogits *= (dloss * pixel_weights)[..., None]
    return dlogits


# ---------------------------------------- sgd_step


def sgd_climbs(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    """w + v for w - v: uphill."""
    for name in params:
        w, g, v = params[name], grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v[...] = momentum * v + lr * g
        w += v


def sgd_everything_decays(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    """Biases, scales and shifts decay too."""
    for name, w in params.items():
        g = grads[name] + weight_decay * w
        velocity[name] *= momentum
        velocity[name] += lr * g
        w -= velocity[name]


def sgd_forgets_velocity(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    """v is a new array that is not kept for the next step."""
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v = momentum * v + lr * g
        w -= v


def sgd_changes_gradients(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    """g += changes the caller's gradients."""
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g += weight_decay * w
        v *= momentum
        v += lr * g
        w -= v


def sgd_rate_outside(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    """The rate multiplies the velocity, as PyTorch counts it, not the gradient."""
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v *= momentum
        v += g
        w -= lr * v


def sgd_decay_sign(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    """The decay has the wrong sign: weights grow."""
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g - weight_decay * w
        v *= momentum
        v += lr * g
        w -= v


# ---------------------------------------- conv2d_loops


def conv2d_loops_flips_kernel(x, w, b):
    """A true convolution: the kernel is flipped."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    y = np.zeros((N, H, W, F), x.dtype)
    for n in range(N):
        for r in range(H):
            for q in range(W):
                y[n, r, q] = b
                for i in range(K):
                    for j in range(K):
                        rr, qq = r - i + p, q - j + p
                        if 0 <= rr < H and 0 <= qq < W:
                            y[n, r, q] += x[n, rr, qq] @ w[i, j]
    return y


def conv2d_loops_not_centred(x, w, b):
    """The window begins at the pixel instead of being centred on it."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    y = np.zeros((N, H, W, F), x.dtype)
    for n in range(N):
        for r in range(H):
            for q in range(W):
                y[n, r, q] = b
                for i in range(K):
                    for j in range(K):
                        if r + i < H and q + j < W:
                            y[n, r, q] += x[n, r + i, q + j] @ w[i, j]
    return y


def conv2d_loops_overwrites(x, w, b):
    """= for += in the inner loops: the last tap remains."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    y = np.zeros((N, H, W, F), x.dtype)
    for n in range(N):
        for r in range(H):
            for q in range(W):
                for i in range(K):
                    for j in range(K):
                        y[n, r, q] = padded[n, r + i, q + j] @ w[i, j]
    return y + b


def conv2d_loops_bias_many_times(x, w, b):
    """The bias is added at every tap of the kernel."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    y = np.zeros((N, H, W, F), x.dtype)
    for n in range(N):
        for r in range(H):
            for q in range(W):
                for i in range(K):
                    for j in range(K):
                        y[n, r, q] += padded[n, r + i, q + j] @ w[i, j] + b
    return y


def conv2d_loops_negative_index(x, w, b):
    """Only the upper end is checked: at the other a negative index reads from the far side."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    y = np.zeros((N, H, W, F), x.dtype)
    for n in range(N):
        for r in range(H):
            for q in range(W):
                total = b.copy()
                for i in range(-p, p + 1):
                    for j in range(-p, p + 1):
                        if r + i < H and q + j < W:
                            total += x[n, r + i, q + j] @ w[i + p, j + p]
                y[n, r, q] = total
    return y


def conv2d_loops_leaves_the_border(x, w, b):
    """Pixels whose window does not fit into the image stay 0."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    y = np.zeros((N, H, W, F), x.dtype)
    for n in range(N):
        for r in range(p, H - p):
            for q in range(p, W - p):
                for f in range(F):
                    y[n, r, q, f] = (x[n, r - p:r + p + 1, q - p:q + p + 1] * w[..., f]).sum() + b[f]
    return y


# ---------------------------------------- conv2d


def conv2d_flips_kernel(x, w, b):
    """The kernel is rotated by 180 degrees before the correlation."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    kernel = w[::-1, ::-1]
    y = np.zeros((N, H, W, F), x.dtype)
    for i in range(K):
        for j in range(K):
            y += padded[:, i:i + H, j:j + W] @ kernel[i, j]
    return y + b, (x, w)


def conv2d_pads_after(x, w, b):
    """All the padding is below and to the right."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    padded = np.pad(x, ((0, 0), (0, K - 1), (0, K - 1), (0, 0)))
    y = np.zeros((N, H, W, F), x.dtype)
    for i in range(K):
        for j in range(K):
            y += padded[:, i:i + H, j:j + W] @ w[i, j]
    return y + b, (x, w)


def conv2d_forgets_bias(x, w, b):
    """b is not added."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (K, K), axis=(1, 2))
    y = np.einsum("nrqcij,ijcf->nrqf", windows, w)
    return y, (x, w)


def conv2d_without_padding(x, w, b):
    """No padding: y is smaller by K - 1 (by as much as the image allows)."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    H_out, W_out = max(H - K + 1, 0), max(W - K + 1, 0)
    y = np.zeros((N, H_out, W_out, F), x.dtype)
    for r in range(H_out):
        for q in range(W_out):
            window = x[:, r:r + K, q:q + K].reshape(N, -1)
            y[:, r, q] = window @ w.reshape(-1, F) + b
    return y, (x, w)


def conv2d_kernel_transposed(x, w, b):
    """Rows and columns of the kernel are swapped."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    y = np.zeros((N, H, W, F), x.dtype)
    for i in range(K):
        for j in range(K):
            y += np.dot(padded[:, i:i + H, j:j + W], w[j, i])
    y += b
    return y, (x, w)


def conv2d_columns_in_other_order(x, w, b):
    """The columns run channel, row, column, but the flat kernel runs row, column, channel."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    columns = np.lib.stride_tricks.sliding_window_view(padded, (K, K), axis=(1, 2))   # (N, H, W, C, K, K)
    columns = columns.reshape(N * H * W, -1)
    y = columns @ w.reshape(-1, F) + b
    return y.reshape(N, H, W, F), (x, w)


def conv2d_rolls(x, w, b):
    """np.roll for the shift: the image goes round."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    y = np.zeros((N, H, W, F), x.dtype)
    for i in range(K):
        for j in range(K):
            shifted = np.roll(x, (p - i, p - j), axis=(1, 2))
            y += shifted @ w[i, j]
    return y + b, (x, w)


def conv2d_range_one_short(x, w, b):
    """range(K - 1): the last row and column of the kernel are left out."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = (K - 1) // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    y = np.zeros((N, H, W, F), x.dtype)
    for i in range(K - 1):
        for j in range(K - 1):
            y += padded[:, i:i + H, j:j + W] @ w[i, j]
    return y + b, (x, w)


def conv2d_result_reshaped(x, w, b):
    """The product is (F, pixels) and is reshaped where it should be transposed."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    columns = np.zeros((N, H, W, K, K, C), x.dtype)
    for i in range(K):
        for j in range(K):
            columns[:, :, :, i, j] = padded[:, i:i + H, j:j + W]
    y = w.reshape(-1, F).T @ columns.reshape(N * H * W, -1).T + b[:, None]
    return y.reshape(N, H, W, F), (x, w)


def conv2d_caches_the_padded(x, w, b):
    """The cache holds the padded x."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    x = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    y = np.zeros((N, H, W, F), x.dtype) + b
    for i in range(K):
        for j in range(K):
            y += x[:, i:i + H, j:j + W] @ w[i, j]
    return y, (x, w)


# ---------------------------------------- im2col


def im2col_channels_first(x, K):
    """Channel, row, column instead of row, column, channel."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (K, K), axis=(0, 1))
    H, W = windows.shape[:2]
    return windows.reshape(H, W, -1)


def im2col_columns_before_rows(x, K):
    """The taps run down the columns of the kernel."""
    H, W, C = x.shape[0] - K + 1, x.shape[1] - K + 1, x.shape[2]
    columns = np.zeros((H, W, K, K, C), x.dtype)
    for i in range(K):
        for j in range(K):
            columns[:, :, j, i] = x[i:i + H, j:j + W]
    return columns.reshape(H, W, K * K * C)


def im2col_one_window_less(x, K):
    """H - K for H - K + 1: the last row and column of windows is missing."""
    H, W, C = x.shape[0] - K, x.shape[1] - K, x.shape[2]
    columns = np.empty((H, W, K * K * C), x.dtype)
    for r in range(H):
        for q in range(W):
            columns[r, q] = x[r:r + K, q:q + K].ravel()
    return columns


def im2col_pads_again(x, K):
    """Pads x, which is padded already."""
    p = K // 2
    x = np.pad(x, ((p, p), (p, p), (0, 0)))
    H, W, C = x.shape[0] - K + 1, x.shape[1] - K + 1, x.shape[2]
    columns = np.empty((H, W, K * K * C), x.dtype)
    for r in range(H):
        for q in range(W):
            columns[r, q] = x[r:r + K, q:q + K].reshape(-1)
    return columns


def im2col_in_float64(x, K):
    """np.zeros without a dtype: float32 becomes float64."""
    H, W, C = x.shape[0] - K + 1, x.shape[1] - K + 1, x.shape[2]
    columns = np.zeros((H, W, K * K * C))
    for r in range(H):
        for q in range(W):
            columns[r, q] = x[r:r + K, q:q + K].reshape(-1)
    return columns


# ---------------------------------------- col2im


def col2im_overwrites(columns, K):
    """= for +=: of the windows that see a pixel only the last counts."""
    H, W, KKC = columns.shape
    C = KKC // (K * K)
    columns = columns.reshape(H, W, K, K, C)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i:i + H, j:j + W] = columns[:, :, i, j]
    return x


def col2im_crops(columns, K):
    """Cuts the padding off, which is not its business: (H, W, C)."""
    H, W, KKC = columns.shape
    C = KKC // (K * K)
    p = K // 2
    columns = columns.reshape(H, W, K, K, C)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i:i + H, j:j + W] += columns[:, :, i, j]
    return x[p:p + H, p:p + W].copy()


def col2im_channels_first(columns, K):
    """Reads the columns as channel, row, column."""
    H, W, KKC = columns.shape
    C = KKC // (K * K)
    columns = columns.reshape(H, W, C, K, K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for r in range(H):
        for q in range(W):
            x[r:r + K, q:q + K] += columns[r, q].transpose(1, 2, 0)
    return x


def col2im_rows_and_columns(columns, K):
    """Swaps i and j."""
    H, W, KKC = columns.shape
    C = KKC // (K * K)
    columns = columns.reshape(H, W, K, K, C)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i:i + H, j:j + W] += columns[:, :, j, i]
    return x


def col2im_averages(columns, K):
    """Divides by how many windows saw a pixel: the inverse of im2col, not its adjoint."""
    H, W, KKC = columns.shape
    C = KKC // (K * K)
    x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype)
    count = np.zeros_like(x)
    for r in range(H):
        for q in range(W):
            x[r:r + K, q:q + K] += columns[r, q].reshape(K, K, C)
            count[r:r + K, q:q + K] += 1
    return x / count


# ---------------------------------------- conv2d_backward


def conv2d_backward_kernel_not_rotated(dy, cache, need_dx=True):
    """dx correlates dy with w as it stands, without the rotation."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    padded_dy = np.pad(dy, ((0, 0), (p, p), (p, p), (0, 0)))
    dx = np.zeros_like(x) if need_dx else None
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = padded[:, i:i + H, j:j + W].reshape(-1, C).T @ dy.reshape(-1, F)
            if need_dx:
                dx += padded_dy[:, i:i + H, j:j + W] @ w[i, j].T
    return dx, dw, dy.sum(axis=(0, 1, 2))


def conv2d_backward_w_reshaped(dy, cache, need_dx=True):
    """dx: w[i, j] is reshaped to (F, C) where it should be transposed."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = padded[:, i:i + H, j:j + W].reshape(-1, C).T @ dy.reshape(-1, F)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].reshape(F, C)
    dx = dpadded[:, p:p + H, p:p + W].copy() if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


def conv2d_backward_dw_flipped(dy, cache, need_dx=True):
    """dw is rotated by 180 degrees."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[K - 1 - i, K - 1 - j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, p:p + H, p:p + W].copy() if need_dx else None
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


def conv2d_backward_dw_of_last_image(dy, cache, need_dx=True):
    """dw is overwritten by each image."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for n in range(N):
        for i in range(K):
            for j in range(K):
                dw[i, j] = padded[n, i:i + H, j:j + W].reshape(-1, C).T @ dy[n].reshape(-1, F)
                dpadded[n, i:i + H, j:j + W] += dy[n] @ w[i, j].T
    dx = dpadded[:, p:p + H, p:p + W].copy() if need_dx else None
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


def conv2d_backward_dx_not_cropped(dy, cache, need_dx=True):
    """dx still has its padding."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    x_pad = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dx = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    for r in range(H):
        for q in range(W):
            here = dy[:, r, q]                                                      # (N, F)
            dw += np.einsum("nijc,nf->ijcf", x_pad[:, r:r + K, q:q + K], here)
            dx[:, r:r + K, q:q + K] += np.einsum("ijcf,nf->nijc", w, here)
    db = dy.sum(axis=(0, 1, 2))
    return (dx if need_dx else None), dw, db


def conv2d_backward_dx_cropped_at_corner(dy, cache, need_dx=True):
    """The padding is cut off at the wrong side: [:H, :W]."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    x_pad = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dx = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    for r in range(H):
        for q in range(W):
            here = dy[:, r, q]
            dw += np.einsum("nijc,nf->ijcf", x_pad[:, r:r + K, q:q + K], here)
            dx[:, r:r + K, q:q + K] += np.einsum("ijcf,nf->nijc", w, here)
    db = dy.sum(axis=(0, 1, 2))
    return (dx[:, :H, :W].copy() if need_dx else None), dw, db


def conv2d_backward_dx_overwritten(dy, cache, need_dx=True):
    """dx: = for +=, so the windows overwrite each other."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    x_pad = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dx = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    for r in range(H):
        for q in range(W):
            here = dy[:, r, q]
            dw += np.einsum("nijc,nf->ijcf", x_pad[:, r:r + K, q:q + K], here)
            dx[:, r:r + K, q:q + K] = np.einsum("ijcf,nf->nijc", w, here)
    db = dy.sum(axis=(0, 1, 2))
    return (dx[:, p:p + H, p:p + W].copy() if need_dx else None), dw, db


def conv2d_backward_db_over_batch(dy, cache, need_dx=True):
    """db is summed over the images and rows, not over the columns: (W, F)."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = padded[:, i:i + H, j:j + W].reshape(-1, C).T @ dy.reshape(-1, F)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, p:p + H, p:p + W].copy() if need_dx else None
    db = dy.sum(axis=(0, 1))
    return dx, dw, db


def conv2d_backward_db_mean(dy, cache, need_dx=True):
    """db is the mean of dy."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = padded[:, i:i + H, j:j + W].reshape(-1, C).T @ dy.reshape(-1, F)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, p:p + H, p:p + W].copy() if need_dx else None
    db = dy.mean(axis=(0, 1, 2))
    return dx, dw, db


def conv2d_backward_in_float64(dy, cache, need_dx=True):
    """np.zeros without a dtype: dx and dw are float64."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    p = K // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    dpadded = np.zeros(padded.shape)
    dw = np.zeros(w.shape)
    for i in range(K):
        for j in range(K):
            dw[i, j] = padded[:, i:i + H, j:j + W].reshape(-1, C).T @ dy.reshape(-1, F)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, p:p + H, p:p + W].copy() if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


# ---------------------------------------- max_pool


def max_pool_ties_to_the_last(x):
    """>= for >: of equals the last wins."""
    N, H, W, C = x.shape
    h, w = (H + 1) // 2, (W + 1) // 2
    y = np.full((N, h, w, C), -np.inf, x.dtype)
    corners = np.zeros((N, h, w, C), np.uint8)
    for n, r, q, c in np.ndindex(N, h, w, C):
        for k in range(4):
            rr, qq = 2 * r + k // 2, 2 * q + k % 2
            if rr < H and qq < W and x[n, rr, qq, c] >= y[n, r, q, c]:
                y[n, r, q, c] = x[n, rr, qq, c]
                corners[n, r, q, c] = k
    return y, corners


def max_pool_floor(x):
    """An odd last row or column is dropped."""
    N, H, W, C = x.shape
    h, w = H // 2, W // 2
    windows = x[:, :2 * h, :2 * w].reshape(N, h, 2, w, 2, C).transpose(0, 1, 3, 2, 4, 5).reshape(N, h, w, 4, C)
    return windows.max(axis=3), windows.argmax(axis=3).astype(np.uint8)


def max_pool_zero_padding(x):
    """An odd size is padded with zeros, which beat negative values."""
    N, H, W, C = x.shape
    padded = np.pad(x, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)))
    h, w = padded.shape[1] // 2, padded.shape[2] // 2
    windows = padded.reshape(N, h, 2, w, 2, C).transpose(0, 1, 3, 2, 4, 5).reshape(N, h, w, 4, C)
    corners = windows.argmax(axis=3).astype(np.uint8)
    return windows.max(axis=3), corners


def max_pool_corners_by_columns(x):
    """The corners are counted down the columns: 1 and 2 are swapped."""
    N, H, W, C = x.shape
    h, w = (H + 1) // 2, (W + 1) // 2
    padded = np.full((N, 2 * h, 2 * w, C), -np.inf, x.dtype)
    padded[:, :H, :W] = x
    parts = np.stack([padded[:, 0::2, 0::2], padded[:, 1::2, 0::2], padded[:, 0::2, 1::2], padded[:, 1::2, 1::2]])
    return parts.max(axis=0), parts.argmax(axis=0).astype(np.uint8)


def max_pool_corners_int64(x):
    """The corners are as argmax gives them, int64."""
    N, H, W, C = x.shape
    h, w = (H + 1) // 2, (W + 1) // 2
    padded = np.full((N, 2 * h, 2 * w, C), -np.inf, x.dtype)
    padded[:, :H, :W] = x
    parts = np.stack([padded[:, 0::2, 0::2], padded[:, 0::2, 1::2], padded[:, 1::2, 0::2], padded[:, 1::2, 1::2]])
    return parts.max(axis=0), parts.argmax(axis=0)


def max_pool_overlaps(x):
    """The windows begin at r and q, not at 2r and 2q."""
    N, H, W, C = x.shape
    h, w = (H + 1) // 2, (W + 1) // 2
    y = np.zeros((N, h, w, C), x.dtype)
    corners = np.zeros((N, h, w, C), np.uint8)
    for n, r, q, c in np.ndindex(N, h, w, C):
        window = x[n, r:r + 2, q:q + 2, c]
        k = window.argmax()
        y[n, r, q, c] = window.max()
        corners[n, r, q, c] = k // window.shape[1] * 2 + k % window.shape[1]
    return y, corners


def max_pool_reshape_without_transpose(x):
    """Reshaped to four values each without bringing the window's rows together."""
    N, H, W, C = x.shape
    h, w = (H + 1) // 2, (W + 1) // 2
    padded = np.full((N, 2 * h, 2 * w, C), -np.inf, x.dtype)
    padded[:, :H, :W] = x
    windows = padded.reshape(N, h, w, 4, C)
    return windows.max(axis=3), windows.argmax(axis=3).astype(np.uint8)


def max_pool_begins_at_zero(x):
    """The running maximum begins at 0, so a window of negative values gives 0."""
    N, H, W, C = x.shape
    h, w = (H + 1) // 2, (W + 1) // 2
    y = np.zeros((N, h, w, C), x.dtype)
    corners = np.zeros((N, h, w, C), np.uint8)
    for k in range(4):
        part = x[:, k // 2::2, k % 2::2]
        rows, cols = part.shape[1:3]
        better = part > y[:, :rows, :cols]
        y[:, :rows, :cols][better] = part[better]
        corners[:, :rows, :cols][better] = k
    return y, corners


def max_pool_corner_not_of_the_best(x):
    """Each corner is compared with the first and not with the best so far: y is right and corners is not."""
    N, H, W, C = x.shape
    h, w = (H + 1) // 2, (W + 1) // 2
    y = x[:, 0::2, 0::2].copy()
    first = y.copy()
    corners = np.zeros((N, h, w, C), np.uint8)
    for k in (1, 2, 3):
        part = x[:, k // 2::2, k % 2::2]
        rows, cols = part.shape[1:3]
        corners[:, :rows, :cols][part > first[:, :rows, :cols]] = k
        y[:, :rows, :cols] = np.maximum(y[:, :rows, :cols], part)
    return y, corners


def max_pool_border_corner(x):
    """In a window that is one column wide argmax counts 0, 1, but the lower one is corner 2."""
    N, H, W, C = x.shape
    h, w = (H + 1) // 2, (W + 1) // 2
    y = np.zeros((N, h, w, C), x.dtype)
    corners = np.zeros((N, h, w, C), np.uint8)
    for n, r, q, c in np.ndindex(N, h, w, C):
        window = x[n, 2 * r:2 * r + 2, 2 * q:2 * q + 2, c]
        y[n, r, q, c] = window.max()
        corners[n, r, q, c] = window.argmax()
    return y, corners


# ---------------------------------------- max_pool_backward


def max_pool_backward_to_all_four(dy, corners, shape):
    """The whole window gets dy."""
    N, H, W, C = shape
    dx = dy.repeat(2, axis=1).repeat(2, axis=2)
    return dx[:, :H, :W].copy()


def max_pool_backward_rows_and_columns(dy, corners, shape):
    """Corner 1 is taken for the lower one and 2 for the right one."""
    dx = np.zeros(shape, dy.dtype)
    for k in range(4):
        part = dx[:, k % 2::2, k // 2::2]
        rows, cols = part.shape[1:3]
        part[...] = (dy * (corners == k))[:, :rows, :cols]
    return dx


def max_pool_backward_first_corner(dy, corners, shape):
    """Always the upper left corner."""
    dx = np.zeros(shape, dy.dtype)
    dx[:, ::2, ::2] = dy
    return dx


def max_pool_backward_ignores_shape(dy, corners, shape):
    """dx is twice as high and wide as dy, even where x was odd."""
    N, h, w, C = dy.shape
    dx = np.zeros((N, 2 * h, 2 * w, C), dy.dtype)
    for k in range(4):
        dx[:, k // 2::2, k % 2::2] = dy * (corners == k)
    return dx


def max_pool_backward_drops_odd_border(dy, corners, shape):
    """The loop goes to H // 2 and W // 2: the odd border gets nothing."""
    N, H, W, C = shape
    dx = np.zeros(shape, dy.dtype)
    for n, r, q, c in np.ndindex(N, H // 2, W // 2, C):
        k = int(corners[n, r, q, c])
        dx[n, 2 * r + k // 2, 2 * q + k % 2, c] = dy[n, r, q, c]
    return dx


def max_pool_backward_in_float64(dy, corners, shape):
    """np.zeros without a dtype: float32 becomes float64."""
    dx = np.zeros(shape)
    for n, r, q, c in np.ndindex(dy.shape):
        k = int(corners[n, r, q, c])
        dx[n, 2 * r + k // 2, 2 * q + k % 2, c] = dy[n, r, q, c]
    return dx


def max_pool_backward_corners_of_first_channel(dy, corners, shape):
    """The corners of channel 0 are used for all channels."""
    dx = np.zeros(shape, dy.dtype)
    where = corners[..., :1]
    for k in range(4):
        part = dx[:, k // 2::2, k % 2::2]
        rows, cols = part.shape[1:3]
        part[...] = (dy * (where == k))[:, :rows, :cols]
    return dx


def max_pool_backward_writes_corners(dy, corners, shape):
    """1 where the maximum was, not dy: the chain rule is missing."""
    dx = np.zeros(shape, dy.dtype)
    for k in range(4):
        part = dx[:, k // 2::2, k % 2::2]
        rows, cols = part.shape[1:3]
        part[...] = (corners == k)[:, :rows, :cols]
    return dx


# ---------------------------------------- max_unpool


def max_unpool_repeats(x, corners, shape):
    """Nearest-neighbour upsampling: the value in all four corners."""
    N, H, W, C = shape
    y = np.repeat(np.repeat(x, 2, axis=1), 2, axis=2)
    return y[:, :H, :W].copy()


def max_unpool_rows_and_columns(x, corners, shape):
    """Corners 1 and 2 are swapped."""
    y = np.zeros(shape, x.dtype)
    for k, (i, j) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        part = y[:, i::2, j::2]
        rows, cols = part.shape[1:3]
        part += (x * (corners == k))[:, :rows, :cols]
    return y


def max_unpool_always_doubles(x, corners, shape):
    """Twice the size of x, whatever shape says."""
    N, h, w, C = x.shape
    y = np.zeros((N, 2 * h, 2 * w, C), x.dtype)
    for i in range(2):
        for j in range(2):
            y[:, i::2, j::2] = np.where(corners == 2 * i + j, x, 0)
    return y


def max_unpool_even_only(x, corners, shape):
    """Assigns the full windows to the border views, which are shorter where H or W is odd (crashes there)."""
    y = np.zeros(shape, x.dtype)
    for i in range(2):
        for j in range(2):
            y[:, i::2, j::2] = np.where(corners == 2 * i + j, x, 0)
    return y


def max_unpool_in_float64(x, corners, shape):
    """np.zeros without a dtype: float32 becomes float64."""
    y = np.zeros(shape)
    for n, r, q, c in np.ndindex(x.shape):
        row, column = divmod(int(corners[n, r, q, c]), 2)
        y[n, 2 * r + row, 2 * q + column, c] = x[n, r, q, c]
    return y


def max_unpool_drops_odd_border(x, corners, shape):
    """The last row and column of an odd shape stay 0."""
    N, H, W, C = shape
    y = np.zeros(shape, x.dtype)
    for r in range(H // 2):
        for q in range(W // 2):
            for k in range(4):
                hit = corners[:, r, q] == k
                y[:, 2 * r + k // 2, 2 * q + k % 2] += x[:, r, q] * hit
    return y


def max_unpool_corners_of_first_image(x, corners, shape):
    """The corners of image 0 are used for all images."""
    y = np.zeros(shape, x.dtype)
    for k in range(4):
        part = y[:, k // 2::2, k % 2::2]
        rows, cols = part.shape[1:3]
        part[...] = (x * (corners[0] == k))[:, :rows, :cols]
    return y


def max_unpool_side_by_side(x, corners, shape):
    """The four quarters are laid side by side: [:h] and [h:] where ::2 and 1::2 is needed."""
    N, H, W, C = shape
    h, w = x.shape[1:3]
    y = np.zeros((N, 2 * h, 2 * w, C), x.dtype)
    for i in range(2):
        for j in range(2):
            y[:, i * h:(i + 1) * h, j * w:(j + 1) * w] = x * (corners == 2 * i + j)
    return y[:, :H, :W].copy()


# ---------------------------------------- max_unpool_backward


def max_unpool_backward_sums_window(dy, corners):
    """The sum of the window, the adjoint of repeating."""
    N, h, w, C = corners.shape
    dx = np.zeros((N, h, w, C), dy.dtype)
    for r in range(h):
        for q in range(w):
            dx[:, r, q] = dy[:, 2 * r:2 * r + 2, 2 * q:2 * q + 2].sum(axis=(1, 2))
    return dx


def max_unpool_backward_max_of_dy(dy, corners):
    """Pools dy: its own maximum, not the place in corners."""
    N, h, w, C = corners.shape
    dx = np.zeros(corners.shape, dy.dtype)
    for r in range(h):
        for q in range(w):
            dx[:, r, q] = dy[:, 2 * r:2 * r + 2, 2 * q:2 * q + 2].max(axis=(1, 2))
    return dx


def max_unpool_backward_first_corner(dy, corners):
    """Always from the upper left corner, and a view of dy."""
    return dy[:, ::2, ::2]


def max_unpool_backward_rows_and_columns(dy, corners):
    """Corners 1 and 2 are swapped."""
    dx = np.zeros(corners.shape, dy.dtype)
    for k in range(4):
        part = dy[:, k % 2::2, k // 2::2]
        rows, cols = part.shape[1:3]
        dx[:, :rows, :cols] += part * (corners[:, :rows, :cols] == k)
    return dx


def max_unpool_backward_in_float64(dy, corners):
    """np.zeros without a dtype: float32 becomes float64."""
    dx = np.zeros(corners.shape)
    for n, r, q, c in np.ndindex(corners.shape):
        k = int(corners[n, r, q, c])
        dx[n, r, q, c] = dy[n, 2 * r + k // 2, 2 * q + k % 2, c]
    return dx


def max_unpool_backward_drops_odd_border(dy, corners):
    """The windows at an odd border get 0."""
    N, H, W, C = dy.shape
    dx = np.zeros(corners.shape, dy.dtype)
    for n, r, q, c in np.ndindex(N, H // 2, W // 2, C):
        k = int(corners[n, r, q, c])
        dx[n, r, q, c] = dy[n, 2 * r + k // 2, 2 * q + k % 2, c]
    return dx


def max_unpool_backward_overwrites(dy, corners):
    """= for +=: only what came from corner 3 remains, zeros elsewhere in the full windows."""
    dx = np.zeros(corners.shape, dy.dtype)
    for k in range(4):
        part = dy[:, k // 2::2, k % 2::2]
        rows, cols = part.shape[1:3]
        dx[:, :rows, :cols] = part * (corners[:, :rows, :cols] == k)
    return dx


def max_unpool_backward_masks(dy, corners):
    """dy with zeros off the corners, still in its own size: not gathered."""
    dx = np.zeros_like(dy)
    for k in range(4):
        part = dy[:, k // 2::2, k % 2::2]
        rows, cols = part.shape[1:3]
        dx[:, k // 2::2, k % 2::2] = part * (corners[:, :rows, :cols] == k)
    return dx


# ---------------------------------------- numerical_gradient


def numerical_gradient_forward_difference(f, x):
    """Only a step forward, with an error that shrinks no faster than the step."""
    h = 1e-4
    x = x.copy()
    gradient = np.zeros_like(x)
    f0 = f(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + h
        gradient[i] = (f(x) - f0) / h
        x[i] = old
    return gradient


def numerical_gradient_forgets_two(f, x):
    """Divided by the step and not by twice the step."""
    h = 1e-5
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += h
        below[i] -= h
        gradient[i] = (f(above) - f(below)) / h
    return gradient


def numerical_gradient_not_put_back(f, x):
    """x stays one step below after each entry, for the next ones and for the caller."""
    h = 1e-5
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += h
        above = f(x)
        x[i] -= 2 * h
        below = f(x)
        gradient[i] = (above - below) / (2 * h)
    return gradient


def numerical_gradient_no_copy(f, x):
    """above and below are the same array: the difference is 0."""
    h = 1e-5
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        above = x
        below = x
        above[i] += h
        below[i] -= h
        gradient[i] = (f(above) - f(below)) / (2 * h)
    return gradient


def numerical_gradient_all_at_once(f, x):
    """All entries move together: each gets the sum of the gradient."""
    h = 1e-5
    slope = (f(x + h) - f(x - h)) / (2 * h)
    return np.full_like(x, slope)


# ---------------------------------------- batch_norm


def batch_norm_over_batch_only(x, gamma, beta):
    """Statistics over axis 0 only, as in a dense layer: one for each pixel."""
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    inv_std = 1 / np.sqrt(var + 1e-5)
    x_hat = (x - mean) * inv_std
    y = gamma * x_hat + beta
    return y, (mean, var), (x_hat, gamma, inv_std)


def batch_norm_each_image(x, gamma, beta):
    """Statistics of each image by itself: instance norm."""
    mean = x.mean(axis=(1, 2), keepdims=True)
    var = x.var(axis=(1, 2), keepdims=True)
    inv_std = 1 / np.sqrt(var + 1e-5)
    x_hat = (x - mean) * inv_std
    y = gamma * x_hat + beta
    return y, (mean, var), (x_hat, gamma, inv_std)


def batch_norm_over_everything(x, gamma, beta):
    """One mean and variance for all channels."""
    mean = np.mean(x)
    var = np.var(x)
    inv_std = 1 / np.sqrt(var + 1e-5)
    x_hat = (x - mean) * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)


def batch_norm_unbiased(x, gamma, beta):
    """Divided by one less than the number of pixels."""
    mean = x.mean(axis=(0, 1, 2))
    var = x.var(axis=(0, 1, 2), ddof=1)
    inv_std = 1 / np.sqrt(var + 1e-5)
    x_hat = (x - mean) * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)


def batch_norm_eps_outside(x, gamma, beta):
    """eps is added to the root and not under it."""
    mean = x.mean(axis=(0, 1, 2))
    var = x.var(axis=(0, 1, 2))
    inv_std = 1 / (np.sqrt(var) + 1e-5)
    x_hat = (x - mean) * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)


def batch_norm_without_root(x, gamma, beta):
    """Divided by the variance and not by its root."""
    mean = x.mean(axis=(0, 1, 2))
    var = x.var(axis=(0, 1, 2))
    inv_std = 1 / (var + 1e-5)
    x_hat = (x - mean) * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)


def batch_norm_forgets_beta(x, gamma, beta):
    """beta is not added."""
    mean = x.mean(axis=(0, 1, 2))
    var = ((x - mean) ** 2).mean(axis=(0, 1, 2))
    inv_std = 1 / np.sqrt(var + 1e-5)
    x_hat = (x - mean) * inv_std
    y = gamma * x_hat
    return y, (mean, var), (x_hat, gamma, inv_std)


def batch_norm_returns_std(x, gamma, beta):
    """The standard deviation for the variance in what is returned."""
    mean = x.mean(axis=(0, 1, 2))
    std = np.sqrt(x.var(axis=(0, 1, 2)) + 1e-5)
    x_hat = (x - mean) / std
    y = gamma * x_hat + beta
    return y, (mean, std), (x_hat, gamma, 1 / std)


def batch_norm_caches_std(x, gamma, beta):
    """The cache has std where inv_std belongs."""
    mean = x.mean(axis=(0, 1, 2))
    var = x.var(axis=(0, 1, 2))
    std = np.sqrt(var + 1e-5)
    x_hat = (x - mean) / std
    y = gamma * x_hat + beta
    return y, (mean, var), (x_hat, gamma, std)


def batch_norm_in_place(x, gamma, beta):
    """Centres and scales the caller's x."""
    mean = x.mean(axis=(0, 1, 2))
    var = x.var(axis=(0, 1, 2))
    inv_std = 1 / np.sqrt(var + 1e-5)
    x -= mean
    x *= inv_std
    return gamma * x + beta, (mean, var), (x, gamma, inv_std)


# ---------------------------------------- batch_norm_backward


def batch_norm_backward_forgets_mean(dy, cache):
    """The path through the mean is missing."""
    x_hat, gamma, inv_std = cache
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    M = dy.size // dy.shape[-1]
    dx = gamma * inv_std * (dy - x_hat * dgamma / M)
    return dx, dgamma, dbeta


def batch_norm_backward_forgets_variance(dy, cache):
    """The path through the variance is missing."""
    x_hat, gamma, inv_std = cache
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    M = dy.size // dy.shape[-1]
    dx = gamma * inv_std * (dy - dbeta / M)
    return dx, dgamma, dbeta


def batch_norm_backward_direct_path_only(dy, cache):
    """Mean and variance are taken for constants."""
    x_hat, gamma, inv_std = cache
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = dy * gamma * inv_std
    return dx, dgamma, dbeta


def batch_norm_backward_forgets_gamma(dy, cache):
    """dx without gamma."""
    x_hat, gamma, inv_std = cache
    dgamma = np.sum(dy * x_hat, axis=(0, 1, 2))
    dbeta = np.sum(dy, axis=(0, 1, 2))
    dx = inv_std * (dy - dy.mean(axis=(0, 1, 2)) - x_hat * (dy * x_hat).mean(axis=(0, 1, 2)))
    return dx, dgamma, dbeta


def batch_norm_backward_forgets_std(dy, cache):
    """dx without 1 / std."""
    x_hat, gamma, inv_std = cache
    dgamma = np.sum(dy * x_hat, axis=(0, 1, 2))
    dbeta = np.sum(dy, axis=(0, 1, 2))
    dx_hat = dy * gamma
    dx = dx_hat - dx_hat.mean(axis=(0, 1, 2)) - x_hat * (dx_hat * x_hat).mean(axis=(0, 1, 2))
    return dx, dgamma, dbeta


def batch_norm_backward_swapped(dy, cache):
    """dgamma and dbeta come back in the wrong order."""
    x_hat, gamma, inv_std = cache
    M = dy.shape[0] * dy.shape[1] * dy.shape[2]
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = gamma * inv_std / M * (M * dy - dbeta - x_hat * dgamma)
    return dx, dbeta, dgamma


def batch_norm_backward_dgamma_mean(dy, cache):
    """dgamma and dbeta are means."""
    x_hat, gamma, inv_std = cache
    dgamma = (dy * x_hat).mean(axis=(0, 1, 2))
    dbeta = dy.mean(axis=(0, 1, 2))
    dx = gamma * inv_std * (dy - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


def batch_norm_backward_over_batch_only(dy, cache):
    """All sums go over axis 0 only."""
    x_hat, gamma, inv_std = cache
    N = len(dy)
    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dx = gamma * inv_std / N * (N * dy - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


def batch_norm_backward_m_is_n(dy, cache):
    """The means divide by the number of images, not of pixels."""
    x_hat, gamma, inv_std = cache
    N = dy.shape[0]
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = gamma * inv_std * (dy - dbeta / N - x_hat * dgamma / N)
    return dx, dgamma, dbeta


def batch_norm_backward_changes_dy(dy, cache):
    """Multiplies the caller's dy by gamma."""
    x_hat, gamma, inv_std = cache
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dy *= gamma
    dx = inv_std * (dy - dy.mean(axis=(0, 1, 2)) - x_hat * (dy * x_hat).mean(axis=(0, 1, 2)))
    return dx, dgamma, dbeta


def batch_norm_backward_half_the_variance(dy, cache):
    """The 2 of the square is forgotten: step by step, dvar reaches x with half its size."""
    x_hat, gamma, inv_std = cache
    N, H, W, C = dy.shape
    M = N * H * W
    centred = x_hat / inv_std
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx_hat = dy * gamma
    dvar = (dx_hat * centred).sum(axis=(0, 1, 2)) * -0.5 * inv_std**3
    dmean = -(dx_hat * inv_std).sum(axis=(0, 1, 2))
    dx = dx_hat * inv_std + dvar * centred / M + dmean / M
    return dx, dgamma, dbeta


PLANTED = (
    ("relu", relu_keeps_negative_halves),
    ("relu", relu_is_absolute_value),
    ("relu", relu_reduces_with_max),
    ("relu", relu_in_place),
    ("relu", relu_cache_inverted),
    ("relu", relu_cache_of_float_x),
    ("relu", relu_in_float64),
    ("relu", relu_without_cache),
    ("relu", relu_zero_counts_as_positive),
    ("relu_backward", relu_backward_passes_everything),
    ("relu_backward", relu_backward_inverted_mask),
    ("relu_backward", relu_backward_only_mask),
    ("relu_backward", relu_backward_mask_from_dy),
    ("relu_backward", relu_backward_both_masks),
    ("relu_backward", relu_backward_negative),
    ("relu_backward", relu_backward_in_place),
    ("relu_backward", relu_backward_in_float64),
    ("relu_backward", relu_backward_leaks),
    ("conv1x1", conv1x1_forgets_bias),
    ("conv1x1", conv1x1_reshapes_w),
    ("conv1x1", conv1x1_transposes_w),
    ("conv1x1", conv1x1_result_channels_first),
    ("conv1x1", conv1x1_bias_in_each_channel),
    ("conv1x1_backward", conv1x1_backward_reshapes_w),
    ("conv1x1_backward", conv1x1_backward_w_not_transposed),
    ("conv1x1_backward", conv1x1_backward_dw_transposed),
    ("conv1x1_backward", conv1x1_backward_db_over_batch),
    ("conv1x1_backward", conv1x1_backward_last_image),
    ("conv1x1_backward", conv1x1_backward_db_mean),
    ("softmax", softmax_over_first_axis),
    ("softmax", softmax_over_everything),
    ("softmax", softmax_overflows),
    ("softmax", softmax_divides_by_maximum),
    ("softmax", softmax_in_place),
    ("softmax_cross_entropy", loss_divides_by_all_pixels),
    ("softmax_cross_entropy", loss_without_weights),
    ("softmax_cross_entropy", loss_divides_by_weights),
    ("softmax_cross_entropy", loss_without_minus),
    ("softmax_cross_entropy", loss_void_is_class_zero),
    ("softmax_cross_entropy", loss_is_a_sum),
    ("softmax_cross_entropy", loss_overflows),
    ("softmax_cross_entropy", loss_mean_of_image_means),
    ("softmax_cross_entropy", loss_per_pixel),
    ("softmax_cross_entropy", loss_in_float64),
    ("softmax_cross_entropy_backward", loss_backward_without_weights),
    ("softmax_cross_entropy_backward", loss_backward_wrong_sign),
    ("softmax_cross_entropy_backward", loss_backward_forgets_dloss),
    ("softmax_cross_entropy_backward", loss_backward_forgets_exp),
    ("softmax_cross_entropy_backward", loss_backward_forgets_one_hot),
    ("softmax_cross_entropy_backward", loss_backward_only_label),
    ("softmax_cross_entropy_backward", loss_backward_void_counts),
    ("softmax_cross_entropy_backward", loss_backward_divides_twice),
    ("softmax_cross_entropy_backward", loss_backward_overwrites_cache),
    ("sgd_step", sgd_climbs),
    ("sgd_step", sgd_everything_decays),
    ("sgd_step", sgd_forgets_velocity),
    ("sgd_step", sgd_changes_gradients),
    ("sgd_step", sgd_rate_outside),
    ("sgd_step", sgd_decay_sign),
    ("conv2d_loops", conv2d_loops_flips_kernel),
    ("conv2d_loops", conv2d_loops_not_centred),
    ("conv2d_loops", conv2d_loops_overwrites),
    ("conv2d_loops", conv2d_loops_bias_many_times),
    ("conv2d_loops", conv2d_loops_negative_index),
    ("conv2d_loops", conv2d_loops_leaves_the_border),
    ("conv2d", conv2d_flips_kernel),
    ("conv2d", conv2d_pads_after),
    ("conv2d", conv2d_forgets_bias),
    ("conv2d", conv2d_without_padding),
    ("conv2d", conv2d_kernel_transposed),
    ("conv2d", conv2d_columns_in_other_order),
    ("conv2d", conv2d_rolls),
    ("conv2d", conv2d_range_one_short),
    ("conv2d", conv2d_result_reshaped),
    ("conv2d", conv2d_caches_the_padded),
    ("im2col", im2col_channels_first),
    ("im2col", im2col_columns_before_rows),
    ("im2col", im2col_one_window_less),
    ("im2col", im2col_pads_again),
    ("im2col", im2col_in_float64),
    ("col2im", col2im_overwrites),
    ("col2im", col2im_crops),
    ("col2im", col2im_channels_first),
    ("col2im", col2im_rows_and_columns),
    ("col2im", col2im_averages),
    ("conv2d_backward", conv2d_backward_kernel_not_rotated),
    ("conv2d_backward", conv2d_backward_w_reshaped),
    ("conv2d_backward", conv2d_backward_dw_flipped),
    ("conv2d_backward", conv2d_backward_dw_of_last_image),
    ("conv2d_backward", conv2d_backward_dx_not_cropped),
    ("conv2d_backward", conv2d_backward_dx_cropped_at_corner),
    ("conv2d_backward", conv2d_backward_dx_overwritten),
    ("conv2d_backward", conv2d_backward_db_over_batch),
    ("conv2d_backward", conv2d_backward_db_mean),
    ("conv2d_backward", conv2d_backward_in_float64),
    ("max_pool", max_pool_ties_to_the_last),
    ("max_pool", max_pool_floor),
    ("max_pool", max_pool_zero_padding),
    ("max_pool", max_pool_corners_by_columns),
    ("max_pool", max_pool_corners_int64),
    ("max_pool", max_pool_overlaps),
    ("max_pool", max_pool_reshape_without_transpose),
    ("max_pool", max_pool_begins_at_zero),
    ("max_pool", max_pool_corner_not_of_the_best),
    ("max_pool", max_pool_border_corner),
    ("max_pool_backward", max_pool_backward_to_all_four),
    ("max_pool_backward", max_pool_backward_rows_and_columns),
    ("max_pool_backward", max_pool_backward_first_corner),
    ("max_pool_backward", max_pool_backward_ignores_shape),
    ("max_pool_backward", max_pool_backward_drops_odd_border),
    ("max_pool_backward", max_pool_backward_in_float64),
    ("max_pool_backward", max_pool_backward_corners_of_first_channel),
    ("max_pool_backward", max_pool_backward_writes_corners),
    ("max_unpool", max_unpool_repeats),
    ("max_unpool", max_unpool_rows_and_columns),
    ("max_unpool", max_unpool_always_doubles),
    ("max_unpool", max_unpool_even_only),
    ("max_unpool", max_unpool_in_float64),
    ("max_unpool", max_unpool_drops_odd_border),
    ("max_unpool", max_unpool_corners_of_first_image),
    ("max_unpool", max_unpool_side_by_side),
    ("max_unpool_backward", max_unpool_backward_sums_window),
    ("max_unpool_backward", max_unpool_backward_max_of_dy),
    ("max_unpool_backward", max_unpool_backward_first_corner),
    ("max_unpool_backward", max_unpool_backward_rows_and_columns),
    ("max_unpool_backward", max_unpool_backward_in_float64),
    ("max_unpool_backward", max_unpool_backward_drops_odd_border),
    ("max_unpool_backward", max_unpool_backward_overwrites),
    ("max_unpool_backward", max_unpool_backward_masks),
    ("numerical_gradient", numerical_gradient_forward_difference),
    ("numerical_gradient", numerical_gradient_forgets_two),
    ("numerical_gradient", numerical_gradient_not_put_back),
    ("numerical_gradient", numerical_gradient_no_copy),
    ("numerical_gradient", numerical_gradient_all_at_once),
    ("batch_norm", batch_norm_over_batch_only),
    ("batch_norm", batch_norm_each_image),
    ("batch_norm", batch_norm_over_everything),
    ("batch_norm", batch_norm_unbiased),
    ("batch_norm", batch_norm_eps_outside),
    ("batch_norm", batch_norm_without_root),
    ("batch_norm", batch_norm_forgets_beta),
    ("batch_norm", batch_norm_returns_std),
    ("batch_norm", batch_norm_caches_std),
    ("batch_norm", batch_norm_in_place),
    ("batch_norm_backward", batch_norm_backward_forgets_mean),
    ("batch_norm_backward", batch_norm_backward_forgets_variance),
    ("batch_norm_backward", batch_norm_backward_direct_path_only),
    ("batch_norm_backward", batch_norm_backward_forgets_gamma),
    ("batch_norm_backward", batch_norm_backward_forgets_std),
    ("batch_norm_backward", batch_norm_backward_swapped),
    ("batch_norm_backward", batch_norm_backward_dgamma_mean),
    ("batch_norm_backward", batch_norm_backward_over_batch_only),
    ("batch_norm_backward", batch_norm_backward_m_is_n),
    ("batch_norm_backward", batch_norm_backward_changes_dy),
    ("batch_norm_backward", batch_norm_backward_half_the_variance),
)
