import numpy as np
import pytest
from generators import seeds
from hypothesis import given
from hypothesis import strategies as st

from tinysegnet import metrics


def test_by_hand():
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 9])
    predicted = np.array([0, 0, 1, 2, 1, 1, 2, 0])      # the last pixel is void
    counts = metrics.confusion_matrix(labels, predicted, classes=4, ignore=9)
    np.testing.assert_array_equal(counts, [[2, 1, 1, 0], [0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    assert metrics.global_accuracy(counts) == pytest.approx(5 / 7)
    np.testing.assert_allclose(metrics.class_accuracy(counts), [2 / 4, 1, 1, np.nan])
    np.testing.assert_allclose(metrics.iou(counts), [2 / 4, 2 / 3, 1 / 2, np.nan])
    assert metrics.class_average(counts) == pytest.approx((2 / 4 + 1 + 1) / 3)
    assert metrics.mean_iou(counts) == pytest.approx((2 / 4 + 2 / 3 + 1 / 2) / 3)
    assert metrics.table(counts, ["Sky", "Road", "Car", "Fence"]).splitlines() == [
        "%            accuracy    IoU",
        "Sky              50.0   50.0",
        "Road            100.0   66.7",
        "Car             100.0   50.0",
        "Fence               -      -",
        "G 71.4  C 83.3  mIoU 55.6",
    ]


def test_any_label_can_be_the_ignored_one():
    counts = metrics.confusion_matrix(np.array([0, 1, 2]), np.array([2, 2, 2]), classes=3, ignore=1)
    np.testing.assert_array_equal(counts, [[0, 0, 1], [0, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint64])
def test_what_is_no_class_is_refused_and_not_counted_as_another(dtype):
    """Of two classes, a 2 for a 0 would be a 0 for a 1."""
    labels, predicted = np.array([0, 1, 9], dtype), np.array([1, 1, 9], dtype)          # the last pixel is void
    assert metrics.confusion_matrix(labels, predicted, classes=2, ignore=9).tolist() == [[0, 1], [0, 1]]
    for n in (-1, 2, 3) if np.issubdtype(dtype, np.signedinteger) else (2, 3):
        wrong = np.array([1, n], dtype)
        for one, other in ((labels[:2], wrong), (wrong, predicted[:2])):
            with pytest.raises(ValueError, match=f"there is a {n}, and 2 classes are 0 to 1"):
                metrics.confusion_matrix(one, other, classes=2, ignore=9)
    with pytest.raises(TypeError):
        metrics.confusion_matrix(labels, predicted / 2, classes=2, ignore=9)


def test_a_class_that_is_only_predicted_counts_in_miou_alone():
    counts = metrics.confusion_matrix(np.array([0, 0]), np.array([0, 1]), classes=2, ignore=9)
    assert metrics.class_average(counts) == 0.5
    assert metrics.mean_iou(counts) == 0.25


@given(st.integers(1, 6), st.integers(0, 60), seeds)
def test_matrices_add_up_and_ious_are_those_of_sets(classes, pixels, seed):
    rng = np.random.default_rng(seed)
    labels, predicted = rng.integers(0, classes + 1, pixels), rng.integers(0, classes, pixels)
    whole = metrics.confusion_matrix(labels, predicted, classes, classes)
    half = pixels // 2
    halves = slice(half), slice(half, None)
    parts = [metrics.confusion_matrix(labels[s], predicted[s], classes, classes) for s in halves]
    np.testing.assert_array_equal(whole, sum(parts))
    counted = labels < classes
    for k, value in enumerate(metrics.iou(whole)):
        a, b = (labels == k)[counted], (predicted == k)[counted]
        np.testing.assert_equal(value, (a & b).sum() / (a | b).sum() if (a | b).any() else np.nan)


def test_nothing_to_judge_is_nan_and_prints_as_a_dash():
    counts = np.zeros((2, 2), int)
    assert np.isnan(metrics.mean_iou(counts)) and np.isnan(metrics.global_accuracy(counts))
    assert metrics.table(counts, ["Sky", "Road"]).splitlines()[1:] == [
        "Sky                 -      -", "Road                -      -", "G -  C -  mIoU -",
    ]


def test_the_table_is_straight_for_a_long_name_too():
    """The longest of a class that fits in 80 columns, and one of the usual length."""
    name = "abcdefghijklmnopqrstuvwxyz"
    header, *rows, last = metrics.table(np.array([[3, 1], [0, 4]]), [name, "Sky"]).splitlines()
    assert header == "%                          accuracy    IoU"
    assert rows == [f"{name}     75.0   75.0", f"{'Sky':26}    100.0   80.0"]
    assert {len(line) for line in (header, *rows)} == {42} and last == "G 87.5  C 87.5  mIoU 77.5"


def test_the_summary_is_of_whatever_figures_are_given():
    assert metrics.summary({"G": 0.5, "mIoU": 1 / 3, "other": np.nan}) == "G 50.0  mIoU 33.3  other -"
    counts = np.array([[3, 1], [0, 4]])
    assert metrics.summary(metrics.figures(counts)) == metrics.table(counts, ["a", "b"]).splitlines()[-1]
    lines = metrics.table(counts, ["a", "b"], lambda counts: {"sum": counts.sum() / 100}).splitlines()
    assert lines == [*metrics.table(counts, "ab").splitlines()[:-1], "sum 8.0"]


def test_different_sizes_are_refused():
    for one, other in ((2, 3), (3, 2)):
        with pytest.raises(ValueError, match=rf"labels \({one},\) and predicted \({other},\)"):
            metrics.confusion_matrix(np.zeros(one, int), np.zeros(other, int), 2, 9)
