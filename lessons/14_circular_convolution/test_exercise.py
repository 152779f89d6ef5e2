"""Lesson 14: how transforms, circular_convolution, its backward and overlap_save are judged."""

import sys
from functools import partial

import numpy as np

from lessons.engine.exercises import DONE, WRONG, Exercise, Verdict, gradients, values
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.fast import fourier

READ = "lessons/14_circular_convolution/README.md"


# ---- the oracles: two loops each, as the definition has it


def circular_convolution(x, w):
    y = np.zeros_like(x)
    for r in range(len(x)):
        for j in range(len(w)):
            y[r] += x[(r + j) % len(x)] * w[j]
    return y, (x, w)


def circular_convolution_backward(dy, cache):
    x, w = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for r in range(len(x)):
        for j in range(len(w)):
            dx[(r + j) % len(x)] += dy[r] * w[j]
            dw[j] += dy[r] * x[(r + j) % len(x)]
    return dx, dw


def overlap_save(x, w, T):
    y = np.zeros(len(x) - len(w) + 1, x.dtype)
    for r in range(len(y)):
        for j in range(len(w)):
            y[r] += x[r + j] * w[j]
    return y


# ---- cases


def rows(S, K, seed=0):
    rng = np.random.default_rng([13, S, K, seed])
    return rng.standard_normal(S), rng.standard_normal(K)


LENGTHS = tuple((np.zeros(T),) for T in (4, 5, 1, 2, 3, 16, 21, 100, np.random.default_rng(14).integers(22, 100)))
PAIRS = (
    (np.array([4.0, 1, 0, 2]), np.array([1.0, 2])),     # that of the page
    rows(5, 2),
    rows(6, 3),
    rows(7, 7),                                         # a kernel as long as the row
    rows(5, 1),
    rows(1, 1),
    rows(2, 2),
    rows(30, 7),
)
CUTS = (
    (np.arange(1.0, 9), np.array([1.0, 2, 3]), 5),      # two tiles that fit
    (*rows(10, 3), 5),                                  # the last is not full
    (*rows(3, 3), 4),                                   # the row is shorter than a tile
    (*rows(6, 2), 2),                                   # a tile gives one value
    (*rows(6, 1), 4),                                   # nothing wraps
    (*rows(41, 7), 16),
    (*rows(100, 5), 21),
)


def checked(check, more=lambda function: None):
    """A check that also notes whether np.fft did the work, and asks something more of what is right so far.

    more  more(function) -> {part: why it is wrong after all}
    """

    def run(function):
        borrowed, before = getattr(function, "borrowed", set()), sys.gettrace()

        def look(frame, event, arg):
            if frame.f_globals.get("__name__", "").startswith("numpy.fft"):
                borrowed.add("np.fft")
            return before(frame, event, arg) if before else None

        sys.settrace(look)
        try:
            verdicts = check(function)
            if all(verdict.kind == DONE for verdict in verdicts.values()):
                verdicts |= {part: Verdict(WRONG, why) for part, why in (more(function) or {}).items()}
        finally:
            sys.settrace(before)
        return verdicts

    return run


# ---- transforms, and how it goes wrong


def shares(T, zero=1, middle=2, last=None):
    """With what share frequency 0, those after it and the last come back: so many T-th parts."""
    parts = np.full(T // 2 + 1, middle)
    parts[-1] = last or (1 if T % 2 == 0 else middle)
    parts[0] = zero
    return parts / T


once = partial(shares, middle=1, last=1)
twice = partial(shares, zero=2, last=2)


def undivided(T):
    return np.ones(T // 2 + 1)


def waves(x, frequencies=None, turn=2 * np.pi, places=None):
    """Rows of cosines, and under them rows of -sines."""
    frequencies = np.arange(len(x) // 2 + 1) if frequencies is None else frequencies
    angle = turn / len(x) * np.outer(frequencies, np.arange(len(x)) if places is None else places)
    return np.concatenate([np.cos(angle), -np.sin(angle)])


def matrices(x, forward=None, share=shares):
    """Both matrices, of other rows or other shares."""
    forward = waves(x) if forward is None else forward
    return {"forward": forward, "inverse": (forward * np.tile(share(len(x)), 2)[:, None]).T}


TRANSFORMS = Table(READ, lambda: ((np.zeros(6),), (np.zeros(7),)))
TRANSFORMS.mistake("the rows of sines have the wrong sign: they are -sin, which turns against the clock of cos + i sin",
                   "forward", plus_sine=lambda x: waves(x, turn=-2 * np.pi))
TRANSFORMS.mistake("the columns of sines have the wrong sign: with x_hat = c + i s, cos belongs to c and -sin to s",
                   "inverse", plus_sine_back=lambda x: matrices(x, waves(x, turn=-2 * np.pi)))
TRANSFORMS.mistake("sines come before cosines: the cosines are the first L",
                   sines_first=lambda x: matrices(x, np.roll(waves(x), len(x) // 2 + 1, axis=0)))


@TRANSFORMS.mistake("a row of cosines and one of sines take turns: first come all cosines, then all sines", "forward",
                    "inverse")
def alternating(x):
    order = np.arange(len(waves(x))).reshape(2, -1).T.ravel()
    return waves(x)[order], matrices(x)["inverse"][:, order]


TRANSFORMS.mistake("the angle is half of what it should be: once round is 2 pi",
                   half_turns=lambda x: matrices(x, waves(x, turn=np.pi)))
TRANSFORMS.mistake("the angle lacks its factor 2 pi", no_pi=lambda x: matrices(x, waves(x, turn=1)))
TRANSFORMS.mistake("there is a row for every frequency up to T - 1: real values need only those from 0 to T // 2",
                   "forward", "inverse",
                   all_frequencies=lambda x: (waves(x, np.arange(len(x))), waves(x, np.arange(len(x))).T / len(x)))
TRANSFORMS.mistake("the last frequency, T // 2, is left out: there are T // 2 + 1 of them", "forward",
                   last_left_out=lambda x: waves(x, np.arange(len(x) // 2)))
TRANSFORMS.mistake("there are (T + 1) // 2 frequencies, which leaves out the one at T / 2 if T is even: there are T "
                   "// 2 + 1", "forward", half_rounded_up=lambda x: waves(x, np.arange((len(x) + 1) // 2)))
TRANSFORMS.mistake("the frequencies begin at 1: the first is 0, the sum of all values", "forward",
                   from_one=lambda x: waves(x, np.arange(1, len(x) // 2 + 2)))
TRANSFORMS.mistake("it is forward.T: what comes back is not divided by T, nor does any frequency count twice",
                   never_divided=partial(matrices, share=undivided))
TRANSFORMS.mistake("each frequency counts once, 1 / T: those that also stand for their conjugate count twice",
                   counted_once=partial(matrices, share=once))
TRANSFORMS.mistake("every frequency counts twice, 2 / T: 0, and T / 2 if T is even, are their own conjugates and "
                   "count once", all_twice=partial(matrices, share=twice))
TRANSFORMS.mistake("frequency 0 counts twice: it is its own conjugate and counts once",
                   zero_twice=lambda x: matrices(x, share=lambda T: shares(T, zero=2)))
TRANSFORMS.mistake("the last frequency always counts twice: if T is even it is T / 2, its own conjugate, and counts "
                   "once", last_always_twice=lambda x: matrices(x, share=lambda T: shares(T, last=2)))
TRANSFORMS.mistake("the last frequency always counts once: if T is odd it has a conjugate, and counts twice",
                   last_always_once=lambda x: matrices(x, share=lambda T: shares(T, last=1)))
TRANSFORMS.mistake("it is not divided by T", not_divided=partial(matrices, share=lambda T: T * shares(T)))
TRANSFORMS.mistake("it is divided by the root of T: here the way there is not divided at all, and the way back by T",
                   divided_by_root=lambda x: matrices(x, waves(x) / np.sqrt(len(x)), lambda T: T * shares(T)))
TRANSFORMS.mistake("each weight stands there twice in a row, 1 1 2 2 (np.repeat): first come all those of the cosines, "
                   "then the same of the sines (np.tile)", "inverse",
                   weights_repeated=lambda x: waves(x).T * np.repeat(shares(len(x)), 2))
TRANSFORMS.mistake("frequency 0 does not come back: its weight is 1 / T", "inverse",
                   zero_left_out=lambda x: matrices(x, share=lambda T: shares(T, zero=0)))
TRANSFORMS.mistake("odd and even are exchanged: if T is even the last frequency counts once, and if T is odd twice",
                   "inverse", parity_exchanged=lambda x: matrices(x, share=lambda T: shares(T, last=1 + (T % 2 == 0))))
TRANSFORMS.mistake("it is divided by T: here only the way back is", "forward",
                   divided_on_the_way=lambda x: waves(x) / len(x))
TRANSFORMS.mistake("the last place is at 2 pi, which is the first again: place n is at 2 pi n / T, T not included",
                   end_included=lambda x: matrices(x, waves(x, turn=2 * np.pi * len(x) / (len(x) - 1))))
TRANSFORMS.mistake("the places are counted from 1: they go from 0 to T - 1",
                   places_from_one=lambda x: matrices(x, waves(x, places=np.arange(1, len(x) + 1))))


# ---- circular_convolution, and how it goes wrong


def filtered(x, w, times, share=shares):
    """By way of frequencies: times(x_hat, w_hat) is what is transformed back."""
    made = matrices(x, share=share)
    forward, inverse = made["forward"], made["inverse"]
    half = len(forward) // 2
    x_hat, w_hat = (forward[:, : len(a)] @ a for a in (x, w))
    y_hat = times(x_hat[:half] + 1j * x_hat[half:], w_hat[:half] + 1j * w_hat[half:])
    return inverse @ np.concatenate([y_hat.real, y_hat.imag])


def product(a, b):
    return a * b


def correlation(a, b):
    return a * b.conj()


def windows(x, w, index=lambda r, j: r + j):
    """y[r] = sum over j of x[index(r, j)] * w[j], 0 where x[index] is beyond the row."""
    y = np.zeros_like(x)
    for r, j in np.ndindex(len(x), len(w)):
        if 0 <= index(r, j) < len(x):
            y[r] += x[index(r, j)] * w[j]
    return y


CONVOLUTION = Table(READ, lambda: (rows(6, 4, seed=1), rows(9, 4, seed=1)), results=("y",))


@CONVOLUTION.formula
def right_y(x, w):
    r, j = np.arange(len(x))[:, None], np.arange(len(w))
    y = (x[(r + j) % len(x)] * w).sum(axis=1)
    return y


CONVOLUTION.mistake("w_hat is not conjugated: that gives x[r - j] in the place of x[r + j], a kernel that looks the "
                    "other way", conjugate_forgotten=partial(filtered, times=product))
CONVOLUTION.mistake("the wrong factor is conjugated, x_hat and not w_hat: y comes out mirrored, y[(T - r) % T] at r",
                    other_conjugated=partial(filtered, times=lambda a, b: a.conj() * b))
CONVOLUTION.mistake("both factors are conjugated: only w_hat should be",
                    both_conjugated=partial(filtered, times=lambda a, b: (a * b).conj()))
CONVOLUTION.mistake("it is T times too large: the way back divides by T",
                    y_not_divided=lambda x, w: len(x) * circular_convolution(x, w)[0])
CONVOLUTION.mistake("only the real part of y_hat is transformed back: its imaginary part is needed too",
                    real_part_early=partial(filtered, times=lambda a, b: correlation(a, b).real + 0j))
CONVOLUTION.mistake("of x_hat and w_hat only the real parts are multiplied: b and d belong into the product too",
                    real_parts_multiplied=partial(filtered, times=lambda a, b: a.real * b.real + 0j))
CONVOLUTION.mistake("real parts are multiplied with real parts, imaginary ones with imaginary ones: (a + i b)(c - i "
                    "d) has four products, and i times i is -1",
                    part_by_part=partial(filtered, times=lambda a, b: a.real * b.real + 1j * a.imag * b.imag))
CONVOLUTION.mistake("real parts are multiplied with real parts, imaginary ones with imaginary ones, which is made "
                    "negative: (a + i b)(c - i d) has four products, and i times i is -1",
                    part_by_part_conjugated=partial(
                        filtered, times=lambda a, b: a.real * b.real - 1j * a.imag * b.imag))
CONVOLUTION.mistake("the real part of the product has a wrong sign: i times -i is +1",
                    real_sign=partial(filtered, times=lambda a, b: (a * b).real + 1j * correlation(a, b).imag))
CONVOLUTION.mistake("the imaginary part of the product has a wrong sign in one of its two terms",
                    imaginary_sign=partial(filtered, times=lambda a, b: correlation(a, b).real + 1j * (a * b).imag))
CONVOLUTION.mistake("each frequency counts once on the way back: those that also stand for their conjugate count twice",
                    y_counted_once=partial(filtered, times=correlation, share=once))
CONVOLUTION.mistake("every frequency counts twice on the way back: 0, and T / 2 if T is even, count once",
                    y_all_twice=partial(filtered, times=correlation, share=twice))
CONVOLUTION.mistake("the way back is forward.T: the weight of each frequency, 1 / T or 2 / T, is missing",
                    y_never_divided=partial(filtered, times=correlation, share=undivided))
CONVOLUTION.mistake("what lies beyond the end counts as 0: a circular row goes on at its beginning",
                    not_circular=windows)
CONVOLUTION.mistake("the window has r in its middle, as that of conv2d: here it begins at r",
                    centred=lambda x, w: np.roll(circular_convolution(x, w)[0], len(w) // 2))
CONVOLUTION.mistake("the kernel stands at the end of its T values, and y has been turned by T - K: its zeros come "
                    "after it", zeros_in_front=lambda x, w: np.roll(circular_convolution(x, w)[0], len(w) - len(x)))
CONVOLUTION.mistake("the kernel is read from its end: w[j] belongs to x[r + j], with no reversal",
                    kernel_reversed=lambda x, w: circular_convolution(x, w[::-1])[0])
CONVOLUTION.mistake("it is T times too small: inverse has the weights 1 / T and 2 / T already",
                    y_divided_twice=lambda x, w: circular_convolution(x, w)[0] / len(x))
CONVOLUTION.mistake("w_hat is added to x_hat: multiply them", spectra_added=partial(filtered, times=np.add))
CONVOLUTION.mistake("only the last place of the kernel is in it: add up (+=) over the kernel",
                    last_place=lambda x, w: np.roll(x, 1 - len(w)) * w[-1])
CONVOLUTION.mistake("the first place of the kernel is left out: j begins at 0",
                    from_1=lambda x, w: circular_convolution(x, np.concatenate([[0], w[1:]]))[0])
CONVOLUTION.mistake("the last place of the kernel is left out: j goes up to K - 1",
                    last_place_left_out=lambda x, w: circular_convolution(x, w[:-1])[0])
CONVOLUTION.mistake("the window begins one place too late: y[r] has x[r] * w[0] in it",
                    a_place_late=lambda x, w: np.roll(circular_convolution(x, w)[0], -1))


# ---- its backward, and how that goes wrong

def back(dx=product, dw=correlation, share=shares):
    """Both gradients by way of frequencies, with another product or other shares."""
    return lambda dy, x, w: {"dx": filtered(dy, w, dx, share), "dw": filtered(x, dy, dw, share)[: len(w)]}


def overwritten(dy, x, w):
    dx = np.zeros_like(x)
    for r, j in np.ndindex(len(x), len(w)):
        dx[(r + j) % len(x)] = dy[r] * w[j]
    return dx


BACKWARD = Table(READ, CONVOLUTION.cases, forward=circular_convolution)


@BACKWARD.formula
def right_gradients(dy, x, w):
    r, j = np.arange(len(x))[:, None], np.arange(len(w))
    dx = (dy[(r - j) % len(x)] * w).sum(axis=1)
    dw = (x[(r + j) % len(x)] * dy[:, None]).sum(axis=0)
    return dx, dw


BACKWARD.mistake("w_hat is conjugated, as in the forward: the adjoint of a correlation is a convolution, without conj",
                 "dx", dx_correlated=back(dx=correlation))
BACKWARD.mistake("both factors are conjugated, and neither should be: dx comes out mirrored", "dx",
                 dx_mirrored=back(dx=lambda a, b: (a * b).conj()))
BACKWARD.mistake("dy_hat is conjugated, and neither factor should be", "dx",
                 dx_other_conjugated=back(dx=lambda a, b: a.conj() * b))
BACKWARD.mistake("what x[(r + j) % T] gave beyond the end does not come back to the beginning", "dx",
                 dx_not_circular=lambda dy, x, w: windows(dy, w, lambda m, j: m - j))
BACKWARD.mistake("it is T times too large: the way back divides by T", "dx", "dw",
                 both_not_divided=lambda dy, x, w: [len(x) * d for d in circular_convolution_backward(dy, (x, w))])
BACKWARD.mistake("it is T times too small: dx and dw are sums", "dx", "dw",
                 both_divided_twice=lambda dy, x, w: [d / len(x) for d in circular_convolution_backward(dy, (x, w))])
BACKWARD.mistake("each frequency counts once on the way back: those that also stand for their conjugate count twice",
                 both_counted_once=back(share=once))
BACKWARD.mistake("every frequency counts twice on the way back: 0, and T / 2 if T is even, count once",
                 both_all_twice=back(share=twice))
BACKWARD.mistake("the way back is forward.T, the true adjoint of the first step: but then dy has to come in by "
                 "inverse.T, so that the weight of each frequency is there", forward_transposed=back(share=undivided))
BACKWARD.mistake("the weight of each frequency is in it twice: dy comes in by inverse.T, and then the way back is by "
                 "forward.T and not by inverse", transposed_both_ways=back(share=lambda T: shares(T) ** 2))
BACKWARD.mistake("neither factor is conjugated: dw is the correlation of x with dy, x_hat * conj(dy_hat)", "dw",
                 dw_conjugate_forgotten=back(dw=product))
BACKWARD.mistake("x_hat is conjugated and not dy_hat: that gives dw at -j, which wraps around, in the place of j", "dw",
                 dw_other_conjugated=back(dw=lambda a, b: a.conj() * b))
BACKWARD.mistake("the last K of the T values are kept: the kernel stands at the first K", "dw",
                 dw_last=lambda dy, x, w: filtered(x, dy, correlation)[-len(w) :])
BACKWARD.mistake("it is right but for its order: dw[j] belongs to w[j], and this begins with the last", "dw",
                 dw_reversed=lambda dy, x, w: circular_convolution_backward(dy, (x, w))[1][::-1])
BACKWARD.mistake("what was read beyond the end, x[(r + j) % T], is left out", "dw",
                 dw_not_circular=lambda dy, x, w: np.array([(dy[: len(x) - j] * x[j:]).sum() for j in range(len(w))]))
BACKWARD.mistake("what one window says of x overwrites what another said: they add up (+=)", "dx",
                 dx_overwritten=overwritten,
                 dx_overwritten_in_the_other_order=lambda dy, x, w: np.roll(dy, len(w) - 1) * w[-1])
BACKWARD.mistake("it is turned by one place: x[m] is in y[m - j], from j = 0 on", "dx",
                 dx_a_place_late=lambda dy, x, w: np.roll(circular_convolution_backward(dy, (x, w))[0], 1))
BACKWARD.mistake("it begins one place too late: dw[0] is the sum of dy[r] * x[r]", "dw",
                 dw_a_place_late=lambda dy, x, w: circular_convolution_backward(dy, (np.roll(x, -1), w))[1])
BACKWARD.mistake("only the last row r is in it: add up (+=) over all", "dw",
                 dw_overwritten=lambda dy, x, w: dy[-1] * np.roll(x, 1)[: len(w)])
BACKWARD.mistake("only the real part of the product is transformed back: its imaginary part is needed too",
                 real_part_early_back=back(lambda a, b: (a * b).real + 0j, lambda a, b: correlation(a, b).real + 0j))


def adjoint(function):
    """On a long row, where finite differences would take too long: <y, dy> = <x, dx> = <w, dw>."""
    x, w = rows(480, 49)
    y, cache = circular_convolution(x, w)
    dy = np.random.default_rng(13).standard_normal(len(y))
    size, wrong = np.abs(y * dy).sum(), {}
    for part, before, found in zip(("dx", "dw"), (x, w), function(dy, cache)):
        numbers = (y * dy).sum(), (before * found).sum()
        if not abs(numbers[0] - numbers[1]) < 1e-9 * size:
            wrong[part] = (f"  {part} is right on short rows, and no adjoint with T = 480 and K = 49:\n"
                           f"  (y * dy).sum() is {numbers[0]:.6g}, ({part[1]} * {part}).sum() is {numbers[1]:.6g}")
    return wrong


# ---- overlap_save, and how it goes wrong


def tiled(x, w, T, step=None, keep=None, begin=0, whole=False, short=False,
          circle=lambda tile, w: circular_convolution(tile, w)[0]):
    """y put together from tiles: of each, the values in `keep` go to where the tile begins.

    step   from tile to tile
    begin  where the first tile begins
    whole  only tiles that are full
    short  a last tile that is not full stays so, and is a smaller circle
    circle(tile, w)  the convolution of a tile
    """
    K, length = len(w), len(x) - len(w) + 1
    step, keep = step or T - K + 1, keep or slice(T - K + 1)
    y = np.zeros(length)
    long = np.concatenate([np.zeros(T), x, np.zeros(2 * T)])
    for first in range(0, length, step):
        tile = long[T + first + begin : T + first + begin + T]
        if whole and first + T > len(x):
            break
        if short:
            tile = x[first : first + T]
        kept = circle(tile, w)[keep][: length - first]
        y[first : first + len(kept)] = kept
    return y


SAVE = Table(READ, lambda: ((*rows(12, 3, seed=2), 5), (*rows(20, 4, seed=2), 7)), results=("y",))
SAVE.mistake("tiles stand side by side and all T values are kept: the last K - 1 have wrapped around. Tiles overlap "
             "by K - 1", wrapped_kept=lambda x, w, T: tiled(x, w, T, step=T, keep=slice(T)))
SAVE.mistake("the last T - K + 1 values of each tile are kept: those that wrap around are the last K - 1, so keep the "
             "first", last_kept=lambda x, w, T: tiled(x, w, T, keep=slice(len(w) - 1, T)),
             last_kept_of_short=lambda x, w, T: tiled(x, w, T, keep=slice(len(w) - 1, T), short=True))
SAVE.mistake("tiles stand side by side, which leaves holes of K - 1 zeros: the next begins where the kept values end",
             holes=lambda x, w, T: tiled(x, w, T, step=T))
SAVE.mistake("the first tile begins K - 1 values before x, as for a kernel that looks back: ours looks ahead, and the "
             "tile begins with x", begun_early=lambda x, w, T: tiled(x, w, T, begin=1 - len(w)))
SAVE.mistake("the last tile, which is not full, is left out: fill it up with zeros",
             last_tile_left_out=partial(tiled, whole=True))
SAVE.mistake("the kernel is read from its end: w[j] belongs to x[r + j]",
             looks_back=lambda x, w, T: overlap_save(x, w[::-1], T))
SAVE.mistake("the whole row is taken as one circle, and T is not used",
             one_circle=lambda x, w, T: circular_convolution(x, w)[0])
SAVE.mistake("each tile has x[r - j] in the place of x[r + j], as without a conjugate, and its first values are kept, "
             "which have wrapped around", not_conjugated=lambda x, w, T: tiled(
                 x, w, T, circle=lambda tile, w: np.roll(circular_convolution(tile, w[::-1])[0], len(w) - 1)))
SAVE.mistake("of each tile T - K + 2 values are kept, one too many, which has wrapped around: keep T - K + 1",
             one_too_many=lambda x, w, T: tiled(x, w, T, step=T - len(w) + 2, keep=slice(T - len(w) + 2)))
SAVE.mistake("the first tile begins K // 2 values before x, as for a kernel with r in its middle: it begins with x",
             centred=lambda x, w, T: tiled(x, w, T, begin=-(len(w) // 2)))
SAVE.mistake("of each tile the values in its middle are kept: nothing has wrapped around in the first T - K + 1",
             middle_kept=lambda x, w, T: tiled(x, w, T, keep=slice(len(w) // 2, len(w) // 2 + T - len(w) + 1)))
SAVE.mistake("y is as long as x, with windows that reach beyond its end: keep those that lie in x, len(x) - K + 1",
             as_long_as_x=lambda x, w, T: windows(x, w))


EXERCISES = (
    Exercise(
        "transforms",
        checked(values(
            lambda x: fourier.transforms(len(x), x.dtype), *LENGTHS, names=("row",), results=("forward", "inverse"),
            mistakes=TRANSFORMS, adapt=lambda function: lambda x: function(len(x), x.dtype),
        )),
        answer=fourier.transforms,
        hints=(
            "All angles are a table: frequency l down, place n across. One np.outer makes all products l * n.",
            "cos and sin of the angles are (L, T) each, and on top of each other (2 L, T). The weights of the way "
            "back are L numbers, the same for a cosine and its sine: 1 / T for l = 0 and for l = T / 2, else 2 / T.",
            "angle = 2 * np.pi / T * np.outer(np.arange(T // 2 + 1), np.arange(T))",
        ),
        differs="is the same, and it keeps what it has once computed",
        read="tinysegnet/ops/fast/fourier.py",
        race=lambda: (96, np.dtype(np.float32)),
    ),
    Exercise(
        "circular_convolution",
        checked(values(circular_convolution, *PAIRS, names=("x", "w"), cache=True, mistakes=CONVOLUTION)),
        answer=circular_convolution,
        hints=(
            "Transform x; transform w with zeros after it, or with the first K columns of forward alone; multiply; go "
            "back.",
            "forward @ x is (2 L,): the first L are the real parts a, the others the imaginary parts b. Of w: c and d. "
            "(a + i b)(c - i d) = (a c + b d) + i (b c - a d).",
            "forward, inverse = transforms(len(x), x.dtype), then a, b = np.split(forward @ x, 2)",
        ),
        differs="does this for C channels and F filters and in two directions (the time is that of two loops)",
        read="tinysegnet/ops/fast/fourier.py",
        race=lambda: tuple(a.astype(np.float32) for a in rows(96, 49)),
    ),
    Exercise(
        "circular_convolution_backward",
        checked(
            gradients(circular_convolution, circular_convolution_backward, *PAIRS, names=("x", "w"), mistakes=BACKWARD),
            adjoint,
        ),
        answer=circular_convolution_backward,
        hints=(
            "Which y did x[m] move, and by which weight? r + j is m, so r is m - j: the kernel looks the other way.",
            "dx_hat = dy_hat * w_hat, without conj, is (L,) and gives T values. dw_hat = x_hat * conj(dy_hat) gives T "
            "values too, and dw is the first K of them.",
            "x, w = cache; then a, b of dy and c, d of w as in the forward, and (a + i b)(c + i d) for dx.",
        ),
        differs="has these two products too, each as a matrix product over channels and filters (the time is that of "
                "two loops)",
        read="tinysegnet/ops/fast/conv_fft.py",
        race=lambda: (rows(96, 49, seed=1)[0], rows(96, 49)),
    ),
    Exercise(
        "overlap_save",
        checked(values(overlap_save, *CUTS, names=("x", "w", "T"), mistakes=SAVE)),
        answer=overlap_save,
        hints=(
            "How many values of a tile have not wrapped around? So many it gives, and there the next tile begins.",
            "With M = T - K + 1: the tile x[first : first + T] gives y[first : first + M]. The last one may be "
            "shorter.",
            "for first in range(0, len(y), M):",
        ),
        differs="cuts images so, in two directions (the time is that of two loops)",
        read="tinysegnet/ops/fast/conv_fft.py",
        race=lambda: (*rows(400, 21), 64),
    ),
)
