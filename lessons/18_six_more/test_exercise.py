"""Lesson 18: how six backwards are judged that the library does not have. They are measured."""

import pickle
from pathlib import Path

import numpy as np

from lessons.engine import course
from lessons.engine.exercises import Exercise, as_tuple, gradients
from tinysegnet.checker.diagnosis import equal
from tinysegnet.checker.finite_differences import central_differences, upstream
from tinysegnet.checker.gradcheck import cast
from tinysegnet.checker.mistakes.table import Table

HERE, READ = Path(__file__).parent, "lessons/18_six_more/README.md"
forwards, wrong_forwards = (course.load(HERE / f"{name}.py") for name in ("forwards", "wrong_forwards"))


def measured(forward, names):
    """The backward of a forward whose cache is its arguments, by central differences."""

    def backward(dy, cache):
        exact = cast(cache, np.float64)

        def gradient(i):
            def f(moved):
                return dy.astype(np.float64) * forward(*exact[:i], moved, *exact[i + 1 :])[0]

            return central_differences(f, exact[i])[0].astype(cache[i].dtype)

        if len(names) == 1:
            return gradient(0)
        return tuple(gradient(i) for i in range(len(names)))

    return backward


def remembered(backward):
    """The same, which measures nothing twice: whoever asks again asks for the same right answer."""
    answers = {}

    def recalled(dy, cache):
        asked = pickle.dumps((dy, cache))
        if asked not in answers:
            answers[asked] = as_tuple(backward(dy, cache))
        copies = tuple(answer.copy() for answer in answers[asked])
        return copies if len(copies) > 1 else copies[0]

    return recalled


def exercise(
    forward, *cases, names, hints, wrong=(), wrong_on=None, read="tinysegnet/checker/finite_differences.py"
):
    """An exercise out of a forward. The last case is the race's.

    wrong     pairs as in wrong_forwards.py, which are told apart on the case wrong_on
    """
    answer = measured(forward, names)
    mistakes = known(forward, names, wrong, wrong_on) if wrong else None

    def race():
        y, cache = forward(*cases[-1])
        return upstream(y, seed=0), cache

    return Exercise(
        f"{forward.__name__}_backward", gradients(forward, remembered(answer), *cases, names=names, mistakes=mistakes),
        answer=answer, read=read, race=race, hints=hints, other="the measurement",
        differs=f"calls the forward twice for each number of {', '.join(names)}",
    )


def known(forward, names, wrong, case):
    """A table of mistakes: the gradients of wrong forwards, measured on one case."""
    table = Table(READ, lambda: (case,), [f"d{name}" for name in names], forward)
    right_gradients = remembered(measured(forward, names))

    def gradients_of(blocked):
        def of_blocked(dy, cache):
            other = blocked(dy, *cache)
            return measured(lambda *args: (other(*args),), names)(dy, cache)

        found_gradients = remembered(of_blocked)

        def mistake(dy, *args):
            cache = forward(*args)[1]
            right, found = as_tuple(right_gradients(dy, cache)), as_tuple(found_gradients(dy, cache))
            answers = zip(table.results, found, right)
            return {name: answer for name, answer, truth in answers if answer.any() and not equal(answer, truth)}

        return mistake

    for sentence, blocked in wrong:
        table.mistake(sentence, **{blocked.__name__: gradients_of(blocked)})
    return table


rng = np.random.default_rng(16)


def numbers(*shape):
    """Of either sign and away from 0."""
    return rng.uniform(0.4, 1.6, shape) * rng.choice([-1, 1], shape)


def probabilities(*shape):
    e = np.exp(rng.standard_normal(shape))
    return e / e.sum(axis=-1, keepdims=True)


def layers(*shape):
    """Arguments of layer_norm: x is not around 0."""
    return 2 * numbers(*shape) + 1, numbers(shape[-1]), numbers(shape[-1])


def kernels(N, H, W, C, K, F):
    return numbers(N, H, W, C), numbers(K, K, C, F) / K, numbers(F)


def gates(N, H, W, C):
    return numbers(N, H, W, C), 2 * numbers(C, C), numbers(C)


VOID = 255
LABELS = rng.integers(0, 3, (2, 3, 4))
LABELS[rng.random(LABELS.shape) < 0.25] = VOID

EXERCISES = (
    exercise(
        forwards.leaky_relu,
        (np.array([[[[2.0, -3.0]]]]), np.array([0.1, 0.2])),
        (numbers(2, 3, 4, 3), np.array([0.1, 0.5, -0.3])),
        (np.abs(numbers(1, 2, 3, 2)), np.array([0.1, 0.2])),
        (numbers(3, 4, 5, 2), np.array([2.0, 0.0])),
        (0.001 * numbers(2, 3, 4, 1), np.array([0.3])),         # near 0, where the two branches meet
        names=("x", "slope"), wrong=wrong_forwards.LEAKY_RELU, wrong_on=(numbers(2, 3, 4, 5), numbers(5)),
        hints=("Two branches, and each number of x is in one of them. How far does its y move when it moves by 1? And "
               "which y move when the slope of a channel does, and by how much each?",
               "x, dy and dx are (N, H, W, C); slope and dslope are (C,). What has moved many y is told by many dy.",
               "x, slope = cache"),
        read="tinysegnet/ops/activation.py",
    ),
    exercise(
        forwards.conv2d_stride2,
        kernels(1, 1, 5, 1, 3, 1), kernels(1, 1, 1, 2, 3, 2), kernels(1, 4, 3, 2, 1, 1), kernels(1, 5, 6, 1, 5, 2),
        kernels(2, 4, 5, 2, 3, 3), kernels(2, 7, 4, 1, 3, 5),
        names=("x", "w", "b"), wrong=wrong_forwards.CONV2D_STRIDE2, wrong_on=kernels(2, 4, 6, 2, 3, 4),
        hints=("In the forward, one line does all the work, once for each i and j. Ask of that line alone: what did it "
               "read, and into which y did it go? The backward has the same two loops.",
               "padded is (N, H + K - 1, W + K - 1, C); a slice of it with step 2 is (N, (H + 1)//2, (W + 1)//2, C), "
               "which fits dy but for the last axis; w[i, j] is (C, F). A padded pixel is read in several turns.",
               "x, w, b = cache; then padded as in the forward, and an array of zeros like it"),
        read="tinysegnet/ops/conv.py",
    ),
    exercise(
        forwards.layer_norm,
        (np.array([[[[1.0, 3.0, 4.0, 5.0, 7.0]]]]), np.ones(5), np.zeros(5)),
        layers(2, 3, 2, 4), layers(1, 2, 2, 1), layers(2, 1, 5, 2), layers(2, 3, 4, 3),
        names=("x", "gamma", "beta"), wrong=wrong_forwards.LAYER_NORM, wrong_on=layers(2, 3, 4, 5),
        hints=("Lesson 08, with the roles of the axes exchanged. Say first which numbers share a mean here, and which "
               "y a single gamma has a hand in. They are no longer the same axes.",
               "mean and var are (N, H, W, 1), x_hat is (N, H, W, C), gamma and beta are (C,). Do not take gamma out "
               "of a sum over the channels.",
               "x, gamma, beta, eps = cache; then mean, var and x_hat as in the forward"),
        read="tinysegnet/ops/batchnorm.py",
    ),
    exercise(
        forwards.local_response,
        (np.array([[[[2.0, -1.0, 1.0]]]]), 0.5, 0.5),
        (numbers(2, 3, 5, 4), 0.25, 0.75), (numbers(1, 1, 1, 3), 0.5, 0.75), (numbers(2, 3, 1, 1), 1.5, 0.75),
        (3 * numbers(1, 2, 3, 5), 2.0, 1.0), (numbers(2, 3, 4, 3), 1.0, 0.75),
        names=("x",), wrong=wrong_forwards.LOCAL_RESPONSE, wrong_on=(numbers(2, 3, 4, 5), 0.3, 0.75),
        hints=("In which two places of the formula does one x stand, and which y does it move from each? Name what is "
               "computed on the way, and go back through it one step at a time.",
               "x, dy and dx are (N, H, W, C). The sum, the factor and their gradients are (N, H, W, 1): one number "
               "for all channels of a pixel. alpha and beta are numbers without a gradient.",
               "x, alpha, beta = cache; then the sum and the factor as in the forward, and dfactor to begin with"),
        read="tinysegnet/data/normalisation.py",
    ),
    exercise(
        forwards.dice_loss,
        (np.array([[0.25, 0.75], [0.25, 0.75], [0.5, 0.5], [0.1, 0.9]]).reshape(1, 1, 4, 2),
         np.array([[[1, 1, 0, VOID]]]), VOID),
        (probabilities(2, 3, 4, 3), LABELS, VOID),
        (probabilities(1, 2, 3, 4), np.array([[[0, 2, 2], [0, VOID, 0]]]), VOID),
        (probabilities(1, 2, 2, 3), np.full((1, 2, 2), VOID), VOID),
        (probabilities(2, 2, 3, 4), rng.integers(0, 4, (2, 2, 3)), 2),      # `ignore` is the number of a class
        (probabilities(2, 3, 4, 3), LABELS, VOID, 0.25),
        names=("p",), wrong=wrong_forwards.DICE_LOSS,
        wrong_on=(probabilities(2, 3, 4, 5), rng.integers(0, 5, (2, 3, 4)), 1, 0.5),
        hints=("In which of overlap, said and there does one p stand? That depends on its pixel's label. Then how the "
               "quotient of its class moves when its upper and its lower part do.",
               "labelled is (N, H, W, 1), one_hot (N, H, W, classes); overlap, said and there are (classes,). All p "
               "of a class that are in the same sums have the same gradient. dloss is one number.",
               "p, labels, ignore, smooth = cache; then labelled, one_hot and the three sums as in the forward"),
        read="tinysegnet/ops/loss.py",
    ),
    exercise(
        forwards.gate,
        (np.array([[1.0, -1.0], [3.0, 1.0]]).reshape(1, 1, 2, 2), np.array([[0.0, 0.5], [5.0, 0.0]]), np.zeros(2)),
        gates(2, 2, 3, 3), gates(1, 1, 1, 2), gates(3, 4, 1, 1), gates(2, 3, 4, 2),
        names=("x", "w", "b"), wrong=wrong_forwards.GATE, wrong_on=gates(2, 3, 4, 5),
        hints=("Name what is computed on the way: seen, z = seen @ w + b, opening, y. Go back through them one at a "
               "time. At x two roads meet.",
               "seen, z and opening are (N, C), and so are their gradients. An opening is used at all pixels of its "
               "image and channel. dx is (N, H, W, C).",
               "x, w, b = cache; then seen and opening as in the forward, and dopening to begin with"),
    ),
)
