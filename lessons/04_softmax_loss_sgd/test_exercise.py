"""Lesson 04: how softmax, the loss, its gradient and sgd_step are judged."""

from functools import wraps
from types import SimpleNamespace

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops
from tinysegnet.checker.forwardcheck import ForwardError
from tinysegnet.checker.mistakes import loss
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
        value, cache = result if isinstance(result, tuple | list) and len(result) == 2 else (result, ())
        if cache is None:
            return value, None, None, None
        if not isinstance(cache, tuple | list) or len(cache) != 3:
            raise ForwardError("  softmax_cross_entropy should return loss, (log_p, one_hot, weights)", LOSS_RESULTS)
        return value, *cache

    return run


def generic_losses():
    """The library's, one whose label to ignore is a class, and one in which some p are far below rounding."""
    rng = np.random.default_rng(0)
    yield from loss.cases()
    for shape, scale, ignore in ((2, 5, 3, 4), 1, 0), ((3, 2, 4, 5), 20, 5):
        labels = rng.integers(0, shape[3] + (ignore == shape[3]), shape[:3])
        yield scale * rng.standard_normal(shape), labels, rng.uniform(0.5, 2, shape[3]), ignore


LOSS = Table(loss.READ, generic_losses, mistakes=loss.forward.mistakes, formulas=loss.forward.formulas)


@LOSS.formula
def right_cache(logits, labels, class_weights, ignore):
    labelled = labels != ignore
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    one_hot = (labels[..., None] == np.arange(logits.shape[-1])) & labelled[..., None]
    weights = (one_hot * class_weights).sum(axis=-1) / labelled.sum()
    return log_p, one_hot, weights


def log_p_of(at):
    return loss.log_softmax(at.logits)


def largest(at):
    return at.logits.max(axis=-1, keepdims=True)


LOSS.mistake("log_p is p itself: take its logarithm", "log_p", p_itself=loss.of(lambda at: at.p))
LOSS.mistake("log_p has its sign turned round: a logarithm of what is below 1 is negative", "log_p",
             minus_log_p=loss.of(lambda at: -log_p_of(at)))
LOSS.mistake("log_p is 0 but at the label: it has the logarithm for every class", "log_p",
             only_at_the_label=loss.of(lambda at: log_p_of(at) * at.one_hot))
LOSS.mistake("log_p is 0 in pixels that are ignored: it has the logarithm in every pixel", "log_p",
             only_labelled=loss.of(lambda at: log_p_of(at) * at.labelled[..., None]))
LOSS.mistake("the largest logit is taken away in the sum of the exponentials and not in front of it: shift both",
             "log_p", shifted_in_the_sum=loss.of(lambda at: log_p_of(at) + largest(at)))
LOSS.mistake("the largest logit is taken away in front of the sum of the exponentials and not in it: shift both",
             "log_p", shifted_in_front=loss.of(lambda at: log_p_of(at) - largest(at)))
LOSS.mistake("log_p is the logits: the logarithm of the sum of all exponentials is missing", "log_p",
             the_logits=loss.of(lambda at: at.logits))
LOSS.mistake("log_p is multiplied by the class weights: those belong in weights", "log_p",
             log_p_weighted=loss.of(lambda at: log_p_of(at) * at.class_weights))
LOSS.mistake("the logarithm is that to base 2: take the natural one, np.log", "log_p",
             log_2=loss.of(lambda at: log_p_of(at) / np.log(2)))
LOSS.mistake("the logarithm is that to base 10: take the natural one, np.log", "log_p",
             log_10=loss.of(lambda at: log_p_of(at) / np.log(10)))
LOSS.mistake("this is log(1 - p): take log p", "log_p", log_of_the_rest=loss.of(lambda at: np.log(1 - at.p + 1e-300)))


def from_p(change):
    """loss and log_p if log p is the logarithm of change(p)."""

    def wrong(logits, labels, class_weights, ignore):
        at = loss.parts(logits, labels, class_weights, ignore)
        log_p = np.log(change(at.p))
        return -(at.weights * (log_p * at.one_hot).sum(axis=-1)).sum() / at.count, log_p

    return wrong


for tiny in 1e-7, 1e-8, 1e-10, 1e-12, 1e-15:
    LOSS.mistake("a small number is added to p before the logarithm, or p is cut off there, so log p gets no lower: "
                 "take it from the logits, shifted - log(sum of the exponentials)", "loss", "log_p",
                 added=from_p(lambda p, tiny=tiny: p + tiny), cut_off=from_p(lambda p, tiny=tiny: np.maximum(p, tiny)),
                 cut_off_above_too=from_p(lambda p, tiny=tiny: np.clip(p, tiny, 1 - tiny)))


def ignored_only_above_the_classes(logits, labels, class_weights, ignore):
    return loss.parts(logits, labels, class_weights, logits.shape[-1])


@LOSS.mistake("pixels of the label `ignore` count where it is one of the classes: leave them out whatever it is",
              "loss", "one_hot", "weights")
def counted_below_the_classes(*args):
    at = ignored_only_above_the_classes(*args)
    return (at.weights * at.surprise).sum() / at.count, at.one_hot, at.weights / at.count


@LOSS.mistake("pixels of the label `ignore` count where it is one of the classes: leave them out whatever it is",
              "loss", "weights")
def not_masked(*args):
    at, count = ignored_only_above_the_classes(*args), loss.parts(*args).count
    return (at.weights * at.surprise).sum() / count, at.weights / count


def counted_where(counts):
    """loss, one_hot and weights if counts(labels, ignore) says which pixels count."""

    def wrong(logits, labels, class_weights, ignore):
        counted, elsewhere = counts(labels, ignore), -1
        at = loss.parts(logits, np.where(counted & (labels < logits.shape[-1]), labels, elsewhere), class_weights, -1)
        count = max(counted.sum(), 1)
        return (at.weights * at.surprise).sum() / count, at.one_hot, at.weights / count

    return wrong


LOSS.mistake("only pixels whose label is below `ignore` count: those above do too, ignore is any number", "loss",
             "one_hot", "weights", below=counted_where(lambda labels, ignore: labels < ignore))
LOSS.mistake("pixels of class 0 do not count: all do but those of the label `ignore`", "loss", "one_hot", "weights",
             without_class_0=counted_where(lambda labels, ignore: labels > 0))


def ignored_as(label):
    """one_hot and weights if the ignored pixels are taken for those of a class."""

    def wrong(logits, labels, class_weights, ignore):
        labels, count = np.where(labels == ignore, label, labels) % logits.shape[-1], (labels != ignore).sum()
        at = loss.parts(logits, labels, class_weights, ignore=-1)
        return at.one_hot, at.weights / count

    return wrong


LOSS.mistake("pixels to be ignored are taken for the first class: there one_hot is False and the weight 0", "one_hot",
             "weights", ignored_as_the_first=ignored_as(0))
LOSS.mistake("pixels to be ignored are taken for the last class: there one_hot is False and the weight 0", "one_hot",
             "weights", ignored_as_the_last=ignored_as(-1))
LOSS.mistake("the classes are counted from 1: they are 0 to classes - 1", "one_hot", from_one=loss.of(lambda at: (
    at.labels[..., None] == np.arange(1, at.logits.shape[-1] + 1)) & at.labelled[..., None]))
LOSS.mistake("one_hot is True at the largest logit: it should be True at the label", "one_hot",
             of_the_answer=loss.of(lambda at: (at.logits == largest(at)) & at.labelled[..., None]))
LOSS.mistake("the weights are not divided by the number of labelled pixels", "weights",
             not_divided=loss.of(lambda at: at.weights))
LOSS.mistake("the weights are divided by the number of all pixels: divide by that of the labelled ones", "weights",
             divided_by_all=loss.of(lambda at: at.weights / at.labels.size))
LOSS.mistake("the weights are divided by their sum: divide by the number of labelled pixels", "weights",
             divided_by_sum=loss.of(lambda at: at.weights / at.weights.sum()))
LOSS.mistake("the weights are divided by the number of images: divide by the number of labelled pixels", "weights",
             divided_by_images=loss.of(lambda at: at.weights / len(at.labels)))
LOSS.mistake("the weights are divided by the pixels of one image: divide by the number of labelled pixels", "weights",
             divided_by_one_image=loss.of(lambda at: at.weights / at.labels[0].size))
LOSS.mistake("the weights are divided by the number of labelled pixels and 1 more: 1 is for no labelled pixel at all",
             "weights", divided_by_one_more=loss.of(lambda at: at.weights / (at.count + 1)))
LOSS.mistake("the weights are divided by the number of labelled pixels twice", "weights",
             divided_twice=loss.of(lambda at: at.weights / at.count**2))
LOSS.mistake("the class weights are left out of the weights", "weights",
             no_class_weights=loss.of(lambda at: at.labelled / at.count))
LOSS.mistake("a pixel has the weight of the class with the largest logit: it should have that of its label", "weights",
             weight_of_the_answer=loss.of(
                 lambda at: at.class_weights[at.logits.argmax(axis=-1)] * at.labelled / at.count))
LOSS.mistake("the weights have -log p in them: that comes when the loss is added up", "weights",
             with_surprise=loss.of(lambda at: at.weights * at.surprise / at.count))
LOSS.mistake("ignored pixels have the weight of 1 pixel: they have 0", "weights", one_for_ignored=loss.of(
                 lambda at: np.where(at.labelled, at.weights, 1) / at.count))


W, B = "encoder1.kernel", "encoder1.w"       # by whose names nobody can tell which of them decays


def in_place(step):
    """sgd_step as a function of arrays, of one w and one b, by the names that they have in a network; what it changes
    are copies, and they are its results."""

    def run(w, b, dw, db, vw, vb, lr, momentum, weight_decay):
        params, velocity = {W: w.copy(), B: b.copy()}, {W: vw.copy(), B: vb.copy()}
        arrays = *params.values(), *velocity.values()
        todo = step(params, {W: dw, B: db}, velocity, lr, momentum, weight_decay) is NotImplemented
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
wrong_step("minus_velocity", "v has its sign turned round: v = momentum * v + lr * (...), and w = w - v",
           "v of w", "v of b", v=lambda at: -at.momentum * at.v - at.step)
wrong_step("velocity_downhill", "v is momentum * v - lr * (...): add the second, v = momentum * v + lr * (...), and "
           "then w = w - v", v=lambda at: at.momentum * at.v - at.step)
wrong_step("velocity_downhill_and_added", "w goes on by momentum * v - lr * (...): v = momentum * v + lr * "
           "(...), and then w = w - v", "w", "b", v=lambda at: at.momentum * at.v - at.step, w=lambda at, v: at.w + v)
wrong_step("old_less", "the old velocity is weighed by 1 - momentum: it should be by momentum",
           v=lambda at: (1 - at.momentum) * at.v + at.step)
wrong_step("decay_rate_twice", "weight_decay * w is multiplied by lr twice: lr is before the bracket", "w", "v of w",
           v=lambda at: at.momentum * at.v + at.lr * (at.g + at.lr * at.decay * at.w))
wrong_step("decay_half", "the decay counts half: it is weight_decay * w, without a 1/2", "w", "v of w",
           v=lambda at: at.momentum * at.v + at.lr * (at.g + at.decay * at.w / 2))
wrong_step("decay_squared", "the decay has the square of w: its slope is w, weight_decay * w", "w", "v of w",
           v=lambda at: at.momentum * at.v + at.lr * (at.g + at.decay * at.w**2))
wrong_step("gradient_alone", "w moves by its gradient alone, without lr: it moves by v", "w", "b",
           w=lambda at, v: at.w - at.g - at.decay * at.w)
wrong_step("rate_twice", "lr is multiplied in twice: it is in v already, so w = w - v", "w", "b",
           w=lambda at, v: at.w - at.lr * v)
wrong_step("decay_of_moved", "the decay goes into w and not through the velocity (as AdamW has it): it belongs into "
           "v", "w", v=lambda at: at.momentum * at.v + at.lr * at.g,
           w=lambda at, v: (at.w - v) * (1 - at.lr * at.decay))
wrong_step("gradient_for_velocity", "v is the new gradient alone, without lr and without the old v", "v of w", "v of b",
           v=lambda at: at.g + at.decay * at.w)
wrong_step("decay_with_momentum", "weight_decay * w is multiplied by momentum: it belongs inside the bracket, with "
           "g", "w", "v of w", v=lambda at: at.momentum * (at.v + at.decay * at.w) + at.lr * at.g)
STEP_CASES = (
    (np.ones((1, 1, 1, 1)), np.ones(1), np.full((1, 1, 1, 1), 2.0), np.array([3.0]),
     np.zeros((1, 1, 1, 1)), np.zeros(1), 0.1, 0.9, 0.1),
    step_case(rng, (3, 3, 2, 4), (4,), 0.1, 0.9, 0.05, start=0),
    step_case(rng, (3, 3, 2, 4), (4,), 0.1, 0.9, 0.05),
    step_case(rng, (1, 1, 5, 2), (2,), 0.5, 0.0, 0.01),
    step_case(rng, (3, 3, 2, 4), (4, 3), 0.5, 0.9, 0.1),
    step_case(rng, (5, 5, 1, 3), (3,), 0.01, 0.5, 0.0),
    step_case(rng, (1, 1, 2, 3), (2, 4, 3), 0.2, 0.8, 0.3),
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
            flat(ops.softmax_cross_entropy), *LOSS_CASES[:2], LARGE_LOGITS, *LOSS_CASES[2:],
            results=LOSS_RESULTS, names=("logits", "labels", "class_weights"), mistakes=LOSS, adapt=flat,
        ),
        answer=ops.softmax_cross_entropy, read="tinysegnet/ops/loss.py", race=lambda: (LOGITS, LABELS, WEIGHTS, 11),
        differs="works class by class in memory, which is faster, and calls weights pixel_weights",
        hints=("Take log_p first, and never as np.log(p). Multiplied by it, one_hot picks out log_p[label] in each "
               "pixel.",
               "labels[..., None] == np.arange(classes) is (N, H, W, classes); so is one_hot. weights is (N, H, W), "
               "and max(int(count), 1) is what to divide by.",
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
