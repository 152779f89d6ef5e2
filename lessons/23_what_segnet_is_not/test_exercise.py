"""Lesson 23: how dilated_conv2d, its backward and pseudo_labels are judged: a dilated convolution is one with zeros
between the weights of its kernel."""

from functools import partial, wraps

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops
from tinysegnet.checker.finite_differences import upstream
from tinysegnet.checker.mistakes import conv
from tinysegnet.checker.mistakes.table import Table

PAGE, READ = "lessons/23_what_segnet_is_not/README.md", "tinysegnet/ops/conv.py"
VOID = 255
rng = np.random.default_rng(98)


# ---- the answers, of which the library has none ----

def stretched(w, d):
    """w with d - 1 rows and columns of zeros between its own."""
    K = len(w)
    wide = np.zeros((d * (K - 1) + 1, d * (K - 1) + 1, *w.shape[2:]), w.dtype)
    wide[::d, ::d] = w
    return wide


def dilated_conv2d(x, w, b, dilation):
    return ops.conv2d(x, stretched(w, dilation), b)[0], (x, w, dilation)


def dilated_conv2d_backward(dy, cache):
    x, w, d = cache
    dx, dw, db = ops.conv2d_backward(dy, (x, stretched(w, d)))
    return dx, dw[::d, ::d].copy(), db


def pseudo_labels(p, threshold, ignore):
    return np.where(p.max(axis=-1) < threshold, ignore, p.argmax(axis=-1)).astype(np.uint8)


# ---- cases ----

def arrays(N, H, W, C, F, K, dilation):
    shapes = (N, H, W, C), (K, K, C, F), (F,)
    return *(rng.standard_normal(shape) for shape in shapes), dilation


ROW = np.array([1.0, 2, 3, 4, 5]).reshape(1, 1, 5, 1)
LINE = np.zeros((3, 3, 1, 1))
LINE[1, :, 0, 0] = 1, 10, 100
CASES = (
    (ROW, LINE, np.zeros(1), 2),            # that of the page
    arrays(1, 4, 5, 1, 1, 3, 1),            # it is conv2d
    arrays(1, 6, 8, 2, 3, 3, 2),
    arrays(2, 5, 7, 3, 2, 3, 2),            # the dilation divides neither H nor W
    arrays(1, 7, 4, 2, 2, 5, 3),
    arrays(2, 3, 4, 2, 3, 3, 5),            # only the middle of the kernel is inside
    arrays(1, 1, 1, 2, 2, 3, 2), arrays(1, 3, 2, 2, 3, 1, 4),
)


def two():
    """Generic ones, for known mistakes."""
    own = np.random.default_rng(99)
    for N, H, W, C, F, K, d in ((2, 8, 10, 3, 5, 3, 2), (3, 13, 11, 2, 4, 3, 3)):
        shapes = (N, H, W, C), (K, K, C, F), (F,)
        yield *(own.standard_normal(shape) for shape in shapes), d


def moved(x, rows, columns):
    """Of each pixel the one so many rows below and columns to the right of it, and 0 where there is none."""
    N, H, W, C = x.shape
    y = np.zeros_like(x)
    r, q = np.arange(H), np.arange(W)
    r, q = r[(0 <= r + rows) & (r + rows < H)], q[(0 <= q + columns) & (q + columns < W)]
    if len(r) and len(q):
        y[:, r[0] : r[-1] + 1, q[0] : q[-1] + 1] = x[:, r[0] + rows :, q[0] + columns :][:, : len(r), : len(q)]
    return y


def right_place(i, K, d):
    return (i - K // 2) * d


def places(w, d, rows=right_place, columns=right_place):
    """(i, j, how far down place i, j reads, and how far to the right)."""
    K = len(w)
    return [(i, j, rows(i, K, d), columns(j, K, d)) for i in range(K) for j in range(K)]


def forward_at(x, w, b, d, **where):
    """y of a kernel whose places read elsewhere; place(i, K, d) of rows or columns says where."""
    return sum(moved(x, r, q) @ w[i, j] for i, j, r, q in places(w, d, **where)) + b


def dx_at(dy, x, w, b, d, **where):
    return sum(moved(dy @ w[i, j].T, -r, -q) for i, j, r, q in places(w, d, **where))


def dw_at(dy, x, w, b, d, **where):
    dw = np.zeros_like(w)
    for i, j, r, q in places(w, d, **where):
        dw[i, j] = np.einsum("nrqc,nrqf->cf", moved(x, r, q), dy)
    return dw


# What may be wrong with where a place of the kernel reads: a name, the sentence, and the two rules.
def both(rule):
    return {"rows": rule, "columns": rule}


WHERE = (
    ("no_dilation", "dilation is not used: that is conv2d, and place i, j has to read (i - K//2) * dilation rows and "
     "(j - K//2) * dilation columns away", both(lambda i, K, d: i - K // 2)),
    ("margin_of_conv2d", "the margin is K//2, as in conv2d: a kernel with holes reaches dilation * (K//2) to each side",
     both(lambda i, K, d: i * d - K // 2)),
    ("rows_alone", "only rows are dilated: columns have the same holes", {"columns": lambda j, K, d: j - K // 2}),
    ("columns_alone", "only columns are dilated: rows have the same holes", {"rows": lambda i, K, d: i - K // 2}),
    ("holes_of_dilation", "there are `dilation` pixels between two weights: they lie `dilation` apart, with dilation - "
     "1 between them", both(lambda i, K, d: (i - K // 2) * (d + 1))),
    ("one_less", "two weights lie dilation - 1 apart: it should be `dilation`", both(
        lambda i, K, d: (i - K // 2) * (d - 1))),
    ("all_after", "all of the margin is below and to the right: put dilation * (K//2) on each side, so that the pixel "
     "is in the middle", both(lambda i, K, d: i * d)),
    ("all_before", "all of the margin is above and to the left: put dilation * (K//2) on each side, so that the pixel "
     "is in the middle", both(lambda i, K, d: (i - K + 1) * d)),
    ("too_far_up", "the window is one pixel too far up and to the left: it begins dilation * (K//2) before its pixel",
     both(lambda i, K, d: (i - K // 2) * d - 1)),
    ("too_far_down", "the window is one pixel too far down and to the right: it begins dilation * (K//2) before its "
     "pixel", both(lambda i, K, d: (i - K // 2) * d + 1)),
    ("margin_of_the_whole", "each interleaved image has a margin of dilation * (K//2): within one the pixels are "
     "neighbours, and K//2 is enough", both(lambda i, K, d: i * d - d * d * (K // 2))),
    ("powers", "the distances are dilation ** i: place i lies (i - K//2) * dilation away", both(
        lambda i, K, d: d ** i - d ** (K // 2))),
)


def on_the_stretched(wrong):
    """A known mistake of conv2d or its backward, with a kernel that has holes."""

    @wraps(wrong)
    def with_dilation(*args):
        *dy_and_x, w, b, d = args
        found = wrong(*dy_and_x, stretched(w, d), b)
        return {name: answer[::d, ::d] if name == "dw" else answer for name, answer in found.items()}

    return with_dilation


# ---- dilated_conv2d ----

FORWARD = Table(PAGE, two, ("y",))
for name, sentence, where in WHERE:
    FORWARD.mistake(sentence, **{name: partial(forward_at, **where)})
FORWARD.mistake("each weight fills its hole as well, as np.repeat has it: between the weights there are zeros",
                repeated=lambda x, w, b, d: sum(
                    moved(x, (i - 1) * d + r, (j - 1) * d + q) @ w[i, j]
                    for i, j in np.ndindex(w.shape[:2]) for r in range(d) for q in range(d)) + b)
FORWARD.mistake("the bias is added once for each place of the kernel: add it once for each pixel, after the sum",
                bias_for_each_place=lambda x, w, b, d: forward_at(x, w, w.shape[0] ** 2 * b, d))
FORWARD.mistake("the bias is added for each place of the kernel, and once before: once is enough",
                bias_for_each_place_and_before=lambda x, w, b, d: forward_at(x, w, (w.shape[0] ** 2 + 1) * b, d))
FORWARD.mistake("y is divided by dilation * dilation: it is a sum", divided=lambda x, w, b, d: (
    forward_at(x, w, 0, d) / d**2 + b))


def by_parts(size, d):
    """The rows of an image in the order of its interleaved images, one after the other."""
    return np.argsort(np.arange(size) % d, kind="stable")


FORWARD.mistake("the interleaved images stand side by side in y, as blocks: pixel r, q of image i, j belongs to r * "
                "dilation + i, q * dilation + j", blocks=lambda x, w, b, d: dilated_conv2d(x, w, b, d)[0][
                    :, by_parts(x.shape[1], d)][:, :, by_parts(x.shape[2], d)])
OF_CONV2D = {
    "height_and_width_exchanged", "first_row_and_column_of_x_left_out", "negative_index", "filters_before_pixels",
    "last_row_and_column_left_out", "border_not_computed", "no_bias", "kernel_flipped", "kernel_transposed",
    "rows_flipped", "columns_flipped", "border_repeated", "border_wrapped", "border_reflected", "border_of_ones",
    "overwritten", "only_one_channel", "first_channel", "bias_for_each_channel", "first_image_for_all",
    "last_image_for_all", "only_first_image", "only_first_image_and_bias", "only_last_image", "border_of_bias",
    "last_row_left_out", "last_column_left_out", "first_row_and_column_left_out", "last_row_of_y_left_out",
    "last_column_of_y_left_out", "last_row_and_column_of_y_left_out", "only_the_middle", "w_filters_first",
}                           # the known mistakes of conv2d whose sentences hold of a kernel with holes, too
FORWARD.mistakes += [on_the_stretched(wrong) for wrong in conv.forward.mistakes if wrong.__name__ in OF_CONV2D]


# ---- its backward ----

BACKWARD = Table(PAGE, two, ("dx", "dw", "db"), dilated_conv2d, axes=("channel",))
for name, sentence, where in WHERE:
    BACKWARD.mistake(f"in dx {sentence}", "dx", **{f"dx_{name}": partial(dx_at, **where)})
    BACKWARD.mistake(f"in dw {sentence}", "dw", **{f"dw_{name}": partial(dw_at, **where)})


def last_written(dy, x, w, b, d):
    """The dx of slices that are overwritten, place after place."""
    N, H, W, C = x.shape
    p = d * (len(w) // 2)
    padded = np.zeros((N, H + 2 * p, W + 2 * p, C))
    for i, j in np.ndindex(w.shape[:2]):
        padded[:, i * d : i * d + H, j * d : j * d + W] = dy @ w[i, j].T
    return padded[:, p : p + H, p : p + W]


def seen_from_x(dy, w, d):
    """dy convolved with w, its channels and filters exchanged: dx if w is rotated before."""
    return forward_at(dy, w.swapaxes(2, 3), 0, d)


BACKWARD.mistake("where windows overlap, only the last place of the kernel counts in dx: a pixel lies in up to K*K "
                 "windows, and their gradients add up (+=)", "dx", dx_overwritten=last_written)
BACKWARD.mistake("dx is the dilated convolution of dy with w as it stands: seen from x the kernel is rotated by 180 "
                 "degrees", "dx", dx_not_rotated=lambda dy, x, w, b, d: seen_from_x(dy, w, d))
BACKWARD.mistake("db is multiplied by K * K: b was added once for each pixel, not for each place of the kernel", "db",
                 db_for_each_place=lambda dy, x, w, b, d: w.shape[0] ** 2 * dy.sum(axis=(0, 1, 2)))
BACKWARD.mistake("db is divided by dilation * dilation: b was added to every pixel", "db",
                 db_divided=lambda dy, x, w, b, d: dy.sum(axis=(0, 1, 2)) / d**2)
BACKWARD.mistake("db is the sum over every dilation-th row and column alone: b was added to every pixel", "db",
                 db_of_one_part=lambda dy, x, w, b, d: dy[:, ::d, ::d].sum(axis=(0, 1, 2)))


def one_part(a, d):
    """a, and 0 outside the first interleaved image."""
    kept = np.zeros_like(a)
    kept[:, ::d, ::d] = a[:, ::d, ::d]
    return kept


BACKWARD.mistake("dw comes from every dilation-th row and column of dy alone: w was used at every pixel", "dw",
                 dw_of_one_part=lambda dy, x, w, b, d: dw_at(one_part(dy, d), x, w, b, d))
BACKWARD.mistake("dx has every dilation-th row and column alone: all pixels of x were read", "dx",
                 dx_of_one_part=lambda dy, x, w, b, d: one_part(dx_at(dy, x, w, b, d), d))
BACKWARD_OF_CONV2D = {
    "dw_of_the_inside", "dw_border_repeated", "dx_rows_turned", "dx_columns_turned", "dx_kernel_transposed",
    "dx_of_all_before", "dx_padding_folded", "dw_rotated", "dw_from_last_image", "dw_mean_over_batch",
    "dw_kernel_transposed", "db_mean", "db_from_one_image", "db_of_the_first_pixel", "dx_w_reshaped",
    "dx_of_first_image", "dx_of_last_image", "dw_from_first_image", "db_from_first_image", "dx_divided_by_images",
    "dw_mean", "dw_mean_in_images", "db_divided_by_images", "db_mean_in_images", "db_of_all_filters", "db_dy_reshaped",
    "db_of_the_last_pixel", "dw_rows_flipped", "dw_columns_flipped", "dx_of_first_for_all",
}
BACKWARD.mistakes += [
    on_the_stretched(wrong) for wrong in conv.backward.mistakes if wrong.__name__ in BACKWARD_OF_CONV2D
]


# ---- pseudo_labels ----

def sixteenths(seed, *shape):
    """Probabilities that are whole sixteenths, the same in float32 and float64, so that some meet a threshold."""
    own = np.random.default_rng(seed)
    return np.array([np.bincount(own.integers(0, shape[-1], 16), own.choice([1, 1, 6], 16), shape[-1])
                     for _ in range(np.prod(shape[:-1]))]).reshape(shape)


def as_shares(counts):
    """Counts as probabilities in sixteenths: what is too many or too few goes to the largest."""
    shares = np.floor(16 * counts / counts.sum(axis=-1, keepdims=True))
    best = shares.argmax(axis=-1)[..., None]
    rest = 16 - shares.sum(axis=-1, keepdims=True)
    np.put_along_axis(shares, best, np.take_along_axis(shares, best, -1) + rest, -1)
    return shares / 16


def probabilities(seed, *shape):
    return as_shares(sixteenths(seed, *shape))


FOUR = np.array([[0.75, 0.25, 0.0], [0.125, 0.375, 0.5], [0.0, 0.0625, 0.9375], [0.25, 0.5, 0.25]]).reshape(1, 1, 4, 3)
PSEUDO = (
    (FOUR, 0.75, VOID),                     # that of the page: a pixel has just the threshold
    (FOUR, 0.765625, VOID),                 # and none now
    (FOUR[0], 0.5, VOID),                   # one street
    (probabilities(1, 2, 5, 4, 3), 0.625, VOID), (probabilities(2, 1, 6, 7, 11), 0.375, 11),
    (probabilities(3, 2, 3, 4, 5), 0.0, VOID), (probabilities(4, 2, 3, 4, 2), 1.0, 200),
)
GUESS = Table(PAGE, lambda: ((probabilities(5, 2, 5, 6, 4), 0.625, 250), (probabilities(6, 3, 7, 4, 5), 0.3125, 77)),
              ("labels",))


def guess(sure=lambda p, threshold: p.max(axis=-1) >= threshold, best=lambda p: p.argmax(axis=-1),
          unsure=lambda p, ignore: ignore):
    """Pseudo-labels with something else here or there."""
    return lambda p, threshold, ignore: np.where(sure(p, threshold), best(p), unsure(p, ignore)).astype(np.uint8)


def softmax(p):
    e = np.exp(p)
    return e / e.sum(axis=-1, keepdims=True)


def margin(p):
    """Between the largest and the second."""
    ordered = np.sort(p, axis=-1)
    return ordered[..., -1] - ordered[..., -2]


GUESS.mistake("a pixel that has just the threshold is left out: `threshold` or more, >=", more_than=guess(
    sure=lambda p, threshold: p.max(axis=-1) > threshold))
GUESS.mistake("the threshold is not used: every pixel has its best class", no_threshold=guess(
    sure=lambda p, threshold: True))
GUESS.mistake("what is sure is ignored, and what is not has a class: turn it round", turned=guess(
    sure=lambda p, threshold: p.max(axis=-1) < threshold))
GUESS.mistake("pixels that are not sure are said to be of class 0, and that is a class: give them `ignore`",
              class_0=guess(unsure=lambda p, ignore: 0))
GUESS.mistake("pixels that are not sure have the number behind the last class: give them `ignore`, whatever it is",
              behind_the_last=guess(unsure=lambda p, ignore: p.shape[-1]))
GUESS.mistake("pixels that are not sure have 255: give them `ignore`, whatever it is", always_255=guess(
    unsure=lambda p, ignore: 255))
GUESS.mistake("pixels that are not sure are said to be of the last class: give them `ignore`", last_class=guess(
    unsure=lambda p, ignore: p.shape[-1] - 1))
GUESS.mistake("it is a softmax of p that is compared with the threshold: p are probabilities already",
              softmax_again=guess(sure=lambda p, threshold: softmax(p).max(axis=-1) >= threshold))
GUESS.mistake("the first class that reaches the threshold is taken: it may not be the one with the largest "
              "probability, and where none does there is class 0", first_above=lambda p, threshold, ignore: (
                  p >= threshold).argmax(axis=-1).astype(np.uint8))
GUESS.mistake("of a pixel that is sure the first class that reaches the threshold is taken: another may have a larger "
              "probability", first_above_where_sure=lambda p, threshold, ignore: np.where(
                  p.max(axis=-1) >= threshold, (p >= threshold).argmax(axis=-1), ignore).astype(np.uint8))
GUESS.mistake("the class with the smallest probability is taken: argmax", smallest=guess(
    best=lambda p: p.argmin(axis=-1)))
GUESS.mistake("what is compared with the threshold is by how much the best class leads: compare its probability",
              lead=guess(sure=lambda p, threshold: margin(p) >= threshold))
GUESS.mistake("the numbers of the classes are compared with the threshold: compare the largest probability",
              number_compared=guess(sure=lambda p, threshold: p.argmax(axis=-1) >= threshold))
GUESS.mistake("the classes are counted from 1: the first is 0", from_1=guess(best=lambda p: p.argmax(axis=-1) + 1))
GUESS.mistake("the probability of class 0 is compared with the threshold: compare the largest", of_class_0=guess(
    sure=lambda p, threshold: p[..., 0] >= threshold))
GUESS.mistake("it is 1 where the network is sure and `ignore` elsewhere: take the number of the class", ones=guess(
    best=lambda p: 1))
GUESS.mistake("a whole image is taken or left by its mean: each pixel has a probability of its own",
              whole_images=guess(sure=lambda p, threshold: (
                  p.max(axis=-1).mean(axis=(-2, -1), keepdims=True) >= threshold)))


def large():
    x, w, b = (rng.standard_normal(shape, np.float32) for shape in ((1, 48, 64, 16), (3, 3, 16, 16), (16,)))
    return x, w, b, 4


def race_of_backward():
    y, cache = dilated_conv2d(*large())
    return upstream(y, seed=0), cache


ZEROS = "the library's conv2d with zeros between the weights"
EXERCISES = (
    Exercise(
        "dilated_conv2d",
        values(dilated_conv2d, *CASES, names=("x", "w", "b", "dilation"), cache=True, mistakes=FORWARD),
        answer=dilated_conv2d, read=READ, race=large, other=ZEROS,
        differs="is a convolution with a kernel that is mostly zeros, and multiplies by them",
        hints=("Hold one place i, j of the kernel fixed. All pixels read at the same distance from themselves, and all "
               "by the same w[i, j]: one slice of a padded x, and one product.",
               "A margin of p = dilation * (K // 2) zeros on each side gives (N, H + 2p, W + 2p, C). Place i, j reads "
               "its rows from i * dilation on, H of them, and likewise columns. The product is (N, H, W, F).",
               "p = dilation * (K // 2); padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0))), and two loops over the "
               "kernel"),
    ),
    Exercise(
        "dilated_conv2d_backward",
        gradients(dilated_conv2d, dilated_conv2d_backward, *CASES, names=("x", "w", "b"), mistakes=BACKWARD),
        answer=dilated_conv2d_backward, read=READ, race=race_of_backward, other=ZEROS,
        differs="finds dw for the zeros too, and leaves it out",
        hints=("The same two loops over the same slices. For one place i, j the forward is a 1 x 1 convolution of a "
               "slice: what did lesson 03 say of dx and of dw?",
               "dy @ w[i, j].T is (N, H, W, C), and is added to a slice of a padded dx, (N, H + 2p, W + 2p, C). dw[i, "
               "j] is (C, F): reshape slice and dy to (N*H*W, C) and (N*H*W, F). At the end the margin of dx is cut "
               "off.",
               "x, w, dilation = cache; then padded as in the forward, and an array of zeros like it"),
    ),
    Exercise(
        "pseudo_labels",
        values(pseudo_labels, *PSEUDO, results=("labels",), names=("p", "threshold", "ignore"), mistakes=GUESS),
        answer=pseudo_labels, read="tinysegnet/inference.py",
        race=lambda: (probabilities(7, 4, 24, 32, 11).astype(np.float32), 0.9, VOID),
        other="the answer of the course", differs="asks where the largest is below the threshold",
        hints=("Two questions for each pixel: which class is the best, and is it good enough?",
               "p.max(axis=-1) and p.argmax(axis=-1) are (N, H, W). np.where takes the class where the first is large "
               "enough, and `ignore` elsewhere; its dtype is not uint8 yet.",
               "sure = p.max(axis=-1) >= threshold"),
    ),
)
