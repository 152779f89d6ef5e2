"""What is drawn: the arrays that the pictures are made of, and that any data set can be drawn."""

import errno
import json
import time
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from tinysegnet.data import camvid
from tinysegnet.data.dataset import DataSet
from tinysegnet.plots import figures, overlay
from tinysegnet.plots.names import drawable
from tinysegnet.support.errors import InputError


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
    upright = np.swapaxes(photograph, 0, 1), predicted.T, labels.T % 2
    figures.predictions(((photograph, labels, predicted), upright), data, tmp_path / "p.png")
    assert len(drawn) == 8
    image, truth, prediction, errors = drawn[:4]
    np.testing.assert_array_equal(image, photograph)
    np.testing.assert_array_equal(truth, data.colours(labels))
    np.testing.assert_array_equal(prediction, data.colours(predicted))
    red = (errors == figures.wrong_colour(data.palette)).all(axis=2)
    np.testing.assert_array_equal(red, [[False, True, False], [False, True, False]])
    assert (errors[0, 2] == 0).all() and (errors[0, 0] > 90).all()
    np.testing.assert_array_equal(drawn[4], upright[0])
    np.testing.assert_array_equal(drawn[5], data.colours(predicted.T))
    np.testing.assert_array_equal(drawn[6], data.colours(labels.T % 2))


def test_rows_of_the_confusion_matrix_are_shares_of_the_true_class(drawn, tmp_path):
    figures.confusion(np.array([[8, 2], [0, 0]]), ("field", "house"), tmp_path / "c.png")
    np.testing.assert_array_equal(drawn[0], [[80, 20], [0, 0]])


@pytest.mark.parametrize("palette", [
    [(150, 110, 70), (220, 40, 40)], [(255, 0, 0), (0, 255, 0), (0, 0, 255)], [(220, 30, 40), (255, 0, 255)],
    np.random.default_rng(0).integers(0, 256, (255, 3)),
], ids=str)
def test_the_colour_of_errors_is_no_class_s_and_no_grey(palette):
    colour = figures.wrong_colour(np.array(palette, np.uint8)).astype(int)
    nearest = np.linalg.norm(np.array(palette) - colour, axis=1).min()
    assert nearest > (40 if len(palette) == 255 else 150) and np.ptp(colour) > 40


def test_errors_are_red_where_no_class_is(tmp_path, monkeypatch):
    assert figures.wrong_colour(camvid.PALETTE).tolist() == [*figures.WRONG]
    shown = []
    monkeypatch.setattr(Figure, "legend", lambda figure, handles, **options: shown.extend(handles))
    labels = np.zeros((9, 12), np.uint8)
    red = replace(data_set(), palette=np.array([(0, 90, 0), figures.WRONG], np.uint8))
    figures.predictions([(np.zeros((9, 12, 3), np.uint8), labels, labels)], red, tmp_path / "p.png")
    colours = {patch.get_label(): to_hex(patch.get_facecolor()) for patch in shown}
    assert colours["house"] == to_hex(np.array(figures.WRONG) / 255) != colours["wrong"]
    assert colours["wrong"] == to_hex(figures.wrong_colour(red.palette) / 255) and len(set(colours.values())) == 4


STREET, SCRIPTS = "\u8857\u9053", ("Stra\u00dfe", "\u043d\u0435\u0431\u043e", "\u03c9", "\u00c5ngstr\u00f6m \u2603")


@pytest.mark.parametrize("letters", [3, 11, 20, 50])
def test_the_legend_of_the_predictions_is_not_cut_off(tmp_path, monkeypatch, letters):
    saved = []
    monkeypatch.setattr(figures, "save", lambda figure, path: saved.append(figure))
    labels, names = np.zeros((3, 3), np.uint8), [f"{k:02} {'m' * letters}" for k in range(12)]
    figures.predictions([(np.zeros((3, 3, 3), np.uint8), labels, labels)], data_set(names), tmp_path / "p.png")
    [figure] = saved
    figure.draw_without_rendering()
    box, [legend] = figure.bbox, figure.legends
    shown = legend.get_window_extent()
    assert box.x0 <= shown.x0 and shown.x1 <= box.x1 and box.y0 <= shown.y0 and shown.y1 <= box.y1


@pytest.mark.filterwarnings("error")
def test_any_name_of_a_class_can_be_drawn_or_is_numbered(tmp_path, monkeypatch, capsys):
    long = f"{STREET} with a name of so many letters that the pictures shorten it"
    names = (r"$\foo$", long, "a_b^c", "50 % {", *SCRIPTS, "x\u0915")
    drawable.cache_clear()
    shown, written = [], []
    legend, text = Figure.legend, ImageDraw.ImageDraw.text
    monkeypatch.setattr(Figure, "legend", lambda figure, handles, **options: (
        shown.extend(patch.get_label() for patch in handles), legend(figure, handles=handles, **options)
    ))
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda draw, xy, words, *rest: (
        written.append(words), text(draw, xy, words, *rest)
    ))
    labels = np.arange(9, dtype=np.uint8).reshape(3, 3)
    figures.predictions([(np.zeros((3, 3, 3), np.uint8), labels, labels)], data_set(names), tmp_path / "p.png")
    figures.confusion(np.eye(9, dtype=int), names, tmp_path / "c.png")
    figures.shares(np.ones(9), np.ones(9), names, tmp_path / "s.png")
    overlay.overlay(np.zeros((3, 3, 3), np.uint8), labels, list(names), data_set(names).palette)
    assert all((tmp_path / f"{picture}.png").exists() for picture in "pcs")
    expected = [r"\$\foo\$", "1 ?", "a_b^c", "50 % {", *SCRIPTS, "8 ?"]
    assert shown[:9] == expected
    assert sorted(written) == sorted(f"{name} 11.1 %".replace("\\$", "$") for name in expected)
    said = capsys.readouterr()
    sentence = f"The pictures' font cannot draw some names. In pictures 1 ? is {long}, 8 ? is x\u0915."
    assert said.out == "" and said.err.replace("\n", " ") == f"{sentence} "       # once
    assert max(map(len, said.err.splitlines())) < 80


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("letters", [31, 250])
def test_a_long_name_leaves_room_for_its_bar(tmp_path, monkeypatch, letters):
    saved = []
    monkeypatch.setattr(figures, "save", lambda figure, path: saved.append(figure))
    figures.shares(np.ones(3), np.ones(3), ("m" * letters, "sky", "road"), tmp_path / "s.png")
    saved[0].draw_without_rendering()
    assert saved[0].axes[0].get_window_extent().width > 0.15 * saved[0].bbox.width


def test_a_name_without_an_outline_is_drawn(tmp_path):
    labels = np.zeros((3, 3), np.uint8)
    names = "\u2800", "\u3164", "sky"
    figures.predictions([(np.zeros((3, 3, 3), np.uint8), labels, labels)], data_set(names), tmp_path / "p.png")
    assert (tmp_path / "p.png").exists()


def test_tall_pictures_make_no_picture_of_yards(tmp_path):
    tall = np.zeros((1600, 20), np.uint8)
    figures.predictions([(np.zeros((1600, 20, 3), np.uint8), tall, tall)] * 4, data_set("abc"), tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.height < 2 * picture.width + 500


def test_shares_stand_beside_the_iou_of_the_same_class(tmp_path, monkeypatch):
    bars, labels, barh, yticks = [], [], Axes.barh, Axes.set_yticks
    monkeypatch.setattr(Axes, "barh", lambda *args, **options: bars.append([*args[2]]) or barh(*args, **options))
    monkeypatch.setattr(Axes, "set_yticks", lambda axes, *args: labels.append(args) or yticks(axes, *args))
    figures.shares(np.array([20, 0, 60]), np.array([0.5, np.nan, 0.25]), ("a", "b", "c"), tmp_path / "s.png")
    assert bars == [[75, 25, 0], [25, 50, 0]] and labels[0][1] == ["c", "a", "b"]
    figures.shares(np.arange(255), np.full(255, np.nan), [f"class {i}" for i in range(255)], tmp_path / "many.png")
    with Image.open(tmp_path / "many.png") as picture:
        assert max(picture.size) < 2000


def test_many_classes_are_drawn_without_names(tmp_path):
    start = time.process_time()
    figures.confusion(np.eye(255, dtype=int), [f"class {i}" for i in range(255)], tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as picture:
        assert max(picture.size) < 2000
    assert time.process_time() - start < 60         # it was minutes, with a name and a number in every row


def test_curves_of_an_unfinished_epoch(tmp_path, monkeypatch):
    drawn, plot = {}, Axes.plot

    def write(lines):
        (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))

    def watched(axes, x, y, **options):
        drawn[options["label"]] = list(x), list(y)
        return plot(axes, x, y, **options)

    monkeypatch.setattr(Axes, "plot", watched)
    lines = [{"epoch": 1, "step": i, "loss": 1.0} for i in (1, 2, 3)]
    lines += [{"epoch": 1, "loss": 1.0, "seconds": 1, "G": 0.5, "C": 0.4, "mIoU": 0.3}]
    lines += [{"epoch": 2, "step": 1, "loss": 0.5}]
    write(lines)
    figures.curves(tmp_path / "log.jsonl", tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size[0] > 600
    assert drawn.pop("each step") == (pytest.approx([1 / 3, 2 / 3, 1, 4 / 3]), [1, 1, 1, 0.5])
    judged = {"G": ([1], [50]), "C": ([1], [40]), "mIoU": ([1], [30])}
    assert drawn == judged | {"mean of the epoch": ([0.5], [1])}
    drawn.clear()
    write([*lines, {"epoch": 2, "loss": 0.5, "seconds": 1}])            # an epoch that was not judged
    figures.curves(tmp_path / "log.jsonl", tmp_path / "curves.png")
    assert {name: drawn[name] for name in judged} == judged and drawn["mean of the epoch"] == ([0.5, 1.5], [1, 0.5])


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    figure = Figure()
    figures.save(figure, tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()

    def full(file, **_):
        file.write(before[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(figure, "savefig", full)
    with pytest.raises(InputError, match=r"a\.png cannot be written \(No space left on device\): make room"):
        figures.save(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == before and [*tmp_path.iterdir()] == [tmp_path / "a.png"]
