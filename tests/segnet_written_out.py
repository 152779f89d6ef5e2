"""SegNet-Basic written out line by line, without blocks: what tinysegnet.networks must be, to the bit."""


def levels_of(params):
    return sum(name.startswith("encoder") and name.endswith(".conv.w") for name in params)


def forward(params, x, ops):
    """logits, batch_stats, cache"""
    batch_stats, cache = {}, {}

    def conv(name, x):
        y, cache[name] = ops.conv2d(x, params[f"{name}.w"], params[f"{name}.b"])
        return y

    def norm(name, x):
        y, (mean, var), cache[name] = ops.batch_norm(x, params[f"{name}.gamma"], params[f"{name}.beta"])
        batch_stats[f"{name}.mean"], batch_stats[f"{name}.var"] = mean, var
        return y

    for level in range(1, levels_of(params) + 1):
        x = conv(f"encoder{level}.conv", x)
        x = norm(f"encoder{level}.norm", x)
        x, cache[f"encoder{level}.relu"] = ops.relu(x)
        shape = x.shape
        x, corners = ops.max_pool(x)
        cache[f"level{level}"] = corners, shape
    for level in range(levels_of(params), 0, -1):
        corners, shape = cache[f"level{level}"]
        x = ops.max_unpool(x, corners, shape)
        x = conv(f"decoder{level}.conv", x)
        x = norm(f"decoder{level}.norm", x)
    return conv("classifier", x), batch_stats, cache


def backward(dlogits, cache, ops, need_dx=False):
    """dx, grads: the list of forward from its last line to its first. What has been used is taken out of the cache."""
    grads = {}

    def conv(name, dy, need_dx=True):
        dx, grads[f"{name}.w"], grads[f"{name}.b"] = ops.conv2d_backward(dy, cache.pop(name), need_dx)
        return dx

    def norm(name, dy):
        dx, grads[f"{name}.gamma"], grads[f"{name}.beta"] = ops.batch_norm_backward(dy, cache.pop(name))
        return dx

    levels = sum(name.startswith("level") for name in cache)
    dx = conv("classifier", dlogits)
    for level in range(1, levels + 1):
        corners, _ = cache[f"level{level}"]
        dx = norm(f"decoder{level}.norm", dx)
        dx = conv(f"decoder{level}.conv", dx)
        dx = ops.max_unpool_backward(dx, corners)
    for level in range(levels, 0, -1):
        corners, shape = cache[f"level{level}"]
        dx = ops.max_pool_backward(dx, corners, shape)
        dx = ops.relu_backward(dx, cache.pop(f"encoder{level}.relu"))
        dx = norm(f"encoder{level}.norm", dx)
        dx = conv(f"encoder{level}.conv", dx, need_dx=level > 1 or need_dx)
    return dx, grads


def predict(params, stats, x, ops):
    """The logits, with batch norm by the statistics that are given as part of each convolution."""

    def conv_norm(block, x):
        of_conv = params[f"{block}.conv.w"], params[f"{block}.conv.b"]
        of_norm = params[f"{block}.norm.gamma"], params[f"{block}.norm.beta"]
        w, b = ops.fold_batch_norm(*of_conv, *of_norm, stats[f"{block}.norm.mean"], stats[f"{block}.norm.var"])
        return ops.conv2d(x, w, b)[0]

    kept = []
    for level in range(1, levels_of(params) + 1):
        x, _ = ops.relu(conv_norm(f"encoder{level}", x))
        shape = x.shape
        x, corners = ops.max_pool(x)
        kept.append((corners, shape))
    for level in range(levels_of(params), 0, -1):
        corners, shape = kept.pop()
        x = conv_norm(f"decoder{level}", ops.max_unpool(x, corners, shape))
    return ops.conv2d(x, params["classifier.w"], params["classifier.b"])[0]
