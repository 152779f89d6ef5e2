"""train.py in this process, with a network so small that it takes no time: options arrive, and the best is kept."""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_camvid
from PIL import Image
from train_in_process import RUN, train_script

import tinysegnet
from tinysegnet import checkpoint, inference, metrics, networks, ops
from tinysegnet.commands import evaluate
from tinysegnet.commands.train import say_what_it_begins_with, shown
from tinysegnet.data import balance, camvid, folder, streets
from tinysegnet.data.batches import training_batches
from tinysegnet.data.normalisation import LOCAL_RESPONSE
from tinysegnet.data.survey import survey
from tinysegnet.networks import segnet_basic
from tinysegnet.ops import conv, fast
from tinysegnet.plots import figures
from tinysegnet.support.errors import InputError, exit_in_words
from tinysegnet.training import fine_tune, library, loop, runs, settings
from tinysegnet.training.runs import Run
from tinysegnet.training.settings import PARSERS, RECIPES, Settings, as_text, from_recipe


@pytest.fixture
def script(tmp_path, monkeypatch):
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    return train_script(monkeypatch)


@pytest.fixture
def run(script, monkeypatch):
    """run(*options) trains in tmp_path; returns what each epoch was given and the network each time it was judged."""
    init, train_steps, evaluate = networks.init, loop.train_steps, loop.evaluate
    seen = {"seeds": [], "epochs": [], "judged": [], "looks": [], "counts": None}

    def watched_init(network, seed):
        seen["seeds"].append(seed)
        return init(network, seed)

    def watched_steps(trainer, batches, done):
        batches = list(batches)
        weights, ops = trainer.criterion.class_weights, trainer.functions.ops
        given = {"batches": batches, "weights": weights, "settings": trainer.settings, "done": done, "ops": ops}
        seen["epochs"].append(given)
        return train_steps(trainer, batches, done)

    def watched_evaluate(model, *rest):
        seen["judged"].append({name: a.copy() for name, a in (model.params | model.stats).items()})
        seen["looks"].append(model.meta["test_scales"])
        return next(seen["counts"]) if seen["counts"] else evaluate(model, *rest)

    monkeypatch.setattr(networks, "init", watched_init)
    monkeypatch.setattr(loop, "train_steps", watched_steps)
    monkeypatch.setattr(loop, "evaluate", watched_evaluate)

    def train(*options, counts=None, data=("--data", "tiny")):
        seen["counts"] = counts
        script(*(() if "--data" in options else data), *options)
        return seen

    return train


def test_a_name_that_is_taken_is_said_before_the_data_are_read(script, monkeypatch):
    script("--data", "tiny", "--size", "12x16", "--epochs", "1")
    monkeypatch.setattr(script.script, "checked_surveys", None)
    with pytest.raises(InputError, match=r"runs.first is already there: continue it with --resume"):
        script("--data", "tiny", "--size", "12x16", "--epochs", "1")


def test_ctrl_c_while_the_data_are_read_says_what_was_saved(script, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    script("--data", "tiny", "--size", "12x16", "--epochs", "1")
    monkeypatch.setattr(script.script, "checked_surveys", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"^nothing was saved yet$"):
        script("--data", "tiny", "--name", "other")
    with pytest.raises(KeyboardInterrupt, match=r"^the run is as it was$"):
        script("--resume")


def test_a_size_that_begins_with_a_minus_is_said_to_be_none(script, capsys):
    with pytest.raises(SystemExit):
        script("--size", "-1x5")
    assert "argument --size: '-1x5' is not a size: write height x width in pixels" in capsys.readouterr().err


def test_options_arrive(run):
    options = "--batch 3 --lr 0.25 --seed 7 --epochs 2 --size 12x16 --recipe streets --conv im2col".split()
    seen = run(*options)
    assert seen["seeds"][0] == 7
    data = folder.dataset("tiny")
    expected_settings = RECIPES["streets"] | {"batch": 3, "lr": 0.25, "epochs": 2, "steps": 2, "seed": 7}
    for number, epoch in enumerate(seen["epochs"], start=1):
        assert expected_settings.items() <= vars(epoch["settings"]).items() and epoch["done"] == 2 * (number - 1)
        assert epoch["settings"].size == (12, 16) and epoch["settings"].conv == "im2col"
        assert len(epoch["batches"]) == 2
        expected = training_batches(data, epoch["settings"], epoch=number)
        for (images, labels), (images_expected, labels_expected) in zip(epoch["batches"], expected, strict=True):
            assert images.shape[1:3] == (12, 16)
            np.testing.assert_array_equal(images, images_expected)
            np.testing.assert_array_equal(labels, labels_expected)
        train = survey(data, "train")
        power = epoch["settings"].class_weight_power
        expected = balance.median_frequency_weights(train.pixels, train.image_pixels, power)
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
    normalise = loop.normalise
    for module in (loop, inference):
        monkeypatch.setattr(module, "normalise", lambda x, xp, kind: given.append(kind) or normalise(x, xp, kind))
    options = "--recipe paper --batch 4 --epochs 2 --name paper".split()
    seen = run(*options, counts=iter([*counts, counts[1]]))
    meta, _ = checkpoint.load("runs/paper/best.npz")
    assert meta["epoch"] == 2 and meta["normalisation"] == LOCAL_RESPONSE               # mIoU is higher in epoch 1
    assert metrics.mean_iou(counts[0]) > metrics.mean_iou(counts[1])
    assert len(given) > 4 and set(given) == {LOCAL_RESPONSE}
    given.clear()
    seen["counts"] = None           # judge in earnest
    evaluate.run(SimpleNamespace(
        weights="runs/paper/best.npz", data="tiny", ignore=None, split="val", backend="numpy", samples=None, bf=False,
        fold=None, hold_out=None,
    ))
    assert given and set(given) == {LOCAL_RESPONSE}


def test_the_epoch_with_the_best_miou_is_kept_the_last_of_equals(run):
    """G is highest in the last epoch, mIoU in the second and third."""
    counts = [scripted(10, 10), scripted(10, 1), scripted(10, 1), scripted(1000, 20), scripted(10, 1)]
    augmented = "--set scale=0.5,2 --set crop=0.5 --set jitter=0.3".split()
    seen = run("--epochs", "4", "--name", "best", *augmented, counts=iter(counts))
    meta, groups = checkpoint.load("runs/best/best.npz")
    assert meta["epoch"] == 3 and meta["statistics"] == "exact"
    for name, value in groups["params"].items():
        np.testing.assert_array_equal(value, seen["judged"][2][name])
    off = {name: None for name in ("scale", "crop", "jitter")} | settings.OFF
    unchanged = SimpleNamespace(batch=4, size=(24, 32), seed=0, flip=False, **off)
    batches = training_batches(folder.dataset("tiny"), unchanged, epoch=0)
    exact = loop.exact_statistics(inference.load("runs/best/best.npz"), batches)
    for name, value in groups["stats"].items():
        np.testing.assert_array_equal(value, exact[name])
        np.testing.assert_array_equal(value, seen["judged"][4][name])           # the table is that of the file
    lines = [json.loads(line) for line in Path("runs/best/log.jsonl").read_text().splitlines()]
    assert [line["G"] for line in lines if "G" in line] == pytest.approx([20 / 30, 20 / 21, 20 / 21, 1010 / 1030])


def test_averaged_weights_have_statistics_of_their_own(run):
    """Over photographs as they are, whatever the training does with them."""
    varied = "--set=average=0.9", "--set=relight=0.5"
    run("--recipe", "best", "--size", "12x16", "--epochs", "2", "--batch", "2", *varied)
    off = {name: None for name in ("scale", "crop", "jitter")} | settings.OFF
    unchanged = SimpleNamespace(batch=2, size=(12, 16), seed=0, flip=False, **off)
    model = inference.load("runs/first/best.npz")
    exact = loop.exact_statistics(model, training_batches(folder.dataset("tiny"), unchanged, epoch=0))
    for name, value in exact.items():
        np.testing.assert_array_equal(model.stats[name], value, name)


def test_judged_now_and_then(run, capsys):
    """Every other epoch and the last: what is not judged is logged all the same, and is never the best."""
    seen = run("--epochs", "5", "--set", "judge_every=2", "--set", "best_by=last")
    lines = [json.loads(line) for line in Path("runs/first/log.jsonl").open()]
    epochs = [line for line in lines if "step" not in line]
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4, 5] and all(line["loss"] > 0 for line in epochs)
    assert [line["epoch"] for line in epochs if "mIoU" in line] == [2, 4, 5] and len(seen["judged"]) == 4
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch ")]
    assert [" val " in line for line in said] == [False, True, False, True, True]
    assert checkpoint.load("runs/first/best.npz")[0]["epoch"] == 5


@pytest.mark.parametrize("images, by_default", [(49, "exact"), (50, "running")])
def test_a_small_set_is_judged_with_exact_statistics(script, images, by_default):
    data = folder.dataset("tiny")
    train = survey(data, "train")
    given = settings.resolve({}, data, replace(train, images=images), train)
    assert given.statistics == by_default
    assert settings.resolve({"statistics": "exact"}, data, replace(train, images=50), train).statistics == "exact"


@pytest.mark.parametrize("statistics, passes", [("exact", 3), ("running", 1)])
def test_the_last_table_is_that_of_the_kept_epoch_on_a_small_set(run, monkeypatch, capsys, statistics, passes):
    """Its exact statistics are not taken again; those of --set statistics=running are, and the table is another."""
    taken, exact_statistics = [], loop.exact_statistics
    monkeypatch.setattr(loop, "exact_statistics", lambda *args: taken.append(1) or exact_statistics(*args))
    seen = run("--epochs", "3", "--set", f"statistics={statistics}", "--size", "24x32")
    assert len(taken) == passes
    epochs = [line for line in map(json.loads, Path("runs/first/log.jsonl").open()) if "mIoU" in line]
    best = max(epochs, key=lambda line: (line["mIoU"], line["epoch"]))
    said = capsys.readouterr().out
    assert f"Epoch {best['epoch']} was the best: mIoU {100 * best['mIoU']:.1f}" in said
    assert said.endswith(f"mIoU {100 * best['mIoU']:.1f}\n") == (statistics == "exact")
    assert ("Each epoch is judged with batch-norm statistics" in said) == (statistics == "exact")
    meta, groups = checkpoint.load("runs/first/best.npz")
    assert meta["statistics"] == "exact" and meta["epoch"] == best["epoch"]
    kept = seen["judged"][3 if statistics == "running" else best["epoch"] - 1]
    assert all((kept[name] == array).all() for group in groups.values() for name, array in group.items())


@pytest.mark.parametrize("best_by, statistics, end", [
    ("last", "exact", "Epoch 1 was the last.\nruns/first/best.npz gives on val:"),
    ("last", "running", "Epoch 1 was the last. With batch-norm statistics\n"
                        "of the whole training set runs/first/best.npz gives on val:"),
    ("G", "exact", "Epoch 1 was the best: G 83.3.\nruns/first/best.npz gives on val:"),
    ("G", "running", "Epoch 1 was the best: G 83.3 with running batch-norm statistics. With those\n"
                     "of the whole training set runs/first/best.npz gives on val:"),
])
def test_which_epoch_is_kept_is_said(run, capsys, best_by, statistics, end):
    options = "--epochs", "1", "--size", "12x16", "--set", f"best_by={best_by}", "--set", f"statistics={statistics}"
    run(*options, counts=iter([scripted(40, 10)] * 2))
    assert f"\n\n{end}" in capsys.readouterr().out


def test_the_shares_are_those_of_all_training_pixels(run, monkeypatch):
    shown, counts = [], scripted(40, 10)
    monkeypatch.setattr(figures, "shares", lambda *args: shown.append(args))
    run("--epochs", "1", "--size", "12x16", counts=iter([counts] * 2))
    ((pixels, iou, classes, path),) = shown
    assert pixels.tolist() == survey(folder.dataset("tiny"), "train").pixels.tolist()
    np.testing.assert_array_equal(iou, metrics.iou(counts))
    assert classes == camvid.CLASSES and path == Path("runs/first/shares.png")


def test_a_huge_loss_is_not_written_out(run, monkeypatch, capsys):
    monkeypatch.setattr(loop, "train_steps", lambda *args: iter([6.4e31, 6.4e31]))
    monkeypatch.setattr(Run, "mean_loss", lambda run: 6.4e31)
    run("--epochs", "1", "--size", "12x16")
    assert "\nepoch   1  loss 6.4e+31  val G " in capsys.readouterr().out
    assert [shown(loss) for loss in (0.25, 9999.4, 12345.6)] == ["0.250", "9999.400", "1.23e+04"]


@pytest.mark.parametrize("counts, power, sentence", [
    ([[8, 0], [2, 0]], "0.5",
     "Sky: train for more --epochs, or with a lower --lr, or give rare classes more weight: --set "
     "class_weight_power=1."),
    ([[8, 0], [2, 0]], "1", "Sky: train for more --epochs, or with a lower --lr."),
    ([[0, 8], [0, 2]], "1", "Building: train for more --epochs, or with a lower --lr."),
    ([[8, 0], [1, 1]], "0.5", None),
    ([[8, 0], [0, 0]], "0.5", None),            # there is nothing else on val
])
def test_one_answer_to_everything_is_said(run, capsys, counts, power, sentence):
    counts = np.pad(np.array(counts), (0, 9))
    run("--epochs", "1", "--size", "12x16", "--set", f"class_weight_power={power}", counts=iter([counts] * 2))
    said = " ".join(capsys.readouterr().out.split())
    everywhere = f" Every pixel of val is called {sentence}" if sentence else ""
    assert said.endswith(f" mIoU {100 * metrics.mean_iou(counts):.1f}{everywhere}")


def test_each_epoch_is_judged_in_one_look_and_the_best_as_it_will_be_used(run, monkeypatch, capsys):
    monkeypatch.setitem(RECIPES, "looks", RECIPES["streets"] | {"test_scales": (1, 0.75)})
    seen = run("--recipe", "looks", "--epochs", "2", "--size", "24x32")
    assert seen["looks"] == [None, None, [1, 0.75]]
    assert capsys.readouterr().out.count("gives on val, in several looks:\n") == 1
    assert checkpoint.load("runs/first/best.npz")[0]["test_scales"] == [1, 0.75]
    with pytest.raises(InputError, match=r"halves them, seen at 0\.75 of their size, 2 times: use at least 6x6"):
        run("--recipe", "looks", "--size", "5x8", "--name", "small")


@pytest.mark.parametrize(
    "size, options, halved, smallest",
    [
        ("3x8", "", "them", "4x4"),
        ("3x8", "--set crop=1 --set test_scales=1,2", "them", "4x4"),
        ("7x9", "--set crop=0.5", "a part of them", "8x8"),
        ("7x9", "--set crop=0.5 --set test_scales=0.75", "a part of them", "8x8"),
        ("7x9", "--set late_crop=0.5", "a part of them", "8x8"),
        ("7x9", "--set crop=0.75 --set test_scales=1,0.5", "them, seen at 0.5 of their size,", "8x8"),
    ],
)
def test_images_that_are_too_small_are_said_by_what_is_halved(run, size, options, halved, smallest):
    with pytest.raises(InputError) as error:
        run("--size", size, *options.split())
    too_small = f"images of {size} pixels are too small for a network that halves {halved} 2 times"
    assert str(error.value) == f"{too_small}: use at least {smallest}"
    assert not Path("runs").exists()


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


SOME = {
    "ignore": ("none", None), "size": ("12x16", (12, 16)), "network": ("segnet-basic", "segnet-basic"),
    "filters": ("3", 3), "fold": ("2/3", (2, 3)), "hold_out": ("none", None),
    "init": ("none", None), "init_encoder": ("none", None),
    "normalisation": ("local_response", "local_response"), "epochs": ("1", 1), "batch": ("2", 2),
    "optimiser": ("adam", "adam"), "lr": ("0.5", 0.5), "schedule": ("constant", "constant"), "momentum": ("0.25", 0.25),
    "weight_decay": ("0", 0.0), "class_weight_power": ("1.5", 1.5), "flip": ("no", False), "scale": ("0.5,2", (0.5, 2)),
    "crop": ("1", 1.0), "jitter": ("0.125", 0.125), "test_scales": ("1", (1.0,)), "best_by": ("C", "C"),
    "statistics": ("exact", "exact"), "judge_every": ("1", 1),
    "relight": ("0.5", 0.5), "late_crop": ("none", None), "lovasz": ("0.5", 0.5), "average": ("0.9", 0.9),
    "seed": ("5", 5), "ops": ("library", "library"), "conv": ("im2col", "im2col"), "backend": ("numpy", "numpy"),
    "data": ("tiny", "tiny"),
}


def test_any_setting_arrives(run):
    """By --set, in the training, in config.json and in the network that is left."""
    assert SOME.keys() == PARSERS.keys() - set(settings.NOT_GIVEN)
    seen = run(*(f"--set={name}={text}" for name, (text, _) in SOME.items()), data=())
    expected = {name: value for name, (_, value) in SOME.items()}
    (epoch,) = seen["epochs"]
    assert vars(epoch["settings"]) == expected | {"recipe": "photographs", "steps": 3}      # of 5 photographs out of 7
    assert runs.read_config(Path("runs/first"))["settings"] == epoch["settings"]
    assert [images.shape for images, _ in epoch["batches"]] == [(2, 12, 16, 3)] * 2 + [(1, 12, 16, 3)]
    meta, groups = checkpoint.load("runs/first/best.npz")
    assert meta["normalisation"] == "local_response" and meta["test_scales"] == [1]
    assert groups["params"]["encoder1.conv.w"].shape == (3, 3, 3, 3) and meta["network"]["filters"] == 3


@pytest.mark.parametrize(
    "options, sentence",
    [
        (("--set", "x=0.5"), "'x=0.5' sets nothing: write NAME=VALUE, with one of the names data, ignore"),
        (("--set", "optimizer=adam"), "'optimizer=adam' sets nothing: write NAME=VALUE, did you mean optimiser?"),
        (("--set", "crop"), "'crop' sets nothing: write crop= and its value"),
        (("--set", "recipe=best"), "a recipe has an option of its own: write --recipe best"),
        (("--set", "steps=3"), "'steps=3' sets nothing"),
        (("--set", "test_scales=5"), "argument --set: test_scales: '5' is not a number from 0.1 to 4"),
        (("--set", "scale=1.25,0.75"), "scale: '1.25,0.75' is not a lower and a higher number, as in 0.75,1.25"),
        (("--set", "class_weight_power=400"), "class_weight_power: '400' is not a number from 0 to 4"),
        (("--set", "crop=2"), "crop: '2' is not a number from 0.01 to 1, or none"),
        (("--set", "flip=true"), "'true' is neither yes nor no"),
        (("--set", "scale=1"), "scale: '1' is not a lower and a higher number"),
        (("--set", "optimiser=sdg"), "there is no 'sdg' to choose: it is one of sgd, adam"),
        (("--set", "network=deeplab"), "there is no 'deeplab' to choose: it is one of segnet-basic"),
        (("--set", "crop=0.5", "--set", "crop=0.75"), "--set crop: it is given twice, with two values"),
        (("--lr", "0.5", "--set", "lr=0.25"), "--set lr: it is given twice, with two values"),
        (("--width", "4", "--set", "filters=8"), "--set filters: it is given twice, with two values"),
    ],
)
def test_what_cannot_be_set_is_said(script, capsys, options, sentence):
    with pytest.raises(SystemExit) as left:
        exit_in_words(lambda: script("--data", "tiny", *options))
    said = capsys.readouterr()
    assert left.value.code == 2 and said.out == "" and not Path("runs").exists()
    assert sentence in " ".join(said.err.split())


def given(script, *options):
    parser = argparse.ArgumentParser()
    script.script.add_options(parser.add_argument)
    return script.script.given_settings(parser.parse_args(options))


def test_the_same_may_be_said_twice(script):
    assert given(script, "--lr", "0.5", "--set", "lr=.5", "--set", "lr=0.50") == {"lr": 0.5}
    assert given(script) == {}


def test_width_is_what_version_0_1_called_the_filters(script, capsys):
    assert given(script, "--width", "8") == given(script, "--filters", "8") == {"filters": 8}
    with pytest.raises(SystemExit):
        script("-h")
    shown = capsys.readouterr().out
    assert "--filters" in shown and "--width" not in shown


def test_settings_are_all_there_and_nothing_else():
    whole = asdict(from_recipe("best", data="tiny", size=(12, 16), steps=3))
    assert asdict(Settings(**whole)) == whole
    for name in whole:
        with pytest.raises(TypeError, match=name):
            Settings(**{other: value for other, value in whole.items() if other != name})
    with pytest.raises(TypeError, match="light"):
        Settings(**whole, light=0.3)
    with pytest.raises(AttributeError):
        Settings(**whole).lr = 1.0


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_setting_survives_being_written_and_read(recipe):
    """As on the command line, and as in config.json."""
    whole = from_recipe(recipe, data="runs of mine/x=1", size=(270, 360), steps=184, lr=0.1 / 3, seed=10**17, ignore=0)
    for name, parse in PARSERS.items():
        value = parse(as_text(name, getattr(whole, name)))
        assert repr(value) == repr(getattr(whole, name)), name          # and not 1 for 1.0
    again = settings.read(json.loads(json.dumps(asdict(whole))))
    assert again == whole and repr(again) == repr(whole)
    assert {field.name for field in fields(Settings)} == PARSERS.keys()


def test_the_lessons_functions_are_only_in_a_clone(script, monkeypatch):
    monkeypatch.setitem(sys.modules, "lessons.engine", None)
    with pytest.raises(InputError, match=r"^--ops lessons needs the course, which is not here: use  python train\.py "):
        script("--data", "missing", "--ops", "lessons")


def refused(*args, **options):
    raise AssertionError("a function was called that is none of those that were given")


def test_a_convolution_that_is_chosen_is_taken_everywhere(script, monkeypatch):
    """In evaluation, in the exact statistics and for the pictures too."""
    for module in (fast, ops):
        monkeypatch.setattr(module, "conv2d", refused)
        monkeypatch.setattr(module, "conv2d_backward", refused)
    monkeypatch.setattr(fast.conv_fft, "conv2d", refused)
    script("--data", "tiny", "--size", "24x32", "--epochs", "1", "--conv", "im2col")
    with pytest.raises(AssertionError, match="none of those"):          # as --conv auto would
        script("--data", "tiny", "--size", "24x32", "--epochs", "1", "--name", "auto", "--conv", "fft")


def test_winograd_says_once_where_it_cannot(script, capfd):
    options = "--data", "tiny", "--epochs", "1", "--conv", "winograd"
    script(*options, "--size", "24x32")
    assert capfd.readouterr().out.count("--conv winograd is for kernels of 3 x 3: those of 1 x 1 go as by --conv") == 1
    script(*options, "--size", "32x32", "--set", "network=segnet", "--name", "segnet")
    assert "--conv winograd" not in capfd.readouterr().out


def test_a_missing_matplotlib_is_found_before_a_training_and_not_after_an_epoch(script, monkeypatch):
    monkeypatch.setitem(sys.modules, "tinysegnet.plots.figures", None)
    with pytest.raises(ModuleNotFoundError):
        script("--data", "tiny", "--size", "24x32", "--epochs", "1")
    assert not Path("runs").exists()


def test_functions_that_are_given_are_taken_everywhere(script, monkeypatch):
    """A learner's in evaluation, in the exact statistics and for the pictures too, and the library's nowhere."""
    calls, phases = Counter(), {}

    def counted(name):
        original = getattr(ops, name)

        def called(*args, **options):
            calls[name] += 1
            return original(*args, **options)

        return called

    given = fast.ops_with(**{name: counted(name) for name in ops.__all__ if name not in ("im2col", "col2im")})
    monkeypatch.setattr(library, "functions", lambda settings, data: loop.Functions(ops=given))
    for name in ops.__all__:
        if name != "fold_batch_norm":           # what is loaded is folded before there is anyone to give functions
            monkeypatch.setattr(fast, name, refused)
    for where, name in ((loop, "evaluate"), (loop, "exact_statistics"), (script.script, "draw")):
        original = getattr(where, name)

        def watched(*args, name=name, original=original):
            before = calls["conv2d"], calls["relu"]
            result = original(*args)
            phases.setdefault(name, []).append((calls["conv2d"] - before[0], calls["relu"] - before[1]))
            return result

        monkeypatch.setattr(where, name, watched)
    script("--data", "tiny", "--size", "24x32", "--epochs", "1", "--batch", "2", "--recipe", "streets")
    of_an_image = np.array((5, 2))
    assert phases["evaluate"] == [tuple(2 * of_an_image)] * 2       # val has two images
    assert phases["exact_statistics"] == [tuple(3 * of_an_image)]   # train has three batches
    assert phases["draw"] == [tuple(2 * of_an_image)] * 2
    assert calls["conv2d_backward"] == 15 and calls["softmax_cross_entropy"] == 3


def test_the_figures_that_are_given_are_those_shown_and_kept(script, monkeypatch, capsys):
    figures = loop.Functions(figures=lambda counts: {"mIoU": 0.125, "G": 0.5, "C": 0.25})
    monkeypatch.setattr(library, "functions", lambda settings, data: figures)
    script("--data", "tiny", "--size", "12x16", "--epochs", "1")
    shown = capsys.readouterr().out.splitlines()
    assert "val mIoU 12.5  G 50.0  C 25.0" in shown[5] and shown[-1] == "mIoU 12.5  G 50.0  C 25.0"
    (line,) = [line for line in map(json.loads, Path("runs/first/log.jsonl").open()) if "mIoU" in line]
    assert (line["mIoU"], line["G"], line["C"]) == (0.125, 0.5, 0.25)


class BeforeTheFirstStepError(Exception):
    pass


@pytest.fixture
def begun(script, monkeypatch):
    """begun(*options) -> the meta and the arrays, params and stats, with which a run begins; it ends before a step."""
    def stops(*args):
        raise BeforeTheFirstStepError

    def begin(*options, name="begun", data=("--data", "tiny")):
        with monkeypatch.context() as patch:
            patch.setattr(loop, "train_step", stops)
            with pytest.raises(BeforeTheFirstStepError):
                script(*data, *options, "--name", name)
        meta, groups = checkpoint.load(f"runs/{name}/last.npz")
        return meta, groups["params"] | groups["stats"]

    return begin


def save_network(path, spoil=lambda arrays: None, classes=camvid.CLASSES, dtype=np.float32, **arguments):
    """A checkpoint of a small segnet-basic with 3 filters, of drawn numbers. Returns its meta and its arrays."""
    arguments = {"classes": len(classes), "filters": 3, "levels": 2, "kernel": 3} | arguments
    params, stats = networks.init(segnet_basic.segnet_basic(**arguments), 99, dtype)
    rng = np.random.default_rng(0)
    stats = {name: rng.uniform(0.5, 2, a.shape).astype(a.dtype) for name, a in stats.items()}
    spoil(params | stats)
    palette = np.arange(3 * len(classes)).reshape(-1, 3).tolist()
    meta = {
        "network": {"name": "segnet-basic"} | arguments, "classes": list(classes), "palette": palette,
        "size": [20, 28], "normalisation": LOCAL_RESPONSE, "test_scales": None, "statistics": "exact", "epoch": 7,
    }
    checkpoint.save(path, meta, params=params, stats=stats)
    return meta, params | stats


def test_a_run_begins_with_all_of_a_network_of_the_same_classes(script, begun, capsys):
    """Network, filters and normalisation are the file's if nobody says otherwise. To go on it is not needed."""
    meta_of_file, of_file = save_network("first.npz")
    meta, arrays = begun("--init", "first.npz", "--epochs", "1")
    assert "It begins with first.npz, with all of it.\n" in capsys.readouterr().out
    assert meta["network"] == meta_of_file["network"] and meta["normalisation"] == LOCAL_RESPONSE and meta["epoch"] == 1
    assert arrays.keys() == of_file.keys() and all((arrays[name] == of_file[name]).all() for name in arrays)
    config = json.loads(Path("runs/begun/config.json").read_text())
    sha256 = hashlib.sha256(Path("first.npz").read_bytes()).hexdigest()
    assert config["init_sha256"] == sha256 and config["settings"]["init"] == "first.npz"
    assert "init_encoder_sha256" not in config
    script("--data", "tiny", "--init", "first.npz", "--epochs", "1", "--name", "straight")
    Path("first.npz").rename("moved.npz")
    capsys.readouterr()
    script("--name", "begun", "--resume")
    assert "It begins with" not in capsys.readouterr().out
    assert Path("runs/begun/best.npz").read_bytes() == Path("runs/straight/best.npz").read_bytes()


def test_averages_begin_at_the_weights_of_the_file(begun):
    """And not at those that were drawn before it was read; nor where the beginning is saved anew."""
    save_network("first.npz")
    begun("--init", "first.npz", "--set", "average=0.9", "--epochs", "1")
    last = Path("runs/begun/last.npz")
    for _ in range(2):
        groups = checkpoint.load(last)[1]
        for name, a in groups["params"].items():
            np.testing.assert_array_equal(groups["opt_state"][f"{name}.average"], a)
        last.unlink()
        begun("--resume", data=())


def test_without_a_saved_beginning_the_file_must_be_the_same(script, begun):
    """As if the power had failed between config.json and last.npz."""
    save_network("first.npz")
    _, arrays = begun("--init", "first.npz", "--epochs", "1")
    Path("runs/begun/last.npz").unlink()
    save_network("first.npz", classes=("sky", "road"))
    with pytest.raises(InputError, match=r"^the file of --init is not the one that runs.begun began with: put it back"):
        script("--name", "begun", "--resume")
    save_network("first.npz", filters=4)            # which its settings do not go with
    with pytest.raises(InputError, match=r"^the file of --init is not the one that runs.begun began with: put it back"):
        script("--name", "begun", "--resume")
    assert not Path("runs/begun/last.npz").exists()
    save_network("first.npz")
    again = begun("--resume", data=())[1]
    assert all((again[name] == arrays[name]).all() for name in arrays)


def test_a_classifier_of_other_classes_is_drawn_anew(begun, capsys):
    """Also where there are as many of them, in another order."""
    _, of_file = save_network("first.npz")
    for names, count in ((("sky", "road"), 2), (camvid.CLASSES[::-1], 11)):
        lines = (f"{name} {i} {i} {i}" for i, name in enumerate(names))
        Path("tiny/classes.txt").write_text("\n".join(lines))
        for path in Path("tiny").glob("*annot/*.png"):
            labels = np.array(Image.open(path))
            Image.fromarray(np.where(labels == 0, 0, 1).astype(np.uint8)).save(path)
        anew = begun("--size", "12x16", "--filters", "3", name=f"anew{count}")[1]
        capsys.readouterr()
        meta, arrays = begun("--init", "first.npz", "--size", "12x16", name=f"tuned{count}")
        said = " ".join(capsys.readouterr().out.split())
        assert "with first.npz, whose classes are others: so classifier.w, classifier.b begin at random." in said
        assert meta["classes"] == list(names) and arrays["classifier.w"].shape == (1, 1, 3, count)
        for name, array in arrays.items():
            expected = anew if name.startswith("classifier") else of_file
            np.testing.assert_array_equal(array, expected[name])
        assert (arrays["encoder1.conv.w"] != anew["encoder1.conv.w"]).any()


def test_what_belongs_to_the_classes_is_seen_by_its_shape():
    """FCN reduces each level to the classes, and has upsampling kernels that know their number."""
    def begins_anew(name):
        network = networks.build(name, filters=2, classes=3)
        meta = {"network": {"name": name, "filters": 2, "classes": 3}}
        return fine_tune.of_the_classes(inference.Model(network, *networks.init(network, 0), meta))

    assert begins_anew("segnet-basic") == ["classifier.w", "classifier.b"] == begins_anew("unet")
    reduced = begins_anew("fcn-basic")
    assert "classifier.w" not in reduced and len(reduced) > 8 and not [n for n in reduced if n.startswith("encoder")]


def test_the_shipped_network_is_a_beginning(capsys):
    given = {"data": "streets", "size": (96, 128), "steps": 1, "init": "shipped"}
    given = from_recipe("streets", **given, **fine_tune.follow(given))
    model, _ = loop.train(given, two_classes())
    held = inference.load().params
    assert model.params["classifier.w"].shape[3] == 2
    assert all((model.params[name] == held[name]).all() for name in held if not name.startswith("classifier"))
    sha256 = hashlib.sha256(inference.SHIPPED.read_bytes()).hexdigest()
    assert fine_tune.fingerprint(given) == {"init_sha256": sha256}
    say_what_it_begins_with("shipped", [])
    assert capsys.readouterr().out == "It begins with the network that comes with tinysegnet, with all of it.\n"


def two_classes():
    """A data set of little."""
    def read(seed):
        return np.zeros((16, 16, 3), np.uint8), np.eye(16, dtype=np.uint8)

    data = streets.dataset()
    return replace(data, classes=("a", "b"), palette=data.palette[:2], read=read)


@pytest.mark.parametrize("options, sentence", [
    (["--init", "none.npz"], r"^there is no checkpoint none\.npz: name one"),
    (["--init", "runs"], r"^there is no checkpoint runs: name one, such as the best\.npz of a run folder"),
    (["--init", ""], "^there is no checkpoint "),
    (["--init", "tiny/train/000.png"], r"000\.png is not a checkpoint of tinysegnet, or a damaged one"),
    (["--init", "cut.npz"], r"cut\.npz is not a checkpoint of tinysegnet, or a damaged one"),
    (["--init", "best.npz", "--network", "unet"],
     r"^best\.npz has --network segnet-basic: leave out --network unet, or give --init another file$"),
    (["--init", "best.npz", "--filters", "8"], r"^best\.npz has --filters 3: leave out --filters 8, or give"),
    (["--init", "best.npz", "--set", "normalisation=centred"],
     r"^best\.npz has --set normalisation=local_response: leave out --set normalisation=centred, or"),
    (["--init", "best.npz", "--init-encoder", "x"], "^--init and --init-encoder both say what to begin with"),
    (["--init", "deep.npz"],
     r"^deep\.npz holds segnet-basic with levels 1, and a training makes segnet-basic with 2: give --init another"),
    (["--init", "nan.npz"], r"^nan\.npz: classifier\.b has values that are not numbers: give --init another file"),
    (["--init", "mean.npz"], r"^mean\.npz: encoder1\.norm\.mean has values that are not numbers"),
    (["--init", "large.npz"], r"^large\.npz: classifier\.b has numbers too large for 32 bits"),
])
def test_a_file_that_cannot_be_a_beginning(script, options, sentence):
    """It is said before the data are looked at."""
    save_network("best.npz")
    save_network("deep.npz", levels=1)
    save_network("nan.npz", lambda arrays: arrays["classifier.b"].fill(np.nan))
    save_network("mean.npz", lambda arrays: arrays["encoder1.norm.mean"].fill(np.inf))
    save_network("large.npz", lambda arrays: arrays["classifier.b"].fill(1e300), dtype=np.float64)
    Path("cut.npz").write_bytes(Path("best.npz").read_bytes()[:-9])
    Path("runs").mkdir()
    with pytest.raises(InputError, match=sentence) as caught:
        script("--data", "missing", *options, "--name", "other")
    assert "\n" not in str(caught.value) and not Path("runs/other").exists()


def test_numbers_of_64_bits_are_taken_as_32(begun):
    _, held = save_network("double.npz", dtype=np.float64)
    _, arrays = begun("--init", "double.npz")
    assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}
    assert all((array == held[name].astype(np.float32)).all() for name, array in arrays.items())


def test_the_network_is_that_of_the_file_if_none_is_named(tmp_path):
    network, path = networks.build("unet", classes=2, filters=2), tmp_path / "unet.npz"
    params, stats = networks.init(network, 0)
    checkpoint.save(path, {
        "network": {"name": "unet", "classes": 2, "filters": 2}, "classes": ["a", "b"], "palette": [[0] * 3, [9] * 3],
        "size": [16, 16], "normalisation": LOCAL_RESPONSE, "test_scales": None, "statistics": "exact",
    }, params=params, stats=stats)
    followed = {"network": "unet", "filters": 2, "normalisation": LOCAL_RESPONSE}
    assert fine_tune.follow({"init": str(path), "lr": 0.5}) == followed
    assert fine_tune.follow({"lr": 0.5}) == {}


def test_a_training_in_memory_begins_with_a_file_too(script):
    _, held = save_network("best.npz")
    given = from_recipe("paper", data="tiny", size=(12, 16), steps=1, filters=3, init="best.npz")
    model, _ = loop.train(given, folder.dataset("tiny"))
    assert all((array == held[name]).all() for name, array in (model.params | model.stats).items())
    with pytest.raises(InputError, match=r"best\.npz has --filters 3: leave out --filters 2, or"):
        loop.train(replace(given, filters=2), folder.dataset("tiny"))


def test_a_copy_that_is_not_installed_trains(tmp_path):
    """The version of a run is that of the package, and not of what pip knows."""
    tiny_camvid.make(tmp_path / "tiny")
    root, copy = Path(RUN).parent, tmp_path / "copy"
    shutil.copytree(root / "tinysegnet", copy / "tinysegnet", ignore=shutil.ignore_patterns("*.npz", "__pycache__"))
    shutil.copy(RUN, copy)
    (copy / "sitecustomize.py").write_text(
        "import importlib.metadata as metadata\n"
        "whole = metadata.distribution\n"
        "def distribution(name):\n"
        "    if name == 'tinysegnet':\n"
        "        raise metadata.PackageNotFoundError(name)\n"
        "    return whole(name)\n"
        "metadata.distribution = distribution\n"
    )
    options = "--data tiny --size 16x16 --epochs 1 --filters 2".split()
    process = subprocess.run(
        [sys.executable, copy / "train.py", *options], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True, text=True, timeout=99, check=False,
    )
    assert process.returncode == 0, process.stderr
    config = json.loads((tmp_path / "runs/first/config.json").read_text())
    assert config["versions"]["tinysegnet"] == tinysegnet.__version__
