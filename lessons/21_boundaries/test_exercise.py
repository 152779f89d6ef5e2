"""Lesson 21: how an outline, a matching and boundary F1 are judged."""

from functools import partial

import numpy as np

from lessons.engine.exercises import DONE, WRONG, Exercise, Verdict, as_array, values
from tinysegnet import metrics
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.data import streets
from tinysegnet.metrics.boundary import boundary, count_pairs

READ = "tinysegnet/metrics/boundary.py"
RIGHT, LOWER, LOWER_RIGHT = (0, 1), (1, 0), (1, 1)


def map_of(seed, H, W, classes, ignore=9, void=0.1, dtype=np.int64):
    """Labels of blocks of two pixels, of which a share is to be ignored."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, classes, (H // 2 + 1, W // 2 + 1)).astype(dtype)
    labels = blocks.repeat(2, axis=0).repeat(2, axis=1)[:H, :W]
    labels[rng.random((H, W)) < void] = ignore
    return labels


def drawn(*rows):
    return np.array([[int(digit) for digit in row] for row in rows])


PAGE = drawn("00000", "01100", "01190", "00000")        # that of the page
SAID = drawn("00000", "00110", "00110", "00000")


# ---- boundary ----

def as_numbers(function):
    """A function that returns a mask, as one that returns it in 0 and 1: the checker subtracts what it compares."""
    def run(*args):
        line = function(*args)
        return line.astype(np.int64) if isinstance(line, np.ndarray) and line.dtype.kind in "biu" else line

    run.__name__ = function.__name__
    return run


def outline(neighbours, differs=lambda here, there: here != there, counts=lambda here, there: here & there):
    """An outline by other neighbours than the three, or by another rule."""
    def wrong(labels, c, ignore):
        line, inside, counted = np.zeros(labels.shape, int), labels == c, labels != ignore
        H, W = labels.shape
        for r, q in np.ndindex(H, W):
            for down, right in neighbours:
                if 0 <= r + down < H and 0 <= q + right < W:
                    there = r + down, q + right
                    line[r, q] |= differs(inside[r, q], inside[there]) & counts(counted[r, q], counted[there])
        return line

    return wrong


def around(labels, c, ignore):
    """With a frame of another class around the image."""
    framed = np.pad(labels, 1, constant_values=-1)
    return 1 * boundary(framed, c, ignore)[1:-1, 1:-1]


def round_the_border(labels, c, ignore):
    tiled = np.pad(labels, ((0, 1), (0, 1)), mode="wrap")
    return 1 * boundary(tiled, c, ignore)[:-1, :-1]


def any_class(labels, c, ignore):
    lines = [boundary(labels, k, ignore) for k in np.unique(labels) if k != ignore]
    return 1 * np.logical_or.reduce(lines)


def overwritten(labels, c, ignore, setting=(LOWER, LOWER_RIGHT)):
    """What is left where these neighbours set the line and do not add to it."""
    line = np.zeros(labels.shape, int)
    for neighbour in THREE:
        there = np.s_[: labels.shape[0] - neighbour[0], : labels.shape[1] - neighbour[1]]
        says = outline([neighbour])(labels, c, ignore)[there]
        line[there] = says if neighbour in setting else line[there] | says
    return line


def kept_inside(rows, columns):
    """The outline in these rows and columns, and none elsewhere."""
    def wrong(labels, c, ignore):
        line = np.zeros(labels.shape, int)
        line[rows, columns] = boundary(labels, c, ignore)[rows, columns]
        return line

    return wrong


def one_hides_all(labels, c, ignore):
    """The outline, where all of the pixels that are compared count."""
    counted = np.pad(labels != ignore, ((0, 1), (0, 1)), constant_values=True)
    return boundary(labels, c, ignore) * np.array(counted[:-1, 1:] & counted[1:, :-1] & counted[1:, 1:])


THREE = RIGHT, LOWER, LOWER_RIGHT
LINES = Table(READ, lambda: ((map_of(1, 9, 12, 3), 1, 9), (map_of(2, 7, 8, 3, ignore=0), 2, 0)), results=("line",))
LINES.mistake("the neighbours to the left and above are asked too, which makes the line two pixels wide: ask the "
              "right, the lower and the lower-right one",
              two_wide=outline([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]),
              two_wide_of_five=outline([(0, 1), (1, 0), (1, 1), (0, -1), (-1, 0)]),
              two_wide_of_four=outline([(0, 1), (1, 0), (0, -1), (-1, 0)]))
LINES.mistake("the lower-right neighbour is not asked", no_corner=outline([RIGHT, LOWER]))
LINES.mistake("only the lower-right neighbour is asked: ask the right and the lower one too",
              only_corner=outline([LOWER_RIGHT]))
LINES.mistake("the right neighbour is not asked", no_right=outline([LOWER, LOWER_RIGHT]))
LINES.mistake("the lower neighbour is not asked", no_lower=outline([RIGHT, LOWER_RIGHT]))
LINES.mistake("only the right neighbour is asked: ask the lower and the lower-right one too",
              only_right=outline([RIGHT]))
LINES.mistake("only the lower neighbour is asked: ask the right and the lower-right one too",
              only_lower=outline([LOWER]))
LINES.mistake("the lower-left neighbour is asked in the place of the lower-right one",
              lower_left=outline([RIGHT, LOWER, (1, -1)]))
LINES.mistake("what one neighbour says overwrites what another said: one is enough, so put them together by `or`",
              overwritten=overwritten, overwritten_once=partial(overwritten, setting=(LOWER,)))
LINES.mistake("the last row and column have no outline: they have a neighbour too, beside or below",
              end_left_out=kept_inside(slice(-1), slice(-1)))
LINES.mistake("the last row has no outline: its pixels have a right neighbour", last_row_left_out=kept_inside(
    slice(-1), slice(None)))
LINES.mistake("the last column has no outline: its pixels have a lower neighbour", last_column_left_out=kept_inside(
    slice(None), slice(-1)))
LINES.mistake("the first row and column have no outline: begin at 0", beginning_left_out=kept_inside(
    slice(1, None), slice(1, None)))
LINES.mistake("where one neighbour is ignored, the others do not count either: ask each of the three by itself",
              one_hides_all=one_hides_all)
LINES.mistake("the line is where the two are both of the class or both not: it is where one is and the other is not",
              turned_round=outline(THREE, differs=lambda here, there: here == there))
LINES.mistake("the neighbours to the left and above are asked: ask the right, the lower and the lower-right one",
              upper_left=outline([(0, -1), (-1, 0), (-1, -1)]))
LINES.mistake("the line has only pixels of the class: one outside, whose right, lower or lower-right neighbour is of "
              "it, is in the line too", inside_only=outline(THREE, differs=lambda here, there: here & (not there)))
LINES.mistake("the line has only pixels outside the class: one of it, whose right, lower or lower-right neighbour is "
              "not, is in the line too", outside_only=outline(THREE, differs=lambda here, there: there & (not here)))
LINES.mistake("`ignore` is not asked: where one of the two is ignored there is no outline",
              ignore_not_asked=outline(THREE, counts=lambda here, there: True))
LINES.mistake("a pixel beside one that is ignored is taken for outline: the neighbour must not be ignored either",
              neighbour_not_asked=outline(THREE, counts=lambda here, there: here))
LINES.mistake("a pixel that is ignored itself is taken for outline: neither of the two may be",
              itself_not_asked=outline(THREE, counts=lambda here, there: there))
LINES.mistake("the border of the image is taken for outline: what is beyond it is no neighbour", at_the_border=around)
LINES.mistake("the last column is compared with the first, or the last row: what is beyond the border is no neighbour",
              wrapped=round_the_border)
LINES.mistake("the line is between any two labels: it should be there only where one of the two is of class c",
              between_any=any_class)
LINES.mistake("it is all of the class, and not its outline", the_class=lambda labels, c, ignore: 1 * (labels == c))

LINE_CASES = (
    (PAGE, 1, 9), (drawn("00", "01"), 1, 9), (drawn("012"), 1, 9), (drawn("012"), 2, 9), (drawn("1", "1", "0"), 0, 9),
    (map_of(3, 6, 7, 3, void=0), 0, 9), (map_of(4, 7, 6, 4), 2, 9), (map_of(5, 8, 9, 3, ignore=1), 2, 1),
    (map_of(6, 9, 7, 3), 5, 9),                                         # a class that is nowhere
    (map_of(7, 7, 9, 4, ignore=255, dtype=np.uint8), 0, 255),
    (np.ones((1, 1), int), 1, 9),
)


# ---- count_pairs ----

def distances(a, b):
    """(pixels of a, pixels of b)"""
    return np.sqrt(((np.argwhere(a)[:, None] - np.argwhere(b)) ** 2).sum(axis=2))


def greedy(order):
    """Each pixel of a takes a free one of b, and keeps it. order(distances) says which it likes best."""
    def wrong(a, b, tolerance):
        apart = distances(a, b)
        near, taken = apart <= tolerance, set()
        for likes, those in zip(order(apart), near):
            free = [j for j in likes if those[j] and j not in taken]
            taken |= set(free[:1])
        return float(len(taken))

    return wrong


def by(measure):
    """As many pairs as possible, of those that the measure finds near."""
    def wrong(a, b, tolerance):
        from scipy.optimize import linear_sum_assignment

        near = measure(np.abs(np.argwhere(a)[:, None] - np.argwhere(b)), tolerance)
        return float(near[linear_sum_assignment(near, maximize=True)].sum())

    return wrong


def smallest_sum(a, b, tolerance):
    from scipy.optimize import linear_sum_assignment

    apart = distances(a, b)
    return float((apart[linear_sum_assignment(apart)] <= tolerance).sum())


def two_masks(seed, H, W, tolerance, share=0.25):
    rng = np.random.default_rng(seed)
    return rng.random((H, W)) < share, rng.random((H, W)) < share, tolerance


PAIRS = Table(READ, lambda: (two_masks(1, 9, 11, 1.0), two_masks(2, 12, 9, 2.5, 0.3), two_masks(3, 10, 13, 1.5, 0.4)),
              results=("pairs",))
PAIRS.mistake("a pixel that has a partner keeps it: if it can take another, it should make room for the next",
              nearest_first=greedy(lambda apart: np.argsort(apart, axis=1, kind="stable")),
              first_first=greedy(lambda apart: [range(apart.shape[1])] * len(apart)))
PAIRS.mistake("each pixel of a counts that has a pixel of b near, though several may have the same one",
              of_a=lambda a, b, tolerance: float((distances(a, b) <= tolerance).any(axis=1).sum()))
PAIRS.mistake("each pixel of b counts that has a pixel of a near, though several may have the same one",
              of_b=lambda a, b, tolerance: float((distances(a, b) <= tolerance).any(axis=0).sum()))
PAIRS.mistake("of a and of b the pixels are counted that have one of the other near, and the smaller number is taken: "
              "so many pairs need not be possible", smaller_of_both=lambda a, b, tolerance: float(min(
                  (distances(a, b) <= tolerance).any(axis=axis).sum() for axis in (0, 1))))
PAIRS.mistake("the pairs are those with the smallest sum of distances: others can be more that are near enough",
              smallest_sum=smallest_sum)
PAIRS.mistake("each pair is counted twice, once for each of its pixels",
              counted_twice=lambda *args: 2.0 * count_pairs(*args))
PAIRS.mistake("rows alone are compared: the distance has columns too",
              rows_alone=by(lambda apart, tolerance: apart[..., 0] <= tolerance))
PAIRS.mistake("columns alone are compared: the distance has rows too",
              columns_alone=by(lambda apart, tolerance: apart[..., 1] <= tolerance))
PAIRS.mistake("all pairs that are near are counted: none may be in two of them",
              all_that_are_near=lambda a, b, tolerance: float((distances(a, b) <= tolerance).sum()))
PAIRS.mistake("what is just the tolerance apart is left out: it may be a pair",
              less_than=by(lambda apart, tolerance: np.sqrt((apart**2).sum(axis=2)) < tolerance))
PAIRS.mistake("the distance is the larger of rows and columns: it is the root of the sum of their squares",
              chessboard=by(lambda apart, tolerance: apart.max(axis=2) <= tolerance))
PAIRS.mistake("the distance is the sum of rows and columns: it is the root of the sum of their squares",
              city_blocks=by(lambda apart, tolerance: apart.sum(axis=2) <= tolerance))
PAIRS.mistake("the square of the distance is compared with the tolerance: take the root, or square both",
              squared=by(lambda apart, tolerance: (apart**2).sum(axis=2) <= tolerance))
PAIRS.mistake("only pixels on the same place are pairs: they may be up to the tolerance apart",
              same_place=lambda a, b, tolerance: float((a & b).sum()))


def row(*places):
    mask = np.zeros((1, 6), bool)
    mask[0, list(places)] = True
    return mask


PAIR_CASES = (
    (row(1, 2), row(0, 1), 1.0),                                        # that of the page
    (row(0), row(1), 0.5), (row(0, 1), row(3), 2.0), (row(2), row(1, 2, 3), 1.0), (row(), row(1), 3.0),
    (row(1, 2, 3, 4), row(0, 1, 2, 3), 1.0),
    (row(1, 2, 3, 4)[:, ::-1], row(0, 1, 2, 3)[:, ::-1], 1.0),
    two_masks(4, 6, 7, 1.0), two_masks(5, 8, 9, 0.0, 0.5), two_masks(6, 9, 8, 2.0**0.5, 0.3),
    two_masks(7, 12, 9, 5.0**0.5), two_masks(8, 10, 11, 3.0, 0.15), two_masks(9, 9, 12, 2.5, 0.5),
    two_masks(10, 6, 5, 30.0, 0.3),
)


# ---- boundary_f1 ----

def by_counts(share, masked=True, asked=(True, True)):
    """F1 of each class by another share(pairs, true, called).

    asked  whether the outlines of labels and of predictions leave out what is to be ignored
    """
    def wrong(labels, predicted, classes, ignore, tolerance):
        if masked:
            predicted = np.where(labels == ignore, ignore, predicted)
        found = []
        for c in range(classes):
            true, called = (boundary(said, c, ignore if leave_out else -1)
                            for said, leave_out in zip((labels, predicted), asked))
            found.append(share(count_pairs(true, called, tolerance), true.sum(), called.sum()))
        return np.nan_to_num(np.array(found, float))

    return wrong


def over(part, whole):
    return part / whole if whole else np.nan


def f1_of(pairs, true, called):
    return over(2 * pairs, true + called)


def by_nearness(labels, predicted, classes, ignore, tolerance):
    """A pixel is right if any of the other outline is near."""
    predicted, found = np.where(labels == ignore, ignore, predicted), []
    for c in range(classes):
        near = distances(boundary(labels, c, ignore), boundary(predicted, c, ignore)) <= tolerance
        if not near.size:
            found.append(0.0)
            continue
        recall, precision = near.any(axis=1).mean(), near.any(axis=0).mean()
        found.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return np.array(found)


def two_maps(seed, H, W, classes, ignore, tolerance, wrong=0.2, void=0.1, dtype=np.int64):
    rng = np.random.default_rng(seed)
    labels = map_of(seed, H, W, classes, ignore, void=0, dtype=dtype)
    predicted = np.where(rng.random((H, W)) < wrong, map_of(seed + 1, H, W, classes, void=0), labels)
    labels[rng.random((H, W)) < void] = ignore
    return labels, predicted, classes, ignore, tolerance


SCORES = Table(READ, lambda: (two_maps(20, 9, 12, 3, 9, 1.0), two_maps(22, 12, 10, 4, 9, 1.5)), results=("f1",))
SCORES.mistake("the prediction is not ignored where the label is: its outlines there are judged",
               not_masked=by_counts(f1_of, masked=False))
SCORES.mistake("nothing is ignored: void has an outline then, as if it were a class",
               nothing_ignored=by_counts(f1_of, asked=(False, False)))
SCORES.mistake("void has an outline in the prediction, as if it were a class: give boundary the same `ignore` twice",
               void_predicted=by_counts(f1_of, asked=(True, False)))
SCORES.mistake("void has an outline in the labels, as if it were a class: give boundary the same `ignore` twice",
               void_labelled=by_counts(f1_of, asked=(False, True)))
SCORES.mistake("the 2 is lost: precision and recall each have the pairs on top", no_two=by_counts(
    lambda pairs, true, called: over(pairs, true + called)))
SCORES.mistake("it is the precision alone: the share of the predicted outline that has a partner",
               precision=by_counts(lambda pairs, true, called: over(pairs, called)))
SCORES.mistake("it is the recall alone: the share of the true outline that has a partner",
               recall=by_counts(lambda pairs, true, called: over(pairs, true)))
SCORES.mistake("it is the mean of precision and recall: F1 is twice their product, divided by their sum",
               mean=by_counts(lambda pairs, true, called: (over(pairs, true) + over(pairs, called)) / 2))
SCORES.mistake("pairs are divided by what is in either outline, as in IoU: divide twice the pairs by the sum of both",
               as_iou=by_counts(lambda pairs, true, called: over(pairs, true + called - pairs)))
SCORES.mistake("it is the product of precision and recall: F1 is twice that, divided by their sum",
               product=by_counts(lambda pairs, true, called: over(pairs, true) * over(pairs, called)))
SCORES.mistake("it is the root of the product of precision and recall: F1 is twice the product, divided by their sum",
               geometric_mean=by_counts(
                   lambda pairs, true, called: np.sqrt(over(pairs, true) * over(pairs, called))))
SCORES.mistake("it is in percent: F1 goes from 0 to 1",
               in_percent=by_counts(lambda pairs, true, called: 100 * f1_of(pairs, true, called)))
SCORES.mistake("the tolerance is not used: pixels that are near may be a pair",
               no_tolerance=lambda labels, predicted, classes, ignore, tolerance: (
                   by_counts(f1_of)(labels, predicted, classes, ignore, 0)))
SCORES.mistake("it is the number of pairs: divide twice that by the sum of both outlines",
               not_divided=by_counts(lambda pairs, true, called: pairs))
SCORES.mistake("a pixel is right if any pixel of the other outline is near: count pairs, so that none counts twice",
               by_nearness=by_nearness)

SCORE_CASES = (
    (PAGE, SAID, 2, 9, 1.0),                                            # that of the page
    (drawn("0011"), drawn("0111"), 2, 9, 0.5), (drawn("0011"), drawn("0111"), 2, 9, 1.0),
    (drawn("0011", "0011"), drawn("0000", "0000"), 2, 9, 5.0),          # nothing is predicted
    (drawn("0000", "0000"), drawn("0010", "0000"), 2, 9, 5.0),          # where nothing is
    two_maps(30, 6, 7, 3, 9, 1.0, void=0), two_maps(32, 8, 9, 3, 9, 2.0**0.5), two_maps(34, 9, 8, 4, 9, 0.0),
    two_maps(36, 9, 10, 3, 255, 2.0, dtype=np.uint8),                   # the prediction is int64
)
EMPTY = (
    (drawn("0011"), drawn("0111"), 4, 9, 1.0), (drawn("00", "00"), drawn("00", "00"), 2, 9, 1.0),
    (drawn("0091"), drawn("0011"), 2, 9, 1.0), (drawn("01"), drawn("00"), 2, 9, 1.0),
)
SCENE, *_ = (labels[24:64, 30:80] for _, labels in [streets.scene(11)])


def scores(function):
    """First where each class has an outline; and then, as no comparison can find a NaN, where some have none."""
    compare = values(metrics.boundary_f1, *SCORE_CASES, names=("labels", "predicted", "classes", "ignore", "tolerance"),
                     mistakes=SCORES)
    verdicts = compare(function)
    if all(verdict.kind == DONE for verdict in verdicts.values()):
        for args in EMPTY:
            with np.errstate(all="ignore"):
                learner, library = np.asarray(function(*args)), metrics.boundary_f1(*args)
            if not np.array_equal(learner, library, equal_nan=True):
                text = f"of the labels {args[0].tolist()} and the prediction {args[1].tolist()}, {args[2]} classes, " \
                       f"is {learner.tolist()} and should be {library.tolist()}: NaN where neither has an outline"
                return dict.fromkeys(verdicts, Verdict(WRONG, f"  {function.__name__} {text}"))
    return verdicts


EXERCISES = (
    Exercise(
        "boundary",
        values(as_numbers(boundary), *LINE_CASES, names=("labels", "c", "ignore"), mistakes=LINES, adapt=as_numbers),
        answer=boundary, read=READ, race=lambda: (SCENE, 3, 11),
        differs="is a loop over the three neighbours too",
        hints=("Compare the image with itself, moved by a pixel: once to the left, once up, once both.",
               "labels[:, :-1] and labels[:, 1:] are both (H, W - 1): each pixel, and its right neighbour. What you "
               "find belongs to line[:, :-1].",
               "inside, counted = labels == c, labels != ignore; line = np.zeros(labels.shape, bool)"),
    ),
    Exercise(
        "count_pairs",
        values(as_array(count_pairs), *PAIR_CASES, names=("a", "b", "tolerance"), mistakes=PAIRS, adapt=as_array),
        answer=count_pairs, read=READ, race=lambda: two_masks(11, 30, 40, 1.2, 0.1),
        differs="builds the graph with arrays, and leaves the matching to SciPy, as a flow",
        hints=("Let each pixel of a look for a partner. If all that are near have one already, ask each of these "
               "partners whether it can take another pixel of b, and it asks on in the same way.",
               "Two lists of (row, column), and a dict from the number of a pixel of b to that of its partner in a. A "
               "function find(i, seen) says whether pixel i of a can have a partner; seen is a set of those of b that "
               "were asked on this way, so that nobody is asked twice.",
               "partner = {}, and in find: for each j that is near i and not in seen, first add j to seen"),
    ),
    Exercise(
        "boundary_f1", scores,
        answer=metrics.boundary_f1, read=READ, race=lambda: (SCENE, np.roll(SCENE, 1, axis=1), 11, 11, 1.2),
        differs="knows a tolerance by itself, 0.75 % of the diagonal",
        hints=("First make the prediction like the labels where these are to be ignored, in a copy. Then all is said "
               "by your two other functions.",
               "For each class two lines (H, W), the number of their pairs, and the number of their pixels. A division "
               "by 0 is NaN, and only that of 0 by 0.",
               "predicted = np.where(labels == ignore, ignore, predicted), and a list of one number for each class"),
    ),
)
