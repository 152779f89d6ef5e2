"""Stochastic gradient descent with momentum and weight decay, as Caffe counts it."""


def sgd_step(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    """v = momentum * v + lr * (g + weight_decay * w);  w = w - v.  In place, on dicts of arrays with the same keys.

    Only arrays of four dimensions, the convolution weights, decay; biases, scales and shifts do not, by custom. (The
    authors also give biases twice the rate; here all parameters have one.)

    Raises ValueError if a gradient is missing or has not the shape and dtype of its parameter.
    """
    for name, w in params.items():
        g, v = grads.get(name), velocity.get(name)
        for what, array in (("gradient", g), ("velocity", v)):
            if array is None or array.shape != w.shape or array.dtype != w.dtype:
                got = "none" if array is None else f"{array.dtype} {tuple(array.shape)}"
                raise ValueError(f"sgd_step: the {what} of {name} should be {w.dtype} {tuple(w.shape)}, got {got}")
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v *= momentum
        v += lr * g
        w -= v
