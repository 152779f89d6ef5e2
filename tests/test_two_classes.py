"""Lesson 22: the cells that it draws, how they are labelled and counted, and the losses that its network learns by."""

import inspect
import json
import re
import subprocess
import sys

import numpy as np
import planted_right_3
import pytest

from lessons.engine import course
from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.data import folder
from tinysegnet.ops import fast
from tinysegnet.support.errors import InputError

LESSON = course.LESSONS / "22_two_classes"
train_cells = course.load(LESSON / "train_cells.py")
cells = train_cells.cells
NOTES = json.loads((LESSON / "figures" / "cells.json").read_text(encoding="utf-8"))


def run(*command, cwd):
    process = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, cwd=cwd, check=False)
    return process.returncode, process.stdout, process.stderr


def map_of(*rows):
    """A map of digits; v is void."""
    return np.array([[cells.VOID if digit == "v" else int(digit) for digit in row] for row in rows], np.uint8)


def test_two_cells_that_touch_are_labelled_in_three_ways():
    numbers = map_of("0000000", "1112220", "1112220", "1112220", "0000v00")
    whole, seams, rims = (way(numbers) for way in cells.LABELLINGS.values())
    np.testing.assert_array_equal(whole, map_of("0000000", "1111110", "1111110", "1111110", "0000v00"))
    np.testing.assert_array_equal(seams, map_of("0000000", "1100110", "1100110", "1100110", "0000v00"))
    np.testing.assert_array_equal(rims, map_of("0000000", "2222220", "1122120", "2222220", "0000v00"))


def test_components_are_joined_by_sides_and_not_by_corners():
    parts = cells.components(map_of("1100", "0010", "1010", "1111") == 1)
    assert parts.max() == 2 and parts[0, 1] != parts[1, 2] and parts[3, 0] == parts[1, 2]
    assert not cells.components(np.zeros((3, 4), bool)).any()
    mask = np.zeros((9, 9), bool)
    mask[:3, :4] = mask[5:8, 5:8] = True                    # of 12 pixels, and of 9
    assert cells.count_cells(mask) == 1


@pytest.mark.parametrize("seed", [*cells.VAL][:12])
def test_a_scene_is_the_same_each_time_and_has_what_is_said_of_it(seed):
    photograph, numbers = cells.scene(seed)
    np.testing.assert_array_equal(photograph, cells.scene(seed)[0])
    assert photograph.shape == (*cells.SIZE, 3) and photograph.dtype == numbers.dtype == np.uint8
    there = np.unique(numbers[(numbers > 0) & (numbers != cells.VOID)])
    assert 1 <= len(there) <= 6
    few = cells.scene(seed, cells=(0, 1))[1]
    assert len(np.unique(few[(few > 0) & (few != cells.VOID)])) <= 1


def test_touching_cells_are_one_patch_when_whole_and_apart_by_seams():
    there, counted = 0, dict.fromkeys(cells.LABELLINGS, 0)
    for seed in cells.VAL:
        numbers = cells.scene(seed)[1]
        there += len(np.unique(numbers[(numbers > 0) & (numbers != cells.VOID)]))
        for name, way in cells.LABELLINGS.items():
            counted[name] += cells.count_cells(way(numbers) == cells.CELL)
    whole, seams, rims = counted.values()
    assert whole < 0.75 * there and seams == rims and abs(seams - there) <= 0.02 * there
    page = " ".join((LESSON / "README.md").read_text(encoding="utf-8").split())
    assert f"there are {there} cells; their labels, whole, are {whole} patches" in page
    assert f"None comes near {there}" in page and f"{seams} is what they have, by seams or by rims" in page


def test_the_sum_of_the_losses_is_better_than_dice_alone():
    """The page advises so."""
    for kind in "few", "whole":
        for dice, both in zip(NOTES["runs"][f"{kind}, Dice"], NOTES["runs"][f"{kind}, both"], strict=True):
            assert both["IoU"] > dice["IoU"] and both["surprise"] < dice["surprise"]


def test_the_gradient_of_one_logit_goes_to_both():
    """With a minus to that of the background; and it is the library's, of two logits."""
    right = vars(planted_right_3)
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((2, 3, 4, 2)), rng.integers(0, 2, (2, 3, 4))
    labels[0, 0] = cells.VOID
    weights = np.ones(2)
    losses = train_cells.losses(right)
    for ops in losses.values():
        check_backward(lambda x, ops=ops: ops.softmax_cross_entropy(x, labels, weights, cells.VOID),
                       ops.softmax_cross_entropy_backward, logits, names=("logits",))
    ops = losses["cross-entropy"]
    loss, cache = ops.softmax_cross_entropy(logits, labels, weights, cells.VOID)
    library, library_cache = fast.softmax_cross_entropy(logits, labels, weights, cells.VOID)
    assert np.isclose(loss, library)
    np.testing.assert_allclose(ops.softmax_cross_entropy_backward(np.ones(()), cache),
                               fast.softmax_cross_entropy_backward(np.ones(()), library_cache), atol=1e-12)


def test_background_between_cells_counts_more():
    labels = map_of("1100110", "1100110", "0000000", "0000000", "0000000", "00v0000")[None]
    between = train_cells.between_cells(labels)
    assert between[0, :2, 2:4].all() and not between[0, :2, 6].any() and not between[labels != cells.BACKGROUND].any()
    assert not between[0, 5].any()
    far = train_cells.between_cells(map_of("1000100001", "0000000000")[None])[0, 0]
    assert "".join(map(str, far.astype(int))) == "0111001100"          # three pixels away at most, on either side
    logits, weights = np.random.default_rng(1).standard_normal((1, 6, 7, 2)), np.ones(2)
    ops = train_cells.with_weight_on_seams(10)
    check_backward(lambda x: ops.softmax_cross_entropy(x, labels, weights, cells.VOID),
                   ops.softmax_cross_entropy_backward, logits, names=("logits",))
    surprise = -fast.softmax(logits)[0, :, :, 0]
    one, ten = (train_cells.with_weight_on_seams(w).softmax_cross_entropy(logits, labels, weights, cells.VOID)[0]
                for w in (1, 10))
    more = -9 * np.log(-surprise)[between[0]].sum() / (labels != cells.VOID).sum()
    assert np.isclose(ten - one, more)


def test_a_part_that_is_two_cells_finds_none_of_equal_ones():
    cell = np.zeros((4, 8), bool)
    cell[:, :4] = True
    assert train_cells.found(cells.components(cell), cell)
    assert not train_cells.found(cells.components(np.ones((4, 8), bool)), cell)
    assert not train_cells.found(np.zeros((4, 8), int), cell)


@pytest.mark.parametrize("p, sure", [(0.95, 0.0), (0.995, 100.0)])
def test_the_figures_of_a_network_that_says_cell_everywhere(monkeypatch, p, sure):
    seeds = [*cells.VAL][:6]
    monkeypatch.setattr(cells, "VAL", seeds)
    monkeypatch.setattr(train_cells, "softmax_of", lambda model, photograph: np.full((*cells.SIZE, 2), (1 - p, p)))
    labels = np.stack([cells.whole(cells.scene(seed)[1]) for seed in seeds])
    labelled, there = (labels != cells.VOID).sum(), (labels == cells.CELL).sum()
    share = there / labelled
    figures = train_cells.judged(None, cells.dataset(), train_cells.SOME)
    assert figures["IoU"] == round(100 * share, 1) and figures["Dice"] == round(200 * share / (1 + share), 1)
    assert figures["wrong"] == round(100 * (1 - share), 1) and figures["sure of the wrong"] == sure
    assert figures["surprise"] == round(-share * np.log(p) - (1 - share) * np.log(1 - p), 3)
    assert figures["tenths"] == [[0, 0]] * 9 + [[labelled, there]]
    assert figures["counted"] == len(seeds) and figures["found"] == 0 and figures["there"] > len(seeds)


def test_the_figures_of_a_network_that_is_right(monkeypatch):
    of_photograph = {cells.scene(seed)[0].tobytes(): cells.whole(cells.scene(seed)[1]) for seed in cells.VAL}

    def right(model, photograph):
        return np.eye(2)[np.where(of_photograph[photograph.tobytes()] == cells.CELL, 1, 0)]

    monkeypatch.setattr(train_cells, "softmax_of", right)
    patches = sum(cells.count_cells(labels == cells.CELL) for labels in of_photograph.values())
    figures = train_cells.judged(None, cells.dataset(), train_cells.SOME)
    assert (figures["IoU"], figures["wrong"], figures["surprise"], figures["counted"]) == (100, 0, 0, patches)
    whole = NOTES["runs"]["whole, both"][0]
    assert whole["found"] < figures["found"] <= figures["counted"] and figures["there"] == whole["there"]


def test_it_learns_by_functions_that_are_done(monkeypatch, tmp_path):
    monkeypatch.setattr(course, "MINE", tmp_path)
    sentence = r"^mine/22_two_classes\.py: sigmoid is not done, python -m lessons 22 says why$"
    with pytest.raises(InputError, match=sentence):
        train_cells.learners_functions()
    names = [exercise.name for exercise in course.exercises(LESSON)]
    sources = [inspect.getsource(getattr(planted_right_3, name)) for name in names]
    (tmp_path / "22_two_classes.py").write_text("import numpy as np\n\n\n" + "\n\n".join(sources))
    assert train_cells.learners_functions().keys() >= {*names}


@pytest.mark.docs       # seconds
@pytest.mark.parametrize("labelling", cells.LABELLINGS)
def test_the_folder_is_a_data_set(tmp_path, labelling):
    code, said, _ = run(LESSON / "cells.py", "my_cells", labelling, cwd=tmp_path)
    assert code == 0 and said.startswith("my_cells  120 photographs to train on and 40 to judge by")
    data = folder.dataset(tmp_path / "my_cells")
    drawn = cells.dataset(labelling)
    assert data.classes == drawn.classes and len(data.samples("train")) == 120
    for sample, seed in zip(data.samples("val"), cells.VAL, strict=True):
        for read, was_drawn in zip(data.read(sample), drawn.read(seed), strict=True):
            np.testing.assert_array_equal(read, was_drawn)
    page = (LESSON / "README.md").read_text(encoding="utf-8")
    quoted = re.search(r"(?s)```\n(my_cells in my_cells:.*?)```", page)[1]
    if labelling == "whole":
        assert run("-m", "tinysegnet", "check-data", "my_cells", cwd=tmp_path)[:2] == (0, quoted)
    code, _, error = run(LESSON / "cells.py", "my_cells", cwd=tmp_path)
    assert code == 2 and error == "error: my_cells is there already: name a folder that is to be made\n"


@pytest.mark.long
@pytest.mark.parametrize("name", ["few, cross-entropy", "whole, Dice"])
def test_a_training_gives_what_is_noted_of_it(name):
    """But for rounding, which differs from one machine to the next, and grows in a training."""
    record = course.load(LESSON / "figures" / "record.py")
    noted = NOTES["runs"][name][0]
    again = record.noted(*record.trainings()[name], noted["seed"])
    assert again["there"] == noted["there"] and abs(again["IoU"] - noted["IoU"]) < 6
    assert abs(again["surprise"] - noted["surprise"]) < 0.25 * noted["surprise"]
