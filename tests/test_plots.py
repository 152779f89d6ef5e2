"""What is drawn: the arrays that the pictures are made of, and that any data set can be drawn."""

import json
import time

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from tinysegnet.data.dataset import DataSet
from tinysegnet.plots import figures


def data_set(names=("field", "house"), ignore=255):
    palette = np.random.default_rng(0).integers(0, 256, (len(names), 3)).astype(np.uint8)
    return DataSet("drawn", "drawn", tuple(names), palette, ignore, None, None, recipe="photographs")


@pytest.fixture
def drawn(monkeypatch):
    """The pictures handed to matplotlib, in their order."""
    seen, imshow = [], Axes.imshow

    def watched(axes, picture, **options):
        seen.append(np.array(picture))
        return imshow(axes, picture, **options)

    monkeypatch.setattr(Axes, "imshow", watched)
    return seen


def test_image_truth_prediction_and_errors(drawn, tmp_path):
    data = data_set()
    photograph = np.random.default_rng(1).integers(0, 256, (2, 3, 3)).astype(np.uint8)
    labels = np.array([[0, 1, 255], [1, 0, 0]], np.uint8)
    predicted = np.array([[0, 0, 1], [1, 1, 0]], np.uint8)
    samples = (photograph, labels, predicted), (photograph, predicted, labels % 2)
    figures.predictions(samples, data, tmp_path / "p.png")
    assert len(drawn) == 8
    image, truth, prediction, errors = drawn[:4]
    np.testing.assert_array_equal(image, photograph)
    np.testing.assert_array_equal(truth, data.colours(labels))
    np.testing.assert_array_equal(prediction, data.colours(predicted))
    red = (errors == figures.WRONG).all(axis=2)
    np.testing.assert_array_equal(red, [[False, True, False], [False, True, False]])
    assert (errors[0, 2] == 0).all() and (errors[0, 0] > 90).all()
    np.testing.assert_array_equal(drawn[5], data.colours(predicted))


def test_rows_of_the_confusion_matrix_are_shares_of_the_true_class(drawn, tmp_path):
    figures.confusion(np.array([[8, 2], [0, 0]]), ("field", "house"), tmp_path / "c.png")
    np.testing.assert_array_equal(drawn[0], [[80, 20], [0, 0]])


@pytest.mark.filterwarnings("error")
def test_any_name_of_a_class_can_be_drawn(tmp_path):
    names = (r"$\foo$", "\u8857\u9053", "a_b^c", "50 % {")
    labels = np.zeros((9, 12), np.uint8)
    figures.predictions([(np.zeros((9, 12, 3), np.uint8), labels, labels)], data_set(names), tmp_path / "p.png")
    figures.confusion(np.eye(4, dtype=int), names, tmp_path / "c.png")
    assert (tmp_path / "p.png").exists() and (tmp_path / "c.png").exists()


def test_many_classes_are_drawn_without_names(tmp_path):
    start = time.process_time()
    figures.confusion(np.eye(255, dtype=int), [f"class {i}" for i in range(255)], tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as picture:
        assert max(picture.size) < 2000
    assert time.process_time() - start < 60         # it was minutes, with a name and a number in every row


def test_curves_of_an_unfinished_epoch(tmp_path, monkeypatch):
    drawn, plot = {}, Axes.plot

    def watched(axes, x, y, **options):
        drawn[options["label"]] = list(x), list(y)
        return plot(axes, x, y, **options)

    monkeypatch.setattr(Axes, "plot", watched)
    lines = [{"epoch": 1, "step": i, "loss": 1.0} for i in (1, 2, 3)]
    lines += [{"epoch": 1, "loss": 1.0, "seconds": 1, "G": 0.5, "C": 0.4, "mIoU": 0.3}]
    lines += [{"epoch": 2, "step": 1, "loss": 0.5}]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    figures.curves(tmp_path / "log.jsonl", tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size[0] > 600
    assert drawn.pop("each step") == ([0.25, 0.5, 0.75, 1], [1, 1, 1, 0.5])
    assert drawn == {"mean of the epoch": ([0.5], [1]), "G": ([1], [50]), "C": ([1], [40]), "mIoU": ([1], [30])}
