from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinysegnet import __main__ as commands
from tinysegnet import checkpoint
from tinysegnet.commands.predict import size_seen
from tinysegnet.data import folder
from tinysegnet.data import normalisation as inputs
from tinysegnet.networks import segnet_basic
from tinysegnet.plots import figures as plots
from tinysegnet.support.errors import InputError

CLASSES = ("dark", "light")
PALETTE = np.array([(10, 20, 200), (250, 240, 0)], np.uint8)


@pytest.fixture
def predict(tmp_path, monkeypatch):
    """predict(*paths) runs the command with a network that calls a pixel light if its red is above the middle."""
    monkeypatch.chdir(tmp_path)
    params, stats = segnet_basic.init(0, classes=2, width=4, levels=1, kernel=3)
    for name in params:
        params[name][...] = 0
    params["encoder1.conv.w"][1, 1, 0, :2] = 1, -1
    params["decoder1.conv.w"][:, :, [0, 1], [0, 1]] = 1       # spreads what unpooling put into a corner
    for norm in ("encoder1", "decoder1"):
        params[f"{norm}.norm.gamma"][...] = 1
    params["classifier.w"][0, 0, [0, 1], [1, 0]] = 1
    about = {
        "classes": CLASSES, "palette": PALETTE.tolist(), "size": [8, 8], "input": inputs.CENTRED,
        "test_scales": None, "statistics": "exact",
    }
    checkpoint.save("light.npz", about, params=params, stats=stats)

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
    about, groups = checkpoint.load("light.npz")
    checkpoint.save("light.npz", about | {"test_scales": [1, 0.5]}, **groups)
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
    picture = plots.overlay(np.zeros((50, 200, 3), np.uint8), np.ones((50, 200), np.uint8), CLASSES, PALETTE)
    assert not (np.array(picture) == PALETTE[0]).all(axis=2).any()


def test_the_legend_wraps_where_the_photograph_ends():
    names = [f"a class of number {k}" for k in range(12)]
    palette = np.random.default_rng(0).integers(0, 255, (12, 3)).astype(np.uint8)
    predicted = np.repeat(np.arange(12, dtype=np.uint8)[None], 50, axis=0).repeat(20, axis=1)
    picture = plots.overlay(np.zeros((50, 240, 3), np.uint8), predicted, names, palette)
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
    Path("file").write_text("")
    with pytest.raises(InputError, match=r"file cannot be written"):
        predict("--out", "file", "photo.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    with pytest.raises(InputError, match=r"photo\.png claims to have more than 0 million pixels"):
        predict("photo.png")


def test_the_network_looks_at_the_photographs_own_proportions():
    assert size_seen((720, 960), [360, 480], 16) == (360, 480)
    height, width = size_seen((4000, 3000), [360, 480], 16)
    assert abs(height / width - 4 / 3) < 0.01 and abs(height * width / (360 * 480) - 1) < 0.01
    assert size_seen((1, 9000), [360, 480], 16)[0] == 16
