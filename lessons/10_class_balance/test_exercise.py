"""Lesson 10: how class_weights, cosine_rate and adam_step are judged."""

from math import cos, pi

import numpy as np

from lessons.engine.exercises import Exercise, values
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.data.balance import median_frequency_weights
from tinysegnet.training import optim
from tinysegnet.training.loop import cosine_rate
from tinysegnet.training.optim import BETA2, EPS

rng = np.random.default_rng(10)
CAMVID = np.array([10682767, 14750079, 623349, 20076880, 2845085, 6166762, 743859, 714595, 3719877, 405385, 184967])
CAMVID_IMAGES = 360 * 480 * np.array([366, 365, 366, 367, 349, 319, 351, 173, 360, 317, 201])


# ---- class_weights ----

def frequencies(pixels, image_pixels):
    """Of the classes that are there; and which they are."""
    there = pixels > 0
    return pixels[there] / image_pixels[there], there


def placed(weights, there, absent=0.0):
    """These weights where a class is there."""
    found = np.full(len(there), float(absent))
    found[there] = weights
    return {"weights": found}


BALANCE = Table(
    "tinysegnet/data/balance.py",
    lambda: (
        (np.array([500, 40, 7, 130, 260]), np.array([1000, 800, 400, 900, 700]), 0.6),
        (np.array([90, 0, 31, 12, 0, 55, 7]), np.array([300, 0, 200, 100, 0, 280, 250]), 0.4),
    ),
    results=("weights",),
)


@BALANCE.mistake("the ratio is upside down: a rare class must weigh more, so its frequency divides")
def inverted(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    return placed((freq / np.median(freq)) ** power, there)


@BALANCE.mistake("a frequency is taken of the pixels of all images: divide by those of the images that contain the "
                 "class")
def over_all_pixels(pixels, image_pixels, power):
    freq, there = frequencies(pixels, np.full_like(pixels, pixels.sum()))
    return placed((np.median(freq) / freq) ** power, there)


@BALANCE.mistake("the mean of the frequencies is taken: it should be their median")
def mean_for_median(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    return placed((freq.mean() / freq) ** power, there)


@BALANCE.mistake("the median is that of the pixel counts: it should be that of the frequencies")
def median_of_pixels(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    return placed((np.median(pixels[there]) / freq) ** power, there)


@BALANCE.mistake("classes without a pixel count in the median, as if their frequency were 0: leave them out")
def absent_in_the_median(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    padded = np.append(freq, np.zeros(np.count_nonzero(~there)))
    return placed((np.median(padded) / freq) ** power, there)


@BALANCE.mistake("a class without a pixel gets the weight 1: it should be 0")
def absent_weighs_1(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    return placed((np.median(freq) / freq) ** power, there, absent=1)


@BALANCE.mistake("power is left out")
def no_power(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    return placed(np.median(freq) / freq, there)


@BALANCE.mistake("the weights are multiplied by power: they should be raised to it")
def times_power(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    return placed(power * np.median(freq) / freq, there)


@BALANCE.mistake("only the frequency is raised to power: the whole ratio should be")
def power_of_the_frequency(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    return placed(np.median(freq) / freq**power, there)


@BALANCE.mistake("the median is left out: 1 over the frequency makes all weights above 1, and the loss larger")
def no_median(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    return placed((1 / freq) ** power, there)


@BALANCE.mistake("the weights are divided by their sum: the class of middling frequency should weigh 1")
def adding_up_to_1(pixels, image_pixels, power):
    freq, there = frequencies(pixels, image_pixels)
    weights = (np.median(freq) / freq) ** power
    return placed(weights / weights.sum(), there)
BALANCE_CASES = (
    (np.array([240, 40, 20]), np.array([300, 200, 100]), 1.0),                      # the three images of the page
    (np.array([500, 40, 7, 130, 260]), np.array([1000, 800, 400, 900, 700]), 1.0),
    (np.array([500, 40, 7, 130]), np.array([1000, 800, 400, 900]), 1.0),            # a median between two classes
    (np.array([500, 40, 7, 130, 260]), np.array([1000, 800, 400, 900, 700]), 0.5),
    (CAMVID, CAMVID_IMAGES, 1.0),
    (CAMVID, CAMVID_IMAGES, 0.0),
    (np.array([90, 0, 31, 12, 0, 55, 7]), np.array([300, 0, 200, 100, 0, 280, 250]), 0.7),      # two are absent
    (np.array([0, 12, 0]), np.array([0, 40, 0]), 1.0),                              # one class, and nothing else
)


# ---- cosine_rate ----

def as_array(function):
    """A function that returns one number, as one that returns it as a NumPy number."""

    def run(*args):
        number = function(*args)
        return np.float64(number) if isinstance(number, int | float) else number

    run.__name__ = function.__name__
    return run


COSINE = Table("tinysegnet/training/loop.py", lambda: ((0.3, 3, 10), (0.07, 29, 37), (0.2, 0, 5)), results=("rate",))
COSINE.mistake("it begins at twice lr: 1 + cosine goes from 2 to 0, so halve it",
               not_halved=lambda lr, done, steps: np.float64(lr * (1 + cos(pi * done / steps))))
COSINE.mistake("it is a quarter of a wave: half a wave, from +1 to -1, lifted by 1 and halved",
               quarter=lambda lr, done, steps: np.float64(lr * cos(pi / 2 * done / steps)))
COSINE.mistake("it rises from 0 to lr: it should fall",
               rising=lambda lr, done, steps: np.float64(lr * (1 - cos(pi * done / steps)) / 2))
COSINE.mistake("the bare cosine goes down to -lr: lift it by 1, and halve it",
               not_lifted=lambda lr, done, steps: np.float64(lr * cos(pi * done / steps)))
COSINE.mistake("it falls in a straight line: it should follow half a cosine",
               linear=lambda lr, done, steps: np.float64(lr * (1 - done / steps)))
COSINE.mistake("it is a whole wave, which is back at lr at the end: half a wave is pi, not 2 pi",
               whole_wave=lambda lr, done, steps: np.float64(lr * (1 + cos(2 * pi * done / steps)) / 2))
COSINE.mistake("the angle is in degrees: the cosine of math and of NumPy takes radians, and half a wave is pi",
               in_degrees=lambda lr, done, steps: np.float64(lr * (1 + cos(180 * done / steps)) / 2))
COSINE.mistake("it is one step ahead: before the first step, where done is 0, the rate is lr itself",
               a_step_ahead=lambda lr, done, steps: np.float64(lr * (1 + cos(pi * (done + 1) / steps)) / 2))
COSINE.mistake("it divides by steps - 1, so the last step has a rate of 0 and is wasted: 0 comes after the last",
               zero_too_early=lambda lr, done, steps: np.float64(lr * (1 + cos(pi * done / (steps - 1))) / 2))
COSINE.mistake("pi is left out: half a wave is an angle that goes from 0 to pi",
               without_pi=lambda lr, done, steps: np.float64(lr * (1 + cos(done / steps)) / 2))
COSINE.mistake("lr is left out",
               without_lr=lambda lr, done, steps: np.float64((1 + cos(pi * done / steps)) / 2))
COSINE_CASES = (
    (0.1, 0, 100), (0.1, 50, 100), (0.1, 25, 100), (0.3, 3, 10), (0.06, 99, 100), (7e-4, 8000, 8280), (2.0, 0, 1),
)


# ---- adam_step ----

RESULTS = "w", "b", "m of w", "s of w", "m of b", "s of b", "t"


def in_place(step):
    """adam_step as a function of arrays, of one w and one b; what it changes are copies, and they are its results."""

    def run(w, b, dw, db, m, s, mb, sb, t, lr, momentum, weight_decay):
        params = {"w": w.copy(), "b": b.copy()}
        memory = {"w": m.copy(), "w.square": s.copy(), "b": mb.copy(), "b.square": sb.copy(), "steps": t.copy()}
        arrays = *params.values(), *memory.values()
        todo = step(params, {"w": dw, "b": db}, memory, lr, momentum, weight_decay) is NotImplemented
        return (None,) * len(arrays) if todo else arrays

    return run


def paced(m, s, t, momentum):
    """What a parameter moves by, before lr and decay."""
    return m / (1 - momentum**t) / (np.sqrt(s / (1 - BETA2**t)) + EPS)


def adam(w, b, dw, db, m, s, mb, sb, t, lr, momentum, weight_decay, *, ahead=1, sign=-1, pace=paced,
         mean=lambda m, g, momentum: momentum * m + (1 - momentum) * g,
         square=lambda s, g, m, momentum: BETA2 * s + (1 - BETA2) * g * g,
         decay=lambda w, weight_decay, lr: weight_decay * w if w.ndim == 4 else 0):
    """The results of a step in which one part is another."""
    t = t + ahead
    m, mb = mean(m, dw, momentum), mean(mb, db, momentum)
    s, sb = square(s, dw, m, momentum), square(sb, db, mb, momentum)
    with np.errstate(all="ignore"):
        w = w + sign * lr * (pace(m, s, t, momentum) + decay(w, weight_decay, lr))
        b = b + sign * lr * (pace(mb, sb, t, momentum) + decay(b, weight_decay, lr))
    return dict(zip(RESULTS, (w, b, m, s, mb, sb, np.asarray(t))))


def only(result, *names):
    return {name: result[name] for name in names}


def adam_case(rng, w_shape, b_shape, steps, lr, momentum, weight_decay, scale=1.0):
    """All that adam_step is given; after no steps the memory is 0, as at the beginning of a training."""
    w, dw, m, s = rng.standard_normal((4, *w_shape))
    b, db, mb, sb = rng.standard_normal((4, *b_shape))
    memory = scale * m, scale**2 * s * s, scale * mb, scale**2 * sb * sb
    if steps == 0:
        memory = tuple(np.zeros_like(a) for a in memory)
    return w, b, scale * dw, scale * db, *memory, np.array(float(steps)), lr, momentum, weight_decay


def generic_steps():
    rng = np.random.default_rng(0)
    yield adam_case(rng, (3, 3, 2, 4), (4,), 6, 0.1, 0.9, 0.3)
    yield adam_case(rng, (1, 1, 5, 2), (2,), 3, 0.7, 0.6, 0.2, scale=1e-3)


ADAM = Table("tinysegnet/training/optim.py", generic_steps, results=RESULTS)


@ADAM.mistake("the array in the dict is as it was: a = a - c makes a new array, and a -= c changes the one that is "
              "there")
def unchanged(w, b, dw, db, m, s, mb, sb, t, lr, momentum, weight_decay):
    return dict(zip(RESULTS, (w, b, m, s, mb, sb)))


ADAM.mistake("the step goes up the hill: subtract lr * pace",
             uphill=lambda *args: only(adam(*args, sign=1), "w", "b"))


@ADAM.mistake("m and s are not divided by 1 - momentum**t and 1 - BETA2**t: both began at 0, and are too small at "
              "first")
def uncorrected(*args):
    return only(adam(*args, pace=lambda m, s, t, momentum: m / (np.sqrt(s) + EPS)), "w", "b")


@ADAM.mistake("m is not divided by 1 - momentum**t")
def mean_uncorrected(*args):
    return only(adam(*args, pace=lambda m, s, t, momentum: paced(m * (1 - momentum**t), s, t, momentum)), "w", "b")


@ADAM.mistake("s is not divided by 1 - BETA2**t")
def square_uncorrected(*args):
    return only(adam(*args, pace=lambda m, s, t, momentum: paced(m, s * (1 - BETA2**t), t, momentum)), "w", "b")


@ADAM.mistake("the root is missing: m is divided by the mean square, and should be by its root")
def no_root(*args):
    found = adam(*args, pace=lambda m, s, t, momentum: m / (1 - momentum**t) / (s / (1 - BETA2**t) + EPS))
    return only(found, "w", "b")


@ADAM.mistake("EPS is added inside the root: add it after the root")
def tiny_in_the_root(*args):
    found = adam(*args, pace=lambda m, s, t, momentum: m / (1 - momentum**t) / np.sqrt(s / (1 - BETA2**t) + EPS))
    return only(found, "w", "b")


@ADAM.mistake("the two corrections are exchanged: 1 - momentum**t is for m, and 1 - BETA2**t for s")
def corrections_exchanged(*args):
    found = adam(*args, pace=lambda m, s, t, momentum: m / (1 - BETA2**t) / (np.sqrt(s / (1 - momentum**t)) + EPS))
    return only(found, "w", "b")


ADAM.mistake('t is as it was: memory["steps"] should grow by 1 at each step, in place (+=)',
             t_not_raised=lambda *args: only(adam(*args, ahead=0), "t"))
ADAM.mistake("t grows once for each parameter: it should grow once in a step, before the names are gone through",
             raised_for_each_name=lambda *args: only(adam(*args, ahead=2), "t"))
ADAM.mistake("the correction is made with the old t: count this step before you use it",
             old_t=lambda *args: only(adam(*args, ahead=0), "w", "b"))


@ADAM.mistake("the new gradient counts in full: in this mean it is weighed by 1 - momentum")
def mean_is_a_sum(*args):
    return only(adam(*args, mean=lambda m, g, momentum: momentum * m + g), "w", "b", "m of w", "m of b")


@ADAM.mistake("the old mean is weighed by 1 - momentum and the new gradient by momentum: the other way round")
def weights_exchanged(*args):
    return only(
        adam(*args, mean=lambda m, g, momentum: (1 - momentum) * m + momentum * g), "w", "b", "m of w", "m of b",
    )


@ADAM.mistake("s takes the square of m: it should take that of g")
def square_of_the_mean(*args):
    found = adam(*args, square=lambda s, g, m, momentum: BETA2 * s + (1 - BETA2) * m * m)
    return only(found, "w", "b", "s of w", "s of b")


@ADAM.mistake("s takes the gradient without its sign: it should take its square")
def absolute_value(*args):
    found = adam(*args, square=lambda s, g, m, momentum: BETA2 * s + (1 - BETA2) * np.abs(g))
    return only(found, "w", "b", "s of w", "s of b")


@ADAM.mistake("s forgets by momentum: it should forget by BETA2")
def momentum_for_both(*args):
    found = adam(*args, square=lambda s, g, m, momentum: momentum * s + (1 - momentum) * g * g)
    return only(found, "w", "b", "s of w", "s of b")


ADAM.mistake("weight_decay is left out: this w has four dimensions, so it decays",
             no_decay=lambda *args: only(adam(*args, decay=lambda w, weight_decay, lr: 0), "w"))


@ADAM.mistake("weight_decay * w is not multiplied by lr: it is part of the pace")
def decay_without_rate(*args):
    return only(adam(*args, decay=lambda w, weight_decay, lr: weight_decay * w / lr), "w")


ADAM.mistake("the weights of fewer than four dimensions decay too: only those of four should",
             biases_decay=lambda *args: only(adam(*args, decay=lambda w, weight_decay, lr: weight_decay * w), "b"))


@ADAM.mistake("weight_decay * w is added to the gradient, where m and s take it up: it should be added to the pace at "
              "the end")
def decay_in_the_gradient(w, b, dw, *others):
    dw = dw + others[-1] * w
    return only(adam(w, b, dw, *others, decay=lambda w, weight_decay, lr: 0), "w", "m of w", "s of w")
ADAM_CASES = (
    (np.ones((1, 1, 1, 1)), np.ones(1), np.full((1, 1, 1, 1), 2.0), np.array([-0.5]), np.zeros((1, 1, 1, 1)),
     np.zeros((1, 1, 1, 1)), np.zeros(1), np.zeros(1), np.array(0.0), 0.1, 0.9, 0.0),      # the first step of the page
    adam_case(rng, (3, 3, 2, 4), (4,), 0, 0.1, 0.9, 0.0),
    adam_case(rng, (3, 3, 2, 4), (4,), 1, 0.1, 0.9, 0.0),
    adam_case(rng, (3, 3, 2, 4), (4,), 6, 0.1, 0.9, 0.3),
    adam_case(rng, (5, 5, 1, 3), (3,), 400, 0.01, 0.5, 0.1),
    adam_case(rng, (1, 1, 5, 2), (2,), 3, 0.5, 0.6, 0.2, scale=1e-3),                      # small gradients
)


def million():
    rng = np.random.default_rng(0)
    args = adam_case(rng, (7, 7, 64, 64), (64,), 3, 0.1, 0.9, 0.01)
    w, b, dw, db, m, s, mb, sb, t = (a.astype(np.float32) for a in args[:9])
    return {"w": w, "b": b}, {"w": dw, "b": db}, {"w": m, "w.square": s, "b": mb, "b.square": sb, "steps": t}


EXERCISES = (
    Exercise(
        "class_weights",
        values(
            median_frequency_weights, *BALANCE_CASES, results=("weights",), names=("pixels", "image_pixels", "power"),
            mistakes=BALANCE,
        ),
        answer=median_frequency_weights,
        hints=(
            "Two lists, one frequency for each class. Divide the middle one by each of them. First set aside the "
            "classes that have no pixel.",
            "present = pixels > 0 is (classes,), True and False; pixels[present] has only the classes that occur. "
            "weights begins as np.zeros(classes).",
            "freq = pixels[present] / image_pixels[present]",
        ),
        differs="has the same five lines",
        read="tinysegnet/data/balance.py",
        race=lambda: (CAMVID, CAMVID_IMAGES),
    ),
    Exercise(
        "cosine_rate",
        values(
            as_array(cosine_rate), *COSINE_CASES, results=("rate",), names=("lr", "done", "steps"), mistakes=COSINE,
            adapt=as_array,
        ),
        answer=cosine_rate,
        hints=(
            "A cosine falls from 1 to -1 while its angle goes from 0 to pi. You want lr to 0. What must be added, and "
            "by what divided?",
            "All three are plain numbers. done / steps goes from 0 to 1: that is the share of the training behind you.",
            "angle = math.pi * done / steps",
        ),
        differs="is the same line",
        read="tinysegnet/training/loop.py",
        race=lambda: (0.1, 30, 100),
    ),
    Exercise(
        "adam_step",
        values(
            in_place(optim.adam_step), *ADAM_CASES, results=RESULTS,
            names=("w", "b", "dw", "db", "m", "s", "mb", "sb", "t", "lr", "momentum", "weight_decay"), mistakes=ADAM,
            adapt=in_place,
        ),
        answer=optim.adam_step,
        hints=(
            "Count the step first, once and not for each name. Then go through the names: m, s, the pace, w. All in "
            "place: m *= ..., m += ...",
            "g, w, m and s of one name have one shape; 1 - momentum**t is one number. w.ndim == 4 says whether it "
            "decays.",
            'memory["steps"] += 1, and then for name, w in params.items(): g, m, s = grads[name], memory[name], '
            'memory[f"{name}.square"]',
        ),
        differs="does the same, after it has checked that every parameter has a gradient and a memory like it",
        read="tinysegnet/training/optim.py",
        race=lambda: (*million(), 0.1, 0.9, 0.01),
    ),
)
