import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinysegnet import __main__ as commands
from tinysegnet import checkpoint, inference, networks
from tinysegnet.data import folder
from tinysegnet.inference import Model, size_seen
from tinysegnet.plots.overlay import overlay as draw_overlay
from tinysegnet.support.errors import InputError

CLASSES = ("dark", "light")
PALETTE = np.array([(10, 20, 200), (250, 240, 0)], np.uint8)


@pytest.fixture
def predict(tmp_path, monkeypatch):
    """predict(*paths) runs the command with a network that calls a pixel light if its red is above the middle."""
    monkeypatch.chdir(tmp_path)
    arguments = {"classes": 2, "filters": 4, "levels": 1, "kernel": 3}
    params, stats = networks.init(networks.build("segnet-basic", **arguments), 0)
    for name in params:
        params[name][...] = 0
    params["encoder1.conv.w"][1, 1, 0, :2] = 1, -1
    params["decoder1.conv.w"][:, :, [0, 1], [0, 1]] = 1       # spreads what unpooling put into a corner
    for norm in ("encoder1", "decoder1"):
        params[f"{norm}.norm.gamma"][...] = 1
    params["classifier.w"][0, 0, [0, 1], [1, 0]] = 1
    meta = {
        "network": {"name": "segnet-basic", **arguments}, "classes": CLASSES, "palette": PALETTE.tolist(),
        "size": [8, 8], "normalisation": "centred", "test_scales": None, "statistics": "exact",
    }
    checkpoint.save("light.npz", meta, params=params, stats=stats)

    def run(*options):
        monkeypatch.setattr("sys.argv", ["tinysegnet", "predict", "--weights", "light.npz", "--out", "out", *options])
        commands.main()

    return run


def halves(height=8, width=8):
    """Light in the left half, dark in the right."""
    pixels = np.full((height, width, 3), 40, np.uint8)
    pixels[:, : width // 2] = 220
    return Image.fromarray(pixels)


def labels_of(name):
    return np.array(Image.open(f"out/{name}_mask.png"))


@pytest.mark.parametrize("size", [(8, 8), (300, 200), (64, 301), (5, 90), (1, 1), (2, 40)])
def test_any_size_comes_back_at_its_own(predict, size):
    halves(*size).save("photo.png")
    predict("photo.png")
    labels = labels_of("photo")
    assert labels.shape == size
    if min(size) >= 8:
        middle = size[1] // 2
        assert (labels[:, : middle - 20] == 1).all() and (labels[:, middle + 20 :] == 0).all()
        assert (labels == (np.arange(size[1]) < middle)).mean() > 0.8
    overlay = Image.open("out/photo_overlay.png")
    assert overlay.size[0] >= size[1] and overlay.size[1] > size[0]


def test_a_strip_is_wide_enough_for_the_smallest_of_several_looks(predict):
    meta, groups = checkpoint.load("light.npz")
    checkpoint.save("light.npz", meta | {"test_scales": [1, 0.5]}, **groups)
    halves(1, 90).save("photo.png")
    predict("photo.png")
    assert labels_of("photo").shape == (1, 90)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "LA", "I;16", "I", "YCbCr"])
def test_any_mode(predict, mode):
    image = halves()
    if mode in ("I;16", "I"):
        dtype = {"I;16": np.uint16, "I": np.int32}[mode]
        image = Image.fromarray(np.asarray(image.convert("L")).astype(dtype) * 257)
        assert image.mode == mode
    else:
        image = image.convert(mode, dither=Image.Dither.NONE)
    name = {"CMYK": "photo.jpg", "YCbCr": "photo.jpg", "I": "photo.tif"}.get(mode, "photo.png")
    image.save(name)
    predict(name)
    expected = np.zeros((8, 8), int)
    expected[:, :4] = 1
    assert (labels_of("photo") == expected).mean() > 0.85


def test_what_is_transparent_is_white(predict):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, 4:, 3] = 255
    Image.fromarray(pixels).save("photo.png")
    assert (folder.read_photograph("photo.png")[:, :4] == 255).all()
    assert (folder.read_photograph("photo.png")[:, 4:] == 0).all()


def test_a_photograph_is_turned_as_it_was_held(predict):
    exif = Image.Exif()
    exif[0x0112] = 6                    # the camera was turned: show it rotated by a quarter, clockwise
    halves(16, 40).save("photo.jpg", exif=exif, quality=95)
    predict("photo.jpg")
    labels = labels_of("photo")
    assert labels.shape == (40, 16)
    assert labels[:14].mean() > 0.95 and labels[26:].mean() < 0.05


def test_the_overlay_shows_photograph_classes_and_legend(predict):
    halves(120, 300).save("photo.png")
    predict("photo.png")
    overlay = np.array(Image.open("out/photo_overlay.png"))
    np.testing.assert_allclose(overlay[60, 20], 220 // 2 + PALETTE[1] // 2, atol=1)
    np.testing.assert_allclose(overlay[60, 280], 40 // 2 + PALETTE[0] // 2, atol=1)
    legend = overlay[120:].reshape(-1, 3)
    for colour in PALETTE:
        assert (legend == colour).all(axis=1).sum() > 100
    assert (legend == 255).all(axis=1).mean() > 0.5


def test_a_class_that_does_not_occur_is_not_in_the_legend():
    picture = draw_overlay(np.zeros((50, 200, 3), np.uint8), np.ones((50, 200), np.uint8), CLASSES, PALETTE)
    assert not (np.array(picture) == PALETTE[0]).all(axis=2).any()


def test_the_legend_wraps_where_the_photograph_ends():
    names = [f"a class of number {k}" for k in range(12)]
    palette = np.random.default_rng(0).integers(0, 255, (12, 3)).astype(np.uint8)
    predicted = np.repeat(np.arange(12, dtype=np.uint8)[None], 50, axis=0).repeat(20, axis=1)
    picture = draw_overlay(np.zeros((50, 240, 3), np.uint8), predicted, names, palette)
    assert picture.size[0] == 240 and picture.size[1] > 50 + 5 * 20
    seen = np.array(picture)[50:].reshape(-1, 3)
    assert all((seen == colour).all(axis=1).any() for colour in palette)


def test_a_folder_of_frames_and_one_that_is_bad(predict, capsys):
    folder_of_frames = Path("frames")
    folder_of_frames.mkdir()
    for i in range(3):
        halves().save(folder_of_frames / f"{i}.png")
    (folder_of_frames / "1.png").write_bytes(b"")
    (folder_of_frames / "1b.png").write_bytes(b"no")
    (folder_of_frames / "1a.png").symlink_to("1a.png")
    (folder_of_frames / "notes.txt").write_text("not a frame")
    with pytest.raises(InputError, match=r"1b\.png cannot be read as an image"):
        predict("frames")
    assert labels_of("0").shape == labels_of("2").shape == (8, 8)
    said = capsys.readouterr()
    assert "2 photographs: the pictures are in out" in said.out and "1.png cannot be read" in said.err


def test_what_cannot_be_predicted_is_said(predict, monkeypatch):
    halves().save("photo.png")
    halves().save("photo.jpg")
    with pytest.raises(InputError, match=r"photo\.png and photo\.jpg would both become photo_mask\.png"):
        predict("photo.png", "photo.jpg")
    with pytest.raises(InputError, match=r"there is no image none\.png"):
        predict("none.png")
    Path("empty").mkdir()
    with pytest.raises(InputError, match=r"there is no photograph .* in empty"):
        predict("empty")
    for meant in (".", "photo.png", str(Path("photo.png").resolve())):
        with pytest.raises(InputError, match=r"--out \. is a folder that photographs come from"):
            predict("--out", ".", meant)
    with pytest.raises(InputError, match="--out is named by nothing, ''"):
        predict("--out", "", "photo.png")
    Path("file").write_text("")
    with pytest.raises(InputError, match=r"file cannot be written \(File exists\): it is a file: name a folder"):
        predict("--out", "file", "photo.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    with pytest.raises(InputError, match=r"photo\.png claims to have more than 0 million pixels"):
        predict("photo.png")


def test_a_mask_that_is_not_from_here_is_left_alone(predict):
    """It may have been drawn, or mended, by hand. Those of an earlier predict are made anew."""
    halves().save("photo.png")
    for _ in range(2):
        predict("photo.png")
    Path("out/photo_overlay.png").unlink()
    predict("photo.png")
    for spoil in (halves().save, lambda path: Path(path).write_text("of mine")):
        spoil("out/photo_mask.png")
        drawn = Path("out/photo_mask.png").read_bytes()
        with pytest.raises(InputError, match=r"photo_mask\.png is there, and not as predict .*: name another --out"):
            predict("photo.png")
        assert Path("out/photo_mask.png").read_bytes() == drawn


def test_what_was_there_is_whole_until_the_new_one_is(predict, monkeypatch):
    halves().save("photo.png")
    predict("photo.png", str(Path("photo.png").resolve()))      # one photograph, though it is named in two ways
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    save, halves_of_files = Image.Image.save, []

    def stopped(image, file, *args, **options):
        whole = io.BytesIO()
        save(image, whole, *args, **options)
        file.write(whole.getvalue()[:50])
        halves_of_files.append(file.name)
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", stopped)
    with pytest.raises(KeyboardInterrupt):
        predict("photo.png")
    assert halves_of_files and {path.name: path.read_bytes() for path in Path("out").iterdir()} == before


def test_numbers_of_64_bits_are_taken_as_32(predict):
    halves().save("photo.png")
    predict("photo.png")
    labels = labels_of("photo")
    meta, groups = checkpoint.load("light.npz")
    double = {group: {name: a.astype(np.float64) for name, a in arrays.items()} for group, arrays in groups.items()}
    checkpoint.save("light.npz", meta, **double)
    predict("photo.png")
    assert (labels_of("photo") == labels).all() and len(np.unique(labels)) == 2
    double["params"]["encoder1.conv.w"][0, 0, 0, 0] = 1e300
    checkpoint.save("light.npz", meta, **double)
    with pytest.raises(InputError, match=r"light\.npz: encoder1\.conv\.w has numbers too large for 32 bits"):
        predict("photo.png")


def looks_at(size, test_scales=None):
    """A Model that has learnt nothing, of four levels, trained at that size."""
    network = networks.build("segnet-basic", classes=3, filters=1)
    meta = {"classes": ["a", "b", "c"], "size": size, "normalisation": "centred", "test_scales": test_scales}
    return Model(network, *networks.init(network, 0), meta)


def test_the_network_looks_at_the_photographs_own_proportions():
    model = looks_at([360, 480])
    assert size_seen(model, (720, 960)) == (360, 480)
    height, width = size_seen(model, (4000, 3000))
    assert abs(height / width - 4 / 3) < 0.01 and abs(height * width / (360 * 480) - 1) < 0.01
    assert size_seen(model, (1, 9000))[0] == 16
    assert size_seen(looks_at([360, 480], [1, 0.75]), (1, 9000))[0] == 22       # of which 0.75 is 16 again


def test_from_python_it_is_what_the_command_draws(predict):
    """inference.load and inference.classify, at the photograph's own size and at another."""
    halves(30, 50).save("photo.png")
    predict("photo.png")
    model, photograph = inference.load("light.npz"), folder.read_photograph("photo.png")
    np.testing.assert_array_equal(inference.classify(model, photograph), labels_of("photo"))
    labels = inference.classify(model, photograph, size=(13, 21))
    assert labels.shape == (13, 21) and labels.dtype == np.uint8 and set(np.unique(labels)) == {0, 1}
    scores = inference.scores(model, photograph, size=(13, 21))
    assert scores.shape == (13, 21, 2)
    np.testing.assert_array_equal(scores.argmax(axis=2), labels)


def test_what_is_folded_sees_the_same(predict):
    """A model that is loaded has its batch norms folded; the one that is trained has not, and its params may move."""
    model = inference.load("light.npz")
    photograph = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    copies = {name: a.copy() for name, a in model.params.items()}
    moving = Model(model.network, copies, model.stats, model.meta)
    assert moving.folded is None and model.folded["encoder1.conv.w"] is not model.params["encoder1.conv.w"]
    np.testing.assert_array_equal(inference.scores(moving, photograph), inference.scores(model, photograph))
    for a in moving.params.values():
        a += 1
    for a in [*model.params.values(), *model.stats.values()]:       # what is folded would not follow
        with pytest.raises(ValueError, match="read-only"):
            a += 1
    assert (inference.scores(moving, photograph) != inference.scores(model, photograph)).any()


def test_the_network_that_comes_with_it_is_the_usual_one():
    model = inference.load()
    assert model.meta["classes"][:2] == ["Sky", "Building"] and model.xp is np
    labels = inference.classify(model, np.full((60, 80, 3), 200, np.uint8), seen_at=(32, 48))
    assert labels.shape == (60, 80)
    with pytest.raises(InputError, match="too small for a network that halves them 4 times: use at least 16x16"):
        inference.classify(model, np.zeros((60, 80, 3), np.uint8), seen_at=(15, 48))
    with pytest.raises(InputError, match="unknown backend 'tpu': choose numpy or cupy"):
        inference.load(backend="tpu")


@pytest.mark.parametrize(
    "photograph, options, said",
    [
        (np.zeros((16, 16, 3)), {}, r"uint8 \(H, W, 3\), got float64 \(16, 16, 3\)"),
        (np.zeros((16, 16), np.uint8), {}, r"got uint8 \(16, 16\)"),
        (np.zeros((16, 16, 4), np.uint8), {}, r"got uint8 \(16, 16, 4\)"),
        (np.zeros((1, 16, 16, 3), np.uint8), {}, r"got uint8 \(1, 16, 16, 3\)"),
        (np.zeros((0, 16, 3), np.uint8), {}, r"got uint8 \(0, 16, 3\)"),
        (Image.new("RGB", (16, 16)), {}, "got Image Image: see read_photograph"),
        (np.zeros((16, 16, 3), np.uint8), {"size": 120}, r"size should be \(H, W\), two whole numbers .* got 120"),
        (np.zeros((16, 16, 3), np.uint8), {"size": "12x16"}, "got '12x16'"),
        (np.zeros((16, 16, 3), np.uint8), {"seen_at": (16.5, 16)}, r"seen_at should be .* got \(16\.5, 16\)"),
        (np.zeros((16, 16, 3), np.uint8), {"size": (0, 16)}, r"got \(0, 16\)"),
    ],
)
def test_classify_says_what_it_takes(predict, photograph, options, said):
    model = inference.load("light.npz")
    for function in (inference.classify, inference.scores):
        with pytest.raises(ValueError, match=said):
            function(model, photograph, **options)


def test_what_cannot_be_looked_at_is_not_taken_for_anothers(predict):
    halves().save("photo.png")
    name = 247 * "x"
    halves().save(f"{name}.png")
    Path("out").mkdir()
    with pytest.raises(OSError, match="File name too long"):
        predict(f"{name}.png")
    os.symlink("loop", "loop")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        predict("photo.png", "--out", "loop")
