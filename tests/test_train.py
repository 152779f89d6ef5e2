"""train.py in this process, with a network so small that it takes no time: options arrive, and the best is kept."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_camvid
from train_in_process import train_script

from tinysegnet import checkpoint, metrics, ops
from tinysegnet.commands import evaluate
from tinysegnet.data import balance, folder, streets
from tinysegnet.data import normalisation as inputs
from tinysegnet.data.batches import training_batches
from tinysegnet.data.survey import survey
from tinysegnet.networks import segnet_basic
from tinysegnet.ops import conv
from tinysegnet.support.errors import InputError
from tinysegnet.training import loop as training
from tinysegnet.training import recipes


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run(*options) trains in tmp_path; returns what each epoch was given and the network each time it was judged."""
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    script = train_script(monkeypatch)
    init, train_steps, evaluate = segnet_basic.init, training.train_steps, training.evaluate
    seen = {"seeds": [], "epochs": [], "judged": [], "looks": [], "counts": None}

    def watched_init(seed, *rest):
        seen["seeds"].append(seed)
        return init(seed, *rest)

    def watched_steps(params, stats, memory, batches, class_weights, ignore, settings, done, ops):
        batches = list(batches)
        given = {"batches": batches, "weights": class_weights, "settings": settings, "done": done, "ops": ops}
        seen["epochs"].append(given)
        return train_steps(params, stats, memory, batches, class_weights, ignore, settings, done, ops)

    def watched_evaluate(params, stats, about, *rest):
        seen["judged"].append({name: a.copy() for name, a in (params | stats).items()})
        seen["looks"].append(about["test_scales"])
        return next(seen["counts"]) if seen["counts"] else evaluate(params, stats, about, *rest)

    monkeypatch.setattr(segnet_basic, "init", watched_init)
    monkeypatch.setattr(training, "train_steps", watched_steps)
    monkeypatch.setattr(training, "evaluate", watched_evaluate)

    def train(*options, counts=None, data=("--data", "tiny")):
        seen["counts"] = counts
        script(*(() if "--data" in options else data), *options)
        return seen

    return train


def test_options_arrive(run):
    options = "--batch 3 --lr 0.25 --seed 7 --epochs 2 --size 12x16 --recipe streets --conv im2col".split()
    seen = run(*options)
    assert seen["seeds"][0] == 7
    data = folder.dataset("tiny")
    expected_settings = recipes.RECIPES["streets"] | {"batch": 3, "lr": 0.25, "epochs": 2, "steps": 2, "seed": 7}
    for number, epoch in enumerate(seen["epochs"], start=1):
        settings = epoch["settings"]
        assert expected_settings.items() <= settings.items() and epoch["done"] == 2 * (number - 1)
        assert len(epoch["batches"]) == 2
        expected = training_batches(data, settings | {"size": (12, 16), "seed": 7}, epoch=number)
        for (images, labels), (images_expected, labels_expected) in zip(epoch["batches"], expected):
            np.testing.assert_array_equal(images, images_expected)
            np.testing.assert_array_equal(labels, labels_expected)
        train = survey(data, "train")
        expected = balance.median_frequency_weights(train.pixels, train.image_pixels, settings["balance"])
        np.testing.assert_allclose(epoch["weights"], expected, rtol=1e-6)
        assert epoch["ops"].conv2d is conv.conv2d and epoch["ops"].conv2d_backward is conv.conv2d_backward
        assert epoch["ops"].relu is ops.relu


@pytest.mark.parametrize("file", ["train/004.png", "val/001.png", "valannot/001.png"])
def test_a_bad_file_is_found_before_anything_is_trained(run, file):
    with pytest.raises(InputError, match=file):
        Path("tiny", file).write_bytes(b"\x89PNG and then nothing")
        run()
    assert not Path("runs").exists()


def scripted(correct, wrong):
    """A confusion matrix with so many right pixels of class 0 and so many of class 1 called 0."""
    counts = np.zeros((11, 11), int)
    counts[0, 0], counts[1, 0], counts[1, 1] = correct, wrong, 10
    return counts


def test_the_recipe_paper_selects_by_global_accuracy_and_its_input_stays_with_the_weights(run, monkeypatch):
    counts = [np.array([[7, 3, 0], [0, 5, 0], [0, 0, 1]]), np.array([[10, 0, 0], [1, 4, 0], [0, 1, 0]])]
    counts = [np.pad(c, (0, 8)) for c in counts]
    given = []
    normalise = training.normalise
    monkeypatch.setattr(training, "normalise", lambda x, xp, kind: given.append(kind) or normalise(x, xp, kind))
    options = "--recipe paper --batch 4 --epochs 2 --name paper".split()
    seen = run(*options, counts=iter([*counts, counts[1]]))
    about, _ = checkpoint.load("runs/paper/best.npz")
    assert about["epoch"] == 2 and about["input"] == inputs.LOCAL_RESPONSE             # mIoU is higher in epoch 1
    assert metrics.mean_iou(counts[0]) > metrics.mean_iou(counts[1])
    assert len(given) > 4 and set(given) == {inputs.LOCAL_RESPONSE}
    given.clear()
    seen["counts"] = None           # judge in earnest
    evaluate.run(SimpleNamespace(
        weights="runs/paper/best.npz", data="tiny", ignore=None, split="val", backend="numpy"
    ))
    assert given and set(given) == {inputs.LOCAL_RESPONSE}


def test_the_epoch_with_the_best_miou_is_kept_the_first_of_equals(run):
    """G is highest in the last epoch, mIoU in the second and third."""
    counts = [scripted(10, 10), scripted(10, 1), scripted(10, 1), scripted(1000, 20), scripted(10, 1)]
    seen = run("--epochs", "4", "--name", "best", counts=iter(counts))
    about, groups = checkpoint.load("runs/best/best.npz")
    assert about["epoch"] == 2 and about["statistics"] == "exact"
    for name, value in groups["params"].items():
        np.testing.assert_array_equal(value, seen["judged"][1][name])
    unchanged = {"batch": 4, "size": (24, 32), "seed": 0, "flip": False, "scale": None, "crop": None, "light": None}
    exact = training.exact_statistics(groups["params"], training_batches(folder.dataset("tiny"), unchanged, epoch=0))
    for name, value in groups["stats"].items():
        np.testing.assert_array_equal(value, exact[name])
        np.testing.assert_array_equal(value, seen["judged"][4][name])           # the table is that of the file
    lines = [json.loads(line) for line in Path("runs/best/log.jsonl").read_text().splitlines()]
    assert [line["G"] for line in lines if "G" in line] == pytest.approx([20 / 30, 20 / 21, 20 / 21, 1010 / 1030])


def test_each_epoch_is_judged_in_one_look_and_the_best_as_it_will_be_used(run, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "looks", recipes.RECIPES["streets"] | {"test_scales": [1, 0.75]})
    seen = run("--recipe", "looks", "--epochs", "2", "--size", "24x32")
    assert seen["looks"] == [None, None, [1, 0.75]]
    assert checkpoint.load("runs/first/best.npz")[0]["test_scales"] == [1, 0.75]
    with pytest.raises(InputError, match=r"halves a part of them 2 times: use at least 6x6"):
        run("--recipe", "looks", "--size", "5x8", "--name", "small")


def test_which_data_is_used_and_why_is_said(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(streets, "TRAIN", range(2))
    monkeypatch.setattr(streets, "VAL", range(10, 12))
    seen = run("--epochs", "1", "--name", "drawn", data=())
    assert "Data: streets, as there is no data/CamVid (python -m tinysegnet download)." in capsys.readouterr().out
    assert [images.shape for images, _ in seen["epochs"][0]["batches"]] == [(2, *streets.SIZE, 3)]
    tiny_camvid.make(tmp_path / "data" / "CamVid")
    run("--epochs", "1", "--name", "there", data=())
    assert "Data: CamVid in data/CamVid." in capsys.readouterr().out
    run("--epochs", "1", "--name", "named", "--data", "tiny")
    assert "Data: CamVid in tiny." in capsys.readouterr().out


def test_images_of_different_sizes_need_a_size(run, tmp_path):
    tiny_camvid.make(tmp_path / "larger", (("train", 1),), height=30)
    for name in ("train", "trainannot"):
        (tmp_path / "larger" / name / "000.png").rename(tmp_path / "tiny" / name / "900.png")
    with pytest.raises(InputError, match="not of one size: give one to all with --size HxW"):
        run("--epochs", "1")
    assert run("--epochs", "1", "--size", "12x16")["epochs"]
