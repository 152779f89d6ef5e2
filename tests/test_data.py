import struct
import threading
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_camvid
from PIL import Image
from test_checkpoint import mutated

from tinysegnet.data import balance, camvid, download
from tinysegnet.data import folder as folders
from tinysegnet.data.batches import evaluation_pairs, prefetched, training_batches
from tinysegnet.data.images import resize_photograph
from tinysegnet.data.survey import checked_surveys, survey
from tinysegnet.support.errors import InputError
from tinysegnet.training.settings import OFF


@pytest.fixture
def folder(tmp_path):
    return tiny_camvid.make(tmp_path / "tiny")


def settings(batch, size=(24, 32), seed=0, flip=False, scale=None, jitter=None):
    return SimpleNamespace(batch=batch, size=size, seed=seed, flip=flip, scale=scale, crop=None, jitter=jitter, **OFF)


def test_samples_are_pairs_of_one_name(folder):
    samples = folders.samples(folder, "train")
    assert [image.name for image, _ in samples] == ["000.png", "001.png", "002.png", "003.png", "004.png"]
    for image, annotation in samples:
        assert image.parent.name == "train" and annotation.parent.name == "trainannot" and image.name == annotation.name


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_folder_of_another_tool_is_sent_to_import_data(tmp_path, split):
    (tmp_path / "voc/JPEGImages").mkdir(parents=True)
    sentence = rf"{split}: a data set has one, beside {split}annot/, and python -m tinysegnet import-data makes a data"
    with pytest.raises(InputError, match=sentence):
        folders.samples(tmp_path / "voc", split)


def test_a_missing_folder_an_empty_one_and_a_missing_annotation_are_named(folder):
    with pytest.raises(InputError, match=r"there is no folder .*test: a data set has one, beside testannot/"):
        folders.samples(folder, "test")
    (folder / "test").mkdir()
    (folder / "testannot").mkdir()
    with pytest.raises(InputError, match=r"no photograph \(.png, .jpg\) in .*test"):
        folders.samples(folder, "test")
    (folder / "valannot" / "001.png").unlink()
    with pytest.raises(InputError, match=r"val.001\.png has no annotation: .*valannot.001\.png is missing"):
        checked_surveys(folders.dataset(folder), ["val"])


def spoil_with(mode, values, size=(32, 24)):
    def spoil(path):
        Image.fromarray(np.full((size[1], size[0]), values, np.uint8)).convert(mode).save(path)

    return spoil


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize(
    "which, spoil, message",
    [
        ("trainannot", spoil_with("L", 37), r"002\.png has a label 37: labels are 0 to 10, and 11 for void"),
        ("trainannot", spoil_with("L", 12), r"002\.png has a label 12: labels are 0 to 10, and 11 for void"),
        ("trainannot", spoil_with("L", 3, (24, 32)), r"002\.png has 32x24 pixels .* and its image 24x32"),
        ("trainannot", spoil_with("RGB", 37), r"002\.png has a label 37: labels are 0 to 10, and 11 for void"),
        ("trainannot", spoil_with("L", 3, (30, 24)), r"002\.png has 24x30 pixels .* and its image 24x32"),
        ("trainannot", cut_short, r"trainannot.002\.png cannot be read as an image"),
        ("train", cut_short, r"train.002\.png cannot be read as an image"),
        ("train", lambda path: path.write_text("not a picture"), r"train.002\.png cannot be read as an image"),
        ("train", lambda path: path.write_bytes(b""), r"train.002\.png cannot be read as an image"),
    ],
)
def test_a_bad_file_is_named(folder, which, spoil, message):
    spoil(folder / which / "002.png")
    with pytest.raises(InputError, match=message):
        list(training_batches(folders.dataset(folder), settings(2), epoch=1))


def test_a_decompression_bomb_is_refused_unopened(folder):
    """A PNG of 60 bytes that claims 60,000 x 60,000 pixels, and one of 12,000 x 12,000: there Pillow only warns."""
    for side in (60_000, 12_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
        png = b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )
        (folder / "train" / "001.png").write_bytes(png)
        with pytest.raises(InputError, match=r"001\.png claims to have more than 89 million pixels: give a"):
            checked_surveys(folders.dataset(folder), ["train"])


def test_mutated_images(folder):
    """A sentence, or what the whole file gives."""
    data = folders.dataset(folder)
    rng, refused = np.random.default_rng(0), 0
    samples = data.samples("train")
    wholes, expected = [[path.read_bytes() for path in pair] for pair in samples], [data.read(pair) for pair in samples]
    for i in range(300):
        pair, both = samples[i % len(samples)], wholes[i % len(samples)]
        spoilt = int(rng.integers(2))
        pair[spoilt].write_bytes(mutated(both[spoilt], rng))
        try:
            photograph, labels = data.read(pair)
        except InputError as error:
            refused += 1
            assert str(folder) in str(error) and "\n" not in str(error)
        else:
            np.testing.assert_array_equal(photograph, expected[i % len(samples)][0])
            np.testing.assert_array_equal(labels, expected[i % len(samples)][1])
        pair[spoilt].write_bytes(both[spoilt])
    assert refused > 150


def test_an_epoch_has_every_image_once_and_an_order_of_its_own(folder):
    samples = folders.samples(folder, "train")
    every = np.stack([folders.read_photograph(image) for image, _ in samples])

    def order(seed, epoch):
        batches = list(training_batches(folders.dataset(folder), settings(2, seed=seed), epoch))
        assert [len(images) for images, _ in batches] == [2, 2, 1]
        images = np.concatenate([images for images, _ in batches])
        return [int(np.flatnonzero((every == image).all(axis=(1, 2, 3)))[0]) for image in images]

    assert sorted(order(0, 1)) == [0, 1, 2, 3, 4]
    assert order(0, 1) == order(0, 1)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (1, 2, 3)}) > 3


def test_augmentation_is_of_the_sample_and_not_of_its_batch(folder):
    """In batches of another size, or from the middle of an epoch on, a step sees the same pictures."""
    data = folders.dataset(folder)

    def pictures(batch, first=0):
        varied = settings(batch, (12, 16), flip=True, scale=(0.5, 2), jitter=0.3)
        batches = training_batches(data, varied, epoch=1, first=first)
        return np.concatenate([images for images, _ in batches])

    np.testing.assert_array_equal(pictures(1), pictures(5))
    np.testing.assert_array_equal(pictures(2, first=1), pictures(5)[2:])


def of_nothing(samples):
    """A data set whose photographs are black; it notes which samples are read."""
    read = []

    def black(sample):
        read.append(sample)
        return np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)

    return SimpleNamespace(samples=lambda split: range(samples), ignore=11, read=black, was_read=read)


def test_the_order_is_that_of_0_1():
    """So a run that stopped in the middle of an epoch has the rest of its photographs before it, and no other."""
    data = of_nothing(6)
    list(training_batches(data, settings(4, (4, 4), seed=0), epoch=1))
    assert data.was_read == [1, 4, 3, 0, 2, 5]


def test_a_sample_has_a_draw_of_its_own(monkeypatch):
    """Of sample i by [seed, epoch, 1 + i]."""
    draws = {}

    def augment(photograph, labels, size, ignore, rng, *varied):
        draws[data.was_read[-1]] = rng.random()
        return photograph, labels

    data = of_nothing(3)
    monkeypatch.setattr("tinysegnet.data.batches.augment", augment)
    list(training_batches(data, settings(1, (4, 4), seed=0), epoch=1))
    assert [draws[i] for i in range(3)] == pytest.approx([0.84865004, 0.88170354, 0.89044609], abs=1e-8)


def test_the_orders_and_the_augmentations_of_two_epochs_have_different_seeds(monkeypatch):
    """As NumPy sees them: it takes [1, 2] and [1, 2, 0] for the same."""
    seeds = []
    draw = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed: seeds.append(tuple(seed)) or draw(seed))
    for epoch in (0, 1):
        list(training_batches(of_nothing(3), settings(2, (4, 4)), epoch))
    first = [draw(seed).integers(2**60) for seed in seeds]
    assert len(seeds) == 8 and len(set(first)) == 8


def test_images_and_labels_stay_together_when_resized(folder):
    for images, labels in training_batches(folders.dataset(folder), settings(5, (12, 16)), epoch=1):
        assert images.shape == (5, 12, 16, 3) and labels.shape == (5, 12, 16)
        assert images.dtype == labels.dtype == np.uint8
        assert set(np.unique(labels)) <= {0, 3, 8, 11}              # nearest: no label that was not there
        inside = labels != 11
        distance = np.abs(images.astype(int) - camvid.PALETTE[labels].astype(int)).max(axis=-1)
        assert np.median(distance[inside]) < 20


def test_a_shrunk_image_is_a_mean_of_what_it_covers():
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[:, 1::2] = 200
    assert np.abs(resize_photograph(pixels, (1, 2)).astype(int) - 100).max() < 40       # the nearest would be 0 or 200


def test_evaluation_takes_photographs_and_labels_as_they_are(folder):
    pairs = list(evaluation_pairs(folders.dataset(folder), "val"))
    assert [(photograph.shape, labels.shape) for photograph, labels in pairs] == [((24, 32, 3), (24, 32))] * 2


def test_images_of_different_sizes_need_a_size(folder):
    tiny_camvid.make(folder / "larger", (("train", 1),), height=30)
    for name in ("train", "trainannot"):
        (folder / "larger" / name / "000.png").rename(folder / name / "900.png")
    data = folders.dataset(folder)
    assert survey(data, "train").sizes == {(24, 32): 5, (30, 32): 1} and survey(data, "val").sizes == {(24, 32): 2}
    assert len(list(training_batches(data, settings(6, (12, 16)), epoch=1))) == 1


def test_the_next_item_is_loaded_while_the_caller_works():
    started = threading.Event()

    def load(item):
        if item == 1:
            started.set()
        return item

    items = prefetched(load, range(3))
    assert next(items) == 0
    assert started.wait(timeout=10)             # nobody has asked for item 1 yet
    assert list(items) == [1, 2]


def test_a_failure_while_loading_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(prefetched(lambda item: 1 // item, [1, 0]))


def test_median_frequency_by_hand(tmp_path):
    """Two images of 10 pixels: class 0 in both, 1 and 2 in the first alone, class 3 nowhere; one void pixel."""
    for name in ("train", "trainannot"):
        (tmp_path / name).mkdir()
    for i, labels in enumerate(([0, 0, 0, 0, 1, 1, 1, 2, 2, 11], [0] * 10)):
        Image.fromarray(np.array([labels], np.uint8)).save(tmp_path / "trainannot" / f"{i}.png")
        Image.fromarray(np.full((1, 10, 3), 90, np.uint8)).save(tmp_path / "train" / f"{i}.png")
    seen = survey(folders.dataset(tmp_path), "train")
    np.testing.assert_array_equal(seen.pixels, [14, 3, 2, *[0] * 8])
    np.testing.assert_array_equal(seen.image_pixels, [20, 10, 10, *[0] * 8])
    assert seen.sizes == {(1, 10): 2} and seen.images == 2 and seen.void == 1 and not seen.notes.problems
    expected = 0.3 / np.array([0.7, 0.3, 0.2])
    for power in (1, 0.5, 0):
        weights = balance.median_frequency_weights(seen.pixels, seen.image_pixels, power)
        np.testing.assert_allclose(weights, [*expected**power, *[0] * 8])


def test_classes_and_colours_are_the_authors():
    colours = dict(zip(camvid.CLASSES, map(tuple, camvid.PALETTE.tolist())))
    assert colours == {
        "Sky": (128, 128, 128), "Building": (128, 0, 0), "Pole": (192, 192, 128), "Road": (128, 64, 128),
        "Pavement": (60, 40, 222), "Tree": (128, 128, 0), "SignSymbol": (192, 128, 128), "Fence": (64, 64, 128),
        "Car": (64, 0, 128), "Pedestrian": (64, 64, 0), "Bicyclist": (0, 128, 192),
    }
    assert tuple(colours) == camvid.CLASSES and camvid.VOID == 11


@pytest.mark.docs       # seconds
def test_the_real_camvid(camvid_folder):
    """Counts and weights as published with the project's sources: the weights are to four decimals."""
    samples = folders.samples(camvid_folder, "train")
    assert len(samples) == 367 and len(folders.samples(camvid_folder, "val")) == 101
    seen = survey(folders.dataset(camvid_folder), "train")
    assert seen.sizes == {(360, 480): 367} and seen.void == 2503995
    assert seen.pixels.tolist() == [
        10682767, 14750079, 623349, 20076880, 2845085, 6166762, 743859, 714595, 3719877, 405385, 184967,
    ]
    np.testing.assert_allclose(
        balance.median_frequency_weights(seen.pixels, seen.image_pixels),
        [0.2793, 0.2017, 4.7865, 0.1490, 1.0, 0.4217, 3.8467, 1.9736, 0.7889, 6.3747, 8.8587], atol=5e-5,
    )
    for name in ("train", "trainannot", "val", "valannot"):
        assert download.tree_id(camvid_folder / name) == download.TREES[name]


def test_a_split_without_a_labelled_pixel_is_refused(folder):
    for path in (folder / "valannot").iterdir():
        Image.fromarray(np.full((24, 32), 11, np.uint8)).save(path)
    with pytest.raises(InputError, match=r"No pixel of CamVid in .*, val, is labelled"):
        checked_surveys(folders.dataset(folder), ["val"])
