"""Lesson 10: how class_weights, cosine_rate and adam_step are judged."""

from functools import partial
from math import cos, pi, sin

import numpy as np

from lessons.engine.exercises import Exercise, as_array, values
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.data.balance import median_frequency_weights
from tinysegnet.training import optim
from tinysegnet.training.loop import cosine_rate
from tinysegnet.training.optim import BETA2, EPS

rng = np.random.default_rng(10)
CAMVID = np.array([10682767, 14750079, 623349, 20076880, 2845085, 6166762, 743859, 714595, 3719877, 405385, 184967])
CAMVID_IMAGES = 360 * 480 * np.array([366, 365, 366, 367, 349, 319, 351, 173, 360, 317, 201])


# ---- class_weights ----

def weights(ratio=lambda median, freq, power: (median / freq) ** power,
            median=lambda freq, pixels: np.median(freq[pixels > 0]), absent=0.0):
    """Wrong weights: ratio(median, freq, power) for the classes that are there, and `absent` for the others."""

    def wrong(pixels, image_pixels, power):
        freq, there = pixels / np.maximum(image_pixels, 1), pixels > 0
        found = np.full(len(pixels), float(absent))
        found[there] = ratio(median(freq, pixels), freq[there], power)
        return found

    return wrong


def adding_up_to_classes(found):
    return found * len(found) / found.sum()


BALANCE = Table(
    "tinysegnet/data/balance.py",
    lambda: (
        (np.array([500, 40, 7, 130, 260]), np.array([1000, 800, 400, 900, 700]), 0.6),
        (np.array([90, 0, 31, 12, 0, 55, 7]), np.array([300, 0, 200, 100, 0, 280, 250]), 0.4),
        (np.array([60, 11, 0, 37, 150]), np.array([700, 900, 0, 800, 500]), 0.8),       # a median between two classes
    ),
    results=("weights",),
    axes=("class",),
)


@BALANCE.formula
def right_weights(pixels, image_pixels, power):
    there, frequency = pixels > 0, pixels / np.maximum(image_pixels, 1)
    weights = np.where(there, (np.median(frequency[there]) / frequency) ** power, 0)
    return weights


BALANCE.mistake("the ratio is upside down: a rare class must weigh more, so its frequency divides",
                inverted=weights(lambda median, freq, power: (freq / median) ** power))
BALANCE.mistake("a frequency is taken of the pixels of all images: divide by those of the images that contain the "
                "class", over_all_pixels=lambda pixels, image_pixels, power: (
                    median_frequency_weights(pixels, np.full_like(pixels, pixels.sum()), power)))
BALANCE.mistake("the mean of the frequencies is taken: it should be their median",
                mean_for_median=weights(median=lambda freq, pixels: freq[pixels > 0].mean()))
BALANCE.mistake("the median is that of the pixel counts: it should be that of the frequencies",
                median_of_pixels=weights(median=lambda freq, pixels: np.median(pixels[pixels > 0])))
BALANCE.mistake("classes without a pixel count in the median, as if their frequency were 0: leave them out",
                absent_in_the_median=weights(median=lambda freq, pixels: np.median(freq)))
BALANCE.mistake("a class without a pixel gets the weight 1: it should be 0", absent_weighs_1=weights(absent=1))
BALANCE.mistake("power is left out", no_power=weights(lambda median, freq, power: median / freq))
BALANCE.mistake("the weights are multiplied by power: they should be raised to it",
                times_power=weights(lambda median, freq, power: power * median / freq))
BALANCE.mistake("only the frequency is raised to power: the whole ratio should be",
                power_of_the_frequency=weights(lambda median, freq, power: median / freq**power))
BALANCE.mistake("the median is left out: 1 over the frequency makes all weights above 1, and the loss larger",
                no_median=weights(lambda median, freq, power: (1 / freq) ** power))
BALANCE.mistake("the weights are divided by their sum: the class of middling frequency should weigh 1",
                adding_up_to_1=weights(lambda median, freq, power: freq**-power / (freq**-power).sum()))
BALANCE.mistake("the weights are divided by their mean: the class of middling frequency should weigh 1",
                of_mean_1=weights(lambda median, freq, power: freq**-power / (freq**-power).mean()))
BALANCE.mistake("the weights add up to the number of classes: the class of middling frequency should weigh 1",
                adding_up_to_classes=lambda pixels, image_pixels, power: adding_up_to_classes(
                    median_frequency_weights(pixels, image_pixels, power)))
BALANCE.mistake("the weights are divided by the largest: the class of middling frequency should weigh 1",
                of_maximum_1=weights(lambda median, freq, power: freq**-power / (freq**-power).max()))
BALANCE.mistake("of an even number of classes the lower of the two in the middle is taken: the median is their mean",
                lower_median=weights(median=lambda freq, pixels: np.sort(freq[pixels > 0])[(sum(pixels > 0) - 1) // 2]))
BALANCE.mistake("of an even number of classes the upper of the two in the middle is taken: the median is their mean",
                upper_median=weights(median=lambda freq, pixels: np.sort(freq[pixels > 0])[sum(pixels > 0) // 2]))
BALANCE.mistake("in the place of the median is the frequency in the middle of the list, which is not sorted",
                unsorted_median=weights(median=lambda freq, pixels: freq[pixels > 0][sum(pixels > 0) // 2]))
BALANCE.mistake("in the place of the median is the largest frequency",
                largest_for_median=weights(median=lambda freq, pixels: freq.max()))
BALANCE.mistake("only the median is raised to power: the whole ratio should be",
                power_of_the_median=weights(lambda median, freq, power: median**power / freq))
BALANCE.mistake("a weight is 1 less the frequency: it should be the median divided by the frequency",
                one_less_frequency=weights(lambda median, freq, power: (1 - freq) ** power))

BALANCE_CASES = (
    (np.array([240, 40, 20]), np.array([300, 200, 100]), 1.0),                      # the three images of the page
    (np.array([500, 40, 7, 130, 260]), np.array([1000, 800, 400, 900, 700]), 1.0),
    (np.array([500, 40, 7, 130]), np.array([1000, 800, 400, 900]), 1.0),            # a median between two classes
    (np.array([500, 40, 7, 130, 260]), np.array([1000, 800, 400, 900, 700]), 0.5),
    (CAMVID, CAMVID_IMAGES, 1.0),
    (CAMVID, CAMVID_IMAGES, 0.0),
    (np.array([90, 0, 31, 12]), np.array([300, 0, 200, 100]), 0.0),                 # one is absent
    (np.array([90, 0, 31, 12, 0, 55, 7]), np.array([300, 0, 200, 100, 0, 280, 250]), 0.7),      # two are absent
    (np.array([90, 1, 30]), np.array([300, 200, 100]), 1.0),                        # a class of one pixel
    (np.array([0, 12, 0]), np.array([0, 40, 0]), 1.0),                              # one class, and nothing else
    (np.random.default_rng(0).integers(1, 500, 8), np.random.default_rng(1).integers(500, 999, 8), 0.6),
)


# ---- cosine_rate ----

COSINE = Table("tinysegnet/training/loop.py", lambda: ((0.3, 3, 10), (0.07, 29, 37), (0.2, 0, 5)), results=("rate",))


@COSINE.formula
def right_rate(lr, done, steps):
    rate = lr * (1 + cos(pi * done / steps)) / 2
    return rate


COSINE.mistake("it begins at twice lr: 1 + cosine goes from 2 to 0, so halve it",
               not_halved=lambda lr, done, steps: lr * (1 + cos(pi * done / steps)))
COSINE.mistake("it is a quarter of a wave: half a wave, from +1 to -1, lifted by 1 and halved",
               quarter=lambda lr, done, steps: lr * cos(pi / 2 * done / steps))
COSINE.mistake("it rises from 0 to lr: it should fall",
               rising=lambda lr, done, steps: lr * (1 - cos(pi * done / steps)) / 2)
COSINE.mistake("the bare cosine goes down to -lr: lift it by 1, and halve it",
               not_lifted=lambda lr, done, steps: lr * cos(pi * done / steps))
COSINE.mistake("it falls in a straight line: it should follow half a cosine",
               linear=lambda lr, done, steps: lr * (1 - done / steps))
COSINE.mistake("it is a whole wave, which is back at lr at the end: half a wave is pi, not 2 pi",
               whole_wave=lambda lr, done, steps: lr * (1 + cos(2 * pi * done / steps)) / 2)
COSINE.mistake("the angle is in degrees: the cosine of math and of NumPy takes radians, and half a wave is pi",
               in_degrees=lambda lr, done, steps: lr * (1 + cos(180 * done / steps)) / 2)
COSINE.mistake("it is one step ahead: before the first step, where done is 0, the rate is lr itself",
               a_step_ahead=lambda lr, done, steps: lr * (1 + cos(pi * (done + 1) / steps)) / 2)
COSINE.mistake("it divides by steps - 1, so the last step has a rate of 0 and is wasted: 0 comes after the last",
               zero_too_early=lambda lr, done, steps: lr * (1 + cos(pi * done / (steps - 1))) / 2)
COSINE.mistake("pi is left out: half a wave is an angle that goes from 0 to pi",
               without_pi=lambda lr, done, steps: lr * (1 + cos(done / steps)) / 2)
COSINE.mistake("it is a sine, which first rises: a cosine falls from the start",
               sine=lambda lr, done, steps: lr * (1 + sin(pi * done / steps)) / 2)
COSINE.mistake("it is one step behind: before the first step, where done is 0, the rate is lr itself",
               a_step_behind=lambda lr, done, steps: lr * (1 + cos(pi * (done - 1) / steps)) / 2)
COSINE.mistake("it divides by steps + 1: the wave ends after `steps` steps",
               zero_too_late=lambda lr, done, steps: lr * (1 + cos(pi * done / (steps + 1))) / 2)
COSINE.mistake("it is lr at every step, as if done were 0 all the time: is a share rounded down?",
               constant=lambda lr, done, steps: lr)
COSINE.mistake("the share of lr is squared: it is (1 + cosine) / 2 as it stands",
               squared=lambda lr, done, steps: lr * cos(pi / 2 * done / steps) ** 4)
COSINE.mistake("the angle is rounded down to a whole number: divide by / and not by //",
               rounded_down=lambda lr, done, steps: lr * (1 + cos(pi * done // steps)) / 2)
COSINE.mistake("lr is left out", without_lr=lambda lr, done, steps: (1 + cos(pi * done / steps)) / 2)
COSINE_CASES = (
    (0.1, 0, 100), (0.1, 50, 100), (0.1, 25, 100), (0.3, 3, 10), (0.06, 99, 100), (7e-4, 8000, 8280), (2.0, 0, 1),
    (0.5, int(np.random.default_rng(0).integers(1, 800)), 800),
)


# ---- adam_step ----

RESULTS = "w", "b", "m of w", "s of w", "m of b", "s of b", "t"


W, B = "encoder1.kernel", "encoder1.w"       # by whose names nobody can tell which of them decays


def in_place(step):
    """adam_step as a function of arrays, of one w and one b, by the names that they have in a network; what it changes
    are copies, and they are its results."""

    def run(w, b, dw, db, m, s, mb, sb, t, lr, momentum, weight_decay):
        params = {W: w.copy(), B: b.copy()}
        memory = {W: m.copy(), f"{W}.square": s.copy(), B: mb.copy(), f"{B}.square": sb.copy(), "steps": t.copy()}
        arrays = *params.values(), *memory.values()
        todo = step(params, {W: dw, B: db}, memory, lr, momentum, weight_decay) is NotImplemented
        untouched = all(np.array_equal(a, before) for a, before in zip(arrays, (w, b, m, s, mb, sb, t)))
        return (None,) * len(arrays) if todo and untouched else arrays

    return run


def update(m, s, of_m, of_s):
    """What a parameter moves by, before lr and decay; of_m is 1 - momentum**t, and of_s is 1 - BETA2**t."""
    return m / of_m / (np.sqrt(s / of_s) + EPS)


def adam(w, b, dw, db, m, s, mb, sb, t, lr, momentum, weight_decay, *, ahead=1, sign=-1, update=update,
         mean=lambda m, g, momentum: momentum * m + (1 - momentum) * g,
         square=lambda s, g, m, momentum: BETA2 * s + (1 - BETA2) * g * g,
         decay=lambda w, weight_decay, lr: weight_decay * w if w.ndim == 4 else 0):
    """The results of a step in which one part is another."""
    t = t + ahead
    m, mb = mean(m, dw, momentum), mean(mb, db, momentum)
    s, sb = square(s, dw, m, momentum), square(sb, db, mb, momentum)
    of_m, of_s = 1 - momentum**t, 1 - BETA2**t
    with np.errstate(all="ignore"):
        w = w + sign * lr * (update(m, s, of_m, of_s) + decay(w, weight_decay, lr))
        b = b + sign * lr * (update(mb, sb, of_m, of_s) + decay(b, weight_decay, lr))
    return dict(zip(RESULTS, (w, b, m, s, mb, sb, np.asarray(t))))


def corrected_in_memory(*args):
    """What of the memory is used in the step, and should not be kept."""
    right, (*_, momentum, _) = adam(*args), args
    share = {"m": 1 - momentum ** right["t"], "s": 1 - BETA2 ** right["t"]}
    return {name: right[name] / share[name[0]] for name in RESULTS if name[0] in share}


def decay_of_the_new_w(*args):
    *_, lr, _, weight_decay = args
    return {"w": adam(*args, decay=lambda w, weight_decay, lr: 0)["w"] * (1 - lr * weight_decay)}


def corrected_without_t(*args):
    return adam(*args, update=lambda m, s, *_: update(m, s, 1 - args[-2], 1 - BETA2))


def gradient_for_mean(w, b, dw, db, *args):
    """adam whose update has g where m / (1 - momentum**t) should be."""
    gradients = iter((dw, db))
    return adam(w, b, dw, db, *args, update=lambda m, s, of_m, of_s: update(next(gradients), s, 1, of_s))


def memory_of_before(w, b, dw, db, m, s, mb, sb, *args):
    memory = iter(((m, s), (mb, sb)))
    return adam(w, b, dw, db, m, s, mb, sb, *args, update=lambda *now: update(*next(memory), *now[2:]))


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
    yield adam_case(rng, (3, 3, 2, 4), (4, 2), 6, 0.1, 0.9, 0.3)
    yield adam_case(rng, (1, 1, 5, 2), (2, 3), 3, 0.7, 0.6, 0.2, scale=1e-3)


ADAM = Table("tinysegnet/training/optim.py", generic_steps, results=RESULTS, axes=("channel",))


@ADAM.formula
def right_w_and_memory(w, b, dw, db, m, s, mb, sb, t, lr, momentum, weight_decay):
    m_of_w = momentum * m + (1 - momentum) * dw
    s_of_w = BETA2 * s + (1 - BETA2) * np.square(dw)
    moved, _ = update(m_of_w, s_of_w, 1 - momentum ** (t + 1), 1 - BETA2 ** (t + 1)), None
    w = w - lr * (moved + weight_decay * w)
    return w, m_of_w, s_of_w


ADAM.mistake("the array in the dict is as it was: a = a - c makes a new array, and a -= c changes the one that is "
             "there", *RESULTS[:-1], unchanged=lambda w, b, dw, db, *memory: (w, b, *memory[:4]))
ADAM.mistake("m is divided by 1 - momentum**t in the memory, and so will be once more in the next step: divide a copy",
             "m of w", "m of b", mean_corrected_in_memory=lambda *args: corrected_in_memory(*args))
ADAM.mistake("s is divided by 1 - BETA2**t in the memory, and so will be once more in the next step: divide a copy",
             "s of w", "s of b", square_corrected_in_memory=lambda *args: corrected_in_memory(*args))
ADAM.mistake("the step goes up the hill: subtract lr * update", "w", "b", uphill=partial(adam, sign=1))
ADAM.mistake("m and s are not divided by 1 - momentum**t and 1 - BETA2**t: both began at 0, and are too small at "
             "first", "w", "b", uncorrected=partial(adam, update=lambda m, s, of_m, of_s: m / (np.sqrt(s) + EPS)))
ADAM.mistake("m is not divided by 1 - momentum**t", "w", "b",
             mean_uncorrected=partial(adam, update=lambda m, s, of_m, of_s: m / (np.sqrt(s / of_s) + EPS)))
ADAM.mistake("s is not divided by 1 - BETA2**t", "w", "b",
             square_uncorrected=partial(adam, update=lambda m, s, of_m, of_s: m / of_m / (np.sqrt(s) + EPS)))
ADAM.mistake("the root is missing: m is divided by the mean square, and should be by its root", "w", "b",
             no_root=partial(adam, update=lambda m, s, of_m, of_s: m / of_m / (s / of_s + EPS)))
ADAM.mistake("m and s are multiplied by 1 - momentum**t and 1 - BETA2**t: divide them", "w", "b",
             multiplied=partial(adam, update=lambda m, s, of_m, of_s: m * of_m / (np.sqrt(s * of_s) + EPS)))
ADAM.mistake("the root is that of s alone: take it after s is divided by 1 - BETA2**t", "w", "b",
             root_too_early=partial(adam, update=lambda m, s, of_m, of_s: m / of_m / (np.sqrt(s) / of_s + EPS)))
ADAM.mistake("EPS is added inside the root: add it after the root", "w", "b",
             tiny_in_the_root=partial(adam, update=lambda m, s, of_m, of_s: m / of_m / np.sqrt(s / of_s + EPS)))
ADAM.mistake("the two corrections are exchanged: 1 - momentum**t is for m, and 1 - BETA2**t for s", "w", "b",
             corrections_exchanged=partial(adam, update=lambda m, s, of_m, of_s: update(m, s, of_s, of_m)))
ADAM.mistake('t is as it was: memory["steps"] should grow by 1 at each step, in place (+=)', "t",
             t_not_raised=partial(adam, ahead=0))
ADAM.mistake("t grows once for each parameter: it should grow once in a step, before the names are gone through", "t",
             raised_for_each_name=partial(adam, ahead=2))
ADAM.mistake("the correction is made with the old t: count this step before you use it", "w", "b",
             old_t=partial(adam, ahead=0))

M_TOO = "w", "b", "m of w", "m of b"
S_TOO = "w", "b", "s of w", "s of b"
ADAM.mistake("the new gradient counts in full: in this mean it is weighed by 1 - momentum", *M_TOO,
             mean_is_a_sum=partial(adam, mean=lambda m, g, momentum: momentum * m + g))
ADAM.mistake("the old mean is weighed by 1 - momentum and the new gradient by momentum: the other way round", *M_TOO,
             weights_exchanged=partial(adam, mean=lambda m, g, momentum: (1 - momentum) * m + momentum * g))
ADAM.mistake("s takes the square of m: it should take that of g", *S_TOO,
             square_of_the_mean=partial(adam, square=lambda s, g, m, momentum: BETA2 * s + (1 - BETA2) * m * m))
ADAM.mistake("s takes the gradient without its sign: it should take its square", *S_TOO,
             absolute_value=partial(adam, square=lambda s, g, m, momentum: BETA2 * s + (1 - BETA2) * np.abs(g)))
ADAM.mistake("s forgets by momentum: it should forget by BETA2", *S_TOO,
             momentum_for_both=partial(adam, square=lambda s, g, m, momentum: momentum * s + (1 - momentum) * g * g))
ADAM.mistake("s takes the gradient as it is: it should take its square", *S_TOO,
             not_squared=partial(adam, square=lambda s, g, m, momentum: BETA2 * s + (1 - BETA2) * g))
ADAM.mistake("the new square counts in full: in this mean it is weighed by 1 - BETA2", *S_TOO,
             square_is_a_sum=partial(adam, square=lambda s, g, m, momentum: BETA2 * s + g * g))
ADAM.mistake("the old mean square is weighed by 1 - BETA2 and the new one by BETA2: the other way round", *S_TOO,
             square_weights_exchanged=partial(adam, square=lambda s, g, m, momentum: (1 - BETA2) * s + BETA2 * g * g))
ADAM.mistake("the square is that of (1 - BETA2) * g: square g alone", *S_TOO, weight_squared=partial(
    adam, square=lambda s, g, m, momentum: BETA2 * s + ((1 - BETA2) * g) ** 2))
ADAM.mistake("s forgets by 0.999: here BETA2 is 0.99", *S_TOO,
             of_the_paper=partial(adam, square=lambda s, g, m, momentum: 0.999 * s + 0.001 * g * g))
ADAM.mistake("m forgets by BETA2: it should forget by momentum", *M_TOO,
             beta2_for_both=partial(adam, mean=lambda m, g, momentum: BETA2 * m + (1 - BETA2) * g))
ADAM.mistake("momentum and BETA2 are not raised to t: the corrections are 1 - momentum**t and 1 - BETA2**t", "w", "b",
             corrected_without_t=corrected_without_t)
ADAM.mistake("EPS is left out: add it to the root", "w", "b",
             without_eps=partial(adam, update=lambda m, s, of_m, of_s: m / of_m / np.sqrt(s / of_s)))
ADAM.mistake("the update is the gradient's mean alone: divide it by the root of the mean square", "w", "b",
             mean_alone=partial(adam, update=lambda m, s, of_m, of_s: m / of_m))
ADAM.mistake("the gradient is in the place of its mean m", "w", "b", gradient_for_mean=gradient_for_mean)
ADAM.mistake("the memory is used as it was before this step: let m and s take up the gradient first", "w", "b",
             memory_of_before=memory_of_before)
ADAM.mistake("weight_decay is multiplied by the new w: w as it was before the step decays", "w",
             decay_of_the_new_w=decay_of_the_new_w)
ADAM.mistake("weight_decay * w is taken away: it is added to the update", "w",
             decay_grows=partial(adam, decay=lambda w, weight_decay, lr: -weight_decay * w if w.ndim == 4 else 0))
ADAM.mistake("weight_decay is added without w: it should be multiplied by w", "w",
             decay_without_w=partial(adam, decay=lambda w, weight_decay, lr: weight_decay if w.ndim == 4 else 0))
ADAM.mistake("weight_decay is left out: this w has four dimensions, so it decays", "w",
             no_decay=partial(adam, decay=lambda w, weight_decay, lr: 0))
ADAM.mistake("weight_decay * w is not multiplied by lr: it is part of the update", "w",
             decay_without_rate=partial(adam, decay=lambda w, weight_decay, lr: weight_decay * w / lr))
ADAM.mistake("the weights of fewer than four dimensions decay too: only those of four should", "b",
             biases_decay=partial(adam, decay=lambda w, weight_decay, lr: weight_decay * w))
ADAM.mistake("weight_decay * w is added to the gradient, where m and s take it up: it should be added to the update "
             "at the end", "w", "m of w", "s of w", decay_in_the_gradient=lambda w, b, dw, *others: (
                 adam(w, b, dw + others[-1] * w, *others, decay=lambda w, weight_decay, lr: 0)))
ADAM_CASES = (
    (np.ones((1, 1, 1, 1)), np.ones(1), np.full((1, 1, 1, 1), 2.0), np.array([-0.5]), np.zeros((1, 1, 1, 1)),
     np.zeros((1, 1, 1, 1)), np.zeros(1), np.zeros(1), np.array(0.0), 0.1, 0.9, 0.0),      # the first step of the page
    adam_case(rng, (3, 3, 2, 4), (4,), 0, 0.1, 0.9, 0.0),
    adam_case(rng, (3, 3, 2, 4), (4,), 6, 0.1, 0.9, 0.3),
    adam_case(rng, (5, 5, 1, 3), (3, 2), 400, 0.01, 0.5, 0.1),                             # a matrix does not decay
    adam_case(rng, (1, 1, 5, 2), (2,), 3, 0.5, 0.6, 0.2, scale=1e-3),                      # small gradients
    adam_case(rng, (1, 1, 2, 3), (2, 4, 3), 5, 0.2, 0.8, 0.3),                             # nor does one of three axes
)


def million():
    args = adam_case(np.random.default_rng(0), (7, 7, 64, 64), (64,), 3, 0.1, 0.9, 0.01)
    w, b, dw, db, m, s, mb, sb, t = (a.astype(np.float32) for a in args[:9])
    return {"w": w, "b": b}, {"w": dw, "b": db}, {"w": m, "w.square": s, "b": mb, "b.square": sb, "steps": t}


EXERCISES = (
    Exercise(
        "class_weights",
        values(median_frequency_weights, *BALANCE_CASES, names=("pixels", "image_pixels", "power"), mistakes=BALANCE),
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
        values(as_array(cosine_rate), *COSINE_CASES, names=("lr", "done", "steps"), mistakes=COSINE, adapt=as_array),
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
            in_place(optim.adam_step), *ADAM_CASES, mistakes=ADAM, adapt=in_place,
            names=("w", "b", "dw", "db", "m", "s", "mb", "sb", "t", "lr", "momentum", "weight_decay"),
        ),
        answer=optim.adam_step,
        hints=(
            "Count the step first, once and not for each name. Then go through the names: m, s, the update, w. All in "
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
