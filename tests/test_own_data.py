"""Data sets of one's own: any classes, any sizes, and everything that can be wrong with them."""

import json
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from train_in_process import train_script

from tinysegnet import __main__ as commands
from tinysegnet import checkpoint, inference, metrics, networks
from tinysegnet.commands import evaluate
from tinysegnet.data import folder, folds, open_dataset
from tinysegnet.data.survey import checked_surveys, survey
from tinysegnet.support.errors import InputError
from tinysegnet.training import loop

TWO = "grass 60 160 60\nred kite 220 40 40\n"


def make(path, train=16, val=4, seed=0):
    """20 pictures of a red kite over grass, of sides from 24 to 40, two of them JPEGs; its rim does not count."""
    rng = np.random.default_rng(seed)
    for split, count in (("train", train), ("val", val)):
        for name in (split, f"{split}annot"):
            (path / name).mkdir(parents=True)
        for i in range(count):
            height, width = rng.integers(24, 41, 2)
            labels = np.zeros((height, width), np.uint8)
            top, left = rng.integers(2, (height - 12, width - 12))
            labels[top - 1 : top + 11, left - 1 : left + 11] = 255
            labels[top : top + 10, left : left + 10] = 1
            colours = np.array([(60, 160, 60), (220, 40, 40), *[(140, 100, 50)] * 254])
            pixels = np.clip(colours[labels] + rng.normal(0, 15, (height, width, 3)), 0, 255).astype(np.uint8)
            kind = "jpg" if i == 1 else "png"
            Image.fromarray(pixels).save(path / split / f"{i:02}.{kind}")
            Image.fromarray(labels).save(path / f"{split}annot" / f"{i:02}.png")
    (path / "classes.txt").write_text(TWO)
    return path


@pytest.fixture
def kites(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make(tmp_path / "kites")


def command(monkeypatch, *options):
    monkeypatch.setattr("sys.argv", ["tinysegnet", *options])
    commands.main()


def said(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_two_classes_train_evaluate_and_predict(kites, tmp_path, monkeypatch, capsys):
    train = train_script(monkeypatch)
    train("--data", "kites", "--size", "32x32", "--epochs", "8", "--batch", "4", "--lr", "0.2")
    model = inference.load("runs/first/best.npz")
    assert model.meta["classes"] == ["grass", "red kite"] and model.params["classifier.w"].shape[3] == 2
    trained = capsys.readouterr().out
    command(monkeypatch, "evaluate", "--data", "kites", "--weights", "runs/first/best.npz")
    table = capsys.readouterr().out
    assert "3 of other proportions keep them, at as many pixels" in " ".join(table.split())
    assert float(table.split()[-1]) > 80, table
    command(monkeypatch, "predict", "kites/val", "--weights", "runs/first/best.npz", "--out", "seen")
    assert "4 photographs: the pictures are in seen" in capsys.readouterr().out
    data = folder.dataset(kites)
    counts, standing = np.zeros((2, 2), int), []
    for sample in data.samples("val"):
        _, labels = data.read(sample)
        mask = Image.open(tmp_path / "seen" / f"{sample[0].stem}_mask.png")
        assert mask.mode == "P" and mask.getpalette()[:6] == [60, 160, 60, 220, 40, 40]
        counts += metrics.confusion_matrix(labels, np.array(mask), 2, 255)
        standing.append(labels.shape[0] > labels.shape[1])
    assert metrics.mean_iou(counts) > 0.8 and {*standing} == {False, True}
    of_masks = metrics.table(counts, data.classes)              # all three look at a photograph in one way
    assert table.endswith(f"\n{of_masks}\n") and trained.endswith(f"\n{of_masks}\n")
    for name in ("test", "testannot"):                          # of which nothing but grass was labelled
        Path("kites", name).mkdir()
        Path("kites", name, "a.png").write_bytes(Path("kites", name.replace("test", "val"), "00.png").read_bytes())
    labels = np.array(Image.open("kites/testannot/a.png"))
    Image.fromarray(np.where(labels == 1, 255, labels)).save("kites/testannot/a.png")
    command(monkeypatch, "evaluate", "--data", "kites", "--split", "test", "--weights", "runs/first/best.npz")
    assert "test, 1 images" in capsys.readouterr().out
    annotation = Path("kites/valannot/00.png")
    Image.fromarray(np.array(Image.open(annotation)) > 0).save(annotation)          # of 1 bit, beside 8
    with pytest.raises(InputError, match=r"00\.png is grey of 1 bit, which can be read in two ways"):
        command(monkeypatch, "evaluate", "--data", "kites", "--weights", "runs/first/best.npz")
    assert not capsys.readouterr().out


def test_the_split_and_the_ignored_label_that_are_named_are_those_that_are_judged(kites, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = {"classes": 2, "filters": 4, "levels": 1, "kernel": 3}
    params, stats = networks.init(networks.build("segnet-basic", **arguments), 0)
    meta = {
        "network": {"name": "segnet-basic", **arguments}, "classes": ["grass", "red kite"], "size": [32, 32],
        "palette": [[60, 160, 60], [220, 40, 40]], "normalisation": "centred", "test_scales": None,
        "statistics": "running",
    }
    checkpoint.save("drawn.npz", meta, params=params, stats=stats)
    seen = {}
    for split in ("train", "val"):
        for ignore in (255, 9):
            data = folder.dataset(kites, ignore)
            for _, path in data.samples(split) if ignore == 9 else ():
                labels = np.array(Image.open(path))
                Image.fromarray(np.where(labels == 255, 9, labels)).save(path)
            command(monkeypatch, "evaluate", "--data", "kites", "--weights", "drawn.npz", "--split", split, "--ignore",
                    str(ignore))
            model = inference.load("drawn.npz")
            counts = loop.evaluate(model, map(data.read, data.samples(split)), ignore)
            said = capsys.readouterr().out
            seen[split, ignore] = metrics.table(counts, data.classes)
            assert said.endswith(f"{seen[split, ignore]}\n") and "statistics are running averages" in said
    assert seen["train", 9] == seen["train", 255] != seen["val", 255]
    train = train_script(monkeypatch)
    train("--data", "kites", "--ignore", "9", "--size", "32x32", "--filters", "4", "--epochs", "1", "--lr", "0.01")
    train("--resume", "--epochs", "2")                          # with the same label
    other = SimpleNamespace(classes=("red kite", "grass"), name="kites")
    with pytest.raises(InputError, match=r"drawn.npz was not trained on the classes of kites"):
        evaluate.check_classes(model, other, "drawn.npz")


@pytest.mark.parametrize("words", [["predict", "kites/val"], ["evaluate", "--data", "kites"]])
def test_the_backend_that_is_named_is_asked_for(kites, monkeypatch, words):
    monkeypatch.chdir(kites.parent)
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(InputError, match="cupy"):
        command(monkeypatch, *words, "--backend", "cupy")


def test_classes_colours_and_the_ignored_label(kites):
    data, why = open_dataset(kites)
    assert data.classes == ("grass", "red kite") and data.ignore == 255 and why == f"Data: kites in {kites}."
    assert data.colours(np.array([[0, 1, 255, 7]])).tolist() == [[[60, 160, 60], [220, 40, 40], [0, 0, 0], [0, 0, 0]]]
    seen = survey(data, "train")
    assert seen.images == 16 and seen.void > 0 and len(seen.sizes) > 5 and not seen.notes.problems
    for path in (kites / "trainannot").iterdir():
        labels = np.array(Image.open(path))
        Image.fromarray(np.where(labels == 255, 9, labels).astype(np.uint8)).save(path)
    again = survey(folder.dataset(kites, ignore=9), "train")
    assert (again.pixels == seen.pixels).all() and again.void == seen.void
    with pytest.raises(InputError, match=r"has a label 9: labels are 0 to 1, and 255 for void"):
        checked_surveys(data, ["train"])


def test_labels_may_have_a_palette(kites):
    path = kites / "valannot" / "00.png"
    labels = np.array(Image.open(path))
    image = Image.fromarray(labels)
    image.putpalette([7, 8, 9] * 256)
    image.save(path)
    assert Image.open(path).mode == "P"
    np.testing.assert_array_equal(folder.dataset(kites).read((kites / "val" / "00.png", path))[1], labels)


@pytest.mark.parametrize(
    "text, message",
    [
        ("sky 1 2\n", r"line 1: write a name and three numbers 0 to 255"),
        ("sky 1 2 3\n\nroad 1 2 256\n", r"line 3: write a name"),
        ("1 2 3\nroad 1 2 3\n", r"line 1: write a name"),
        ("sky 1 2 3\nsky 3 4 5\n", r"line 2: 'sky' is there twice"),
        ("sky 1 2 3\n", r"names 1 classes: it takes 2 to 255"),
        ("".join(f"c{i} 1 2 3\n" for i in range(256)), r"names 256 classes"),
        ("", r"names 0 classes"),
        ("sky -1 2 3\nroad 1 2 3", r"line 1"),
    ],
)
def test_a_classes_file_that_cannot_be_used(kites, text, message):
    (kites / "classes.txt").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        folder.dataset(kites)
    assert "classes.txt" in str(caught.value)


def test_a_classes_file_from_another_editor(kites):
    (kites / "classes.txt").write_bytes("\ufeffgrass 1 2 3\r\nred kite 3 4 5\r\n".encode())
    assert folder.dataset(kites).classes == ("grass", "red kite")
    (kites / "classes.txt").write_bytes("grass 1 2 3\nMilan roy\xe9l 3 4 5\n".encode("latin-1"))
    with pytest.raises(InputError, match="cannot be read as UTF-8 text"):
        folder.dataset(kites)


def test_two_photographs_of_one_name(kites):
    Image.new("RGB", (30, 30)).save(kites / "train" / "00.jpg")
    with pytest.raises(InputError, match=r"00\.jpg and 00\.png would have one annotation"):
        open_dataset(kites)[0].samples("train")


def test_check_data_reports_everything_and_every_bad_file(kites, monkeypatch, capsys):
    command(monkeypatch, "check-data", "kites")
    good = capsys.readouterr().out
    assert "kites in kites: 2 classes, 255 for pixels that do not count" in good
    assert "Every file can be used." in good and max(map(len, good.splitlines())) <= 80
    rows = {line[:26].strip(): line[26:].split() for line in good.splitlines()}
    seen = survey(folder.dataset("kites"), "train")
    assert rows["grass"][0] == f"{100 * seen.pixels[0] / (seen.pixels.sum() + seen.void):.2f}"
    (kites / "train" / "03.png").write_bytes(b"no picture")
    (kites / "trainannot" / "04.png").unlink()
    Image.new("L", (10, 10)).save(kites / "valannot" / "02.png")
    with pytest.raises(InputError, match=r"3 to mend: train\.py will not take this data set as it is"):
        command(monkeypatch, "check-data", "kites")
    text = capsys.readouterr().out
    for name in ("train/03.png cannot be read", "train/04.png has no annotation", "valannot/02.png has 10x10 pixels"):
        assert name in text.replace("\\", "/")
    with pytest.raises(InputError, match=r"03\.png cannot .*\(1 more: see  python -m tinysegnet check-data kites\)"):
        checked_surveys(folder.dataset("kites"), ["train"])


def test_masks_of_0_and_255(kites):
    """The commonest mistake: a mask of two classes, saved as black and white."""
    for path in (kites / "trainannot").iterdir():
        Image.fromarray(np.where(np.array(Image.open(path)) == 1, 255, 0).astype(np.uint8)).save(path)
    with pytest.raises(InputError, match=r"The labels are 0, 255, greys for people to see: write 0 and 1 in"):
        checked_surveys(folder.dataset(kites), ["train"])
    assert not survey(folder.dataset(kites), "val").notes.problems


def test_an_annotation_without_a_photograph_is_said(kites, monkeypatch, capsys):
    (kites / "val" / "03.png").unlink()
    command(monkeypatch, "check-data", "kites")
    assert "03.png belongs to no photograph" in capsys.readouterr().out


def test_a_class_that_never_occurs_is_said(kites, monkeypatch, capsys):
    with open(kites / "classes.txt", "a") as file:
        file.write("unicorn 250 250 250\n")
    command(monkeypatch, "check-data", "kites")
    assert "No pixel of train is unicorn: it cannot be learnt\n" in capsys.readouterr().out


def names(samples):
    return [f"{photograph.parent.name}/{photograph.stem}" for photograph, _ in samples]


@pytest.mark.parametrize("parts", [2, 3, 20])
def test_each_photograph_is_in_the_val_of_one_fold(kites, parts):
    data = folder.dataset(kites)
    everything = sorted([*data.samples("train"), *data.samples("val")])
    dealt = [folds.fold(data, k, parts) for k in range(1, parts + 1)]
    assert sorted(sample for fold in dealt for sample in fold.samples("val")) == everything
    for fold in dealt:
        train, val = fold.samples("train"), fold.samples("val")
        assert sorted([*train, *val]) == everything and len(val) in (20 // parts, -(-20 // parts))
        assert fold.name.endswith(f", fold {dealt.index(fold) + 1}/{parts}") and fold.read is data.read


def test_the_folds_are_dealt_by_name_from_both_splits(kites):
    """16 photographs of train, 00 to 15, and four of val, 00 to 03: of one name that of train goes first."""
    first, second = (names(folds.fold(folder.dataset(kites), k, 3).samples("val")) for k in (1, 2))
    assert first == ["train/00", "val/01", "train/03", "train/05", "train/08", "train/11", "train/14"]
    assert second == ["val/00", "train/02", "val/03", "train/06", "train/09", "train/12", "train/15"]
    streets_ = folds.fold(open_dataset("streets")[0], 1, 10)
    assert len(streets_.samples("val")) == 28 and streets_.samples("val")[:3] == [0, 10, 20]


def test_folds_need_no_val(kites):
    for name in ("val", "valannot"):
        shutil.rmtree(kites / name)
    data = folder.dataset(kites)
    with pytest.raises(InputError, match=r"val: a data set has one, beside valannot/, unless --fold k/K deals out tra"):
        data.samples("val")
    assert names(folds.fold(data, 4, 4).samples("val")) == ["train/03", "train/07", "train/11", "train/15"]
    (kites / "val").mkdir()
    assert len(folds.fold(data, 4, 4).samples("train")) == 12
    Image.new("RGB", (30, 40)).save(kites / "val" / "a.png")
    with pytest.raises(InputError, match=r"there is no folder .*valannot: a data set has one, beside val/$"):
        folds.fold(folder.dataset(kites), 4, 4)                                     # half a val is no val
    (kites / "val").rename(kites / "Val")
    with pytest.raises(InputError, match=r"there is no folder .*val: rename Val/$"):
        folds.fold(folder.dataset(kites), 4, 4)
    (kites / "Val" / "a.png").rename(kites / "Val" / ".DS_Store")
    assert len(folds.fold(data, 4, 4).samples("train")) == 12


@pytest.mark.parametrize("text", ["0/5", "6/5", "1/1", "1", "1/", "/5", "a/b", "1.0/2", "-1/5", "1/9999999", "1/5/2"])
def test_what_is_no_fold(kites, monkeypatch, capsys, text):
    for command_ in ("train", "evaluate"):
        with pytest.raises(SystemExit) as left:
            command(monkeypatch, command_, "--data", "kites", f"--fold={text}")
        said = " ".join(capsys.readouterr().err.split())
        assert left.value.code == 2 and f"{text!r} is not a fold: write k/K, k from 1 to K and K at least 2" in said


def test_a_fold_is_kept_with_the_run_and_can_be_judged_again(kites, monkeypatch, capsys):
    train = train_script(monkeypatch)
    with pytest.raises(InputError, match=r"^--fold 1/21 of 20 photographs: K can be 2 to 20$"):
        train("--data", "kites", "--fold", "1/21")
    train("--data", "kites", "--fold", "2/5", "--size", "32x32", "--epochs", "1", "--set", "lr=0.01")
    said = capsys.readouterr().out.splitlines()
    assert said[1:3] == [
        "Val: fold 2/5, of train and val together.",
        "16 images, seen at 32x32; 4 of val, judged at their own size",
    ]
    train("--resume", "--epochs", "2")
    assert said[1:3] == capsys.readouterr().out.splitlines()[1:3]
    with pytest.raises(InputError, match=r"--fold was 2/5 when runs.first began"):
        train("--resume", "--fold", "3/5")
    train("--resume", "--fold", "2/5")
    table = capsys.readouterr().out.splitlines()[-3:]
    command(monkeypatch, "evaluate", "--data", "kites", "--weights", "runs/first/best.npz", "--fold", "2/5")
    said = capsys.readouterr().out
    assert said.splitlines()[-3:] == table and "val, fold 2/5, 4 images" in said and "was trained with" not in said
    for others in ((), ("--fold", "3/5")):
        command(monkeypatch, "evaluate", "--data", "kites", "--weights", "runs/first/best.npz", *others)
        said = capsys.readouterr().out
        assert said.splitlines()[-3:] != table and "(it was trained with --fold 2/5, and so on some of these" in said
    with pytest.raises(InputError, match=r"^--fold deals out train and val: leave it out for --split test$"):
        command(monkeypatch, "evaluate", "--data", "kites", "--weights", "runs/first/best.npz", "--fold", "2/5",
                "--split", "test")


def test_what_begins_with_an_accent_is_held_out_however_that_is_written(kites):
    """Some systems write a letter and its accent one after the other, and people type one character."""
    for path in [*kites.rglob("0[0-3].*")]:
        path.rename(path.with_name(f"U\u0308bung {path.name}"))
    assert len(folds.hold_out(folder.dataset(kites), "\u00dcb").samples("val")) == 8


def test_what_begins_so_is_held_out_and_can_be_judged_again(kites, monkeypatch, capsys):
    """16 photographs of train, 00 to 15, and four of val, 00 to 03."""
    held = folds.hold_out(folder.dataset(kites), "1")
    assert names(held.samples("val")) == [f"train/{number}" for number in range(10, 16)]
    assert len(held.samples("train")) == 14 and held.name.endswith(", names that begin with 1")
    assert len(folds.hold_out(folder.dataset(kites), "0").samples("val")) == 14
    for beginning, sentence in (("2", "no name of .*kites begins so"), ("", "all names of .*kites begin so")):
        with pytest.raises(InputError, match=f"^--hold-out {beginning}: {sentence}: give the beginning of some$"):
            folds.hold_out(folder.dataset(kites), beginning)
    train = train_script(monkeypatch)
    with pytest.raises(InputError, match=r"^--fold and --hold-out both say what val is: leave one of them out$"):
        train("--data", "kites", "--fold", "2/5", "--hold-out", "1")
    train("--data", "kites", "--hold-out", "1", "--size", "32x32", "--epochs", "1")
    said = capsys.readouterr().out.splitlines()
    assert said[1:3] == [
        "Val: names that begin with 1, of train and val together.",
        "14 images, seen at 32x32; 6 of val, judged at their own size",
    ]
    weights = "--weights", "runs/first/best.npz"
    command(monkeypatch, "evaluate", "--data", "kites", *weights, "--hold-out", "1")
    again = capsys.readouterr().out
    assert again.splitlines()[-3:] == said[-3:] and "val, names that begin with 1, 6 images" in again
    assert "was trained with" not in again
    command(monkeypatch, "evaluate", "--data", "kites", *weights)
    assert "(it was trained with --hold-out 1, and so on some of these, if the" in capsys.readouterr().out


def test_the_line_that_gives_mean_and_spread_of_the_folds(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[1] / "docs/results.md").read_text(encoding="utf-8")
    (line,) = re.findall(r'(?m)^python -c "(.*)"$', page)
    monkeypatch.chdir(tmp_path)
    for k, best in ((1, 0.5), (2, 0.75)):
        Path(f"runs/fold-{k}").mkdir(parents=True)
        lines = {"epoch": 1, "mIoU": 0.9}, {"epoch": 2, "step": 1, "loss": 0.1}, {"epoch": 2, "mIoU": best}
        Path(f"runs/fold-{k}/log.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    exec(line, {})
    assert [float(word) for word in capsys.readouterr().out.split()] == pytest.approx([0.625, 0.25 / 2**0.5])


def test_the_fingerprint_knows_names_of_classes_pixels_and_labels(kites):
    def fingerprint():
        return survey(folder.dataset(kites), "train").fingerprint

    seen = [fingerprint()]
    assert fingerprint() == seen[0]
    for path in (kites / "train" / "00.png", kites / "trainannot" / "00.png"):
        a = np.array(Image.open(path))
        a[0, 0] = 1
        Image.fromarray(a).save(path)
        seen.append(fingerprint())
    (kites / "classes.txt").write_text(TWO.replace("kite", "crow"))
    seen.append(fingerprint())
    assert len(set(seen)) == 4


def test_the_fingerprint_knows_which_label_does_not_count(kites):
    for path in (kites / "trainannot").iterdir():
        labels = np.array(Image.open(path))
        Image.fromarray(np.where(labels == 255, 0, labels).astype(np.uint8)).save(path)
    here, there = (survey(folder.dataset(kites, ignore=label), "train") for label in (254, 255))
    assert not here.notes.problems and not there.notes.problems and here.fingerprint != there.fingerprint


def test_the_fingerprint_knows_the_shape(tmp_path):
    def fingerprint(name, shape):
        make(tmp_path / name, 1, 1)
        Image.new("RGB", shape).save(tmp_path / name / "train" / "00.png")
        Image.new("L", shape).save(tmp_path / name / "trainannot" / "00.png")
        return survey(folder.dataset(tmp_path / name), "train").fingerprint

    assert fingerprint("a", (30, 40)) != fingerprint("b", (40, 30))


def test_which_files_are_photographs(kites):
    (kites / "train" / "00.png").rename(kites / "train" / "00.PNG")
    (kites / "train" / "01.jpg").rename(kites / "train" / "01.JPEG")
    (kites / "train" / "._02.png").write_bytes(b"what another system leaves")
    (kites / "train" / "notes.txt").write_text("not a photograph")
    assert survey(folder.dataset(kites), "train").images == 16 and checked_surveys(folder.dataset(kites), ["train"])


def test_check_data_knows_what_train_would_refuse(kites, monkeypatch, capsys):
    for path in (kites / "valannot").iterdir():
        Image.new("L", Image.open(path).size, 255).save(path)
    for name in ("test", "testannot"):
        (kites / name).mkdir()
    Image.new("RGB", (30, 40)).save(kites / "test" / "a.png")
    Image.new("L", (30, 40)).save(kites / "testannot" / "a.png")
    with pytest.raises(InputError, match="1 to mend"):
        command(monkeypatch, "check-data", "kites")
    text = capsys.readouterr().out
    assert "No pixel of kites in kites, val, is labelled" in text and "test   1 of 40x30" in text
    shown, others = text.split("train  ")[1].split("\n")[0].rsplit(", ", 1)
    count = sum(int(part.split(" of ")[0]) for part in shown.split(", "))
    assert others == f"{16 - count} of other sizes"


def test_a_folder_called_streets_is_not_taken_for_those_that_are_drawn(kites, monkeypatch, capsys):
    """By its bare name it could be either."""
    kites.rename("streets")
    with pytest.raises(InputError, match=r"there is a folder of that name: if that is meant, write \./streets"):
        open_dataset("streets")
    train = train_script(monkeypatch)
    train("--data", "./streets", "--size", "32x32", "--epochs", "1", "--batch", "4", "--filters", "1")
    train("--name", "first", "--resume", "--epochs", "2")
    assert "Data: streets in streets." in capsys.readouterr().out
    command(monkeypatch, "evaluate", "--data", "./streets", "--weights", "runs/first/best.npz")


def test_images_too_large_for_a_network_need_a_size(kites, monkeypatch, capsys):
    for path in kites.rglob("*.*g"):
        Image.open(path).resize((10000, 16), Image.Resampling.NEAREST).save(path.with_suffix(".png"))
    (kites / "train/01.jpg").unlink()
    (kites / "val/01.jpg").unlink()
    command(monkeypatch, "check-data", "kites")
    assert "The images are 16x10000, too large for a network: train with a smaller --size" in said(capsys)
    with pytest.raises(InputError, match="are 16x10000, too large for a network: give a smaller --size HxW"):
        train_script(monkeypatch)("--data", "kites", "--epochs", "1", "--batch", "4")


def test_a_picture_is_not_drawn_over_the_data(kites, monkeypatch):
    annotation = sorted(Path("kites/trainannot").iterdir())[0]
    before = annotation.read_bytes()
    with pytest.raises(InputError, match=r"would be among the files of the data set: name another place"):
        command(monkeypatch, "check-data", "kites", "--picture", str(annotation))
    assert annotation.read_bytes() == before


def test_many_classes(tmp_path):
    """255 classes, the most: the label of the last is 254, and 255 does not count."""
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for split in ("train", "val"):
        for name, image in ((split, np.repeat(labels[..., None], 3, 2)), (f"{split}annot", labels)):
            (tmp_path / name).mkdir()
            Image.fromarray(image).save(tmp_path / name / "a.png")
    (tmp_path / "classes.txt").write_text("".join(f"class {i} {i} {i} {i}\n" for i in range(255)))
    seen = survey(folder.dataset(tmp_path), "train")
    assert (seen.pixels == 1).all() and seen.void == 1
