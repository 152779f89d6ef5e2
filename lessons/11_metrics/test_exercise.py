"""Lesson 11: how confusion_matrix, global_accuracy, class_average and mean_iou are judged."""

import numpy as np

from lessons.engine.exercises import DONE, WRONG, Exercise, Verdict, as_array, values
from tinysegnet import metrics
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.metrics.confusion import mean_of_present, ratio

READ = "tinysegnet/metrics/confusion.py"
rng = np.random.default_rng(11)


def pictures(rng, shape, classes, ignore, void=0.2, dtype=np.int64):
    """Labels of which a share is to be ignored, and predictions of which two thirds are right."""
    predicted = rng.integers(0, classes, shape).astype(dtype)
    labels = np.where(rng.random(shape) < 0.67, predicted, rng.integers(0, classes, shape)).astype(dtype)
    labels[rng.random(shape) < void] = ignore
    return labels, predicted, classes, ignore


PAGE = (
    np.array([[0, 0, 0, 0, 0], [0, 2, 3, 0, 0], [1, 2, 3, 1, 1], [1, 1, 1, 1, 1]]),
    np.array([[0, 0, 0, 0, 0], [0, 2, 2, 0, 0], [1, 1, 2, 1, 1], [1, 1, 1, 0, 1]]),
    3, 3,
)                                       # the picture of the page: sky, road, pole, and void


# ---- confusion_matrix ----

def where(there):
    """Counts the pixels where there(labels, predicted, classes, ignore) is True, and no others."""

    def wrong(labels, predicted, classes, ignore):
        mask = there(labels, predicted, classes, ignore)
        return metrics.confusion_matrix(labels[mask], predicted[mask], classes, ignore=-1)

    return wrong


def void_is(label):
    """Counts the pixels to be ignored too, as if they were labelled label(predicted, classes)."""

    def wrong(labels, predicted, classes, ignore):
        labels = np.where(labels == ignore, label(predicted, classes), labels)
        return metrics.confusion_matrix(labels, predicted, classes, ignore=-1)

    return wrong


MATRIX = Table(
    READ,
    lambda: (
        pictures(np.random.default_rng(0), (2, 6, 7), 4, ignore=9),
        pictures(np.random.default_rng(1), (5, 9, 3), 3, ignore=2),
        pictures(np.random.default_rng(3), (3, 5, 8), 4, ignore=1),
    ),
    results=("counts",),
)
MATRIX.mistake("rows and columns are exchanged: the label says the row, and the prediction the column",
               exchanged=lambda *args: metrics.confusion_matrix(*args).T)
MATRIX.mistake("each pair is counted once, however many pixels have it: counts[i, j] += 1 on arrays adds to a place "
               "only once", ones=lambda *args: np.minimum(metrics.confusion_matrix(*args), 1))
MATRIX.mistake("only the pixels that are right are counted: those that are wrong belong beside the diagonal",
               only_right=where(lambda labels, predicted, classes, ignore: (labels != ignore) & (labels == predicted)))
MATRIX.mistake("only the pixels that are wrong are counted: those that are right belong on the diagonal",
               only_wrong=where(lambda labels, predicted, classes, ignore: (labels != ignore) & (labels != predicted)))
MATRIX.mistake("pixels are left out where the prediction is `ignore`: leave them out where the label is",
               void_where_predicted=where(
                   lambda labels, predicted, classes, ignore: (predicted != ignore) & (labels < classes)))
MATRIX.mistake("pixels are left out where the prediction is `ignore`, too: only the label says what is ignored",
               void_where_either=where(
                   lambda labels, predicted, classes, ignore: (labels != ignore) & (predicted != ignore)))
MATRIX.mistake("only the last image (the last row, if there is one image) is counted: add up (+=) over all",
               last_image=lambda labels, predicted, *args: metrics.confusion_matrix(labels[-1], predicted[-1], *args))
MATRIX.mistake("only the first image (the first row, if there is one image) is counted: go on to the last",
               first_image=lambda labels, predicted, *args: metrics.confusion_matrix(labels[0], predicted[0], *args))
MATRIX.mistake("labels above `ignore` are left out too: only those that are `ignore` should be", above_ignored=where(
    lambda labels, predicted, classes, ignore: labels < ignore))
MATRIX.mistake("class 0 is ignored too", class_0_ignored=where(
    lambda labels, predicted, classes, ignore: (labels != ignore) & (labels != 0)))


@MATRIX.mistake("the smallest class that occurs comes first, and the largest last: give np.histogram2d a range, from 0 "
                "to classes")
def bins_of_what_occurs(labels, predicted, classes, ignore):
    there = labels != ignore
    return np.histogram2d(labels[there], predicted[there], bins=classes)[0].astype(np.int64)


MATRIX.mistake("pixels to be ignored are counted as the last class: they should count in nothing",
               void_is_the_last=void_is(lambda predicted, classes: classes - 1))
MATRIX.mistake("pixels to be ignored are counted as the first class: they should count in nothing",
               void_is_the_first=void_is(lambda predicted, classes: 0))
MATRIX.mistake("pixels to be ignored are counted as right: they should count in nothing",
               void_is_right=void_is(lambda predicted, classes: predicted))
MATRIX.mistake("labels of `classes` and above are left out, and `ignore` is not asked: it may be one of the classes",
               ignore_not_asked=where(lambda labels, predicted, classes, ignore: labels < classes))


NARROW = Table(
    READ, lambda: (pictures(np.random.default_rng(2), (2, 9, 11), 20, ignore=255, dtype=np.uint8),), results=("counts",)
)


@NARROW.mistake("label * classes is more than the dtype of the labels can hold, 255 for uint8: make the labels int64 "
                "first")
def overflow(labels, predicted, classes, ignore):
    there = labels != ignore
    pairs = labels[there] * np.uint8(classes) + predicted[there]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


MATRIX_CASES = (
    PAGE,
    pictures(rng, (2, 4, 5), 3, ignore=3, void=0),
    pictures(rng, (2, 4, 5), 3, ignore=3),
    (np.array([4, 0, 4]), np.array([1, 0, 4]), 5, 11),                  # classes that do not occur
    (np.array([[2]]), np.array([[0]]), 3, 11),                          # one pixel
    pictures(rng, (1, 6, 7), 4, ignore=1),                              # a class is what is to be ignored
    (np.full((2, 3), 255), np.zeros((2, 3), int), 2, 255),              # nothing is labelled
)
NARROW_CASE = pictures(rng, (2, 9, 11), 20, ignore=255, dtype=np.uint8)         # 19 * 20 does not fit into uint8


def matrix(function):
    """On integers of 64 bits, and where those are right, on those of 8, as a PNG has them."""
    def check(cases, mistakes):
        names = "labels", "predicted", "classes", "ignore"
        return values(metrics.confusion_matrix, *cases, names=names, mistakes=mistakes)(function)

    verdicts = check(MATRIX_CASES, MATRIX)
    return verdicts if verdicts["counts"].kind != DONE else check([NARROW_CASE], NARROW)


# ---- the three figures ----

def figure(library, cases, table):
    """A check of a figure on some matrices, and on one of zeros, where it must be NaN: that no comparison can find."""
    compare = values(as_array(library), *cases, names=("counts",), mistakes=table, adapt=as_array)

    def check(function):
        verdicts = compare(function)
        if all(verdict.kind == DONE for verdict in verdicts.values()):
            with np.errstate(all="ignore"):
                empty = function(np.zeros((3, 3), np.int64))
            if not (np.asarray(empty).dtype.kind == "f" and np.isnan(empty).all()):
                text = f"of a matrix of zeros should be NaN, as there is nothing to judge; it is {empty}"
                return dict.fromkeys(verdicts, Verdict(WRONG, f"  {function.__name__} {text}"))
        return verdicts

    return check


def mean_over(whole):
    """The mean over the classes of what is right of each, divided by whole(right, labelled, predicted)."""

    def wrong(counts):
        right, labelled, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
        return mean_of_present(ratio(right, whole(right, labelled, predicted)))

    return wrong


def before_nan(values):
    """Those before the first NaN."""
    return values[: np.isnan(values).argmax()] if np.isnan(values).any() else values


GENERIC = (
    np.array([[50, 3, 0, 7, 2], [4, 20, 6, 0, 1], [0, 0, 0, 0, 0], [2, 0, 5, 9, 3], [0, 0, 0, 0, 0]]),
    np.array([[31, 2, 0, 5], [0, 0, 0, 0], [8, 0, 11, 1], [0, 0, 4, 60]]),
)                                       # predicted and not labelled are classes 2 and 4 of the first, 1 of the second
UNSEEN = np.array([[21, 4, 0, 1], [2, 17, 0, 0], [6, 1, 0, 2], [3, 0, 0, 0]])       # no pixel of classes 2, 3 is right
ABSENT = np.array([[12, 3, 0, 1], [2, 30, 0, 4], [0, 0, 0, 0], [5, 1, 0, 8]])       # class 2 is nowhere


SHARES = Table(
    READ, lambda: ((counts,) for counts in (*GENERIC, UNSEEN, ABSENT)), results=("share",), axes=("class",)
)


@SHARES.formula
def right_share(counts):
    share = np.diag(counts).sum() / counts.sum()
    return share


SHARES.mistake("it is a number of pixels: divide by that of all labelled ones",
               not_divided=lambda counts: float(np.trace(counts)))
SHARES.mistake("it is the share of the pixels that are wrong",
               share_wrong=lambda counts: 1 - np.trace(counts) / counts.sum())
SHARES.mistake("it is in percent: the share goes from 0 to 1",
               in_percent=lambda counts: 100 * np.trace(counts) / counts.sum())
SHARES.mistake("it is the mean over the classes of their accuracies, which is C: here each pixel counts alike",
               each_class_alike=metrics.class_average)
SHARES.mistake("it is the mean over the classes of the share of what is called so and is so: here each pixel counts "
               "alike", over_predicted=mean_over(lambda right, labelled, predicted: predicted))
SHARES.mistake("it is divided by the number of cells of the matrix: divide by the number of pixels, the sum of the "
               "cells", all_cells=lambda counts: np.trace(counts) / counts.size)
SHARES.mistake("the mean of the diagonal is divided by the sum of all cells: take the sum of the diagonal",
               one_mean_too_many=lambda counts: np.diag(counts).mean() / counts.sum())
SHARES.mistake("the mean of the diagonal is divided by the mean of all cells: take the two sums",
               mean_over_mean=lambda counts: np.diag(counts).mean() / counts.mean())
SHARES.mistake("what is right is divided by what is wrong: divide by all, right and wrong",
               right_over_wrong=lambda counts: np.trace(counts) / (counts.sum() - np.trace(counts)))


SHARES.mistake("it is divided by the number of classes: divide by the number of pixels, the sum of the cells",
               by_the_classes=lambda counts: np.trace(counts) / len(counts))
SHARES.mistake("what is right of class 0 is left out: class 0 is a class like the others",
               from_class_1=lambda counts: np.trace(counts[1:, 1:]) / counts.sum())
SHARES.mistake("what is right of the last class is left out",
               last_class_left_out=lambda counts: np.trace(counts[:-1, :-1]) / counts.sum())
SHARES.mistake("class 0 is left out: it is a class like the others",
               without_class_0=lambda counts: np.trace(counts[1:, 1:]) / counts[1:].sum())
SHARES.mistake("the other diagonal is added up: take the one from the upper left to the lower right",
               other_diagonal=lambda counts: np.trace(counts[::-1]) / counts.sum())


AVERAGES = Table(READ, SHARES.cases, results=("mean",))


@AVERAGES.formula
def right_average(counts):
    labelled = counts.sum(axis=1)
    accuracies = np.diag(counts)[labelled > 0] / labelled[labelled > 0]
    mean = accuracies.mean()
    return mean


AVERAGES.mistake("a class without a labelled pixel counts as 0: leave it out of the mean",
                 absent_counts_0=lambda counts: np.nan_to_num(metrics.class_accuracy(counts)).mean())
AVERAGES.mistake("a class without a labelled pixel counts as 1: leave it out of the mean",
                 absent_counts_1=lambda counts: np.nan_to_num(metrics.class_accuracy(counts), nan=1).mean())
AVERAGES.mistake("it is divided by what was called so, the sum of a column: divide by what is so, the sum of a row",
                 precision=mean_over(lambda right, labelled, predicted: predicted))
AVERAGES.mistake("the classes are weighed by their pixels, which makes it G: each class should count alike",
                 weighed_by_pixels=metrics.global_accuracy)
AVERAGES.mistake("what is right of a class is divided by all pixels: divide by those of the class",
                 over_all=lambda counts: (np.diag(counts)[counts.any(axis=1)] / counts.sum()).mean())
AVERAGES.mistake("it is the mean IoU: C divides by the pixels of the class alone, the sum of its row",
                 iou_for_accuracy=metrics.mean_iou)
AVERAGES.mistake("it is the median of the accuracies: take their mean",
                 median=lambda counts: np.nanmedian(metrics.class_accuracy(counts)))
AVERAGES.mistake("it is the sum over the classes: take the mean",
                 summed=lambda counts: np.nansum(metrics.class_accuracy(counts)))


AVERAGES.mistake("the loop ends at the first class without a labelled pixel: skip it, and go on",
                 stops_at_absent=lambda counts: before_nan(metrics.class_accuracy(counts)).mean())
AVERAGES.mistake("a class of which no pixel is right is left out: its accuracy is 0, and it counts",
                 never_right=lambda counts: metrics.class_accuracy(counts)[np.diag(counts) > 0].mean())
AVERAGES.mistake("class 0 is left out: it is a class like the others",
                 without_class_0=lambda counts: np.nanmean(metrics.class_accuracy(counts)[1:]))
AVERAGES.mistake("the last class is left out",
                 without_last_class=lambda counts: np.nanmean(metrics.class_accuracy(counts)[:-1]))
AVERAGES.mistake("it is in percent: the average goes from 0 to 1",
                 in_percent=lambda counts: 100 * metrics.class_average(counts))
AVERAGES.mistake("it is the share of what is wrong", share_wrong=lambda counts: 1 - metrics.class_average(counts))
AVERAGES.mistake("what is right of a class is divided by what is wrong of it: divide by all of the class",
                 right_over_wrong=mean_over(lambda right, labelled, predicted: labelled - right))


IOUS = Table(READ, SHARES.cases, results=("mean",))


@IOUS.formula
def right_mean_iou(counts):
    right = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - right
    ious = right[union > 0] / union[union > 0]
    mean = ious.mean()
    return mean


IOUS.mistake("what is right stands in the row and in the column, so it is in the union twice: take it away once",
             twice_in_the_union=mean_over(lambda right, labelled, predicted: labelled + predicted))
IOUS.mistake("it is the Dice score, twice what is right over the sum of row and column: the union has what is right "
             "once", dice=mean_over(lambda right, labelled, predicted: (labelled + predicted) / 2))
IOUS.mistake("the union lacks what is right: it is row and column together, and what is in both once",
             right_not_in_the_union=mean_over(lambda right, labelled, predicted: labelled + predicted - 2 * right))
IOUS.mistake("a class that is neither labelled nor predicted counts as 0: leave it out of the mean",
             nowhere_counts_0=lambda counts: np.nan_to_num(metrics.iou(counts)).mean())
IOUS.mistake("a class that is neither labelled nor predicted counts as 1: leave it out of the mean",
             nowhere_counts_1=lambda counts: np.nan_to_num(metrics.iou(counts), nan=1).mean())
IOUS.mistake("a class that is predicted and not labelled is left out: its IoU is 0, and it counts",
             only_labelled=lambda counts: metrics.iou(counts)[counts.any(axis=1)].mean())
IOUS.mistake("a class that is labelled and never predicted is left out: its IoU is 0, and it counts",
             only_predicted=lambda counts: metrics.iou(counts)[counts.any(axis=0)].mean())
IOUS.mistake("a class that is only labelled, or only predicted, is left out: its IoU is 0, and it counts",
             only_both=lambda counts: metrics.iou(counts)[counts.any(axis=0) & counts.any(axis=1)].mean())
IOUS.mistake("a class of which no pixel is right is left out: its IoU is 0, and it counts",
             never_right=lambda counts: metrics.iou(counts)[np.diag(counts) > 0].mean())
IOUS.mistake("the classes are weighed by their pixels: each should count alike",
             weighed_iou=lambda counts: np.nansum(metrics.iou(counts) * counts.sum(axis=1)) / counts.sum())
IOUS.mistake("the intersections of all classes are divided by all their unions: divide class by class, then take the "
             "mean", one_iou=lambda counts: np.trace(counts) / (2 * counts.sum() - np.trace(counts)))
IOUS.mistake("it is the mean of the accuracies, which is C: the union has also what was called by the class's name",
             accuracy_for_iou=metrics.class_average)
IOUS.mistake("it is divided by what was called so alone: the union has also what is of the class and was called "
             "otherwise", precision_for_iou=mean_over(lambda right, labelled, predicted: predicted))


IOUS.mistake("the loop ends at the first class that is neither labelled nor predicted: skip it, and go on",
             stops_at_absent=lambda counts: before_nan(metrics.iou(counts)).mean())
IOUS.mistake("class 0 is left out: it is a class like the others",
             without_class_0=lambda counts: np.nanmean(metrics.iou(counts)[1:]))
IOUS.mistake("the last class is left out", without_last_class=lambda counts: np.nanmean(metrics.iou(counts)[:-1]))
IOUS.mistake("it is in percent: the mean goes from 0 to 1", in_percent=lambda counts: 100 * metrics.mean_iou(counts))
IOUS.mistake("it is the sum over the classes: take the mean", summed=lambda counts: np.nansum(metrics.iou(counts)))
IOUS.mistake("it is the median of the IoUs: take their mean", median=lambda counts: np.nanmedian(metrics.iou(counts)))
IOUS.mistake("what is right of a class is divided by all pixels: divide by the union",
             over_all=lambda counts: (np.diag(counts)[~np.isnan(metrics.iou(counts))] / counts.sum()).mean())


OF_PAGE = metrics.confusion_matrix(*PAGE)
RANDOM = rng.integers(0, 50, (11, 11)) + np.diag(rng.integers(0, 900, 11))
COUNTS = tuple((counts,) for counts in (
    OF_PAGE,
    np.array([[3, 1], [0, 6]]),
    RANDOM,
    ABSENT,
    *GENERIC,
    np.array([[1, 0, 0], [0, 5, 2], [0, 0, 0]]),                        # a class of one pixel
    UNSEEN,
    np.array([[7]]),                                                    # one class
    np.diag([5, 0, 2]),                                                 # nothing wrong
    np.array([[0, 4], [3, 0]]),                                         # nothing right
    10**9 * RANDOM,                                                     # a large split
))
LABELS, PREDICTED, *_ = pictures(rng, (4, 96, 128), 11, ignore=11)
LARGE = np.ones((300, 300), np.int64)

EXERCISES = (
    Exercise(
        "confusion_matrix",
        matrix,
        answer=metrics.confusion_matrix,
        hints=(
            "First drop the pixels that do not count. Then give each pair (label, prediction) a number of its own, and "
            "count how often each number occurs.",
            "labels[labels != ignore] has one axis. label * classes + prediction is a number from 0 to "
            "classes*classes - 1, and np.bincount(..., minlength=classes * classes) counts them; reshape the counts.",
            "counted = labels != ignore",
        ),
        differs="does the same, after it has checked that both pictures have one shape",
        read=READ,
        race=lambda: (LABELS, PREDICTED, 11, 11),
    ),
    Exercise(
        "global_accuracy",
        figure(metrics.global_accuracy, COUNTS, SHARES),
        answer=metrics.global_accuracy,
        hints=(
            "Where in the matrix are the pixels that are right? And where are all of them?",
            "np.trace(counts), the sum of the diagonal, is one number, and so is counts.sum().",
            "right = np.trace(counts)",
        ),
        differs="divides in float64, and has NumPy say nothing when it divides 0 by 0",
        read=READ,
        race=lambda: (LARGE,),
    ),
    Exercise(
        "class_average",
        figure(metrics.class_average, COUNTS, AVERAGES),
        answer=metrics.class_average,
        hints=(
            "Row i has all pixels of class i. How many of them are right? The mean is over the rows that have any.",
            "np.diag(counts) and counts.sum(axis=1) are both (classes,).",
            "labelled = counts.sum(axis=1), and then present = labelled > 0",
        ),
        differs="divides first and then leaves out the NaNs, which 0 / 0 has made",
        read=READ,
        race=lambda: (LARGE,),
    ),
    Exercise(
        "mean_iou",
        figure(metrics.mean_iou, COUNTS, IOUS),
        answer=metrics.mean_iou,
        hints=(
            "Row i is what is of class i, column i what was called so. Together they are the union, but one cell is in "
            "both.",
            "np.diag(counts), counts.sum(axis=1) and counts.sum(axis=0) are all (classes,), and so is the union.",
            "right = np.diag(counts), and the union is the row and the column less what was counted twice",
        ),
        differs="is two functions, because the IoU of each class is wanted too",
        read=READ,
        race=lambda: (LARGE,),
    ),
)
