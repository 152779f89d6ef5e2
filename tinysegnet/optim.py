"""From gradients to better parameters: SGD with momentum, as Caffe counts it, and Adam.

What an optimiser remembers from step to step, its memory, is a dict of arrays: for SGD a velocity of each parameter.
Only arrays of four dimensions, the convolution weights, decay; biases, scales and shifts do not, by custom.
"""

from tinysegnet.backend import array_module

FORGET = 0.99       # how much of the mean square Adam keeps at each step (Kingma and Ba: 0.999)
TINY = 1e-8


def sgd_step(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    """v = momentum * v + lr * (g + weight_decay * w);  w = w - v.  In place, on dicts of arrays with the same keys.

    (The authors also give biases twice the rate; here all parameters have one.)

    Raises ValueError if a gradient is missing or has not the shape and dtype of its parameter.
    """
    check(params, gradient=grads, velocity=velocity)
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if w.ndim == 4:
            g = g + weight_decay * w
        v *= momentum
        v += lr * g
        w -= v


def adam_step(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    """The mean m of the gradients over the root of their mean square s, so that all parameters move at one pace.

    m = momentum * m + (1 - momentum) * g,  s = FORGET * s + (1 - FORGET) * g * g,  both begin at 0, and in step t both
    are divided by what of their weights has come together by then: by 1 - momentum**t and by 1 - FORGET**t.
    w = w - lr * (m / (sqrt(s) + TINY) + weight_decay * w).  In place.

    memory  m of each parameter under its name, s under that + ".square", and t, 0-d, under "steps"

    Raises ValueError if a gradient is missing or has not the shape and dtype of its parameter.

    Source: Kingma and Ba, 2015; the decay apart from the gradient, as PyTorch has it: Loshchilov and Hutter, 2019
    ("AdamW").
    """
    squares = {name: memory.get(f"{name}.square") for name in params}
    check(params, gradient=grads, mean=memory, square=squares)
    t = memory["steps"]
    t += 1
    weight_of_m, weight_of_s = 1 - momentum**t, 1 - FORGET**t
    for name, w in params.items():
        g, m, s = grads[name], memory[name], squares[name]
        m *= momentum
        m += (1 - momentum) * g
        s *= FORGET
        s += (1 - FORGET) * g * g
        pace = m / weight_of_m / (array_module(w).sqrt(s / weight_of_s) + TINY)
        if w.ndim == 4:
            pace += weight_decay * w
        w -= lr * pace


STEPS = {"sgd": sgd_step, "adam": adam_step}


def start(optimiser, params):
    """The memory of an optimiser of STEPS before its first step: zeros."""
    memory = {name: array_module(w).zeros_like(w) for name, w in params.items()}
    if optimiser == "adam":
        memory |= {f"{name}.square": array_module(w).zeros_like(w) for name, w in params.items()}
        some = next(iter(params.values()))
        memory["steps"] = array_module(some).zeros((), some.dtype)
    return memory


def check(params, **given):
    """Raise ValueError unless each dict that is given has an array like each parameter."""
    for name, w in params.items():
        for what, arrays in given.items():
            array = arrays.get(name)
            if array is None or array.shape != w.shape or array.dtype != w.dtype:
                got = "none" if array is None else f"{array.dtype} {tuple(array.shape)}"
                raise ValueError(f"the {what} of {name} should be {w.dtype} {tuple(w.shape)}, got {got}")
