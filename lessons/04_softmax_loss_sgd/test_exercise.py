"""Lesson 04: how softmax, the loss, its gradient and sgd_step are judged."""

from functools import wraps
from types import SimpleNamespace

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops
from tinysegnet.checker.forwardcheck import ForwardError
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.training import optim

rng = np.random.default_rng(4)


def case(shape, ignore, void=0.3, dtype=np.int64):
    """Logits of such a shape, labels of which a share is to be ignored, class weights, and the label to ignore."""
    labels = rng.integers(0, shape[3], shape[:3]).astype(dtype)
    labels[rng.random(shape[:3]) < void] = ignore
    return rng.standard_normal(shape), labels, rng.uniform(0.5, 3, shape[3]), ignore


LOSS_RESULTS = "loss", "log_p", "one_hot", "weights"
LOSS_CASES = (
    (np.log(np.array([[[[1.0, 2, 5], [2, 1, 5], [4, 2, 2]]]])), np.array([[[2, 0, 3]]]), np.array([2.0, 1, 1]), 3),
    case((1, 1, 1, 2), ignore=2, void=0),                   # one pixel
    case((2, 4, 5, 3), ignore=3),
    case((3, 3, 1, 4), ignore=255, dtype=np.uint8),         # as in a picture, far above the classes
    case((1, 2, 7, 5), ignore=0),                           # the first label is the one to ignore
    case((1, 3, 2, 1), ignore=-1),                          # one class: never a surprise
    case((1, 2, 2, 3), ignore=3, void=1.1),                 # no labelled pixel
)
LARGE_LOGITS = np.array([[[[1000.0, -1000.0], [-1000.0, 1000.0]]]]), np.array([[[0, 0]]]), np.array([1.0, 2.0]), 255


def flat(function):
    """A function that returns loss, (log_p, one_hot, weights), as one that returns these four."""

    @wraps(function)
    def run(*args):
        result = function(*args)
        if result is None:
            return None
        loss, cache = result if isinstance(result, tuple | list) and len(result) == 2 else (result, ())
        if cache is None:
            return loss, None, None, None
        if not isinstance(cache, tuple | list) or len(cache) != 3:
            raise ForwardError("  softmax_cross_entropy should return loss, (log_p, one_hot, weights)", LOSS_RESULTS)
        return loss, *cache

    return run


def in_place(step):
    """sgd_step as a function of arrays, of one w and one b; what it changes are copies, and they are its results."""

    def run(w, b, dw, db, vw, vb, lr, momentum, weight_decay):
        params, velocity = {"w": w.copy(), "b": b.copy()}, {"w": vw.copy(), "b": vb.copy()}
        arrays = *params.values(), *velocity.values()
        todo = step(params, {"w": dw, "b": db}, velocity, lr, momentum, weight_decay) is NotImplemented
        untouched = all(np.array_equal(a, before) for a, before in zip(arrays, (w, b, vw, vb)))
        return (None,) * len(arrays) if todo and untouched else arrays

    return run


def step_case(rng, w_shape, b_shape, lr, momentum, weight_decay, start=1):
    """All that sgd_step is given; a start of 0 is a velocity of 0, as at the first step of a training."""
    w, dw, b, db = (rng.standard_normal(shape) for shape in (w_shape, w_shape, b_shape, b_shape))
    vw, vb = start * rng.standard_normal(w_shape), start * rng.standard_normal(b_shape)
    return w, b, dw, db, vw, vb, lr, momentum, weight_decay


def generic_steps():
    rng = np.random.default_rng(0)
    yield step_case(rng, (3, 3, 2, 4), (4,), 0.1, 0.9, 0.3)
    yield step_case(rng, (1, 1, 5, 2), (2,), 0.7, 0.6, 0.2)
    yield step_case(rng, (3, 3, 4, 2), (5, 3), 0.3, 0.8, 0.4)


STEP = Table("tinysegnet/training/optim.py", generic_steps, axes=("channel",))
STEP_RESULTS = "w", "b", "v of w", "v of b"


@STEP.formula
def right_step(w, b, dw, db, vw, vb, lr, momentum, weight_decay):
    v_of_w = momentum * vw + lr * (dw + weight_decay * w)
    v_of_b = momentum * vb + lr * db
    w = w - v_of_w
    b = b - v_of_b
    return w, b, v_of_w, v_of_b


def new_velocity(at):
    return at.momentum * at.v + at.step


def wrong_step(name, sentence, *results, v=new_velocity, w=lambda at, v: at.w - v):
    """List a mistake of which some results are wrong, by default all: another new velocity, or another new array.

    at  what the step has of one array: w, g, v, lr, momentum; decay, which is weight_decay where the array decays and
        0 where not; and step = lr * (g + decay * w)
    """

    def answer(w_given, b, dw, db, vw, vb, lr, momentum, weight_decay):
        found = {}
        for of, array, g, velocity, decay in ("w", w_given, dw, vw, weight_decay), ("b", b, db, vb, 0):
            at = SimpleNamespace(
                w=array, g=g, v=velocity, lr=lr, momentum=momentum, decay=decay, weight_decay=weight_decay,
                step=lr * (g + decay * array),
            )
            found[f"v of {of}"] = v(at)
            found[of] = w(at, found[f"v of {of}"])
        return {result: found[result] for result in results or STEP_RESULTS}

    STEP.mistake(sentence, **{name: answer})


wrong_step("unchanged", "the array that was given is as it was: a = a - c makes a new array, and a -= c changes the "
           "one that is there", v=lambda at: at.v, w=lambda at, v: at.w)
wrong_step("uphill", "the step goes up the hill: subtract v", "w", "b", w=lambda at, v: at.w + v)
wrong_step("biases_decay", "the weights of fewer than four dimensions decay too: only those of four should",
           "b", "v of b", v=lambda at: at.momentum * at.v + at.lr * (at.g + at.weight_decay * at.w))
wrong_step("matrices_decay", "an array of two dimensions decays too: only those of four should", "b", "v of b",
           v=lambda at: at.momentum * at.v + at.lr * (at.g + at.weight_decay * at.w * (at.w.ndim > 1)))
wrong_step("no_decay", "v lacks weight_decay * w: this w has four dimensions, so it decays", "w", "v of w",
           v=lambda at: at.momentum * at.v + at.lr * at.g)
wrong_step("decay_grows", "the decay has the wrong sign and makes w larger: v = momentum * v + lr * (g + "
           "weight_decay * w)", "w", "v of w", v=lambda at: at.momentum * at.v + at.lr * (at.g - at.decay * at.w))
wrong_step("decay_twice", "the decay counts twice: it is weight_decay * w, without a 2", "w", "v of w",
           v=lambda at: at.momentum * at.v + at.lr * (at.g + 2 * at.decay * at.w))
wrong_step("decay_without_rate", "weight_decay * w is not multiplied by lr: it belongs inside the bracket, with g",
           "w", "v of w", v=lambda at: at.momentum * at.v + at.lr * at.g + at.decay * at.w)
wrong_step("no_momentum", "the old velocity is forgotten: momentum * v is part of the new one", "v of w", "v of b",
           v=lambda at: at.step)
wrong_step("momentum_on_all", "momentum multiplies the new gradient too: only the old velocity fades",
           v=lambda at: at.momentum * (at.v + at.step))
wrong_step("momentum_of_one_kind", "momentum is 0.9 whatever is asked for: it is an argument",
           v=lambda at: 0.9 * at.v + at.step)
wrong_step("rate_outside", "lr is multiplied in when w moves: as Caffe counts, it is inside the velocity already",
           v=lambda at: at.momentum * at.v + at.g + at.decay * at.w, w=lambda at, v: at.w - at.lr * v)
wrong_step("old_velocity", "w moves by the old velocity: change v first, and then w", "w", "b",
           w=lambda at, v: at.w - at.v)
wrong_step("without_velocity", "w moves by lr times the gradient alone: the old velocity, momentum * v, should move it "
           "too", "w", "b", w=lambda at, v: at.w - at.step)
wrong_step("averaged", "the new gradient is weighed by 1 - momentum: here it counts in full",
           v=lambda at: at.momentum * at.v + (1 - at.momentum) * at.lr * (at.g + at.decay * at.w))
wrong_step("nesterov", "w looks one step further ahead, as Nesterov has it: here it moves by v", "w", "b",
           w=lambda at, v: at.w - at.momentum * v - at.step)
STEP_CASES = (
    (np.ones((1, 1, 1, 1)), np.ones(1), np.full((1, 1, 1, 1), 2.0), np.array([3.0]),
     np.zeros((1, 1, 1, 1)), np.zeros(1), 0.1, 0.9, 0.1),
    step_case(rng, (3, 3, 2, 4), (4,), 0.1, 0.9, 0.05, start=0),
    step_case(rng, (3, 3, 2, 4), (4,), 0.1, 0.9, 0.05),
    step_case(rng, (1, 1, 5, 2), (2,), 0.5, 0.0, 0.01),
    step_case(rng, (3, 3, 2, 4), (4, 3), 0.5, 0.9, 0.1),
    step_case(rng, (5, 5, 1, 3), (3,), 0.01, 0.5, 0.0),
)

LOGITS = rng.standard_normal((4, 96, 128, 11), np.float32)
LABELS, WEIGHTS = rng.integers(0, 12, (4, 96, 128)), np.ones(11, np.float32)
ONE = np.ones((), np.float32)


def million():
    shapes = {"w": (7, 7, 64, 64), "b": (64,)}
    return tuple({name: np.ones(shape, np.float32) for name, shape in shapes.items()} for _ in range(3))


EXERCISES = (
    Exercise(
        "softmax", values(
            ops.softmax,
            (np.log(np.array([1.0, 2.0, 5.0])),),
            (rng.standard_normal((2, 4, 5, 3)),), (10 * rng.standard_normal((3, 1)),),
            (np.array([[1000.0, 999.0, -1000.0], [-1000.0, -1000.0, -1001.0]]),),
            results=("p",), names=("logits",),
        ),
        answer=ops.softmax, read="tinysegnet/ops/loss.py", race=lambda: (LOGITS,),
        differs="takes the logarithm first and then exp, because the loss needs log p anyway",
        hints=("exp makes each score positive; then divide, so that a pixel's classes add up to 1. And if exp is inf?",
               "The sum runs over the last axis only. keepdims=True keeps (..., 1), which divides (..., classes).",
               "shifted = logits - logits.max(axis=-1, keepdims=True)"),
    ),
    Exercise(
        "softmax_cross_entropy", values(
            flat(ops.softmax_cross_entropy), *LOSS_CASES, LARGE_LOGITS, results=LOSS_RESULTS,
            names=("logits", "labels", "class_weights"), adapt=flat,
        ),
        answer=ops.softmax_cross_entropy, read="tinysegnet/ops/loss.py", race=lambda: (LOGITS, LABELS, WEIGHTS, 11),
        differs="works class by class in memory, which is faster, and calls weights pixel_weights",
        hints=("Take log_p first, and never as np.log(p). Multiplied by it, one_hot picks out log_p[label] in each "
               "pixel.",
               "labels[..., None] == np.arange(classes) is (N, H, W, classes); so is one_hot. weights is (N, H, W), "
               "and max(count, 1) is what to divide by.",
               "log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))"),
    ),
    Exercise(
        "softmax_cross_entropy_backward",
        gradients(ops.softmax_cross_entropy, ops.softmax_cross_entropy_backward, *LOSS_CASES, names=("logits",)),
        answer=ops.softmax_cross_entropy_backward, read="tinysegnet/ops/loss.py",
        race=lambda: (ONE, ops.softmax_cross_entropy(LOGITS, LABELS, WEIGHTS, 11)[1]),
        differs="is the same product",
        hints=("What the network said, less what was there: p comes from log_p, and one_hot is what was there.",
               "p - one_hot is (N, H, W, classes), weights is (N, H, W): give it a last axis of 1. dloss is one "
               "number.",
               "dlogits = (dloss * weights)[..., None] * ..."),
    ),
    Exercise(
        "sgd_step", values(
            in_place(optim.sgd_step), *STEP_CASES, results=STEP_RESULTS,
            names=("w", "b", "dw", "db", "vw", "vb"), mistakes=STEP, adapt=in_place,
        ),
        answer=optim.sgd_step, read="tinysegnet/training/optim.py", race=lambda: (*million(), 0.1, 0.9, 5e-4),
        differs="does the same, after it has checked that every parameter has a gradient and a velocity like it",
        hints=("Go through the names. Bring v up to date first, then w. In place: v *= ..., v += ..., w -= ...",
               "g, v and w of one name have one shape. w.ndim == 4 says whether it decays.",
               "for name, w in params.items(): g, v = grads[name], velocity[name]"),
    ),
)
