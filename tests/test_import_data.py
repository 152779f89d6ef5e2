"""import-data: what other tools write, in tests/data/import, becomes the data set that it is in our own format."""

import errno
import json
import os
import re
import shutil
import unicodedata
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lessons.engine import course
from tinysegnet import __main__ as commands
from tinysegnet.commands.import_data import KINDS
from tinysegnet.data import camvid, folder
from tinysegnet.data.folder import dataset
from tinysegnet.data.photographs import read_photograph
from tinysegnet.importers import camvid32, cityscapes, sunrgbd, voc
from tinysegnet.importers.dealing import deal
from tinysegnet.importers.drawing import points_of, polygon
from tinysegnet.importers.misspelt import alike, misspelt
from tinysegnet.importers.sample import split_of
from tinysegnet.importers.writing import import_data
from tinysegnet.support.errors import InputError

MADE = Path(__file__).parent / "data" / "import"
MAKE = course.load(MADE / "make.py")
SKY_AND_ROAD = "Sky 128 128 128\nRoad 128 64 128\n"


def imported(kind, source, out, **options):
    return import_data(KINDS[kind].read, source, out, **options)


def command(monkeypatch, *options):
    monkeypatch.setattr("sys.argv", ["tinysegnet", "import-data", *map(str, options)])
    commands.main()


def content(path):
    """The classes of a data set, and {(split, name): labels as lists}."""
    data = dataset(path)
    labels = {}
    for split in folder.SPLITS:
        if (path / split).is_dir():
            for sample in data.samples(split):
                labels[split, sample[0].stem] = data.read(sample)[1].tolist()
    return data.classes, labels


def twin(path, classes, labels):
    """The same in our own format: {(split, name): labels}, grey, with a grey photograph each."""
    for (split, name), a in labels.items():
        save(path / split / f"{name}.png", np.repeat(a[..., None] // 2, 3, axis=2))
        save(path / f"{split}annot" / f"{name}.png", a)
    (path / "classes.txt").write_text("".join(f"{name}\n" for name in classes))
    return path


def save(path, a, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(a, np.uint8)).save(path, **options)


def photograph(path, size=(6, 8)):
    save(path, np.full((*size, 3), 90))


def labelme(path, *shapes, size=(6, 8), **others):
    """A file of labelme with shapes (name, kind, points), and its photograph."""
    photograph(path.with_suffix(".png"), size)
    shapes = [{"label": name, "shape_type": kind, "points": points} for name, kind, points in shapes]
    said = {
        "version": "5.11.4", "flags": {}, "imagePath": f"{path.stem}.png", "imageData": None, "imageHeight": size[0],
        "imageWidth": size[1], "shapes": shapes,
    }
    path.write_text(json.dumps(said | others))


def listed(done):
    return [str(problem) for problem in done.problems.values()]


ROAD = "road", "polygon", [[0, 3], [7, 3], [7, 5], [0, 5]]


# What the tools write


@pytest.mark.parametrize("name, kind", [
    ("camvid-colours", "datumaro-camvid"), ("camvid-numbers", "datumaro-camvid"), ("voc-colours", "voc"),
    ("voc-numbers", "voc"), ("coco", "coco"), ("label-studio", "label-studio"),
])
def test_what_datumaro_and_label_studio_write_is_its_twin(tmp_path, name, kind):
    """Label Studio knows no splits; but the two names of val are the smaller of two groups."""
    done = imported(kind, MADE / name, tmp_path / "out")
    assert done.counts == {"train": 4, "val": 2} and bool(done.how) == (kind == "label-studio") and not done.problems
    labels = {
        (name.partition("_")[0], name): np.where(a == MAKE.VOID, 0, a + 1).astype(np.uint8)
        for name, a in MAKE.scenes().items()
    }
    assert content(tmp_path / "out") == content(twin(tmp_path / "twin", ("background", *MAKE.NAMES), labels))


@pytest.mark.parametrize("name, kind, classes", [
    ("labelme", "labelme", ("background", "grass", "red kite", "sky")),
    ("coco-polygons", "coco", ("background", "person", "dog", "bottle")),
])
def test_shapes_are_drawn_to_the_pixel_as_their_tool_does(tmp_path, name, kind, classes):
    done = imported(kind, MADE / name, tmp_path / "out", share=0.3)
    assert done.counts == {"train": 2, "val": 1} and not done.problems
    found, labels = content(tmp_path / "out")
    truth = {path.stem: np.array(Image.open(path)).tolist() for path in (MADE / "truth" / name).iterdir()}
    assert found == classes and {stem: a for (_, stem), a in labels.items()} == truth and len(truth) == 3


def test_the_photograph_in_a_file_of_labelme_is_taken_if_it_is_not_beside_it(tmp_path):
    done = imported("labelme", MADE / "labelme", tmp_path / "out")
    assert done.saved == 1
    (path,) = [one for one in (tmp_path / "out").glob("*/a_2.png") if not one.parent.name.endswith("annot")]
    assert (read_photograph(path) == MAKE.photograph(np.full(MAKE.SIZE, 4, np.uint8))).all()


def test_a_polygon_has_the_pixels_whose_middle_it_encloses():
    inside = polygon(points_of([1, 1, 4, 1, 4, 3, 1, 3]), (4, 6))
    assert inside.tolist() == [[0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]]
    around = polygon(points_of([-50, -50, 90, -50, 90, 90, -50, 90]), (4, 6))
    assert around.all() and not polygon(points_of([7, 0, 9, 0, 9, 4]), (4, 6)).any()


# Layouts that are written here, as the data sets have them


def test_colours(tmp_path):
    """In images/ and masks/ beside each other, within train/ and val/, or with these in both; names of masks."""
    labels = np.array([[0, 0, 1], [0, 1, 255]], np.uint8)
    colours = np.zeros((256, 3), np.uint8)
    colours[[0, 1, 255]] = (128, 128, 128), (128, 64, 128), (0, 0, 0)
    source = tmp_path / "source"
    for image, mask in (
        ("images/train/a.jpg", "masks/train/a.png"), ("images/val/b/1.png", "masks/val/b/1_mask.png"),
        ("test/imgs/c.png", "test/labels/c_L.png"),
    ):
        photograph(source / image, (2, 3))
        save(source / mask, colours[labels])
    classes = tmp_path / "mine.txt"
    classes.write_text(SKY_AND_ROAD + "void 0 0 0\n")
    done = imported("colours", source, tmp_path / "out", classes_file=classes)
    assert done.counts == {"train": 1, "val": 1, "test": 1} and not done.problems
    truth = {("train", "a"): labels, ("val", "b_1"): labels, ("test", "c"): labels}
    assert content(tmp_path / "out") == content(twin(tmp_path / "twin", ("Sky", "Road"), truth))
    assert (tmp_path / "out/classes.txt").read_text() == SKY_AND_ROAD
    assert (tmp_path / "out/train/a.jpg").read_bytes() == (source / "images/train/a.jpg").read_bytes()


def test_camvid_in_32_colours(tmp_path):
    """Every colour once; the drives stay together. The table is that of the authors' tutorial, typed a second time."""
    table = """Sky 128 128 128, Building 128 0 0, Pole 192 192 128, Road 128 64 128, Pavement 0 0 192, Tree 128 128 0,
        SignSymbol 192 128 128, Fence 64 64 128, Car 64 0 128, Pedestrian 64 64 0, Bicyclist 0 128 192,
        Building 192 0 128, Building 0 128 64, Building 64 0 64, Building 64 192 0, Pole 0 0 64, Road 128 0 192,
        Road 192 0 64, Pavement 64 192 128, Pavement 128 128 192, Tree 192 192 0, SignSymbol 128 128 64,
        SignSymbol 0 64 64, Car 64 128 192, Car 192 128 192, Car 192 64 128, Car 128 64 64, Pedestrian 192 128 64,
        Pedestrian 64 0 192, Pedestrian 64 128 64, Bicyclist 192 0 192, void 0 0 0"""
    names, colours = zip(*((name, rgb) for name, *rgb in (entry.split() for entry in table.split(","))))
    colours = np.array(colours, np.uint8).reshape(4, 8, 3)
    labels = np.array([dict(zip(camvid.CLASSES, range(11))).get(name, 255) for name in names], np.uint8).reshape(4, 8)
    source = tmp_path / "source"
    drawn = ("0006R0_f01", "0006R0_f02", "0016E5_01", "0016E5_02", "Seq05VD_f01", "Seq05VD_f02")
    for name in drawn:
        photograph(source / "701_StillsRaw_full" / f"{name}.png", (4, 8))
        save(source / "LabeledApproved_full" / f"{name}_L.png", colours)
    imported("camvid32", source, tmp_path / "out")
    found, read = content(tmp_path / "out")
    assert found == camvid.CLASSES and {*map(str, read.values())} == {str(labels.tolist())} and len(read) == 6
    val = [name for split, name in read if split == "val"]
    assert len(val) == 2 and val[0][:4] == val[1][:4]
    assert dataset(tmp_path / "out").palette.tolist() == camvid.PALETTE.tolist()
    of_kaggle = tmp_path / "kaggle"
    for old, new in (("701_StillsRaw_full", "train"), ("LabeledApproved_full", "train_labels")):
        shutil.copytree(source / old, of_kaggle / new)
        shutil.copytree(source / old, of_kaggle / new.replace("train", "val"))
    assert imported("camvid32", of_kaggle, tmp_path / "again").counts == {"train": 6, "val": 6}


def test_pascal_voc_with_its_palette_and_rims(tmp_path):
    """21 classes, 255 around things; trainval.txt names what train.txt and val.txt name."""
    source, names = tmp_path / "VOC2012", ("2007_000032", "2007_000033", "2008_000002")
    labels = np.array([[0, 1, 255], [20, 15, 0]], np.uint8)
    mask = Image.fromarray(labels)
    palette = np.zeros((256, 3), np.uint8)
    palette[:21], palette[255] = [voc.of_voc(k) for k in range(21)], voc.OF_VOID
    mask.putpalette(palette.tobytes())
    for name in names:
        photograph(source / "JPEGImages" / f"{name}.jpg", (2, 3))
        (source / "SegmentationClass").mkdir(exist_ok=True)
        mask.save(source / "SegmentationClass" / f"{name}.png")
    (source / "ImageSets/Segmentation").mkdir(parents=True)
    for split, those in (("train", names[:2]), ("val", names[2:]), ("trainval", names)):
        (source / f"ImageSets/Segmentation/{split}.txt").write_text("\n".join(those))
    done = imported("voc", source, tmp_path / "out")
    assert done.counts == {"train": 2, "val": 1} and not done.problems
    truth = {("train", names[0]): labels, ("train", names[1]): labels, ("val", names[2]): labels}
    assert content(tmp_path / "out") == content(twin(tmp_path / "twin", voc.CLASSES, truth))
    save(source / "SegmentationClass" / f"{names[0]}.png", palette[labels])     # the same, in colours
    (source / "ImageSets/Segmentation/._train.txt").write_bytes(b"\0\5\x16\7\xff")      # as zips from Macs have it
    imported("voc", source, tmp_path / "coloured")
    assert content(tmp_path / "coloured") == content(tmp_path / "out")
    save(source / "SegmentationClass" / f"{names[0]}.png", np.where(labels == 15, 21, labels))      # which is no class
    (said,) = listed(imported("voc", source, tmp_path / "other"))
    assert "has a label 21: labels are 0 to 20, and 255 for void" in said


@pytest.mark.parametrize("image, mask", [
    ("SUNRGBD-{}_images/img-000001.jpg", "sunrgbd_train_test_labels/img-{}.png"),
    ("image/{}/img-000001.jpg", "label37/{}/img37labels-000001.png"),
    ("{}/img-000001.jpg", "{}annot/img-000001.png"),
])
def test_sun_rgbd_moves_down_by_one(tmp_path, image, mask):
    """1 to 37 are the classes, 0 is none. Where all labels are in one folder, those of train begin after test's."""
    stored = {"train": np.array([[0, 1, 37]], np.uint8), "test": np.array([[2, 2, 0]], np.uint8)}
    for split, number in (("train", "005051"), ("test", "000001")):
        photograph(tmp_path / "source" / image.format(split), (1, 3))
        save(tmp_path / "source" / mask.format(number if "train_test" in mask else split), stored[split])
    imported("sunrgbd", tmp_path / "source", tmp_path / "out")
    classes, labels = content(tmp_path / "out")
    assert classes == sunrgbd.CLASSES and len(classes) == 37 and classes[36] == "bag"
    assert labels == {("train", "img-000001"): [[255, 0, 36]], ("test", "img-000001"): [[1, 1, 255]]}


@pytest.mark.parametrize("end, stored", [("labelIds", [[7, 8, 33, 0, 29]]), ("labelTrainIds", [[0, 1, 18, 255, 255]])])
def test_cityscapes(tmp_path, end, stored):
    for name in ("train/aachen/aachen_000000_000019", "val/ulm/ulm_000000_000001"):
        photograph(tmp_path / "source/leftImg8bit" / f"{name}_leftImg8bit.png", (1, 5))
        save(tmp_path / "source/gtFine" / f"{name}_gtFine_{end}.png", stored)
    imported("cityscapes", tmp_path / "source", tmp_path / "out")
    classes, labels = content(tmp_path / "out")
    assert classes == tuple(cityscapes.COLOURS) and len(classes) == 19
    assert labels == {
        (split, name): [[0, 1, 18, 255, 255]]
        for split, name in (("train", "aachen_000000_000019"), ("val", "ulm_000000_000001"))
    }


# Which are val


def test_what_belongs_together_is_on_one_side():
    films = [f"{film}_{i}" for film in "abcde" for i in range(10)]
    for seed in range(5):
        val, how = deal(films, 0.2, seed)
        assert len(val) == 10 and len({films[i][0] for i in val}) == 1 and "begin alike" in how
        assert f"(val: '{films[min(val)][0]}_')" in how
        assert deal(films, 0.2, seed) == (val, how)
    assert len({frozenset(deal(films, 0.2, seed)[0]) for seed in range(5)}) > 1
    folders = [f"{place}/{i}" for place in ("x", "y", "z") for i in (3, 1, 2)]
    val, how = deal(folders, 0.2, 0)
    assert len({folders[i][0] for i in val}) == 1 and len(val) == 3 and "in one folder" in how
    assert f"(val: {folders[min(val)][0]}/)" in how
    val, how = deal(["0", *(f"{place:02}/{i}" for place in range(40) for i in range(2))], 0.2, 0)
    assert re.search(r" \(val: (\d\d/, ){5}3 more\)$", how) and len(val) == 16
    every = [f"{k:04}-of-its-own-{k}b" for k in range(40)]
    assert len(deal(every, 0.25, 0)[0]) == 10


def test_of_a_single_film_val_is_the_end():
    names = [f"IMG_{i}" for i in (12, 9, 1, 10, 2, 11, 3, 4, 5, 6)]
    val, how = deal(names, 0.3, 0)
    assert {names[i] for i in val} == {"IMG_10", "IMG_11", "IMG_12"}
    assert how == "the last 3 of the 10 that begin with 'IMG_', in the order of their names"
    names = [f"{folder}/{i}" for folder in ("long", "long2") for i in range(100)] + ["short/1"]
    val, how = deal(names, 0.1, 0)
    assert len(val) == 20 and "short/1" in [names[i] for i in val]
    assert how.startswith("what is in one folder is on one side (val: short/), and the last 19 of the 100 in long")


@pytest.mark.parametrize(
    "count, share, expected", [(1, 0.2, 0), (2, 0.2, 1), (3, 0.9, 2), (10, 0.0, 0), (1000, 0.2, 200)]
)
def test_neither_side_is_empty_if_that_can_be(count, share, expected):
    assert len(deal([f"a_{i}" for i in range(count)], share, 0)[0]) == expected
    assert len(deal([f"{i}_a" for i in range(count)], share, 0)[0]) == expected


@pytest.mark.parametrize("name, split", [
    ("train", "train"), ("instances_train2017", "train"), ("valid", "val"), ("Validation", "val"), ("testing", "test"),
    ("trainval", None), ("contest", None), ("default", None), ("train_val", None),
])
def test_what_names_of_splits_mean(name, split):
    assert split_of(name) == split


def test_the_tools_lists_are_kept_and_what_has_none_is_dealt_out(tmp_path):
    """A list of val alone says nothing, and of train alone neither; test stays what it is."""
    for split, count in (("default", 6), ("test", 2)):
        for i in range(count):
            photograph(tmp_path / f"source/{split}/{split}{i}.jpg")
            save(tmp_path / f"source/{split}annot/{split}{i}.png", np.full((6, 8), i % 2 + 1))
        lines = (f"/{split}/{split}{i}.jpg {split}annot/{split}{i}.png\n" for i in range(count))
        (tmp_path / f"source/{split}.txt").write_text("".join(lines))
    (tmp_path / "source/label_colors.txt").write_text("grass\nsky\n")
    done = imported("datumaro-camvid", tmp_path / "source", tmp_path / "out", share=0.34)
    assert done.counts == {"train": 4, "val": 2, "test": 2}
    assert done.how.startswith("the last 2 of the 6 that begin with 'default'")


# --classes


def test_classes_are_chosen_and_ordered(tmp_path):
    """Without background among them, what nothing was drawn over does not count; a class that is missing is said."""
    sky = "sky", "rectangle", [[0, 0], [7, 1]]
    labelme(tmp_path / "source/a_1.json", sky, ROAD)
    labelme(tmp_path / "source/a_2.json", ROAD)
    labelme(tmp_path / "source/a_3.json", ("tree", "rectangle", [[0, 0], [7, 1]]))
    classes = tmp_path / "two.txt"
    classes.write_text("road 1 2 3\nsky\n")
    done = imported("labelme", tmp_path / "source", tmp_path / "out", classes_file=classes, share=0.5)
    found, labels = content(tmp_path / "out")
    assert found == ("road", "sky")
    assert labels["train", "a_1"] == [[1] * 8] * 2 + [[255] * 8] + [[0] * 8] * 3
    assert labels["val", "a_2"][0] == [255] * 8
    assert listed(done) == [f"{tmp_path}/source/a_3.json has 'tree', which is in no line of --classes: add it there"]
    classes.write_text("road\nbackground\nsky\ntree\n")
    done = imported("labelme", tmp_path / "source", tmp_path / "again", classes_file=classes)
    assert not done.problems and content(tmp_path / "again")[1]["train", "a_1"][2] == [1] * 8


def test_names_that_no_classes_file_can_have(tmp_path):
    for i, name in enumerate(("# the road", "red, kite", "")):
        labelme(tmp_path / f"{i}/a.json", ROAD, (name, *ROAD[1:]))
    with pytest.raises(InputError, match=r"'# the road' cannot be in a classes.txt, .*: rename it in the tool"):
        imported("labelme", tmp_path / "0", tmp_path / "out")
    imported("labelme", tmp_path / "1", tmp_path / "out")
    assert dataset(tmp_path / "out").classes == ("background", "red, kite", "road")
    with pytest.raises(InputError, match=r"a name is empty"):
        imported("labelme", tmp_path / "2", tmp_path / "other")
    labelme(tmp_path / "many/a.json", *((f"class {i}", *ROAD[1:]) for i in range(300)))
    with pytest.raises(InputError, match=r"there are 301 classes: it takes at most 255"):
        imported("labelme", tmp_path / "many", tmp_path / "other")


def test_names_that_are_numbers_or_end_in_one(tmp_path):
    names = "1", "2", "lane 1"
    labelme(tmp_path / "source/a.json", *((name, *ROAD[1:]) for name in names))
    imported("labelme", tmp_path / "source", tmp_path / "out")
    assert dataset(tmp_path / "out").classes == ("background", *names)


def masks(path, **of_name):
    """images/ and masks/ with PIL images, of three classes."""
    for name, mask in of_name.items():
        photograph(path / f"images/{name}.png", mask.size[::-1])
        (path / "masks").mkdir(exist_ok=True)
        mask.save(path / f"masks/{name}.png")
    (path / "classes.txt").write_text("sky\nroad\ntree\n")
    return path


def of_palette(*colours):
    mask = Image.fromarray(np.array([[0, 1, 2]] * 2, np.uint8))
    mask.putpalette([value for colour in colours for value in colour])
    return mask


def test_masks_that_contradict_each_other_are_refused_as_check_data_refuses_them(tmp_path):
    """By numbers, one after the other, each could be read, and half of them wrongly."""
    black, red, green = (0, 0, 0), (200, 0, 0), (0, 200, 0)
    source = masks(tmp_path / "a", a=of_palette(black, red, green), b=of_palette(black, green, red))
    with pytest.raises(InputError, match=r"b.png has the colour 0 200 0 for the number 1, and .*a.png has 200 0 0"):
        imported("colours", source, tmp_path / "out")
    grey = np.array([[0, 255]] * 2, np.uint8)
    source = masks(tmp_path / "b", a=Image.fromarray(grey), b=Image.fromarray(grey > 0))
    with pytest.raises(InputError, match=r"b.png is grey of 1 bit, which can be read in two ways"):
        imported("colours", source, tmp_path / "out")
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.unfinished").exists()


def test_masks_whose_palettes_differ_where_that_means_nothing(tmp_path):
    """In void; in one that is not taken; and where the numbers are the kind's own, whatever the colours."""
    black, red, green = (0, 0, 0), (200, 0, 0), (0, 200, 0)
    void = {name: of_palette(black, red, *[black] * 253, colour) for name, colour in (("a", red), ("b", green))}
    for mask in void.values():
        mask.putpixel((2, 0), 255)
        mask.putpixel((2, 1), 255)
    large = of_palette(black, green, red).resize((6, 4), Image.Resampling.NEAREST)
    source = masks(tmp_path / "a", **void, c=large)
    photograph(source / "images/c.png", (2, 3))
    done = imported("colours", source, tmp_path / "out")
    assert sum(done.counts.values()) == 2 and "c.png has 4x6 pixels" in listed(done)[0]
    for i, mask in enumerate((of_palette(black, red, green), of_palette(black, green, red)), start=1):
        photograph(tmp_path / f"sun/train/img-{i:06}.jpg", (2, 3))
        (tmp_path / "sun/trainannot").mkdir(exist_ok=True)
        mask.save(tmp_path / f"sun/trainannot/img-{i:06}.png")
    assert imported("sunrgbd", tmp_path / "sun", tmp_path / "rooms", share=0).counts == {"train": 2}


def test_void_in_any_case_of_letters_is_no_class(tmp_path):
    for i, name in enumerate(("VOID", "Unlabelled", "Ignore")):
        photograph(tmp_path / f"{i}/images/a.png", (1, 3))
        save(tmp_path / f"{i}/masks/a.png", [[0, 1, 2]])
        (tmp_path / f"{i}/classes.txt").write_text(f"sky\n{name}\nroad\n")
        imported("colours", tmp_path / str(i), tmp_path / f"out{i}")
        assert content(tmp_path / f"out{i}") == (("sky", "road"), {("train", "a"): [[0, 255, 1]]})


def test_colours_that_classes_has_not_are_asked_of_the_file_that_was_given(tmp_path):
    photograph(tmp_path / "source/images/a.png", (1, 2))
    save(tmp_path / "source/masks/a.png", [[(1, 2, 3), (4, 5, 6)]])
    save(tmp_path / "source/masks/alone.png", [[(1, 2, 3), (4, 5, 6)]])         # which is not the reason
    save(tmp_path / "source/masks/alone_2.png", [[(1, 2, 3), (4, 5, 6)]])
    for lines, sentence in (
        ("sky\nroad\n", "names.txt has no colours: write that of each class behind its name"),
        ("sky 9 9 9\nroad 8 8 8\n", r"which no class has: write it beside its class in .*names.txt"),
    ):
        (tmp_path / "names.txt").write_text(lines)
        with pytest.raises(InputError, match=sentence):
            imported("colours", tmp_path / "source", tmp_path / "out", classes_file=tmp_path / "names.txt")


@pytest.mark.parametrize("one, other, near", [
    ("tree", "tres", True), ("tree", "Trees", True), ("Red kite", "red_kite", True), ("a-b", "AB", True),
    ("car", "cat", False), ("lane 1", "lane 2", False), ("lane", "lane2", False), ("road", "broads", False),
    ("tree", "free", True), ("tree", "three", True), ("wood", "woad", True), ("road", "raod", False), ("x", "y", False),
])
def test_names_that_are_near(one, other, near):
    assert alike(one, other) == alike(other, one) == near


def test_names_that_may_be_one_class_are_asked_about(tmp_path, monkeypatch, capsys):
    for i, name in enumerate(("tree", "tres", "sky", "Tree")):
        labelme(tmp_path / f"source/{i}.json", ROAD, (name, "rectangle", [[0, 0], [7, 1]]))
    command(monkeypatch, "labelme", tmp_path / "source", tmp_path / "out")
    said = " ".join(capsys.readouterr().out.split())
    assert "Could be wrong: - Are 'Tree' and 'tree' or 'Tree' and 'tres' or 'tree' and 'tres' one class? If so" in said
    (tmp_path / "names.txt").write_text("tree\nTree\nroad\nsky\nroads\n")
    command(monkeypatch, "labelme", tmp_path / "source", tmp_path / "new", "--classes", tmp_path / "names.txt")
    said = " ".join(capsys.readouterr().out.split())
    assert "No pixel is roads: to leave that out" in said and "or 'road' and 'roads' one class (and 1 more)?" in said
    assert "source/1.json has 'tres', which is in no line of --classes: add it there" in said
    assert misspelt({"aaaa", "aaab", "aaac"} | {"AAAA"}).endswith("one class (and 3 more)? If so, correct it in "
                                                                  "the tool, and import again")
    for names in (camvid.CLASSES, voc.CLASSES, sunrgbd.CLASSES, cityscapes.COLOURS):
        assert not misspelt(names)


# What cannot be taken


@pytest.mark.parametrize("kind", KINDS)
def test_another_layout_is_said_and_nothing_is_written(tmp_path, kind):
    looked_for = {
        "colours": "there is no file .*classes.txt", "camvid32": "701_StillsRaw_full/ and LabeledApproved_full/",
        "voc": "JPEGImages/, SegmentationClass/ and ImageSets", "labelme": "there is no NAME.json",
        "coco": "there is no JSON file", "sunrgbd": "SUNRGBD-train_images/ beside sunrgbd_train_test_labels/",
        "datumaro-camvid": "label_colors.txt, train.txt and trainannot/", "cityscapes": "leftImg8bit/ and gtFine/",
        "label-studio": "there is no NAME.json",
    }
    (tmp_path / "source").mkdir()
    with pytest.raises(InputError, match=looked_for[kind]):
        imported(kind, tmp_path / "source", tmp_path / "out")
    assert [*tmp_path.iterdir()] == [tmp_path / "source"]


def test_folders_that_cannot_be_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    labelme(tmp_path / "source/a.json", ROAD)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    for source, out, sentence in (
        ("nowhere", "out", "there is no folder nowhere"), ("source", "full", "full is there, and is not an empty"),
        ("source", "full/mine.txt", "full/mine.txt is there"), ("", "out", "is named by nothing"),
        ("source", "", "is named by nothing"), ("source", "full/mine.txt/out", "out cannot be written"),
    ):
        with pytest.raises(InputError, match=sentence):
            imported("labelme", source, out)
    assert sorted(os.listdir()) == ["full", "source"] and os.listdir("full") == ["mine.txt"]
    with pytest.raises(InputError, match=r"there is no file nowhere.txt"):
        imported("labelme", "source", "out", classes_file="nowhere.txt")
    Path("empty").mkdir()
    assert imported("labelme", "source", "empty").counts == {"train": 1}
    Path("hidden").mkdir()
    Path("hidden/.mine").touch()
    with pytest.raises(InputError, match="hidden is there"):
        imported("labelme", "source", "hidden")
    Path("here").mkdir()
    monkeypatch.chdir("here")
    with pytest.raises(InputError, match=r"^\. is the folder that you are in: name another"):
        imported("labelme", "../source", ".")


def test_what_lies_in_the_way_is_not_removed(tmp_path):
    labelme(tmp_path / "source/a.json", ROAD)
    there = tmp_path / "out.unfinished" / "mine.txt"
    there.parent.mkdir()
    there.touch()
    with pytest.raises(InputError, match=r"out\.unfinished is there, .*: wait for its end, or, if none is at work"):
        imported("labelme", tmp_path / "source", tmp_path / "out")
    assert there.exists() and not (tmp_path / "out").exists()


def test_of_two_imports_at_a_time_the_first_is_let_finish(tmp_path):
    """The second begins in its middle, and after the first has looked whether it is alone."""
    for i in range(2):
        labelme(tmp_path / f"source/a{i}.json", ROAD)

    def read(source, classes_file, problems):
        classes, samples = KINDS["labelme"].read(source, classes_file, problems)

        def labels(size):
            with pytest.raises(InputError, match=r"another import may be at work in it"):
                imported("labelme", tmp_path / "source", tmp_path / "out")
            return samples[0].labels(size)

        return classes, [samples[0]._replace(labels=labels), samples[1]]

    assert import_data(read, tmp_path / "source", tmp_path / "out").counts == {"train": 1, "val": 1}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device"), MemoryError])
def test_an_interruption_leaves_nothing(tmp_path, error):
    """It comes while the third photograph is looked at, when two have been written."""
    for i in range(4):
        labelme(tmp_path / f"source/a{i}.json", ROAD)

    def read(source, classes_file, problems):
        classes, samples = KINDS["labelme"].read(source, classes_file, problems)

        def labels(size):
            assert len([*(tmp_path / "out.unfinished").glob("*.png")]) == 2
            raise error

        return classes, [*samples[:2], samples[2]._replace(labels=labels)]

    with pytest.raises(error if isinstance(error, type) else OSError):
        import_data(read, tmp_path / "source", tmp_path / "out")
    assert [*tmp_path.iterdir()] == [tmp_path / "source"]


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    """As on a full disk; here by the system's limit on the size of a file."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    labelme(tmp_path / "source/a.json", ROAD)
    save(tmp_path / "source/a.png", np.random.default_rng(0).integers(0, 256, (60, 80, 3)))
    (tmp_path / "source/a.json").write_text(json.dumps(SAID_BY_LABELME | {"imageHeight": 60, "imageWidth": 80}))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(InputError, match=r"0.png cannot be written \(File too large\): raise the limit"):
            imported("labelme", tmp_path / "source", tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [*tmp_path.iterdir()] == [tmp_path / "source"]


def test_damaged_and_missing_files_are_listed_by_kinds_and_the_rest_is_taken(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "source"
    for name in ("good_1", "good_2", "cut", "gone_1", "gone_2", "small", "bare", "blurred"):
        photograph(source / "images" / f"{name}.jpg")
        save(source / "masks" / f"{name}.png", np.full((6, 8, 3), 128))
    (source / "classes.txt").write_text(SKY_AND_ROAD)
    (source / "images/cut.jpg").write_bytes((source / "images/good_1.jpg").read_bytes()[:300])
    for name in ("gone_1", "gone_2"):
        (source / f"masks/{name}.png").unlink()
    save(source / "masks/small.png", np.full((3, 4, 3), 128))
    save(source / "masks/bare.png", np.full((6, 8, 3), (1, 2, 3)))
    Image.new("RGB", (8, 6)).save(source / "masks/blurred.png", "JPEG")
    Image.new("RGB", (8, 6)).save(source / "masks/of_jpeg.jpg")
    photograph(source / "images/of_jpeg.jpg")
    for name in ("of_none", "of_none_2"):
        save(source / f"masks/{name}.png", np.full((6, 8, 3), 128))
    command(monkeypatch, "colours", "source", "mine")
    said = " ".join(capsys.readouterr().out.split())
    for part in (
        "mine: 1 train, 1 val; 2 classes: Sky, Road Val was chosen here: the last 1 of the 2 that begin with 'good_'",
        "Not taken:", "images/gone_1.jpg has no labels: source/masks/gone_1.png is missing (1 more like it)",
        "images/cut.jpg cannot be read as an image",
        "masks/small.png has 3x4 pixels (height x width) and its image 6x8: they must be of one size",
        "masks/bare.png has the colour 1 2 3 (row 0, column 0), which no class has", 
        "masks/blurred.png is a JPEG, which blurs labels: save it as PNG from the program it was drawn in (1 more",
        "masks/of_none.png has no photograph of its name: put one there, or remove it (1 more like it)",
        "Now see what is in it: tinysegnet check-data mine",
    ):
        assert part in said, part
    assert {path.name for path in (tmp_path / "mine/train").iterdir()} == {"good_1.jpg"}


def test_a_photograph_turned_by_its_camera_needs_labels_of_the_turned_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, size in (("upright", (8, 6)), ("before", (6, 8))):
        labelme(tmp_path / f"source/{name}.json", ROAD, size=size)
        save(tmp_path / f"source/{name}.png", np.zeros((6, 8, 3)), exif=exif)
    done = imported("labelme", tmp_path / "source", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/train").iterdir()] == ["upright.png"]
    (said,) = listed(done)
    assert "before.json has 6x8 pixels (height x width) and its image 8x6, turned by its EXIF note: draw" in said


@pytest.mark.parametrize("name, sentence", [
    ("../b.png", "names '../b.png', which is not in"), ("..\\b.png", "which is not in"), ("/b.png", "which is not in"),
    ("C:\\b.png", "which is not in"), ("\\\\host\\b.png", "which is not in"), ("b.png", "b.png, which is missing"),
    ("a\0.png", "which is missing"), (7, "is not as labelme writes it"),
])
def test_a_name_in_a_json_file_leads_nowhere_else(tmp_path, name, sentence):
    labelme(tmp_path / "source/a.json", ROAD, imagePath=name)
    photograph(tmp_path / "b.png")
    with pytest.raises(InputError, match=f"(?s)^nothing in .* can be taken: .*{re.escape(sentence)}"):
        imported("labelme", tmp_path / "source", tmp_path / "out")


def test_the_photograph_in_the_file_is_taken_if_its_name_leads_out(tmp_path):
    photograph(tmp_path / "b.png")
    save(tmp_path / "mine.png", np.full((6, 8, 3), 7))
    data = b64encode((tmp_path / "mine.png").read_bytes()).decode()
    for i, name in enumerate(("../b.png", str(tmp_path / "b.png"), "gone.png", f"{'d' * 300}/e.png", "e" * 300)):
        labelme(tmp_path / f"source/a{i}.json", ROAD, imagePath=name, imageData=data)
        (tmp_path / f"source/a{i}.png").unlink()
    done = imported("labelme", tmp_path / "source", tmp_path / "out", share=0)
    assert done.saved == 5 and not done.problems
    assert all((read_photograph(path) == 7).all() for path in (tmp_path / "out/train").iterdir())


def test_a_name_of_windows_in_a_folder_beside_is_found(tmp_path):
    labelme(tmp_path / "source/json/a.json", ROAD, imagePath="..\\images\\a.png")
    photograph(tmp_path / "source/images/a.png")
    done = imported("labelme", tmp_path / "source", tmp_path / "out")
    assert done.counts == {"train": 1} and not done.problems


def test_two_photographs_of_one_name(tmp_path):
    for name in ("a/1", "a_1", "b"):
        labelme(tmp_path / f"source/{name}.json", ROAD)
    done = imported("labelme", tmp_path / "source", tmp_path / "out")
    (said,) = listed(done)
    assert sum(done.counts.values()) == 2
    assert said == f"{tmp_path}/source/a_1.png would have the name of {tmp_path}/source/a/1.png: rename one of them"


def test_a_photograph_that_two_files_label_is_taken_once(tmp_path):
    """Else it could be in train and in val."""
    for name in ("a", "b", "c"):
        labelme(tmp_path / f"source/{name}.json", ROAD, **({"imagePath": "a.png"} if name == "c" else {}))
    done = imported("labelme", tmp_path / "source", tmp_path / "out")
    source = tmp_path / "source"
    (said,) = listed(done)
    assert said == f"{source}/a.png has labels twice, by {source}/a.json and {source}/c.json: remove those of one"
    assert sum(done.counts.values()) == 2


def test_photographs_that_tinysegnet_does_not_look_for_become_png(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/classes.txt").write_text(SKY_AND_ROAD)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    save(tmp_path / "source/images/a.bmp", pixels)
    save(tmp_path / "source/masks/a.png", np.zeros((6, 8)))
    assert imported("colours", tmp_path / "source", tmp_path / "out").saved == 1
    assert (read_photograph(tmp_path / "out/train/a.png") == pixels).all()


WRONG = None, [], {"a": 1}, "x", float("nan"), 10**400, "\ud800"


def nodes(tree, path=()):
    """The path of each value in JSON: keys and indices."""
    yield path
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from nodes(value, (*path, key))


def exchanged(tree, path, value):
    if not path:
        return value
    copy = tree.copy()
    copy[path[0]] = exchanged(tree[path[0]], path[1:], value)
    return copy


SAID_BY_LABELME = {
    "imagePath": "a.png", "imageData": None, "imageHeight": 6, "imageWidth": 8,
    "shapes": [{"label": "road", "shape_type": "polygon", "points": [[0, 3], [7, 3], [7, 5]]}],
}
SAID_BY_COCO = {
    "images": [{"id": 1, "file_name": "a.png", "height": 6, "width": 8}], "categories": [{"id": 3, "name": "road"}],
    "annotations": [
        {"image_id": 1, "category_id": 3, "iscrowd": 0, "segmentation": [[0, 3, 7, 3, 7, 5]]},
        {"image_id": 1, "category_id": 3, "iscrowd": 1, "segmentation": {"size": [6, 8], "counts": [40, 8]}},
    ],
}


SAID_BY_LABEL_STUDIO = [{"id": 1, "data": {"image": "/data/local-files/?d=mine/a.png"}, "annotations": [{"result": [
    {"id": 1, "type": "polygonlabels", "original_height": 6, "original_width": 8, "value": {
        "points": [[0, 50], [100, 50], [100, 100], [0, 100]], "polygonlabels": ["road"]}},
]}]}]


@pytest.mark.parametrize("kind, said", [
    ("labelme", SAID_BY_LABELME), ("coco", SAID_BY_COCO), ("label-studio", SAID_BY_LABEL_STUDIO),
])
def test_json_of_any_shape_is_taken_or_refused_in_words(tmp_path, kind, said):
    """Each value in a file in turn is something else. What is taken can be read."""
    photograph(tmp_path / "source/a.png")
    outcomes = {"taken": 0, "refused": 0}
    for path in nodes(said):
        for wrong in WRONG:
            (tmp_path / "source/a.json").write_text(json.dumps(exchanged(said, path, wrong)))
            try:
                imported(kind, tmp_path / "source", tmp_path / "out")
            except InputError:
                outcomes["refused"] += 1
                assert not (tmp_path / "out").exists()
            else:
                outcomes["taken"] += 1
                assert content(tmp_path / "out")[1]["train", "a"]
                shutil.rmtree(tmp_path / "out")
    assert min(outcomes.values()) > 9, outcomes


def test_a_later_region_of_label_studio_lies_over_an_earlier_one(tmp_path):
    """As in Label Studio's own converter, whichever is larger."""
    size = {"original_height": 2, "original_width": 4, "type": "rectanglelabels"}
    boxes = ("sky", 0, 50), ("car", 0, 100), ("road", 50, 50), ("sky", 75, 25)
    regions = [
        size | {"value": {"x": x, "y": 0, "width": width, "height": 100, "rectanglelabels": [name]}}
        for name, x, width in boxes
    ]
    tasks = [{"data": {"image": "a.png"}, "annotations": [{"result": regions}]}]
    photograph(tmp_path / "source/a.png", (2, 4))
    (tmp_path / "source/export.json").write_text(json.dumps(tasks))
    imported("label-studio", tmp_path / "source", tmp_path / "out")
    classes, labels = content(tmp_path / "out")
    assert classes == ("background", "car", "road", "sky") and labels["train", "a"] == [[1, 1, 2, 3]] * 2


def test_regions_of_label_studio_are_in_percent_and_turn_about_their_upper_left_corner(tmp_path):
    """An annotation that was cancelled is passed over, and so is what is no region; a stroke may be damaged."""
    size = {"original_height": 6, "original_width": 8}
    upright = {"x": 50, "y": 0, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["sky"]}
    turned = {"x": 50, "y": 50, "width": 37.5, "height": 50, "rotation": 90, "rectanglelabels": ["car"]}
    regions = [{"type": "rectanglelabels", "value": value, **size} for value in (upright, turned)]
    annotations = [
        {"was_cancelled": True, "result": regions[:1]},
        {"was_cancelled": False, "result": [{"type": "choices"}, *regions]},
    ]
    stroke = [{"type": "brushlabels", "value": {"rle": [0, 0, 0, 192, 9], "brushlabels": ["sky"]}, **size}]
    tasks = [
        {"data": {"image": "https://a.b/12ab34cd-a%20b.png"}, "annotations": annotations},
        {"data": {"image": "c.png"}, "annotations": [{"result": stroke}]}, {"data": {}, "annotations": []},
    ]
    for name in ("a b", "c"):
        photograph(tmp_path / f"source/{name}.png")
    (tmp_path / "source/export.json").write_text(json.dumps(tasks))
    done = imported("label-studio", tmp_path / "source", tmp_path / "out")
    classes, labels = content(tmp_path / "out")
    sky, car = [0] * 4 + [2] * 4, [0] + [1] * 3 + [0] * 4
    assert classes == ("background", "car", "sky") and labels == {("train", "a b"): [sky] * 3 + [car] * 3}
    assert "for c.png, is not as Label Studio writes it (invalid literal" in " ".join(listed(done))


def test_uploads_to_label_studio_have_no_spaces_or_brackets_in_their_names(tmp_path):
    """Django, which keeps them, has none; two photographs that it would call alike are told apart if they were no
    uploads."""
    sky = {"x": 0, "y": 0, "width": 100, "height": 100, "rectanglelabels": ["sky"]}
    region = {"type": "rectanglelabels", "value": sky, "original_height": 6, "original_width": 8}
    for name in ("IMG 0001", "photo (1)", "a b", "a_b"):
        photograph(tmp_path / f"source/{name}.jpg")
    uploads = [f"upload/1/{name}" for name in ("3f2a1b0c-IMG_0001.jpg", "00aa11bb-photo_1.jpg", "00aa11bb-a_b.jpg")]
    uploads += [f"local-files/?d={name}" for name in ("a b.jpg", "a_b.jpg")]
    tasks = [{"data": {"image": f"/data/{name}"}, "annotations": [{"result": [region]}]} for name in uploads]
    (tmp_path / "source/export.json").write_text(json.dumps(tasks))
    done = imported("label-studio", tmp_path / "source", tmp_path / "out")
    assert {name for _, name in content(tmp_path / "out")[1]} == {"IMG 0001", "photo (1)", "a b", "a_b"}
    assert "is of 00aa11bb-a_b.jpg, of which there are 2: put one there" in listed(done)[0]


SKY = {"type": "rectanglelabels", "original_height": 6, "original_width": 8, "to_name": "image", "value": {
    "x": 0, "y": 0, "width": 100, "height": 100, "rectanglelabels": ["sky"]}}


@pytest.mark.parametrize("data, regions, sentence", [
    ({"patient": "P-17", "image": "s3://bucket/a.png"}, [SKY], None),
    ({"image": "https://a.b/a.png?X-Amz-Date=20260101&X-Amz-Expires=60", "from": "a.png"}, [SKY], None),
    ({"left": "a.png", "right": "b.png"}, [SKY], "has several pictures in the task 7: make a task of each"),
    ({"left": "a.png"}, [SKY, SKY | {"to_name": "right"}], "has several pictures in the task 7: make a task of each"),
    ({"image": "c.png", "patient": "P-17"}, [SKY], "is of c.png, of which there are 0: put one there"),
    ({"count": 3}, [SKY], "has a task 7 that names no file: label it anew"),
    ({"image": "a.png", "previous": "b.png"}, [SKY], None),
    ({"picture": "a.png"}, [SKY, SKY | {"to_name": None}], None),
    ({"image": "https://a.b/get?file=a.png"}, [SKY], None),
])
def test_which_photograph_a_task_of_label_studio_shows(tmp_path, data, regions, sentence):
    right = {"id": 6, "data": {"image": "d.png"}, "annotations": [{"result": [SKY]}]}
    for name in "abd":
        photograph(tmp_path / f"source/{name}.png")
    tasks = [right, {"id": 7, "data": data, "annotations": [{"result": regions}]}]
    (tmp_path / "source/export.json").write_text(json.dumps(tasks))
    done = imported("label-studio", tmp_path / "source", tmp_path / "out", share=0)
    assert [name for _, name in content(tmp_path / "out")[1]] == ["d"] if sentence else ["a", "d"]
    assert len(listed(done)) == bool(sentence) and all(sentence in one for one in listed(done))


def test_what_is_wrong_in_several_ways_is_listed_by_each_of_them(tmp_path):
    photograph(tmp_path / "source/c.png")
    for name, shape in (("a", ("road", "points", [[1, 1]])), ("b", ("road", "polygon", [[1, 1], [2, 2]])), ("c", ROAD)):
        labelme(tmp_path / f"source/{name}.json", shape)
    said = listed(imported("labelme", tmp_path / "source", tmp_path / "out", share=0))
    assert "a.json is not as labelme writes it (a shape of the kind 'points')" in said[0]
    assert "b.json is not as labelme writes it (2 points, where there must be 3 or more" in said[1] and len(said) == 2


def test_photographs_of_voc_with_endings_in_capitals_are_found(tmp_path):
    photograph(tmp_path / "source/JPEGImages/a.JPG")
    save(tmp_path / "source/SegmentationClass/a.png", np.ones((6, 8)))
    save(tmp_path / "source/SegmentationClass/b.png", np.ones((6, 8)))
    (tmp_path / "source/ImageSets/Segmentation").mkdir(parents=True)
    (tmp_path / "source/ImageSets/Segmentation/train.txt").write_text("a\nb\n")
    done = imported("voc", tmp_path / "source", tmp_path / "out", share=0)
    assert done.counts == {"train": 1} and "JPEGImages/b.jpg, which is missing" in listed(done)[0]


def test_of_a_file_of_many_photographs_the_one_is_named_that_has_another_size(tmp_path):
    region = {"image_id": 1, "category_id": 1, "segmentation": [[0, 0, 5, 0, 5, 5]]}
    image = {"id": 1, "file_name": "a.png", "height": 8, "width": 6}
    said = {"images": [image], "categories": [{"id": 1, "name": "sky"}], "annotations": [region]}
    photograph(tmp_path / "source/a.png")
    (tmp_path / "source/instances_train.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=r"instances_train.json, for a.png, has 8x6 pixels"):
        imported("coco", tmp_path / "source", tmp_path / "out")



@pytest.mark.parametrize("text, sentence", [
    ('{"shapes": [', "cannot be read as JSON"), ("[" * 100_000, "cannot be read as JSON"),
    ('{"shapes": [], "imagePath": "a.png"}', "has no shape, and may not be done yet"),
])
def test_json_that_is_none_or_has_nothing(tmp_path, text, sentence):
    labelme(tmp_path / "source/b.json", ROAD)
    photograph(tmp_path / "source/a.png")
    (tmp_path / "source/a.json").write_text(text)
    (said,) = listed(imported("labelme", tmp_path / "source", tmp_path / "out"))
    assert sentence in said


@pytest.mark.parametrize("counts, sentence", [
    ([40, 7], "not those of 6x8 pixels"), ([56, -8], "not those of 6x8 pixels"), ("X1", "not those of 6x8 pixels"),
    ("\u00e9", "damaged"), ("o" * 50, "damaged"),
])
def test_run_lengths_that_are_damaged(tmp_path, counts, sentence):
    said = exchanged(SAID_BY_COCO, ("annotations", 1, "segmentation", "counts"), counts)
    photograph(tmp_path / "source/a.png")
    (tmp_path / "source/a.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=rf"a\.json, for a\.png, is not as COCO writes it \(.*{sentence}"):
        imported("coco", tmp_path / "source", tmp_path / "out")


def test_what_covers_less_lies_on_top_and_crowds_below(tmp_path):
    small, large, crowd = ([[x, 0, 8, 0, 8, 6, x, 6]] for x in (6, 3, 7))
    categories = [{"id": i, "name": name} for i, name in ((5, "a"), (6, "b"), (4, "c"))]
    annotations = [
        {"image_id": 1, "category_id": 5, "segmentation": small},
        {"image_id": 1, "category_id": 6, "segmentation": large},
        {"image_id": 1, "category_id": 4, "segmentation": crowd, "iscrowd": 1},
    ]
    photograph(tmp_path / "source/data/a.png")
    said = SAID_BY_COCO | {"annotations": annotations, "categories": categories}
    (tmp_path / "source/labels.json").write_text(json.dumps(said))
    imported("coco", tmp_path / "source", tmp_path / "out")
    classes, labels = content(tmp_path / "out")
    assert classes == ("background", "c", "a", "b") and labels["train", "a"] == [[0] * 3 + [3] * 3 + [2] * 2] * 6


@pytest.mark.parametrize("kind, said", [
    ("labelme", SAID_BY_LABELME | {"shapes": []}), ("coco", SAID_BY_COCO | {"annotations": []}),
    ("label-studio", exchanged(SAID_BY_LABEL_STUDIO, (0, "annotations", 0, "result"), [])),
])
def test_a_picture_with_nothing_on_it_is_background_if_that_was_named(tmp_path, monkeypatch, capsys, kind, said):
    """Else it could be one that is not done yet, and so is a task of Label Studio without any annotation."""
    photograph(tmp_path / "source/a.png")
    (tmp_path / "source/a.json").write_text(json.dumps(said))
    names = tmp_path / "names.txt"
    names.write_text("road\nsky\n")
    with pytest.raises(InputError, match=r"may not be done yet: draw one, remove it, or name background in --classes"):
        imported(kind, tmp_path / "source", tmp_path / "out", classes_file=names)
    names.write_text("road\nbackground\n")
    command(monkeypatch, kind, tmp_path / "source", tmp_path / "out", "--classes", names)
    assert content(tmp_path / "out")[1] == {("train", "a"): [[1] * 8] * 6}
    out = " ".join(capsys.readouterr().out.split())
    assert "Could be wrong: - " in out and "has nothing drawn on it, and is all background: remove it if not d" in out
    assert "Not taken" not in out
    if kind == "label-studio":
        undone = exchanged(said, (0, "annotations"), [])
        (tmp_path / "source/a.json").write_text(json.dumps(undone))
        with pytest.raises(InputError, match=r"a\.png, is unlabelled: label it"):
            imported(kind, tmp_path / "source", tmp_path / "other", classes_file=names)


def test_photographs_that_labelme_knows_nothing_of_are_listed(tmp_path, monkeypatch):
    """That of a file that is damaged has one, and what is named may be no file at all."""
    labelme(tmp_path / "here/a.json", ROAD, imagePath="")
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match=r"a.json is of \., which is missing"):
        imported("labelme", ".", tmp_path / "out")
    for name in ("a/1", "a/2"):
        labelme(tmp_path / f"source/{name}.json", ROAD)
    (tmp_path / "source/a/2.json").write_text("{")
    for name in ("a/3.jpg", "b/1.png", "1.jpg"):
        photograph(tmp_path / "source" / name)
    said = listed(imported("labelme", tmp_path / "source", tmp_path / "out"))
    alone = f"{tmp_path}/source/1.jpg has no JSON file: draw its shapes in labelme (2 more like it)"
    assert len(said) == 2 and alone in said


def test_masks_of_two_folders_and_in_other_formats_are_found(tmp_path):
    """masks/ has those of images/ and of imgs/: but one is alone. A PNG comes first."""
    source = tmp_path / "source"
    for name in ("images/a", "imgs/b"):
        photograph(source / f"{name}.jpg", (2, 3))
    save(source / "masks/a.bmp", np.zeros((2, 3)))
    save(source / "masks/alone.png", np.zeros((2, 3)))
    photograph(source / "train/images/c.png", (2, 3))
    save(source / "train/masks/c.png", np.zeros((2, 3)))
    for suffix, kind in ((".jpg", "JPEG"), (".PNG", "PNG"), (".webp", "WEBP")):
        save(source / f"masks/b_label{suffix}", np.ones((2, 3)), format=kind)
    (source / "classes.txt").write_text(SKY_AND_ROAD)
    done = imported("colours", source, tmp_path / "out", share=0)
    labels = {("train", name): [[k] * 3] * 2 for name, k in (("a", 0), ("b", 1), ("c", 0))}
    assert content(tmp_path / "out")[1] == labels
    assert listed(done) == [f"{source}/masks/alone.png has no photograph of its name: put one there, or remove it"]


def test_folders_that_are_links_are_followed_but_not_round_and_round(tmp_path):
    for name in "ab":
        photograph(tmp_path / f"disk/images/{name}/{name}.png", (2, 3))
        save(tmp_path / f"disk/masks/{name}/{name}.png", np.ones((2, 3)))
    source = tmp_path / "source"
    for kind in ("images", "masks"):
        (source / kind).mkdir(parents=True)
        (source / kind / "a").symlink_to(tmp_path / "disk" / kind / "a")
        (source / kind / "itself").symlink_to(source / kind)
        (source / kind / "up").symlink_to("..")
        (source / kind / "0").symlink_to("z")               # comes before it, and is the same
        (source / kind / "z").mkdir()
        save(source / kind / "z/c.png", np.ones((2, 3, 3)) if kind == "images" else np.ones((2, 3)))
    (source / "images/b.png").symlink_to(tmp_path / "disk/images/b/b.png")
    (source / "images/gone.png").symlink_to(tmp_path / "nowhere.png")
    save(source / "masks/b.png", np.ones((2, 3)))
    (source / "classes.txt").write_text("sky\nroad\n")
    done = imported("colours", source, tmp_path / "out", share=0)
    assert {name for _, name in content(tmp_path / "out")[1]} == {"a_a", "b", "z_c"}
    assert [said for said in listed(done) if "images/gone.png, which is missing" in said]


def test_a_folder_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    photograph(tmp_path / "images/a/a.png")
    photograph(tmp_path / "masks/a/a.png")
    (tmp_path / "classes.txt").write_text("sky\nroad\n")
    listed_by_the_system = os.scandir

    def shut(path):
        if str(path).endswith("images/a"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed_by_the_system(path)

    monkeypatch.setattr(os, "scandir", shut)
    with pytest.raises(InputError, match=r"images/a may not be read \(Permission denied\): change its rights"):
        imported("colours", tmp_path, tmp_path.with_name("out"))


def test_names_whose_accents_are_written_in_two_ways_and_in_another_case(tmp_path):
    name = "stra\u00dfe \u00e4"
    photograph(tmp_path / f"source/images/{unicodedata.normalize('NFD', name)}.png")
    said = exchanged(SAID_BY_COCO, ("images", 0, "file_name"), f"{name}.png")
    (tmp_path / "source/labels.json").write_text(json.dumps(said))
    assert imported("coco", tmp_path / "source", tmp_path / "out").counts == {"train": 1}
    labelme(tmp_path / "shapes/a.json", ROAD)
    labelme(tmp_path / "shapes/b.json", ROAD)
    (tmp_path / "shapes/b.png").rename(tmp_path / "shapes/B.PNG")
    said = listed(imported("labelme", tmp_path / "shapes", tmp_path / "other"))
    assert any("b.png, which is missing, but there is B.PNG: rename that" in one for one in said)


@pytest.mark.parametrize("shapes, options, sentence", [
    ([], {}, "the class 'background' besides void, and a network tells two or more apart: add another in the tool"),
    ([("ignore", *ROAD[1:])], {}, "there is only the class 'background' besides void"),
    ([ROAD], {"classes_file": "void\nroad\n"}, "there is only the class 'road' besides void, .*another in .*mine.txt"),
    ([ROAD], {"classes_file": "void\nignore\n"}, "there is no class besides void"),
])
def test_one_class_is_too_few(tmp_path, shapes, options, sentence):
    labelme(tmp_path / "source/a.json", *shapes)
    for name, text in options.items():
        (tmp_path / "mine.txt").write_text(text)
        options = {name: tmp_path / "mine.txt"}
    with pytest.raises(InputError, match=sentence):
        imported("labelme", tmp_path / "source", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_an_annotation_of_no_image_is_said(tmp_path):
    """It may be of a photograph that was left out of the file, or that of one in it, with a wrong number."""
    photograph(tmp_path / "source/data/a.png")
    one, *others = SAID_BY_COCO["annotations"]
    said = SAID_BY_COCO | {"annotations": [one, *others, one | {"image_id": 77}]}
    (tmp_path / "source/labels.json").write_text(json.dumps(said))
    done = imported("coco", tmp_path / "source", tmp_path / "out")
    [problem] = done.problems.values()
    assert sum(done.counts.values()) == 1 and "has annotations of images that it has not: 77" in str(problem)


@pytest.mark.parametrize("path, value, sentence", [
    (("annotations", 0, "segmentation"), [], "has boxes without outlines: export it for segmentation"),
    (("annotations", 0, "category_id"), 9, "has the category_id 9, which is none of its categories: add it there"),
    (("annotations", 0, "image_id"), "1", "has annotations of images that it has not: '1'"),
    (("images", 0, "height"), 6.5, "is not as COCO writes it ('float' object cannot be interpreted as an integer)"),
    (("images", 0, "height"), 6.0, None),
])
def test_coco_by_other_writers(tmp_path, path, value, sentence):
    right = exchanged(SAID_BY_COCO, ("images", 0, "file_name"), "b.png")
    for name, said in (("a", exchanged(SAID_BY_COCO, path, value)), ("b", right)):
        photograph(tmp_path / f"source/{name}.png")
        (tmp_path / f"source/{name}.json").write_text(json.dumps(said))
    said = listed(imported("coco", tmp_path / "source", tmp_path / "out"))
    assert len(said) == bool(sentence) and all(sentence in one for one in said)


def test_a_name_that_is_empty_is_of_its_file(tmp_path):
    labelme(tmp_path / "source/a.json", ROAD)
    labelme(tmp_path / "source/b.json", (" ", *ROAD[1:]))
    done = imported("labelme", tmp_path / "source", tmp_path / "out")
    [problem] = done.problems.values()
    assert sum(done.counts.values()) == 1 and "b.json is not as labelme writes it (a name is empty)" in str(problem)
    with pytest.raises(InputError, match=r"source/out is inside .*source, which is to stay as it is: name another"):
        imported("labelme", tmp_path / "source", tmp_path / "source/out")


def test_masks_are_read_by_the_sources_own_classes(tmp_path):
    """--classes gives another order, in grey masks too."""
    for i in range(3):
        photograph(tmp_path / f"source/images/{i}.png", (2, 3))
        save(tmp_path / f"source/masks/{i}.png", np.array([[0, 1, 2]] * 2, np.uint8))
    (tmp_path / "source/classes.txt").write_text("Sky 9 9 9\nRoad 8 8 8\nCar 7 7 7\n")
    (tmp_path / "names.txt").write_text("Road\nCar\nSky\n")
    imported("colours", tmp_path / "source", tmp_path / "out", classes_file=tmp_path / "names.txt")
    classes, labels = content(tmp_path / "out")
    assert classes == ("Road", "Car", "Sky") and set(map(str, labels.values())) == {str([[2, 0, 1]] * 2)}


def test_what_is_there_twice_is_said(tmp_path):
    photograph(tmp_path / "coco/data/a.png")
    for name in ("images", "categories"):
        twice = SAID_BY_COCO | {name: SAID_BY_COCO[name] * 2}
        (tmp_path / "coco/labels.json").write_text(json.dumps(twice))
        with pytest.raises(InputError, match=r"is not as COCO writes it \(two have one id\)"):
            imported("coco", tmp_path / "coco", tmp_path / "out")
    shutil.copytree(MADE / "voc-colours", tmp_path / "voc")
    lists = tmp_path / "voc/ImageSets/Segmentation"
    train, val = ((lists / f"{split}.txt").read_text().split() for split in ("train", "val"))
    (lists / "val.txt").write_text("\n".join([*val, train[0]]))
    done = imported("voc", tmp_path / "voc", tmp_path / "out")
    assert f"val.txt names {train[0]}, as train.txt does: remove it from one" in str(list(done.problems.values()))
    assert done.counts["train"] == len(train) and done.counts["val"] == len(val)


def test_digits_of_other_scripts_are_names(tmp_path):
    for name in ("\u0663", "a", "\uff11", "\u00b2"):
        photograph(tmp_path / f"source/images/{name}.png", (2, 3))
        save(tmp_path / f"source/masks/{name}.png", np.array([[0, 1, 1]] * 2, np.uint8))
    (tmp_path / "source/classes.txt").write_text("sky\nroad\n")
    assert sum(imported("colours", tmp_path / "source", tmp_path / "out").counts.values()) == 4


def test_the_classes_that_are_known_by_heart():
    """As their releases list them."""
    assert " ".join(name.replace(" ", "-") for name in sunrgbd.CLASSES) == (
        "wall floor cabinet bed chair sofa table door window bookshelf picture counter blinds desk shelves curtain "
        "dresser pillow mirror floor-mat clothes ceiling books fridge tv paper towel shower-curtain box whiteboard "
        "person night-stand toilet sink lamp bathtub bag"
    )
    assert " ".join(voc.CLASSES) == (
        "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
        "pottedplant sheep sofa train tvmonitor"
    )
    assert list(cityscapes.IDS.items()) == list({
        "road": 7, "sidewalk": 8, "building": 11, "wall": 12, "fence": 13, "pole": 17, "traffic light": 19,
        "traffic sign": 20, "vegetation": 21, "terrain": 22, "sky": 23, "person": 24, "rider": 25, "car": 26,
        "truck": 27, "bus": 28, "train": 31, "motorcycle": 32, "bicycle": 33,
    }.items())


def test_camvid_32_is_read_by_colours_alone(tmp_path):
    for i in range(2):
        photograph(tmp_path / f"source/images/{i}.png", (2, 3))
        save(tmp_path / f"source/labels/{i}_L.png", np.array([[0, 1, 2]] * 2, np.uint8))
    with pytest.raises(InputError, match=r"0_L\.png has numbers, of which nothing says the classes: take the"):
        imported("camvid32", tmp_path / "source", tmp_path / "out")


def test_a_photograph_is_named_from_any_of_the_folders(tmp_path):
    photograph(tmp_path / "source/images/a.png")
    (tmp_path / "source/annotations").mkdir()
    image = SAID_BY_COCO["images"][0] | {"file_name": "../images/a.png"}
    said = json.dumps(SAID_BY_COCO | {"images": [image]})
    (tmp_path / "source/annotations/instances_all.json").write_text(said)
    assert sum(imported("coco", tmp_path / "source", tmp_path / "out").counts.values()) == 1


def test_names_that_no_training_would_find_are_said(tmp_path):
    for name in ("a", ".b", "c" * 150 + "/" + "d" * 150):
        (tmp_path / f"source/images/{name}").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"source/masks/{name}").parent.mkdir(parents=True, exist_ok=True)
        photograph(tmp_path / f"source/images/{name}.png", (2, 3))
        save(tmp_path / f"source/masks/{name}.png", np.array([[0, 1, 1]] * 2, np.uint8))
    (tmp_path / "source/classes.txt").write_text("sky\nroad\n")
    done = imported("colours", tmp_path / "source", tmp_path / "out")
    assert sum(done.counts.values()) == 1 and "hidden or too long a name: rename it" in str([*done.problems.values()])


def test_what_is_answered_about_a_region_is_no_class(tmp_path):
    shutil.copytree(MADE / "label-studio", tmp_path / "source")
    [path] = (tmp_path / "source").glob("*.json")
    tasks = json.loads(path.read_text())
    first = tasks[0]["annotations"][0]["result"][0]
    tasks[0]["annotations"][0]["result"].append(first | {"type": "choices", "value": {"choices": ["red"]}})
    path.write_text(json.dumps(tasks))
    whole, other = (imported("label-studio", source, tmp_path / f"out{i}") for i, source in enumerate((
        MADE / "label-studio", tmp_path / "source")))
    assert whole.classes == other.classes and not other.problems
    assert content(tmp_path / "out0") == content(tmp_path / "out1")


def test_a_class_without_a_pixel_is_said(tmp_path, monkeypatch, capsys):
    """All is drawn over: nothing is background, and check-data would ask if the labels start at 1."""
    whole = [[-1, -1], [9, -1], [9, 9], [-1, 9]]
    labelme(tmp_path / "source/a.json", ("sky", "polygon", whole), ROAD)
    labelme(tmp_path / "source/b.json", ("sky", "polygon", whole), ROAD)
    command(monkeypatch, "labelme", tmp_path / "source", tmp_path / "out")
    said = "No pixel is background: to leave that out, name the others by --classes FILE.\n"
    assert said in capsys.readouterr().out
    (tmp_path / "names.txt").write_text("sky\nroad\n")
    command(monkeypatch, "labelme", tmp_path / "source", tmp_path / "better", "--classes", tmp_path / "names.txt")
    assert "No pixel" not in capsys.readouterr().out


def test_lists_and_maps_that_are_damaged(tmp_path):
    for name, line, sentence in (
        ("voc-colours", "sky:90,150::", "has the line 'sky:90,150::'"), ("voc-colours", "sky", "has the line 'sky'"),
        ("voc-colours", "sky:::\nsky:::", "has the line 'sky:::'"), ("voc-colours", "\xe9", "cannot be read as UTF-8"),
    ):
        source = tmp_path / "source"
        shutil.copytree(MADE / name, source)
        (source / "labelmap.txt").write_text(f"{line}\n", encoding="latin-1")
        with pytest.raises(InputError, match=sentence):
            imported("voc", source, tmp_path / "out")
        shutil.rmtree(source)
    shutil.copytree(MADE / "camvid-numbers", source)
    lines = "/val/val_1.jpg", '"/val/val_2.jpg" "../valannot/val_2.png"', "/val/x.jpg valannot/x.png"
    (source / "val.txt").write_text("\n".join(lines))
    done = imported("datumaro-camvid", source, tmp_path / "out")
    assert sum(done.counts.values()) == 4 and len(done.problems) == 3
    shutil.copytree(MADE / "camvid-numbers/trainannot", tmp_path / "city/gtFine")
    (tmp_path / "city/leftImg8bit").mkdir()
    (tmp_path / "city/label_colors.txt").write_text("grass\n")
    with pytest.raises(InputError, match=r"says that these are other classes"):
        imported("cityscapes", tmp_path / "city", tmp_path / "other")


# The command


def test_that_there_is_no_val_is_said(tmp_path, monkeypatch, capsys):
    labelme(tmp_path / "source/a.json", ROAD)
    said = "There is no val, as there is one photograph: add another, or say --val 0.\n"
    for out, options in (("out", ()), ("meant", ("--val", "0"))):
        command(monkeypatch, "labelme", tmp_path / "source", tmp_path / out, *options)
        assert (said in capsys.readouterr().out) == (not options)
    labelme(tmp_path / "source/b.json", ROAD)
    command(monkeypatch, "labelme", tmp_path / "source", tmp_path / "two")
    assert "There is no val" not in capsys.readouterr().out


def test_the_help_lists_the_kinds_and_fits_80_columns(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        command(monkeypatch, "-h")
    said = capsys.readouterr().out
    assert all(f"\n  {kind}\n      " in said for kind in KINDS) and max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("options, sentence", [
    (("vok", "source", "out"), "there is no 'vok' to choose: it is one of colours, camvid32, voc"),
    (("voc", "source", "out", "--val", "1"), "'1' is not a number from 0 to 0.9"),
    (("voc", "source", "out", "--seed", "-1"), "'-1' is not a whole number"),
])
def test_options_that_are_none(monkeypatch, capsys, options, sentence):
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, *options)
    assert end.value.code == 2 and sentence in capsys.readouterr().err


def test_what_was_imported_passes_check_data_and_ctrl_c_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command(monkeypatch, "voc", MADE / "voc-colours", "out")
    assert capsys.readouterr().out == (
        "out: 4 train, 2 val; 4 classes: background, grass, kite, sky\n\n"
        "Now see what is in it:\ntinysegnet check-data out\n"
    )
    monkeypatch.setattr("sys.argv", ["tinysegnet", "check-data", "out"])
    commands.main()
    assert capsys.readouterr().out.endswith("Every file can be used.\n")

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(camvid32, "read", stopped)
    with pytest.raises(KeyboardInterrupt, match="nothing was written"):
        command(monkeypatch, "camvid32", MADE, "other")


def test_a_list_that_names_the_folder_itself(tmp_path):
    shutil.copytree(MADE / "camvid-colours", tmp_path / "source")
    with open(tmp_path / "source/train.txt", "a") as file:
        file.write("\n/ /trainannot/train_1.png\n")
    done = imported("datumaro-camvid", tmp_path / "source", tmp_path / "out")
    assert done.counts == {"train": 4, "val": 2} and "train.txt has the line '/ /trainannot" in " ".join(listed(done))
