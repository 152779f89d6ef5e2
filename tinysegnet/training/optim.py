"""From gradients to better parameters: SGD with momentum, as Caffe counts it, and Adam.

The optimiser state is a dict of arrays: for SGD a velocity of each parameter. Weight decay applies to those named in
`decays`, by custom the convolution weights alone. All have one rate (the authors give biases twice that).
"""

from collections.abc import Callable
from typing import NamedTuple

from tinysegnet.support.backend import array_module

BETA2 = 0.99        # how much of the mean square Adam keeps at each step (Kingma and Ba: 0.999)
EPS = 1e-8


class Optimiser(NamedTuple):
    """One of the two functions below, and all that it needs besides parameters, gradients and rate."""

    update: Callable
    state: dict
    momentum: float = 0.9
    weight_decay: float = 0.0
    decays: set | None = None

    def step(self, params, grads, lr):
        """Move params, in place."""
        self.update(params, grads, self.state, lr, self.momentum, self.weight_decay, self.decays)


def sgd_step(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0, decays=None):
    """v = momentum * v + lr * (g + weight_decay * w);  w = w - v.  In place, on dicts of arrays with the same keys.

    decays  the names of the parameters that decay; None: the arrays of four dimensions

    Raises ValueError if a gradient is missing or has not the shape and dtype of its parameter.
    """
    check(params, gradient=grads, velocity=velocity)
    for name, w in params.items():
        g, v = grads[name], velocity[name]
        if decayed(name, w, decays):
            g = g + weight_decay * w
        v *= momentum
        v += lr * g
        w -= v


def adam_step(params, grads, state, lr, momentum=0.9, weight_decay=0.0, decays=None):
    """The mean m of the gradients over the root of their mean square s, so that all parameters move at one pace.

    m = momentum * m + (1 - momentum) * g,  s = BETA2 * s + (1 - BETA2) * g * g,  both begin at 0, and in step t both
    are divided by what of their weights has come together by then: by 1 - momentum**t and by 1 - BETA2**t.
    w = w - lr * (m / (sqrt(s) + EPS) + weight_decay * w).  In place.

    state   m of each parameter under its name, s under that + ".square", and t, 0-d, under "steps"
    decays  as in sgd_step

    Raises ValueError if a gradient is missing or has not the shape and dtype of its parameter.

    Source: Kingma and Ba, 2015 (momentum is their beta1); the decay apart from the gradient, as PyTorch has it:
    Loshchilov and Hutter, 2019 ("AdamW").
    """
    squares = {name: state.get(f"{name}.square") for name in params}
    check(params, gradient=grads, mean=state, square=squares)
    t = state["steps"]
    t += 1
    weight_of_m, weight_of_s = 1 - momentum**t, 1 - BETA2**t
    for name, w in params.items():
        g, m, s = grads[name], state[name], squares[name]
        m *= momentum
        m += (1 - momentum) * g
        s *= BETA2
        s += (1 - BETA2) * g * g
        update = m / weight_of_m / (array_module(w).sqrt(s / weight_of_s) + EPS)
        if decayed(name, w, decays):
            update += weight_decay * w
        w -= lr * update


STEPS = {"sgd": sgd_step, "adam": adam_step}


def start(optimiser, params):
    """The state of an optimiser of STEPS before its first step: zeros."""
    state = {name: array_module(w).zeros_like(w) for name, w in params.items()}
    if optimiser == "adam":
        state |= {f"{name}.square": array_module(w).zeros_like(w) for name, w in params.items()}
        w = next(iter(params.values()))
        state["steps"] = array_module(w).zeros((), w.dtype)
    return state


def decayed(name, w, decays):
    return w.ndim == 4 if decays is None else name in decays


def check(params, **given):
    """Raise ValueError unless each dict that is given has an array like each parameter."""
    for name, w in params.items():
        for what, arrays in given.items():
            array = arrays.get(name)
            if array is None or array.shape != w.shape or array.dtype != w.dtype:
                got = "none" if array is None else f"{array.dtype} {tuple(array.shape)}"
                raise ValueError(f"the {what} of {name} should be {w.dtype} {tuple(w.shape)}, got {got}")
