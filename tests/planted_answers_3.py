"""Wrong answers to lessons 08 to 16, by a third who had not seen the tables: see planted_answers.py.

PLANTED is a list of (function, name of the mistake, the mistake in words, the wrong answer). Lessons 09 and 15 both
have a `backward`: the names of lesson 15's begin with "tape_".
"""

import math

import numpy as np

from tinysegnet.support.backend import array_module, to_numpy

EPS = 1e-5
BETA2, EPS = 0.99, 1e-8
PLANTED = []


def planted(name, short_id, text):
    def keep(function):
        function.__name__ = name
        PLANTED.append((name, short_id, text, function))
        return function
    return keep


# ---- 08: batch norm

@planted("batch_norm", "eps_outside_root", "EPS is added after the root and not under it")
def _(x, gamma, beta):
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    inv_std = 1 / (np.sqrt(var) + EPS)
    x_hat = (x - mean) * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)


@planted("batch_norm", "ddof", "the variance is divided by M - 1 and not by M")
def _(x, gamma, beta):
    mean = x.mean(axis=(0, 1, 2))
    M = x.shape[0] * x.shape[1] * x.shape[2]
    var = ((x - mean) ** 2).sum(axis=(0, 1, 2)) / max(M - 1, 1)
    inv_std = 1 / np.sqrt(var + EPS)
    x_hat = (x - mean) * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)


@planted("batch_norm", "each_image",
         "mean and var are taken over each image by itself (axes 1 and 2, then averaged for the returned "
         "statistics): y differs if there is more than one image")
def _(x, gamma, beta):
    mean, var = x.mean(axis=(1, 2), keepdims=True), x.var(axis=(1, 2), keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + EPS)
    mean, var = mean.mean(axis=(0, 1, 2)), var.mean(axis=(0, 1, 2))
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, 1 / np.sqrt(var + EPS))


@planted("batch_norm", "whole_array",
         "mean and var are of the whole array and not of each channel: differs with two channels or more")
def _(x, gamma, beta):
    C = x.shape[3]
    mean, var = np.full(C, x.mean(), x.dtype), np.full(C, x.var(), x.dtype)
    inv_std = 1 / np.sqrt(var + EPS)
    x_hat = (x - mean) * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)


@planted("batch_norm", "no_eps",
         "EPS is forgotten: a channel that is constant becomes NaN, others differ in the last digits")
def _(x, gamma, beta):
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    with np.errstate(all="ignore"):
        inv_std = 1 / np.sqrt(var)
        x_hat = (x - mean) * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)


@planted("batch_norm", "std_for_var",
         "returns the standard deviation in the place of the variance; y and the cache are right")
def _(x, gamma, beta):
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    std = np.sqrt(var + EPS)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (mean, std), (x_hat, gamma, 1 / std)


@planted("batch_norm", "std_in_cache", "keeps the std in the cache and not 1 / std; y and the statistics are right")
def _(x, gamma, beta):
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    std = np.sqrt(var + EPS)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, std)


@planted("batch_norm_backward", "direct_only",
         "only the direct path: those through the mean and the variance are missing")
def _(dy, cache):
    x_hat, gamma, inv_std = cache
    return gamma * inv_std * dy, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward", "no_var_path", "the path through the variance is missing in dx")
def _(dy, cache):
    x_hat, gamma, inv_std = cache
    dx = gamma * inv_std * (dy - dy.mean(axis=(0, 1, 2)))
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward", "no_mean_path", "the path through the mean is missing in dx")
def _(dy, cache):
    x_hat, gamma, inv_std = cache
    dx = gamma * inv_std * (dy - x_hat * (dy * x_hat).mean(axis=(0, 1, 2)))
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward", "sums_for_means",
         "the sums of dy and dy * x_hat are not divided by M: differs if a channel has more than one number")
def _(dy, cache):
    x_hat, gamma, inv_std = cache
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))
    return gamma * inv_std * (dy - dbeta - x_hat * dgamma), dgamma, dbeta


@planted("batch_norm_backward", "no_gamma", "gamma is forgotten in dx: shows where gamma is not 1")
def _(dy, cache):
    x_hat, gamma, inv_std = cache
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))
    M = dy.shape[0] * dy.shape[1] * dy.shape[2]
    return inv_std * (dy - dbeta / M - x_hat * dgamma / M), dgamma, dbeta


@planted("batch_norm_backward", "var_path_half",
         "the path through the variance has a factor 1/2 too many (the 2 of the square was lost)")
def _(dy, cache):
    x_hat, gamma, inv_std = cache
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))
    M = dy.shape[0] * dy.shape[1] * dy.shape[2]
    return gamma * inv_std * (dy - dbeta / M - 0.5 * x_hat * dgamma / M), dgamma, dbeta


@planted("batch_norm_backward", "var_path_sign", "the path through the variance has the wrong sign")
def _(dy, cache):
    x_hat, gamma, inv_std = cache
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))
    M = dy.shape[0] * dy.shape[1] * dy.shape[2]
    return gamma * inv_std * (dy - dbeta / M + x_hat * dgamma / M), dgamma, dbeta


@planted("batch_norm_backward", "M_without_N",
         "divides by H * W and not by N * H * W: differs if there are two images or more")
def _(dy, cache):
    x_hat, gamma, inv_std = cache
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))
    M = dy.shape[1] * dy.shape[2]
    return gamma * inv_std * (dy - dbeta / M - x_hat * dgamma / M), dgamma, dbeta


@planted("batch_norm_inference", "own_statistics",
         "normalises by the statistics of this batch and ignores those given")
def _(x, gamma, beta, mean, var):
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(var + EPS) + beta


@planted("batch_norm_inference", "var_for_std", "divides by var + EPS: the root is forgotten")
def _(x, gamma, beta, mean, var):
    return gamma * (x - mean) / (var + EPS) + beta


@planted("batch_norm_inference", "no_eps", "EPS is forgotten: shows at a var of 0 or nearly 0")
def _(x, gamma, beta, mean, var):
    with np.errstate(all="ignore"):
        return gamma * (x - mean) / np.sqrt(var) + beta


@planted("batch_norm_inference", "in_place", "the result is right, but x is normalised in place")
def _(x, gamma, beta, mean, var):
    x -= mean
    x *= gamma / np.sqrt(var + EPS)
    x += beta
    return x


# ---- 09: the network

def network_forward(params, x, ops, relu_in_decoder=False, relu_first=False, swapped=False,
                    conv_then_unpool=False, wrong_norm=False, stats_of_encoders_only=False):
    """A right forward if no mistake is asked for. (For the right layout of the caches, see the head of this file.)"""
    stats, cache = {}, {}

    def conv(name, x):
        y, cache[name] = ops.conv2d(x, params[name + ".w"], params[name + ".b"])
        return y

    def norm(name, x):
        of = "encoder" + name[7:] if wrong_norm else name
        y, (mean, var), cache[name] = ops.batch_norm(x, params[of + ".gamma"], params[of + ".beta"])
        if swapped:
            mean, var = var, mean
        if not (stats_of_encoders_only and name.startswith("decoder")):
            stats[name + ".mean"], stats[name + ".var"] = mean, var
        return y

    for level in (1, 2):
        x = conv(f"encoder{level}.conv", x)
        if relu_first:
            x, cache[f"encoder{level}.relu"] = ops.relu(x)
            x = norm(f"encoder{level}.norm", x)
        else:
            x = norm(f"encoder{level}.norm", x)
            x, cache[f"encoder{level}.relu"] = ops.relu(x)
        shape = x.shape
        x, corners = ops.max_pool(x)
        cache[f"level{level}"] = corners, shape
    for level in (2, 1):
        corners, shape = cache[f"level{level}"]
        if conv_then_unpool:
            x = ops.max_unpool(norm(f"decoder{level}.norm", conv(f"decoder{level}.conv", x)), corners, shape)
            continue
        x = ops.max_unpool(x, corners, shape)
        x = conv(f"decoder{level}.conv", x)
        x = norm(f"decoder{level}.norm", x)
        if relu_in_decoder:
            x, cache[f"decoder{level}.relu"] = ops.relu(x)
    return conv("classifier", x), stats, cache


@planted("forward", "relu_in_decoder", "there is a ReLU after the batch norm of the decoders too")
def _(params, x, ops):
    return network_forward(params, x, ops, relu_in_decoder=True)


@planted("forward", "relu_before_norm", "in the encoders the ReLU comes before the batch norm")
def _(params, x, ops):
    return network_forward(params, x, ops, relu_first=True)


@planted("forward", "mean_var_swapped", "mean and var have changed places in batch_stats; the logits are right")
def _(params, x, ops):
    return network_forward(params, x, ops, swapped=True)


@planted("forward", "stats_encoders_only",
         "the statistics of the decoders are missing in batch_stats; the logits are right")
def _(params, x, ops):
    return network_forward(params, x, ops, stats_of_encoders_only=True)


@planted("forward", "conv_before_unpool", "the decoders convolve and normalise first, and unpool then")
def _(params, x, ops):
    return network_forward(params, x, ops, conv_then_unpool=True)


@planted("forward", "decoder_takes_encoder_norm",
         "copied: the batch norm of a decoder uses gamma and beta of the encoder of its level (shows where "
         "these differ)")
def _(params, x, ops):
    return network_forward(params, x, ops, wrong_norm=True)


def network_backward(dlogits, cache, ops, skip_relu=False, order=False,
                     norm_dx_dropped=False, doubled=False):
    grads = {}

    def conv(name, dy):
        dx, grads[name + ".w"], grads[name + ".b"] = ops.conv2d_backward(dy, cache[name])
        return dx

    def norm(name, dy):
        dx, dgamma, dbeta = ops.batch_norm_backward(dy, cache[name])
        grads[name + ".gamma"], grads[name + ".beta"] = dgamma, dbeta
        return dy if norm_dx_dropped else dx

    dx = conv("classifier", dlogits)
    into = {}
    for level in (1, 2):
        dx = norm(f"decoder{level}.norm", dx)
        dx = conv(f"decoder{level}.conv", dx)
        into[level] = dx                            # as large as the encoder's map of this level
        dx = ops.max_unpool_backward(dx, cache[f"level{level}"][0])
    for level in (2, 1):
        corners, shape = cache[f"level{level}"]
        dx = ops.max_pool_backward(dx, corners, shape)
        if doubled:
            dx = dx + into[level]
        if order:
            dx = norm(f"encoder{level}.norm", dx)
            dx = ops.relu_backward(dx, cache[f"encoder{level}.relu"])
        else:
            if not skip_relu:
                dx = ops.relu_backward(dx, cache[f"encoder{level}.relu"])
            dx = norm(f"encoder{level}.norm", dx)
        dx = conv(f"encoder{level}.conv", dx)
    return grads


@planted("backward", "no_relu", "the backward of the ReLU is forgotten: the gradients of the encoders are wrong")
def _(dlogits, cache, ops):
    return network_backward(dlogits, cache, ops, skip_relu=True)


@planted("backward", "norm_before_relu", "in the encoders the batch norm goes back before the ReLU")
def _(dlogits, cache, ops):
    return network_backward(dlogits, cache, ops, order=True)


@planted("backward", "norm_dx_not_handed_on",
         "the dx of the batch norms is not handed on: the convolution before it is given the dy of the batch "
         "norm")
def _(dlogits, cache, ops):
    return network_backward(dlogits, cache, ops, norm_dx_dropped=True)


@planted("backward", "gradient_along_corners",
         "a gradient goes from each decoder straight to the encoder of its level, as if values went along the "
         "corners: the encoders are wrong")
def _(dlogits, cache, ops):
    return network_backward(dlogits, cache, ops, doubled=True)


@planted("backward", "classifier_bias_mean", "the bias gradient of the classifier is averaged over the pixels")
def _(dlogits, cache, ops):
    grads = network_backward(dlogits, cache, ops)
    grads["classifier.b"] = dlogits.mean(axis=(0, 1, 2))
    return grads


@planted("backward", "encoder_bias_left_out",
         "the keys of the convolutions' biases before a batch norm are left out, 'as they are 0 anyway'")
def _(dlogits, cache, ops):
    grads = network_backward(dlogits, cache, ops)
    return {name: g for name, g in grads.items() if not name.endswith(".conv.b")}


# ---- 10: class weights, rate, Adam

@planted("class_weights", "all_pixels",
         "divides by all pixels and not by those of the images with the class: shows if a class is not in "
         "every image")
def _(pixels, image_pixels, power=1.0):
    there = pixels > 0
    freq = pixels[there] / pixels.sum()
    weights = np.zeros(len(pixels))
    weights[there] = (np.median(freq) / freq) ** power
    return weights


@planted("class_weights", "median_of_all",
         "an absent class counts in the median with a frequency of 0: shows if a class has no pixel")
def _(pixels, image_pixels, power=1.0):
    there = pixels > 0
    freq = np.where(there, pixels / np.maximum(image_pixels, 1), 0)
    weights = np.zeros(len(pixels))
    weights[there] = (np.median(freq) / freq[there]) ** power
    return weights


@planted("class_weights", "absent_inf",
         "an absent class is not handled: 0 / 0 makes the median, and with it all, NaN: shows if a class has "
         "no pixel")
def _(pixels, image_pixels, power=1.0):
    with np.errstate(all="ignore"):
        freq = pixels / image_pixels
        return (np.median(freq) / freq) ** power


@planted("class_weights", "mean_for_median", "the mean of the frequencies and not their median")
def _(pixels, image_pixels, power=1.0):
    there = pixels > 0
    freq = pixels[there] / image_pixels[there]
    weights = np.zeros(len(pixels))
    weights[there] = (np.mean(freq) / freq) ** power
    return weights


@planted("class_weights", "absent_one", "a class without a pixel gets the weight 1 and not 0")
def _(pixels, image_pixels, power=1.0):
    there = pixels > 0
    freq = pixels[there] / image_pixels[there]
    weights = np.ones(len(pixels))
    weights[there] = (np.median(freq) / freq) ** power
    return weights


@planted("cosine_rate", "full_cosine", "a whole cosine and not half a one: 2 pi, so that the rate comes back to lr")
def _(lr, done, steps):
    return lr * (1 + math.cos(2 * math.pi * done / steps)) / 2


@planted("cosine_rate", "no_half", "the factor 1/2 is missing: the first rate is 2 lr")
def _(lr, done, steps):
    return lr * (1 + math.cos(math.pi * done / steps))


@planted("cosine_rate", "steps_less_one",
         "divides by steps - 1, so that the last step has the rate 0 already (guarded for one step)")
def _(lr, done, steps):
    return lr * (1 + math.cos(math.pi * done / max(steps - 1, 1))) / 2


@planted("cosine_rate", "quarter", "cos from 0 to pi / 2: right at both ends, not between")
def _(lr, done, steps):
    return lr * math.cos(math.pi / 2 * done / steps)


@planted("adam_step", "no_correction",
         "m and s are not divided by what of their weights has come together: the first steps are wrong")
def _(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    memory["steps"] += 1
    for name, w in params.items():
        g, m, s = grads[name], memory[name], memory[name + ".square"]
        m *= momentum
        m += (1 - momentum) * g
        s *= BETA2
        s += (1 - BETA2) * g * g
        pace = m / (np.sqrt(s) + EPS)
        if w.ndim == 4:
            pace += weight_decay * w
        w -= lr * pace


@planted("adam_step", "decay_in_gradient",
         "the decay is added to the gradient (Adam with L2) and not to the pace: shows with a weight_decay and "
         "four dimensions")
def _(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    memory["steps"] += 1
    t = memory["steps"]
    for name, w in params.items():
        g, m, s = grads[name], memory[name], memory[name + ".square"]
        if w.ndim == 4:
            g = g + weight_decay * w
        m *= momentum
        m += (1 - momentum) * g
        s *= BETA2
        s += (1 - BETA2) * g * g
        w -= lr * (m / (1 - momentum**t) / (np.sqrt(s / (1 - BETA2**t)) + EPS))


@planted("adam_step", "decay_everywhere",
         "biases and scales decay too: shows with a weight_decay and an array of other than four dimensions")
def _(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    memory["steps"] += 1
    t = memory["steps"]
    for name, w in params.items():
        g, m, s = grads[name], memory[name], memory[name + ".square"]
        m *= momentum
        m += (1 - momentum) * g
        s *= BETA2
        s += (1 - BETA2) * g * g
        w -= lr * (m / (1 - momentum**t) / (np.sqrt(s / (1 - BETA2**t)) + EPS) + weight_decay * w)


@planted("adam_step", "sum_for_mean", "m is a velocity, momentum * m + g: the factor 1 - momentum is missing")
def _(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    memory["steps"] += 1
    t = memory["steps"]
    for name, w in params.items():
        g, m, s = grads[name], memory[name], memory[name + ".square"]
        m *= momentum
        m += g
        s *= BETA2
        s += (1 - BETA2) * g * g
        pace = m / (1 - momentum**t) / (np.sqrt(s / (1 - BETA2**t)) + EPS)
        if w.ndim == 4:
            pace += weight_decay * w
        w -= lr * pace


@planted("adam_step", "memory_not_in_place",
         "m and s are new arrays that are put into no dict: the memory stays as it was")
def _(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    memory["steps"] += 1
    t = memory["steps"]
    for name, w in params.items():
        g, m, s = grads[name], memory[name], memory[name + ".square"]
        m = momentum * m + (1 - momentum) * g
        s = BETA2 * s + (1 - BETA2) * g * g
        pace = m / (1 - momentum**t) / (np.sqrt(s / (1 - BETA2**t)) + EPS)
        if w.ndim == 4:
            pace += weight_decay * w
        w -= lr * pace


@planted("adam_step", "t_in_the_loop",
         "t is counted up once for each parameter and not once for each step: shows with two parameters or "
         "more")
def _(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    for name, w in params.items():
        memory["steps"] += 1
        t = memory["steps"]
        g, m, s = grads[name], memory[name], memory[name + ".square"]
        m *= momentum
        m += (1 - momentum) * g
        s *= BETA2
        s += (1 - BETA2) * g * g
        pace = m / (1 - momentum**t) / (np.sqrt(s / (1 - BETA2**t)) + EPS)
        if w.ndim == 4:
            pace += weight_decay * w
        w -= lr * pace


@planted("adam_step", "w_rebound",
         "params[name] = w - ... puts a new array into the dict: the array that was there is not changed")
def _(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    memory["steps"] += 1
    t = memory["steps"]
    for name, w in list(params.items()):
        g, m, s = grads[name], memory[name], memory[name + ".square"]
        m *= momentum
        m += (1 - momentum) * g
        s *= BETA2
        s += (1 - BETA2) * g * g
        pace = m / (1 - momentum**t) / (np.sqrt(s / (1 - BETA2**t)) + EPS)
        if w.ndim == 4:
            pace += weight_decay * w
        params[name] = w - lr * pace


# ---- 11: metrics

@planted("confusion_matrix", "transposed", "rows and columns are exchanged: counts[predicted, label]")
def _(labels, predicted, classes, ignore):
    counted = labels != ignore
    pairs = predicted[counted].astype(np.int64) * classes + labels[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


@planted("confusion_matrix", "added_once",
         "counts[i, j] += 1 with arrays as index: each pair counts once, however often it occurs")
def _(labels, predicted, classes, ignore):
    counted = labels != ignore
    counts = np.zeros((classes, classes), np.int64)
    counts[labels[counted], predicted[counted]] += 1
    return counts


@planted("confusion_matrix", "ignore_by_range",
         "leaves out labels of `classes` and above and not those that are `ignore`: shows if ignore is one of "
         "the classes")
def _(labels, predicted, classes, ignore):
    counted = labels < classes
    pairs = labels[counted].astype(np.int64) * classes + predicted[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


@planted("confusion_matrix", "uint8_overflow",
         "labels * classes is computed in the dtype of the labels: with uint8 it wraps around at 256, so it "
         "shows with uint8 labels and 17 classes or more")
def _(labels, predicted, classes, ignore):
    counted = labels != ignore
    pairs = labels[counted] * classes + predicted[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


@planted("confusion_matrix", "float_counts", "the counts are right, but float64 and not int64")
def _(labels, predicted, classes, ignore):
    counts = np.zeros((classes, classes))
    counted = labels != ignore
    np.add.at(counts, (labels[counted], predicted[counted]), 1)
    return counts


@planted("global_accuracy", "nothing_is_zero", "0 and not NaN if no pixel is labelled")
def _(counts):
    return np.trace(counts) / max(counts.sum(), 1)


@planted("global_accuracy", "mean_of_accuracies",
         "the mean of the classes' accuracies (C) and not the share of all pixels")
def _(counts):
    rows = counts.sum(axis=1)
    present = rows > 0
    return (np.diag(counts)[present] / rows[present]).mean() if present.any() else np.nan


@planted("global_accuracy", "diagonal_mean",
         "the mean of the diagonal over the mean of all counts: too large by the factor classes")
def _(counts):
    return np.diag(counts).mean() / counts.mean() if counts.sum() else np.nan


@planted("class_average", "absent_as_zero", "a class without a pixel counts in the mean, with 0")
def _(counts):
    rows = counts.sum(axis=1)
    return (np.diag(counts) / np.maximum(rows, 1)).mean() if rows.any() else np.nan


@planted("class_average", "columns", "divides by the sums of the columns and not of the rows: the precision")
def _(counts):
    rows = counts.sum(axis=0)
    present = rows > 0
    return (np.diag(counts)[present] / rows[present]).mean() if present.any() else np.nan


@planted("class_average", "absent_nan", "a class without a pixel makes the mean NaN: mean where nanmean belongs")
def _(counts):
    with np.errstate(all="ignore"):
        return (np.diag(counts) / counts.sum(axis=1)).mean()


@planted("class_average", "nothing_is_zero", "0 and not NaN if there is no labelled pixel")
def _(counts):
    rows = counts.sum(axis=1)
    present = rows > 0
    return (np.diag(counts)[present] / rows[present]).mean() if present.any() else 0.0


@planted("mean_iou", "diagonal_twice", "the union is row + column: the diagonal is in it twice")
def _(counts):
    union = counts.sum(axis=0) + counts.sum(axis=1)
    present = union > 0
    return (np.diag(counts)[present] / union[present]).mean() if present.any() else np.nan


@planted("mean_iou", "predicted_only_left_out",
         "a class that is predicted but not labelled is left out and not counted with 0")
def _(counts):
    tp = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - tp
    present = counts.sum(axis=1) > 0
    return (tp[present] / union[present]).mean() if present.any() else np.nan


@planted("mean_iou", "absent_as_zero", "a class that is neither labelled nor predicted counts with 0")
def _(counts):
    tp = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - tp
    return (tp / np.maximum(union, 1)).mean() if union.any() else np.nan


@planted("mean_iou", "absent_nan", "a class that is neither labelled nor predicted makes the mean NaN")
def _(counts):
    tp = np.diag(counts)
    with np.errstate(all="ignore"):
        return (tp / (counts.sum(axis=0) + counts.sum(axis=1) - tp)).mean()


@planted("mean_iou", "sums_first", "all intersections over all unions, and not the mean of the classes' quotients")
def _(counts):
    tp = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - tp
    return tp.sum() / union.sum() if union.any() else np.nan


# ---- 12: the GPU

@planted("pad", "on_the_host",
         "np.zeros makes the array on the host: right with NumPy, does not run with an x of the device")
def _(x, margin):
    N, H, W, C = x.shape
    padded = np.zeros((N, H + 2 * margin, W + 2 * margin, C), x.dtype)
    padded[:, margin : margin + H, margin : margin + W] = x
    return padded


@planted("pad", "float64", "the dtype is forgotten: float64 also for a float32 x")
def _(x, margin):
    xp = array_module(x)
    N, H, W, C = x.shape
    padded = xp.zeros((N, H + 2 * margin, W + 2 * margin, C))
    padded[:, margin : margin + H, margin : margin + W] = x
    return padded


@planted("pad", "minus_margin",
         "padded[:, margin:-margin, margin:-margin] = x: with a margin of 0 the slice is empty (it raises, or "
         "leaves zeros)")
def _(x, margin):
    xp = array_module(x)
    N, H, W, C = x.shape
    padded = xp.zeros((N, H + 2 * margin, W + 2 * margin, C), x.dtype)
    padded[:, margin:-margin, margin:-margin] = x
    return padded


@planted("pad", "one_side", "x is put into the corner: all zeros are below it and at its right")
def _(x, margin):
    xp = array_module(x)
    N, H, W, C = x.shape
    padded = xp.zeros((N, H + 2 * margin, W + 2 * margin, C), x.dtype)
    padded[:, :H, :W] = x
    return padded


@planted("pixel_weights", "ignored_as_index",
         "class_weights[labels] is read with the ignored labels in it: out of range it raises with NumPy, and "
         "reads some weight on a device (multiplied by the mask, so shows with NumPy only, if ignore is no "
         "class)")
def _(labels, class_weights, ignore):
    xp = array_module(labels)
    labelled = labels != ignore
    count = xp.maximum(labelled.sum(), 1).astype(class_weights.dtype)
    return class_weights[labels] * labelled / count


@planted("pixel_weights", "all_pixels", "divides by the number of all pixels and not by that of the labelled ones")
def _(labels, class_weights, ignore):
    xp = array_module(labels)
    labelled = labels != ignore
    return class_weights[xp.where(labelled, labels, 0)] * labelled / labels.size


@planted("pixel_weights", "float64",
         "divides by the count as it is, an int64 array: float64 also for float32 weights")
def _(labels, class_weights, ignore):
    xp = array_module(labels)
    labelled = labels != ignore
    return class_weights[xp.where(labelled, labels, 0)] * labelled / xp.maximum(labelled.sum(), 1)


@planted("pixel_weights", "waits_for_any", "`if labelled.any()`: the host waits for it; the result is right")
def _(labels, class_weights, ignore):
    xp = array_module(labels)
    labelled = labels != ignore
    if not labelled.any():
        return xp.zeros(labels.shape, class_weights.dtype)
    return class_weights[xp.where(labelled, labels, 0)] * labelled / labelled.sum().astype(class_weights.dtype)


@planted("pixel_weights", "nothing_labelled", "the count may be 0: NaN everywhere if nothing is labelled")
def _(labels, class_weights, ignore):
    xp = array_module(labels)
    labelled = labels != ignore
    with np.errstate(all="ignore"):
        return class_weights[xp.where(labelled, labels, 0)] * labelled / labelled.sum().astype(class_weights.dtype)


@planted("pixel_weights", "ignored_as_class_0",
         "an ignored pixel has the weight of class 0: the mask is only used to look up and to count")
def _(labels, class_weights, ignore):
    xp = array_module(labels)
    labelled = labels != ignore
    return class_weights[xp.where(labelled, labels, 0)] / xp.maximum(labelled.sum(), 1).astype(class_weights.dtype)


@planted("class_sums", "written_once", "sums[labels] += values: one value stays for each class and not their sum")
def _(values, labels, classes):
    xp = array_module(values)
    sums = xp.zeros((classes + 1, values.shape[3]), values.dtype)
    inside = (labels >= 0) & (labels < classes)
    sums[xp.where(inside, labels, classes)] += values
    return sums[:classes]


@planted("class_sums", "mask_as_index",
         "values[labels == k]: right with NumPy, but on the device the host waits at each class")
def _(values, labels, classes):
    xp = array_module(values)
    return xp.stack([values[labels == k].sum(axis=0) for k in range(classes)])


@planted("class_sums", "clipped", "a label of `classes` or above counts for the last class")
def _(values, labels, classes):
    xp = array_module(values)
    labels = xp.minimum(labels, classes - 1)
    return xp.stack([(values * (labels == k)[..., None]).sum(axis=(0, 1, 2)) for k in range(classes)])


@planted("class_sums", "means", "the mean of each class's values and not their sum")
def _(values, labels, classes):
    xp = array_module(values)
    sums = []
    for k in range(classes):
        mask = labels == k
        sums.append((values * mask[..., None]).sum(axis=(0, 1, 2)) / xp.maximum(mask.sum(), 1).astype(values.dtype))
    return xp.stack(sums)


@planted("class_sums", "float64", "the one-hot matrix is float64, and so is the product: shows with float32 values")
def _(values, labels, classes):
    xp = array_module(values)
    one_hot = (labels.reshape(-1, 1) == xp.arange(classes)).astype("float64")
    return one_hot.T @ values.reshape(-1, values.shape[3])


@planted("train", "waits_each_step",
         "float() at each step, as before: the losses are right, but the host waits `steps` times")
def _(step, batches, every):
    losses = []
    for batch in batches:
        losses.append(float(step(batch)))
    return losses


@planted("train", "last_group_lost", "the last group is not read if it is smaller: its losses are missing")
def _(step, batches, every):
    losses, group = [], []
    for batch in batches:
        group.append(step(batch))
        if len(group) == every:
            losses += to_numpy(array_module(group[0]).stack(group)).tolist()
            group = []
    return losses


@planted("train", "one_by_one",
         "kept for `every` steps, but then read with float() one after the other: the host waits for each")
def _(step, batches, every):
    losses, group = [], []
    for batch in batches:
        group.append(step(batch))
        if len(group) == every:
            losses += [float(loss) for loss in group]
            group = []
    return losses + [float(loss) for loss in group]


@planted("train", "batches_listed", "list(batches): all batches are made before the first step; the losses are right")
def _(step, batches, every):
    batches = list(batches)
    losses = []
    for first in range(0, len(batches), every):
        group = [step(batch) for batch in batches[first : first + every]]
        losses += to_numpy(array_module(group[0]).stack(group)).tolist()
    return losses


@planted("train", "all_at_the_end", "reads all losses at once at the end: `every` is not used")
def _(step, batches, every):
    losses = [step(batch) for batch in batches]
    return to_numpy(array_module(losses[0]).stack(losses)).tolist() if losses else []


# ---- 13: circular convolution

def right_transforms(T, dtype):
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
    forward, inverse = right_transforms(T, p.dtype)
    L = T // 2 + 1
    p_hat, q_hat = forward[:, : len(p)] @ p, forward[:, : len(q)] @ q
    a, b, c, d = p_hat[:L], p_hat[L:], q_hat[:L], q_hat[L:]
    if conjugate:
        d = -d
    return inverse @ np.concatenate([a * c - b * d, b * c + a * d])


@planted("transforms", "sine_sign",
         "the rows of the imaginary part are +sin and not -sin (inverse is still right for it)")
def _(T, dtype):
    L = T // 2 + 1
    angle = 2 * np.pi * np.outer(np.arange(L), np.arange(T)) / T
    forward = np.concatenate([np.cos(angle), np.sin(angle)])
    weights = np.full(L, 2 / T)
    weights[0] = 1 / T
    if T % 2 == 0:
        weights[-1] = 1 / T
    return forward.astype(dtype), (forward.T * np.concatenate([weights, weights])).astype(dtype)


@planted("transforms", "last_always_alone",
         "the last frequency has the weight 1 / T for an odd T too: shows at odd T from 3")
def _(T, dtype):
    L = T // 2 + 1
    angle = 2 * np.pi * np.outer(np.arange(L), np.arange(T)) / T
    forward = np.concatenate([np.cos(angle), -np.sin(angle)])
    weights = np.full(L, 2 / T)
    weights[0] = weights[-1] = 1 / T
    return forward.astype(dtype), (forward.T * np.concatenate([weights, weights])).astype(dtype)


@planted("transforms", "last_never_alone", "the frequency T / 2 counts twice: shows at an even T")
def _(T, dtype):
    L = T // 2 + 1
    angle = 2 * np.pi * np.outer(np.arange(L), np.arange(T)) / T
    forward = np.concatenate([np.cos(angle), -np.sin(angle)])
    weights = np.full(L, 2 / T)
    weights[0] = 1 / T
    return forward.astype(dtype), (forward.T * np.concatenate([weights, weights])).astype(dtype)


@planted("transforms", "all_one", "all weights are 1 / T: no frequency counts twice (shows from T = 3)")
def _(T, dtype):
    L = T // 2 + 1
    angle = 2 * np.pi * np.outer(np.arange(L), np.arange(T)) / T
    forward = np.concatenate([np.cos(angle), -np.sin(angle)])
    return forward.astype(dtype), (forward.T / T).astype(dtype)


@planted("transforms", "float64", "the change to dtype at the end is forgotten: float64 where float32 was asked for")
def _(T, dtype):
    return right_transforms(T, np.float64)


@planted("circular_convolution", "no_conjugate", "the conjugate is forgotten: x_hat * w_hat, the true convolution")
def _(x, w):
    return by_frequencies(x, w, len(x), conjugate=False), (x, w)


@planted("circular_convolution", "conjugate_of_x",
         "the conjugate is that of x_hat: conj(x_hat) * w_hat, y runs backwards")
def _(x, w):
    return by_frequencies(w, x, len(x), conjugate=True), (x, w)


@planted("circular_convolution", "filled_in_front",
         "the zeros stand in front of the kernel and not behind it: y is moved by T - K, shows if K is less "
         "than T")
def _(x, w):
    filled = np.concatenate([np.zeros(len(x) - len(w), w.dtype), w])
    return by_frequencies(x, filled, len(x), conjugate=True), (x, w)


@planted("circular_convolution", "parts_apart",
         "real part times real part and imaginary part times imaginary part, as if numbers were no pairs")
def _(x, w):
    T = len(x)
    forward, inverse = right_transforms(T, x.dtype)
    return inverse @ ((forward @ x) * (forward[:, : len(w)] @ w)), (x, w)


@planted("circular_convolution", "float64",
         "computes with float64 matrices and does not go back to the dtype of x: shows with float32")
def _(x, w):
    return by_frequencies(x.astype(np.float64), w.astype(np.float64), len(x), conjugate=True), (x, w)


@planted("circular_convolution_backward", "dx_conjugated",
         "dx has the conjugate of the forward once more: dy_hat * conj(w_hat)")
def _(dy, cache):
    x, w = cache
    T, K = len(x), len(w)
    return by_frequencies(dy, w, T, conjugate=True), by_frequencies(x, dy, T, conjugate=True)[:K]


@planted("circular_convolution_backward", "dw_all",
         "dw is not cut to its first K values: it has T of them, shows if K is less than T")
def _(dy, cache):
    x, w = cache
    T = len(x)
    return by_frequencies(dy, w, T, conjugate=False), by_frequencies(x, dy, T, conjugate=True)


@planted("circular_convolution_backward", "dw_other_conjugate",
         "dw is dy_hat * conj(x_hat): the wrong one is conjugated")
def _(dy, cache):
    x, w = cache
    T, K = len(x), len(w)
    return by_frequencies(dy, w, T, conjugate=False), by_frequencies(dy, x, T, conjugate=True)[:K]


@planted("circular_convolution_backward", "dw_last_K",
         "dw is cut to the last K of the T values: shows if K is less than T")
def _(dy, cache):
    x, w = cache
    T, K = len(x), len(w)
    return by_frequencies(dy, w, T, conjugate=False), by_frequencies(x, dy, T, conjugate=True)[T - K :]


@planted("circular_convolution_backward", "swapped", "dw is returned before dx")
def _(dy, cache):
    x, w = cache
    T, K = len(x), len(w)
    return by_frequencies(x, dy, T, conjugate=True)[:K], by_frequencies(dy, w, T, conjugate=False)


def tile_of(x, first, T):
    tile = np.zeros(T, x.dtype)
    part = x[first : first + T]
    tile[: len(part)] = part
    return tile


@planted("overlap_save", "nothing_thrown_away",
         "the next tile begins after T, and all T values are kept: those that have wrapped around too (shows "
         "if K is 2 or more)")
def _(x, w, T):
    S, K = len(x), len(w)
    y = [by_frequencies(tile_of(x, first, T), w, T, conjugate=True) for first in range(0, S, T)]
    return np.concatenate(y)[: S - K + 1]


@planted("overlap_save", "last_M_kept",
         "throws away the first K - 1 values of each tile and not the last (shows if K is 2 or more)")
def _(x, w, T):
    S, K = len(x), len(w)
    M = T - K + 1
    y = [by_frequencies(tile_of(x, first, T), w, T, conjugate=True)[K - 1 :] for first in range(0, S - K + 1, M)]
    return np.concatenate(y)[: S - K + 1]


@planted("overlap_save", "last_tile_lost",
         "rounds the number of tiles down: the last values stay 0 if M does not divide their number")
def _(x, w, T):
    S, K = len(x), len(w)
    M = T - K + 1
    y = np.zeros(S - K + 1, x.dtype)
    for i in range((S - K + 1) // M):
        y[i * M : (i + 1) * M] = by_frequencies(tile_of(x, i * M, T), w, T, conjugate=True)[:M]
    return y


@planted("overlap_save", "not_cut_off", "the last tile is not cut off: y is too long if M does not divide S - K + 1")
def _(x, w, T):
    S, K = len(x), len(w)
    M = T - K + 1
    y = [by_frequencies(tile_of(x, first, T), w, T, conjugate=True)[:M] for first in range(0, S - K + 1, M)]
    return np.concatenate(y)


@planted("overlap_save", "float64", "y is made by np.zeros without a dtype: float64 also for float32 x")
def _(x, w, T):
    S, K = len(x), len(w)
    M = T - K + 1
    y = np.zeros(S - K + 1)
    for first in range(0, S - K + 1, M):
        kept = by_frequencies(tile_of(x, first, T), w, T, conjugate=True)[:M]
        y[first : first + M] = kept[: S - K + 1 - first]
    return y


# ---- 14: the fast convolution

def cut_out(x, K, T, M, margin):
    """Tiles (N, rows of tiles, columns of tiles, T, T, C) of x with zeros around it."""
    N, H, W, C = x.shape
    down, right = -(-H // M), -(-W // M)
    padded = np.zeros((N, (down - 1) * M + T + margin, (right - 1) * M + T + margin, C), x.dtype)
    padded[:, margin : margin + H, margin : margin + W] = x
    return np.stack([np.stack([padded[:, i * M : i * M + T, j * M : j * M + T] for j in range(right)], 1)
                     for i in range(down)], 1)


def tiles_forward(x, w, b, T, conjugate=True, margin=True, keep_last=False, bias="pixel", tiles="up", dtype=True):
    N, H, W, C = x.shape
    K, F = w.shape[0], w.shape[3]
    M = T - K + 1
    x_hat = np.fft.rfft2(cut_out(x, K, T, M, K // 2 if margin else 0), (T, T), axes=(3, 4))
    w_hat = np.fft.rfft2(w, (T, T), axes=(0, 1))
    if conjugate:
        w_hat = w_hat.conj()
    y_hat = np.einsum("nijklc,klcf->nijklf", x_hat, w_hat)
    if bias == "frequency 0":
        y_hat[:, :, :, 0, 0] += b
    full = np.fft.irfft2(y_hat, (T, T), axes=(3, 4))
    kept = full[:, :, :, K - 1 :, K - 1 :] if keep_last else full[:, :, :, :M, :M]
    y = np.zeros((N, H, W, F), x.dtype if dtype else np.float64)
    down, right = (-(-H // M), -(-W // M)) if tiles == "up" else (H // M, W // M)
    for i in range(down):
        for j in range(right):
            into = y[:, i * M : (i + 1) * M, j * M : (j + 1) * M]
            into[...] = kept[:, i, j, : into.shape[1], : into.shape[2]]
    if bias == "pixel":
        y += b
    return y, (x, w, T)


@planted("conv2d_by_tiles", "no_conjugate",
         "the conjugate of w_hat is forgotten: the kernel is turned round, and what is kept has wrapped (right "
         "with K = 1)")
def _(x, w, b, T):
    return tiles_forward(x, w, b, T, conjugate=False)


@planted("conv2d_by_tiles", "irfft_not_told",
         "irfft2 is not told T, and takes it to be even: an odd T gives tiles one column too narrow and wrong; "
         "right at an even T")
def _(x, w, b, T):
    N, H, W, C = x.shape
    K, F = w.shape[0], w.shape[3]
    M = T - K + 1
    x_hat = np.fft.rfft2(cut_out(x, K, T, M, K // 2), (T, T), axes=(3, 4))
    w_hat = np.fft.rfft2(w, (T, T), axes=(0, 1)).conj()
    y_hat = np.einsum("nijklc,klcf->nijklf", x_hat, w_hat)
    tiles = np.fft.irfft2(y_hat, axes=(3, 4)) if T > 1 else np.fft.irfft2(y_hat, (T, T), axes=(3, 4))
    y = np.zeros((N, H, W, F), x.dtype)
    for i in range(tiles.shape[1]):
        for j in range(tiles.shape[2]):
            into = y[:, i * M : (i + 1) * M, j * M : (j + 1) * M]
            kept = tiles[:, i, j, : into.shape[1], : min(M, into.shape[2])]
            into[:, :, : kept.shape[2]] = kept
    return y + b, (x, w, T)


@planted("conv2d_by_tiles", "no_margin",
         "the first tile begins at row and column 0, not K // 2 before: y is moved (right with K = 1)")
def _(x, w, b, T):
    return tiles_forward(x, w, b, T, margin=False)


@planted("conv2d_by_tiles", "keeps_last_M",
         "of each tile the last M x M are kept and not the first (right with K = 1)")
def _(x, w, b, T):
    return tiles_forward(x, w, b, T, keep_last=True)


@planted("conv2d_by_tiles", "last_tile_lost",
         "H // M tiles, rounded down: what is beyond stays at 0 + b (shows if M does not divide H or W)")
def _(x, w, b, T):
    return tiles_forward(x, w, b, T, tiles="down")


@planted("conv2d_by_tiles", "bias_at_frequency_0",
         "the bias is added at frequency (0, 0) without the factor T * T: b / (T * T) arrives")
def _(x, w, b, T):
    return tiles_forward(x, w, b, T, bias="frequency 0")


@planted("conv2d_by_tiles", "float64", "y is float64 for float32 x: the dtype is not kept")
def _(x, w, b, T):
    return tiles_forward(x, w, b, T, dtype=False)


def tiles_backward(dy, cache, dx_conjugate=False, overlap="add", dy_filled=True, dw_conjugate="dy",
                   margin=True, tiles_of_dw="all"):
    x, w, T = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    M, half = T - K + 1, K // 2
    dy_tiles = cut_out(dy, K, T if not dy_filled else M, M, 0)         # M x M, and zeros behind it
    dy_hat = np.fft.rfft2(dy_tiles, (T, T), axes=(3, 4))
    x_hat = np.fft.rfft2(cut_out(x, K, T, M, half), (T, T), axes=(3, 4))
    w_hat = np.fft.rfft2(w, (T, T), axes=(0, 1))
    dx_hat = np.einsum("nijklf,klcf->nijklc", dy_hat, w_hat.conj() if dx_conjugate else w_hat)
    dx_tiles = np.fft.irfft2(dx_hat, (T, T), axes=(3, 4))
    down, right = dx_tiles.shape[1:3]
    padded = np.zeros((N, (down - 1) * M + T + K, (right - 1) * M + T + K, C), x.dtype)
    for i in range(down):
        for j in range(right):
            into = padded[:, i * M : i * M + T, j * M : j * M + T]
            if overlap == "add":
                into += dx_tiles[:, i, j]
            elif overlap == "write":
                into[...] = dx_tiles[:, i, j]
            else:
                into[:, :M, :M] = dx_tiles[:, i, j, :M, :M]
    first = half if margin else 0
    dx = padded[:, first : first + H, first : first + W].copy()
    of_x, of_dy = (x_hat, dy_hat.conj()) if dw_conjugate == "dy" else (x_hat.conj(), dy_hat)
    if tiles_of_dw == "last":
        of_x, of_dy = of_x[:, -1:, -1:], of_dy[:, -1:, -1:]
    dw_hat = np.einsum("nijklc,nijklf->klcf", of_x, of_dy)
    dw = np.fft.irfft2(dw_hat, (T, T), axes=(0, 1))[:K, :K]
    return dx, dw.astype(w.dtype), dy.sum(axis=(0, 1, 2))


@planted("conv2d_by_tiles_backward", "dx_conjugated",
         "dx has the conjugate of the forward: dy_hat @ conj(w_hat)^T (right with K = 1)")
def _(dy, cache):
    return tiles_backward(dy, cache, dx_conjugate=True)


@planted("conv2d_by_tiles_backward", "overlap_written",
         "where tiles of dx overlap, the last one is written and not added: shows if there is more than one "
         "tile and K is 3 or more")
def _(dy, cache):
    return tiles_backward(dy, cache, overlap="write")


@planted("conv2d_by_tiles_backward", "overlap_thrown_away",
         "of each tile of dx only M x M values are kept, as in the forward (right with K = 1)")
def _(dy, cache):
    return tiles_backward(dy, cache, overlap="first M")


@planted("conv2d_by_tiles_backward", "dy_tiles_full",
         "the tiles of dy are T x T values, overlapping, as those of x are, and not M x M with zeros behind: "
         "shows if K is 3 or more and there is more than one tile")
def _(dy, cache):
    return tiles_backward(dy, cache, dy_filled=False)


@planted("conv2d_by_tiles_backward", "dw_other_conjugate",
         "dw is conj(x_hat)^T @ dy_hat: x is conjugated and not dy (right with K = 1)")
def _(dy, cache):
    return tiles_backward(dy, cache, dw_conjugate="x")


@planted("conv2d_by_tiles_backward", "dx_margin",
         "the zeros around the image are not cut off of dx: it is moved by K // 2 (right with K = 1)")
def _(dy, cache):
    return tiles_backward(dy, cache, margin=False)


@planted("conv2d_by_tiles_backward", "dw_of_last_tile",
         "dw is overwritten by each tile and not summed: shows with more than one tile")
def _(dy, cache):
    return tiles_backward(dy, cache, tiles_of_dw="last")


# ---- 15: the tape

def right_topological(root):
    nodes, seen = [], set()

    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for parent in node.parents:
            visit(parent)
        nodes.append(node)

    visit(root)
    return nodes


@planted("topological", "no_marks",
         "does not mark whom it has been to: a node that is used twice is in the list twice")
def _(root):
    nodes = []

    def visit(node):
        for parent in node.parents:
            visit(parent)
        nodes.append(node)

    visit(root)
    return nodes


@planted("topological", "root_first", "writes a node down before its parents: the list begins with root")
def _(root):
    nodes, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            nodes.append(node)
            for parent in node.parents:
                visit(parent)

    visit(root)
    return nodes


@planted("topological", "preorder_reversed",
         "writes a node down before its parents and reverses the list: root is last, but a node may stand "
         "after one that was made from it (shows where paths of different lengths lead to a node)")
def _(root):
    nodes, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            nodes.append(node)
            for parent in node.parents:
                visit(parent)

    visit(root)
    return nodes[::-1]


@planted("topological", "level_by_level",
         "goes level by level from root and reverses: wrong where paths of different lengths lead to a node")
def _(root):
    nodes, seen, level = [root], {root}, [root]
    while level:
        further = []
        for node in level:
            for parent in node.parents:
                if parent not in seen:
                    seen.add(parent)
                    further.append(parent)
        nodes += further
        level = further
    return nodes[::-1]


@planted("topological", "leaves_left_out", "what was given (no parents) is not in the list")
def _(root):
    return [node for node in right_topological(root) if node.parents or node is root]


@planted("backward", "tape_overwrites",
         "lesson 15: grads[parent] = g: what came by an earlier use is lost (shows where a node is used twice)")
def _(root):
    grads = {root: np.ones_like(root.value)}
    for node in reversed(right_topological(root)):
        if node.parents:
            for parent, g in zip(node.parents, node.hand_back(grads[node])):
                grads[parent] = g
    return grads


@planted("backward", "tape_in_place",
         "lesson 15: grads[parent] += g changes an array that another node may have been handed too (shows "
         "where add hands the same array to two and one of them is used again)")
def _(root):
    grads = {root: np.ones_like(root.value)}
    for node in reversed(right_topological(root)):
        if node.parents:
            for parent, g in zip(node.parents, node.hand_back(grads[node])):
                if parent in grads:
                    grads[parent] += g
                else:
                    grads[parent] = g
    return grads


@planted("backward", "tape_level_by_level",
         "lesson 15: walks level by level from root, and a node that is met again hands back only once, before "
         "all its uses have (shows where paths of different lengths lead to a node)")
def _(root):
    grads, queue, done = {root: np.ones_like(root.value)}, [root], {root}
    while queue:
        node = queue.pop(0)
        if not node.parents:
            continue
        for parent, g in zip(node.parents, node.hand_back(grads[node])):
            grads[parent] = grads[parent] + g if parent in grads else g
            if parent not in done:
                done.add(parent)
                queue.append(parent)
    return grads


@planted("backward", "tape_asks_often",
         "lesson 15: follows every path by itself: the sums are right, but a node that is used twice is asked "
         "twice to hand back")
def _(root):
    grads = {}

    def walk(node, dy):
        grads[node] = grads[node] + dy if node in grads else dy
        if node.parents:
            for parent, g in zip(node.parents, node.hand_back(dy)):
                walk(parent, g)

    walk(root, np.ones_like(root.value))
    return grads


@planted("backward", "tape_dict_of_parents",
         "lesson 15: dict(zip(parents, handed)): of a * a one of the two gradients is lost (shows where one "
         "operation uses a node twice)")
def _(root):
    grads = {root: np.ones_like(root.value)}
    for node in reversed(right_topological(root)):
        if node.parents:
            for parent, g in dict(zip(node.parents, node.hand_back(grads[node]))).items():
                grads[parent] = grads[parent] + g if parent in grads else g
    return grads


@planted("backward", "tape_seed_float",
         "lesson 15: the gradient of root is np.ones(()), float64 and without axes, and not an array like its "
         "value (shows if root is float32, or has axes)")
def _(root):
    grads = {root: np.ones(())}
    for node in reversed(right_topological(root)):
        if node.parents:
            for parent, g in zip(node.parents, node.hand_back(grads[node])):
                grads[parent] = grads[parent] + g if parent in grads else g
    return grads


# ---- 16: six more

@planted("leaky_relu_backward", "dslope_all", "dslope is summed over all x, the positive ones too")
def _(dy, cache):
    x, slope = cache
    return np.where(x > 0, dy, slope * dy), (dy * x).sum(axis=(0, 1, 2))


@planted("leaky_relu_backward", "dead", "dx is 0 where x is negative, as in ReLU: the slope is forgotten")
def _(dy, cache):
    x, slope = cache
    return dy * (x > 0), (dy * np.minimum(x, 0)).sum(axis=(0, 1, 2))


@planted("leaky_relu_backward", "dslope_without_x", "dslope sums dy where x is negative: the factor x is missing")
def _(dy, cache):
    x, slope = cache
    return np.where(x > 0, dy, slope * dy), (dy * (x <= 0)).sum(axis=(0, 1, 2))


@planted("leaky_relu_backward", "mean_dslope", "dslope is the mean over the pixels and not the sum")
def _(dy, cache):
    x, slope = cache
    return np.where(x > 0, dy, slope * dy), (dy * np.minimum(x, 0)).mean(axis=(0, 1, 2))


def stride2_backward(dy, cache, dx="add", cropped=True, spread=True):
    x, w, b = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    half = K // 2
    rows, columns = dy.shape[1:3]
    padded = np.zeros((N, H + K, W + K, C), x.dtype)
    padded[:, half : half + H, half : half + W] = x
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            if spread:
                at = (slice(None), slice(i, i + 2 * rows - 1, 2), slice(j, j + 2 * columns - 1, 2))
            else:
                at = (slice(None), slice(i, i + rows), slice(j, j + columns))
            dw[i, j] = np.tensordot(padded[at], dy, axes=((0, 1, 2), (0, 1, 2)))
            piece = dy @ w[i, j].T
            if dx == "add":
                dpadded[at] += piece
            else:
                dpadded[at] = piece
    first = half if cropped else 0
    return dpadded[:, first : first + H, first : first + W], dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_stride2_backward", "stride_forgotten",
         "the windows of x and dx move by 1 and not by 2 in the backward")
def _(dy, cache):
    return stride2_backward(dy, cache, spread=False)


@planted("conv2d_stride2_backward", "overlap_written",
         "dx is written and not added where windows overlap (right with K = 1)")
def _(dy, cache):
    return stride2_backward(dy, cache, dx="write")


@planted("conv2d_stride2_backward", "margin_not_cut",
         "dx begins in the zeros around the image: moved by K // 2 (right with K = 1)")
def _(dy, cache):
    return stride2_backward(dy, cache, cropped=False)


@planted("conv2d_stride2_backward", "spread_by_repeat",
         "dy is enlarged by repeating each number twice each way, and not by zeros between: dx and dw are "
         "wrong")
def _(dy, cache):
    x, w, b = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    half = K // 2
    large = dy.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W]
    padded = np.zeros((N, H + K, W + K, C), x.dtype)
    padded[:, half : half + H, half : half + W] = x
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dpadded[:, i : i + H, j : j + W] += large @ w[i, j].T
            dw[i, j] = np.tensordot(padded[:, i : i + H, j : j + W], large, axes=((0, 1, 2), (0, 1, 2)))
    return dpadded[:, half : half + H, half : half + W], dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_stride2_backward", "last_of_odd_lost",
         "only H // 2 and W // 2 windows go back: at an odd height or width the last row or column of dy is "
         "left out of dx and dw")
def _(dy, cache):
    x, w, b = cache
    short = dy[:, : x.shape[1] // 2, : x.shape[2] // 2]
    if short.size == 0:
        return np.zeros_like(x), np.zeros_like(w), dy.sum(axis=(0, 1, 2))
    dx, dw, _ = stride2_backward(short, cache)
    return dx, dw, dy.sum(axis=(0, 1, 2))


def layer_norm_parts(cache):
    x, gamma, beta, eps = cache
    inv_std = 1 / np.sqrt(x.var(axis=3, keepdims=True) + eps)
    return (x - x.mean(axis=3, keepdims=True)) * inv_std, gamma, inv_std


@planted("layer_norm_backward", "gamma_outside",
         "gamma stands before the bracket as in batch norm, and not under the means (right where all gamma are "
         "equal)")
def _(dy, cache):
    x_hat, gamma, inv_std = layer_norm_parts(cache)
    dx = gamma * inv_std * (
        dy - dy.mean(axis=3, keepdims=True) - x_hat * (dy * x_hat).mean(axis=3, keepdims=True)
    )
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("layer_norm_backward", "no_var_path", "var is taken for a constant: the path through it is missing")
def _(dy, cache):
    x_hat, gamma, inv_std = layer_norm_parts(cache)
    g = gamma * dy
    dx = inv_std * (g - g.mean(axis=3, keepdims=True))
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("layer_norm_backward", "no_mean_path", "the mean is taken for a constant: the path through it is missing")
def _(dy, cache):
    x_hat, gamma, inv_std = layer_norm_parts(cache)
    g = gamma * dy
    dx = inv_std * (g - x_hat * (g * x_hat).mean(axis=3, keepdims=True))
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("layer_norm_backward", "batch_axes",
         "the means in dx are over all pixels of a channel (axes 0, 1, 2), as in batch norm, and not over the "
         "channels of a pixel")
def _(dy, cache):
    x_hat, gamma, inv_std = layer_norm_parts(cache)
    g = gamma * dy
    dx = inv_std * (g - g.mean(axis=(0, 1, 2)) - x_hat * (g * x_hat).mean(axis=(0, 1, 2)))
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("layer_norm_backward", "sums_for_means",
         "the sums over the channels are not divided by C (right with one channel)")
def _(dy, cache):
    x_hat, gamma, inv_std = layer_norm_parts(cache)
    g = gamma * dy
    dx = inv_std * (g - g.sum(axis=3, keepdims=True) - x_hat * (g * x_hat).sum(axis=3, keepdims=True))
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


def upsample_back(dy, axis, end="kept", near=0.75, far=0.25):
    d = np.moveaxis(dy, axis, 0)
    even, odd = d[0::2], d[1::2]
    dx = near * (even + odd)
    dx[:-1] += far * even[1:]                   # y[2r] told x[r - 1]
    dx[1:] += far * odd[:-1]                    # y[2r + 1] told x[r + 1]
    if end == "kept":
        dx[0] += far * even[0]
        dx[-1] += far * odd[-1]
    elif end == "round":
        dx[-1] += far * even[0]
        dx[0] += far * odd[-1]
    return np.moveaxis(dx, 0, axis)


@planted("upsample_backward", "ends_lost",
         "what stands in for the missing neighbour is forgotten: the border gets too little")
def _(dy, cache):
    return upsample_back(upsample_back(dy, 2, end="lost"), 1, end="lost")


@planted("upsample_backward", "ends_wrap",
         "beyond an end stands the number of the other end (np.roll): the border is wrong, if there are two "
         "rows or columns or more")
def _(dy, cache):
    return upsample_back(upsample_back(dy, 2, end="round"), 1, end="round")


@planted("upsample_backward", "sum_of_four",
         "each x gets the sum of its own four y, as if each number were repeated: no weights")
def _(dy, cache):
    (x,) = cache
    N, H, W, C = x.shape
    return dy.reshape(N, H, 2, W, 2, C).sum(axis=(2, 4))


@planted("upsample_backward", "averaged", "the result is divided by 4, as a mean over 2 x 2 would be")
def _(dy, cache):
    return upsample_back(upsample_back(dy, 2), 1) / 4


@planted("upsample_backward", "neighbours_exchanged",
         "the even y are handed to the x after and the odd ones to the x before, as the gather of the forward "
         "does: right only if a side is 1 long")
def _(dy, cache):
    def along(dy, axis):
        d = np.moveaxis(dy, axis, 0)
        even, odd = d[0::2], d[1::2]
        dx = 0.75 * (even + odd)
        dx += 0.25 * np.concatenate([even[:1], even[:-1]])
        dx += 0.25 * np.concatenate([odd[1:], odd[-1:]])
        return np.moveaxis(dx, 0, axis)
    return along(along(dy, 2), 1)


def dice_parts(cache):
    p, labels, ignore, smooth = cache
    classes = p.shape[3]
    labelled = (labels != ignore)[..., None]
    there = ((labels[..., None] == np.arange(classes)) & labelled).astype(p.dtype)
    labelled = labelled.astype(p.dtype)
    overlap, said = (p * there).sum(axis=(0, 1, 2)), (p * labelled).sum(axis=(0, 1, 2))
    top, bottom = 2 * overlap + smooth, said + there.sum(axis=(0, 1, 2)) + smooth
    return there, labelled, top.astype(p.dtype), bottom.astype(p.dtype), classes


@planted("dice_loss_backward", "said_is_constant",
         "only the numerator is derived: that p stands in `said` too is forgotten")
def _(dloss, cache):
    there, labelled, top, bottom, classes = dice_parts(cache)
    return -dloss / classes * 2 * there / bottom


@planted("dice_loss_backward", "sign", "the sign is wrong: the gradient of the Dice and not of 1 - Dice")
def _(dloss, cache):
    there, labelled, top, bottom, classes = dice_parts(cache)
    return dloss / classes * (2 * there / bottom - labelled * top / bottom**2)


@planted("dice_loss_backward", "ignored_get_gradient",
         "the mask is forgotten in the part through `said`: pixels that are ignored get a gradient too")
def _(dloss, cache):
    there, labelled, top, bottom, classes = dice_parts(cache)
    return -dloss / classes * (2 * there / bottom - top / bottom**2)


@planted("dice_loss_backward", "no_classes", "the 1 / classes of the mean is missing (right with one class)")
def _(dloss, cache):
    there, labelled, top, bottom, classes = dice_parts(cache)
    return -dloss * (2 * there / bottom - labelled * top / bottom**2)


@planted("dice_loss_backward", "no_dloss", "dloss is not multiplied in: right where it is 1")
def _(dloss, cache):
    there, labelled, top, bottom, classes = dice_parts(cache)
    return -(2 * there / bottom - labelled * top / bottom**2) / classes


@planted("dice_loss_backward", "two_lost", "the 2 of 2 * overlap is lost in the derivative of the numerator")
def _(dloss, cache):
    there, labelled, top, bottom, classes = dice_parts(cache)
    return -dloss / classes * (there / bottom - labelled * top / bottom**2)


def gate_parts(dy, cache):
    x, w, b = cache
    seen = x.mean(axis=(1, 2))
    opening = 1 / (1 + np.exp(-(seen @ w + b)))
    dopening = (dy * x).sum(axis=(1, 2))
    return x, w, seen, opening, dopening, x.shape[1] * x.shape[2]


@planted("gate_backward", "direct_only", "dx is dy * opening: the road by way of the openings is forgotten")
def _(dy, cache):
    x, w, seen, opening, dopening, pixels = gate_parts(dy, cache)
    dz = dopening * opening * (1 - opening)
    return dy * opening[:, None, None], seen.T @ dz, dz.sum(axis=0)


@planted("gate_backward", "mean_not_divided",
         "the road through the mean is not divided by H * W (right with one pixel)")
def _(dy, cache):
    x, w, seen, opening, dopening, pixels = gate_parts(dy, cache)
    dz = dopening * opening * (1 - opening)
    return dy * opening[:, None, None] + (dz @ w.T)[:, None, None], seen.T @ dz, dz.sum(axis=0)


@planted("gate_backward", "w_not_transposed",
         "dz @ w and not dz @ w.T in the second road of dx (right where w is symmetric)")
def _(dy, cache):
    x, w, seen, opening, dopening, pixels = gate_parts(dy, cache)
    dz = dopening * opening * (1 - opening)
    return dy * opening[:, None, None] + (dz @ w)[:, None, None] / pixels, seen.T @ dz, dz.sum(axis=0)


@planted("gate_backward", "no_sigmoid", "the slope of the sigmoid, opening * (1 - opening), is forgotten")
def _(dy, cache):
    x, w, seen, opening, dz, pixels = gate_parts(dy, cache)
    return dy * opening[:, None, None] + (dz @ w.T)[:, None, None] / pixels, seen.T @ dz, dz.sum(axis=0)


@planted("gate_backward", "dw_transposed", "dw is dz.T @ seen: transposed")
def _(dy, cache):
    x, w, seen, opening, dopening, pixels = gate_parts(dy, cache)
    dz = dopening * opening * (1 - opening)
    return dy * opening[:, None, None] + (dz @ w.T)[:, None, None] / pixels, dz.T @ seen, dz.sum(axis=0)


@planted("gate_backward", "dopening_without_x", "the gradient of the opening is the sum of dy and not of dy * x")
def _(dy, cache):
    x, w, seen, opening, _, pixels = gate_parts(dy, cache)
    dz = dy.sum(axis=(1, 2)) * opening * (1 - opening)
    return dy * opening[:, None, None] + (dz @ w.T)[:, None, None] / pixels, seen.T @ dz, dz.sum(axis=0)


# A backward is judged together with what stands beside it in a learner's file.
forward, topological = network_forward, right_topological
