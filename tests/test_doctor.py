"""The data doctor: label files as other programs write them, and what can be wrong with a whole set."""

import json
import re
import struct
import unicodedata
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from tinysegnet import __main__ as commands
from tinysegnet.data import camvid, folder
from tinysegnet.data import labels as labels_module
from tinysegnet.data.classes_file import read_classes
from tinysegnet.data.doctor import diagnose, is_blended
from tinysegnet.data.labels import Legend, read_labels
from tinysegnet.data.photographs import read_photograph, upright_photograph
from tinysegnet.data.problems import FileError
from tinysegnet.data.survey import checked_surveys, survey
from tinysegnet.plots import contact_sheet
from tinysegnet.support.errors import InputError

GRASS, KITE, SEA = (60, 160, 60), (220, 40, 40), (0, 0, 250)
TWO = "grass 60 160 60\nkite 220 40 40\n"
THREE = TWO + "sea 0 0 250\n"
COLOURS = np.array([GRASS, KITE, SEA], np.uint8)


def grey_png(path, samples, bits):
    """A PNG of grey samples, (H, W), of so many bits."""
    rows = np.unpackbits(samples.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :]
    png(path, bits, 0, np.packbits(rows.reshape(len(samples), -1), axis=1), samples.shape[1])


def png(path, bits, colour_type, rows, width=None):
    """A PNG as the specification has it, of rows, (H, ...), as they are stored."""
    packed = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width or rows.shape[1], len(rows), bits, colour_type, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(packed)), (b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ))


def with_palette(numbers, *colours):
    image = Image.fromarray(np.asarray(numbers, np.uint8))
    image.putpalette([value for colour in colours for value in colour])
    return image


def exif(orientation):
    note = Image.Exif()
    note[0x0112] = orientation
    return note


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """sets(classes, spoil) makes a data set of 4 + 2 pictures: a kite over grass; spoil(path, labels, i) may write
    the annotation in another way."""
    monkeypatch.chdir(tmp_path)

    def make(classes=TWO, spoil=None, size=(40, 56), seed=0):
        rng = np.random.default_rng(seed)
        path, i = tmp_path / "kites", 0
        for split, count in (("train", 4), ("val", 2)):
            for name in (split, f"{split}annot"):
                (path / name).mkdir(parents=True)
            for number in range(count):
                labels = np.zeros(size, np.uint8)
                y, x = rng.integers(2, np.maximum(np.subtract(size, 14), 3))
                labels[y : y + 12, x : x + 12] = 1
                pixels = np.clip(COLOURS[labels] + rng.normal(0, 15, (*size, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(path / split / f"{number:02}.png")
                Image.fromarray(labels).save(path / f"{split}annot" / f"{number:02}.png")
                if spoil:
                    spoil(path / f"{split}annot" / f"{number:02}.png", labels, i)
                i += 1
        if classes:
            (path / "classes.txt").write_text(classes)
        return path

    return make


def problems(path, ignore=None):
    """{kind: Problem} of a data set."""
    data = folder.dataset(path, ignore)
    return {one.kind: one for one in diagnose(data, {split: survey(data, split) for split in ("train", "val")})}


def shares(path):
    """How many pixels of train and val have each label."""
    data = folder.dataset(path)
    return sum(survey(data, split).pixels for split in ("train", "val")).tolist()


TRUE = [6 * (40 * 56 - 144), 6 * 144]


def saved(change, kind="PNG", **options):
    return lambda path, labels, i: change(labels).save(path, kind, **options)


RIGHT = {       # written in some way from which the labels can be had with certainty
    "grey": saved(Image.fromarray),
    "1 bit": saved(lambda labels: Image.fromarray(labels.astype(bool))),
    "2 bits": lambda path, labels, i: grey_png(path, labels, 2),
    "1 bit of TIFF": saved(lambda labels: Image.fromarray(labels.astype(bool)), "TIFF"),
    "4 bits": lambda path, labels, i: grey_png(path, labels, 4),
    "16 bits": saved(lambda labels: Image.fromarray(labels.astype(np.uint16))),
    "16 bits, stretched": saved(lambda labels: Image.fromarray(labels.astype(np.uint16) * 257)),
    "TIFF": saved(Image.fromarray, "TIFF"),
    "32 bits": saved(lambda labels: Image.fromarray(labels.astype(np.int32)), "TIFF"),
    "BMP": saved(Image.fromarray, "BMP"),
    "GIF": saved(Image.fromarray, "GIF"),
    "palette of classes.txt": saved(lambda labels: with_palette(labels, GRASS, KITE)),
    "palette of another program": saved(lambda labels: with_palette(labels, (0, 0, 0), (128, 0, 0))),
    "palette in another order": saved(lambda labels: with_palette(1 - labels, KITE, GRASS)),
    "palette of greys": saved(lambda labels: with_palette(1 - labels, (1, 1, 1), (0, 0, 0))),
    "RGB": saved(lambda labels: Image.fromarray(COLOURS[labels])),
    "RGBA": saved(lambda labels: Image.fromarray(COLOURS[labels]).convert("RGBA")),
    "grey in RGB": saved(lambda labels: Image.fromarray(labels).convert("RGB")),
    "grey with alpha": saved(lambda labels: Image.fromarray(labels).convert("LA")),
    "suffix in capitals": lambda path, labels, i: path.rename(path.with_suffix(".PNG")),
    "note on orientation that says nothing": saved(Image.fromarray, exif=exif(0)),
    "note that is damaged": saved(Image.fromarray, exif=b"garbage!"),
    "transparent colour that does not occur": saved(Image.fromarray, transparency=77),
    "opaque palette": saved(lambda labels: with_palette(labels, GRASS, KITE), transparency=b"\xff\xff\0"),
}


@pytest.mark.parametrize("way", RIGHT)
def test_labels_that_are_read_rightly(sets, way):
    path = sets(spoil=RIGHT[way])
    assert shares(path) == TRUE
    assert not [problem for problem in problems(path).values() if problem.refused]


@pytest.mark.parametrize("kind", ["grey", "palette", "colour"])
def test_large_labels_are_read_by_bands_of_rows(tmp_path, monkeypatch, kind):
    labels = np.random.default_rng(0).integers(0, 2, (37, 29)).astype(np.uint8)
    image = {"grey": Image.fromarray(labels), "palette": with_palette(labels, GRASS, KITE),
             "colour": Image.fromarray(COLOURS[labels])}[kind]
    image.save(tmp_path / "a.png")
    legend = Legend(("grass", "kite"), 255, {GRASS: (0,), KITE: (1,)})
    monkeypatch.setattr(labels_module, "AT_ONCE", 100)              # three rows and a rest
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png", legend).labels, labels)


def test_too_little_memory_is_not_called_a_damaged_label_file(tmp_path, monkeypatch):
    def n_frames(image):
        raise MemoryError
    Image.new("L", (8, 6)).save(tmp_path / "a.tif")
    monkeypatch.setattr(TiffImageFile, "n_frames", property(n_frames))
    with pytest.raises(MemoryError):
        read_labels(tmp_path / "a.tif", Legend(("grass", "kite"), 255, {}))


def transparent(labels):
    image = Image.fromarray(COLOURS[labels]).convert("RGBA")
    image.putalpha(Image.fromarray(np.where(labels, 0, 255).astype(np.uint8)))
    return image


def pictures(path, labels, i):
    Image.fromarray(labels).save(path, "TIFF", save_all=True, append_images=[Image.fromarray(labels)])


def picture_and_an_empty_one(path, labels, i):
    Image.fromarray(labels).save(path, "TIFF")
    content = bytearray(path.read_bytes())
    [directory] = struct.unpack_from("<I", content, 4)
    [entries] = struct.unpack_from("<H", content, directory)
    struct.pack_into("<I", content, directory + 2 + 12 * entries, len(content))      # where the next directory is
    path.write_bytes(content + bytes(6))                                            # of no entries, and the last


REFUSED = {     # what cannot hold labels, or not with certainty: the kind, and what is said of the first file
    "JPEG": (saved(Image.fromarray, "JPEG"), "blurred labels", "00.png is a JPEG, which blurs labels: save it as PNG"),
    "WebP": (saved(Image.fromarray, "WEBP"), "blurred labels", "is a WebP, which"),
    "AVIF": (saved(Image.fromarray, "AVIF"), "blurred labels", "is an AVIF, which"),
    "JPEG 2000": (saved(Image.fromarray, "JPEG2000"), "blurred labels", "is a JPEG 2000, which"),
    "TIFF of JPEG": (saved(Image.fromarray, "TIFF", compression="jpeg"), "blurred labels", "is a TIFF compressed by"),
    "TGA": (saved(lambda labels: Image.fromarray(labels).convert("RGB").resize((64, 64)), "TGA"), "format", "is a TGA"),
    "two pictures": (pictures, "several pictures", "has 2 pictures in it"),
    "a second picture without a size": (
        picture_and_an_empty_one, "cannot be read", "cannot be read as an image (Missing dimensions): put an intact",
    ),
    "turned": (saved(Image.fromarray, exif=exif(3)), "turned labels", "has a note that it is to be turned"),
    "transparent": (saved(transparent), "transparent", "is transparent in parts"),
    "transparent number": (saved(Image.fromarray, transparency=1), "transparent", "is transparent in parts"),
    "transparent entry of a palette": (
        saved(lambda labels: with_palette(labels, (0, 0, 0), KITE), transparency=b"\0\xff"), "transparent", "in parts",
    ),
    "transparent bit": (
        saved(lambda labels: Image.fromarray(labels.astype(bool)), transparency=1), "transparent", "in parts",
    ),
    "transparent number of 16 bits": (
        saved(lambda labels: Image.fromarray(labels.astype(np.uint16)), transparency=1), "transparent", "in parts",
    ),
    "float": (saved(lambda labels: Image.fromarray(labels.astype("f")), "TIFF"), "pixel type", "is an image of mode F"),
    "a colour that is not there": (
        saved(lambda labels: Image.fromarray(np.array([GRASS, (220, 40, 41)], np.uint8)[labels])), "unknown colour",
        "has the colour 220 40 41 (row 22, column 27), which no class has",
    ),
    "many colours": (
        saved(lambda labels: Image.fromarray(COLOURS[labels]).resize((56, 40), 2, (9, 9, 49, 39))), "blended colours",
        "more that no class has: was it resized smoothly, or a JPEG once?",
    ),
    "palette of some classes": (
        saved(lambda labels: with_palette(1 - labels, KITE, (9, 9, 8))), "palette",
        "has a palette (0 is 220 40 40, 1 is 9 9 8) that is not that of classes.txt: save it as grey numbers",
    ),
    "palette that is too short": (
        saved(lambda labels: with_palette(labels * 255, GRASS, KITE, SEA)), "palette",
        "has a pixel 3, and its palette 3 colours, as if numbers had been cut off",
    ),
    "palette of greys that are no labels": (
        saved(lambda labels: with_palette(labels, (1, 1, 1), (3, 3, 3))), "palette", "(0 is 1 1 1, 1 is 3 3 3)",
    ),
    "black and white palette": (
        saved(lambda labels: with_palette(labels, (0, 0, 0), (255, 255, 255))), "two readings",
        "has the colour 255 255 255, which can mean kite (label 1) or void",
    ),
    "white and black palette": (
        saved(lambda labels: with_palette(labels, (255, 255, 255), (0, 0, 0))), "two readings",
        "has the colour 255 255 255, which can mean grass (label 0) or void",
    ),
    "label in RGB": (
        saved(lambda labels: Image.fromarray(7 * labels).convert("RGB")), "unknown label", "has a label 7: labels are",
    ),
    "16 bits of RGB": (
        lambda path, labels, i: png(path, 16, 2, np.repeat(labels[..., None], 3, 2).astype(">u2")), "pixel type",
        "has 16 bits a channel",
    ),
    "PPM": (saved(Image.fromarray, "PPM"), "format", "is a PPM image: save it as PNG"),
    "TIFF in which 0 is white": (
        saved(lambda labels: Image.fromarray(labels.astype(bool)), "TIFF", tiffinfo={262: 0}), "pixel type",
        "is a TIFF whose 0 is shown as white",
    ),
    "label": (saved(lambda labels: Image.fromarray(7 * labels)), "unknown label", "has a label 7: labels are 0 to 1"),
    "label of 16 bits": (
        saved(lambda labels: Image.fromarray(labels.astype(np.uint16) * 300)), "unknown label", "has a label 300",
    ),
    "label of 4 bits": (
        lambda path, labels, i: grey_png(path, labels * 11, 4), "unknown label", "has a label 11",
    ),
    "label of 32 bits": (
        saved(lambda labels: Image.fromarray(labels * np.int32(2**31 - 1)), "TIFF"), "unknown label", "a label 2147483",
    ),
    "label below 0": (
        saved(lambda labels: Image.fromarray(-labels.astype(np.int32)), "TIFF"), "unknown label", "has a label -1",
    ),
}


@pytest.mark.parametrize("way", REFUSED)
def test_labels_that_are_refused(sets, way):
    spoil, kind, sentence = REFUSED[way]
    path = sets(spoil=spoil)
    found = problems(path)[kind]
    assert found.refused and found.count == 6 and sentence in found.sentence
    assert found.first == str(path / "trainannot" / "00.png") and found.first in found.sentence
    with pytest.raises(InputError, match="more: see"):
        checked_surveys(folder.dataset(path))


def test_two_classes_of_one_colour(sets):
    path = sets("grass 1 2 3\nkite 220 40 40\nsea 1 2 3\n", saved(lambda labels: Image.fromarray(COLOURS[labels])))
    for file in path.glob("*annot/*.png"):
        Image.fromarray(np.full((40, 56, 3), (1, 2, 3), np.uint8)).save(file)
    text = problems(path)["one colour twice"].sentence
    assert "has the colour 1 2 3 (row 0, column 0), of both grass (label 0) and sea (label 2)" in text


def test_of_unknown_colours_the_one_of_most_pixels_is_named(tmp_path):
    colours = np.array([[(1, 1, 2), (9, 9, 8), (9, 9, 8), GRASS, GRASS, GRASS]], np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    with pytest.raises(FileError, match=r"has the colour 9 9 8 \(row 0, column 1\), which no class has"):
        read_labels(tmp_path / "a.png", Legend(("grass", "kite"), 255, {GRASS: (0,)}))


def test_colours_without_any_in_classes_txt(sets):
    path = sets("grass\nkite\n", saved(lambda labels: Image.fromarray(COLOURS[labels])))
    assert "classes.txt has no colours" in problems(path)["no colours"].sentence


def test_void_in_colour_is_of_its_own_number_and_in_camvid_black(sets):
    def with_void(path, labels, i):
        labels[0] = 255
        Image.fromarray(np.where(labels[..., None] == 255, 255, COLOURS[labels % 255]).astype(np.uint8)).save(path)

    path = sets(spoil=with_void)
    seen = survey(folder.dataset(path), "train")
    assert seen.void == 4 * 56 and seen.pixels.sum() == 4 * 39 * 56
    legend = Legend(camvid.CLASSES, 11, {(0, 0, 0): (11,), (128, 128, 128): (0,)})
    Image.fromarray(np.array([[(0, 0, 0), (128, 128, 128)]], np.uint8)).save(path / "street.png")
    assert read_labels(path / "street.png", legend).labels.tolist() == [[11, 0]]


def test_camvid_in_its_colours(sets):
    """Of CamVid's own masks: no classes.txt is needed, and black does not count."""
    colours = np.array([*camvid.PALETTE, (0, 0, 0)], np.uint8)
    path = sets(None, lambda path, labels, i: Image.fromarray(colours[labels * 11 + 3 * (labels == 0)]).save(path))
    seen = survey(folder.dataset(path), "train")
    assert seen.pixels[3] == seen.pixels.sum() == 4 * (40 * 56 - 144) and seen.void == 4 * 144


def test_palettes_as_optimisers_leave_them(sets):
    """Greys 0, 1, 255 as three entries; and 5, 9 as two: in every viewer they look as before."""
    def three(path, labels, i):
        labels[0] = 2
        with_palette(labels, (0, 0, 0), (1, 1, 1), (255, 255, 255)).save(path)

    path = sets(THREE, three)
    seen = survey(folder.dataset(path), "train")
    assert seen.void == 4 * 56 and seen.pixels[2] == 0
    assert "is read by its greys" in problems(path)["read by grey"].sentence
    file = path / "camvid.png"
    with_palette([[0, 1, 1]], (5, 5, 5), (9, 9, 9)).save(file)
    legend = Legend(camvid.CLASSES, 11, {})
    assert read_labels(file, legend).labels.tolist() == [[5, 9, 9]]


def test_palettes_in_another_order_are_read_by_colour_and_said(sets):
    def by_turns(path, labels, i):
        with_palette(labels if i % 2 else 1 - labels, *((GRASS, KITE) if i % 2 else (KITE, GRASS))).save(path)

    path = sets(spoil=by_turns)
    assert shares(path) == TRUE
    said = problems(path)["read by colour"]
    assert said.count == 3 and not said.refused and said.first.endswith("00.png")


def test_a_palette_that_follows_classes_txt_has_no_other_colour(tmp_path):
    """Its third number is black, perhaps void, and not the third class, which is blue."""
    legend, path = Legend(("grass", "kite", "sea"), 255, {GRASS: (0,), KITE: (1,), SEA: (2,)}), tmp_path / "a.png"
    with_palette([[0, 1, 2]], GRASS, KITE, (0, 0, 0)).save(path)
    with pytest.raises(FileError, match=r"palette \(0 is 60 160 60, 1 is 220 40 40, 2 is 0 0 0\) that is not that of"):
        read_labels(path, legend)
    with_palette([[0, 1, 255]], GRASS, KITE, SEA, *[(0, 0, 0)] * 253).save(path)        # 255 is void in any colour
    assert read_labels(path, legend).labels.tolist() == [[0, 1, 255]]


def test_greys_at_even_steps_are_no_labels(tmp_path):
    """Of 52 classes 0, 5 and 10 can be labels, or what is shown of 0, 1 and 2. Two that are alike say nothing."""
    legend, path = Legend(tuple(f"c{k}" for k in range(52)), 255, {}), tmp_path / "a.png"
    with_palette([[0, 1, 2]], *[(5 * k,) * 3 for k in range(52)]).save(path)
    with pytest.raises(FileError, match=r"has the colour 5 5 5, which can mean c1 \(label 1\) or c5 \(label 5\)"):
        read_labels(path, legend)
    with_palette([[0, 1]], (60, 60, 60), (60, 60, 60)).save(path)
    assert read_labels(path, legend).labels.tolist() == [[0, 1]]


def test_void_in_a_palette_that_is_filled_up_with_black(tmp_path):
    """Black is the first class's colour, too: 255 is void none the less."""
    legend = Legend(("ground", "grass", "kite"), 255, {(0, 0, 0): (0,), GRASS: (1,), KITE: (2,)})
    with_palette([[0, 1, 255]], (0, 0, 0), GRASS, KITE, *[(0, 0, 0)] * 253).save(tmp_path / "a.png")
    file = read_labels(tmp_path / "a.png", legend)
    assert file.labels.tolist() == [[0, 1, 255]] and file.way == "number"


def test_a_palette_of_another_program_says_nothing(tmp_path):
    """Pascal VOC's: its numbers 0 and 7 are black and grey."""
    legend = Legend(tuple("abcdefgh"), 255, {(0, 0, 0): (0,), GRASS: (1,)})
    with_palette([[0, 7]], *[(0, 0, 0)] * 7, (128, 128, 128)).save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png", legend).labels.tolist() == [[0, 7]]


def test_palettes_that_contradict_each_other(sets):
    def by_turns(path, labels, i):
        with_palette(labels if i % 2 else 1 - labels, *((GRASS, KITE) if i % 2 else (KITE, GRASS))).save(path)

    found = problems(sets("grass 1 1 1\nkite 2 2 1\n", by_turns))["palettes differ"]
    assert found.refused and "01.png has the colour 60 160 60 for the number 0, and" in found.sentence
    assert "00.png has 220 40 40: the same number must be the same class in all files" in found.sentence


def test_palettes_that_contradict_each_other_across_splits(sets):
    def in_val(path, labels, i):
        with_palette(labels, *((GRASS, KITE) if i < 4 else (KITE, GRASS))).save(path)

    assert problems(sets("grass 1 1 1\nkite 2 2 1\n", in_val))["palettes differ"].refused


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_few_bits_beside_more_are_not_certain(sets, kind):
    """A program that makes files smaller turns grey of 0 and 255 into 1 bit, and leaves 0, 1 and 255 as they are."""
    def smaller(path, labels, i):
        if i == 0:
            Image.fromarray(labels.astype(bool)).save(path, kind)

    found = problems(sets(spoil=smaller))["few bits"]
    assert found.refused and found.count == 1 and "00.png is grey of 1 bit, which can be read in two" in found.sentence


def test_few_bits_in_a_split_beside_a_palette_in_the_other_are_not_certain(sets):
    def optimised(path, labels, i):
        (Image.fromarray(labels.astype(bool)) if i < 4 else with_palette(1 - labels, KITE, GRASS)).save(path)

    assert problems(sets(spoil=optimised))["few bits"].count == 4


@pytest.mark.parametrize("second, refused", [(1, 6), (0, 5), (2, 0)])
def test_few_bits_that_could_be_greys_of_many_classes(sets, second, refused):
    """Of 20 classes 1 in 4 bits is class 1, or 17 as it is shown. Another file with a 2, shown as 34, decides."""
    path = sets(
        "".join(f"class {k}\n" for k in range(20)),
        lambda path, labels, i: grey_png(path, np.where(labels, second if i == 1 else 1, 0), 4),
    )
    found = problems(path).get("few bits")
    assert (found.count, found.refused) == (refused, True) if refused else found is None


def test_few_bits_that_can_only_be_greys(sets):
    """Of 0 and 255 in 4 bits only the greys are labels, where 15 is none."""
    path = sets(spoil=lambda path, labels, i: grey_png(path, np.where(labels, 15, 0), 4))
    assert survey(folder.dataset(path), "train").void == 4 * 144


@given(
    labels=st.lists(st.sampled_from([0, 1, 2, 3, 255]), min_size=6, max_size=6),
    order=st.permutations(range(5)),
    way=st.sampled_from(["grey", "palette", "RGB", "16 bits"]),
)
def test_no_certain_label_is_read_wrongly(tmp_path_factory, labels, order, way):
    """Numbers in any order under their colours, colours, greys: always the labels that were meant."""
    path = tmp_path_factory.mktemp("any") / "a.png"
    colours = [(9, 8, 7), (200, 3, 4), (5, 100, 6), (90, 80, 250), (255, 255, 255)]
    legend = Legend(("a", "b", "c", "d"), 255, {colour: (k,) for k, colour in enumerate(colours[:4])})
    labels = np.array(labels, np.uint8).reshape(2, 3)
    index = np.where(labels == 255, 4, labels)
    if way == "palette":
        with_palette(np.array(order)[index], *(colours[order.index(entry)] for entry in range(5))).save(path)
    elif way == "RGB":
        Image.fromarray(np.array(colours, np.uint8)[index]).save(path)
    else:
        Image.fromarray(labels.astype(np.uint8 if way == "grey" else np.uint16)).save(path)
    assert (read_labels(path, legend).labels == labels).all()


@pytest.mark.parametrize("how", ["upside", "square", "quarter"])
def test_photographs_that_are_turned(sets, how):
    note, size = {"upside": (3, (40, 56)), "square": (6, (48, 48)), "quarter": (6, (40, 56))}[how]
    path = sets(size=size)
    for file in [*(path / "train").iterdir(), *(path / "val").iterdir()]:
        image = Image.open(file).copy()
        file.unlink()
        image.save(file.with_suffix(".jpg"), exif=exif(note))
    found = problems(path)
    if how == "quarter":
        assert "40x56 pixels (height x width) and its image 56x40, turned by its EXIF note" in str(
            found["size before turning"]
        )
    else:
        assert found["turned photograph"].count == 6 and not found["turned photograph"].refused
        assert "its annotation must be of the turned picture (5 more like it)" in str(found["turned photograph"])


@pytest.mark.parametrize(
    "classes, change, kind, sentence, refused",
    [
        (THREE, lambda labels: labels + 1, "labels from 1", "No pixel is 0, and the highest label is 2", False),
        (TWO, lambda labels: labels + 1, "labels from 1", "the highest label is 2: do your labels start at 1?", True),
        (TWO, lambda labels: labels * 255, "greys", "are 0, 255, greys for people to see: write 0 and 1", True),
        (TWO, lambda labels: labels * 128, "greys", "The labels are 0, 128, greys", True),
        (THREE, lambda labels: np.where(labels, 255, 127 * (np.arange(56) > 20)), "greys", "write 0 to 2", True),
        (TWO, lambda labels: labels * 2, "greys", "0, 2", True),
        (TWO, lambda labels: np.where(labels, 2, np.arange(56) > 20), "a class too few", "is 0 one (a", True),
        (THREE, lambda labels: np.where(labels, 255, np.arange(56) > 20), "255 for a class", "for sea, write 2", False),
        (THREE, lambda labels: np.where(labels, 200 + np.arange(56) % 9, 0), "blended labels", "resized", True),
        (THREE, lambda labels: np.where(labels, np.arange(56) % 34, 0), "unknown label", "has a label 33", True),
        (THREE, lambda labels: labels + 2, "unknown label", "has a label 3", True),
        (THREE, lambda labels: labels * 4 + 1, "unknown label", "has a label 5", True),
    ],
)
def test_labels_that_are_numbered_in_another_way(sets, classes, change, kind, sentence, refused):
    path = sets(classes, lambda path, labels, i: Image.fromarray(change(labels).astype(np.uint8)).save(path))
    found = problems(path)
    assert next(iter(found)) == kind, "the cause comes first"
    assert sentence in found[kind].sentence and found[kind].refused == refused
    assert ("class missing in train" in found) == (kind == "255 for a class")


def test_every_second_class_is_no_row_of_greys(sets):
    found = problems(sets("a\nb\nc\nd\ne\n", lambda path, labels, i: Image.fromarray(labels * 2).save(path)))
    assert {*found} == {"class missing in train", "class missing in val"}


def test_a_last_class_that_is_missing_is_not_255_where_there_is_none(sets):
    assert {*problems(sets(THREE))} == {"class missing in train", "class missing in val"}


def test_what_is_refused_comes_before_what_could_be_wrong(sets):
    path = sets(spoil=lambda path, labels, i: Image.fromarray(labels * 0 + 1).save(path))
    assert [(kind, one.refused) for kind, one in problems(path).items()] == [
        ("train of one class", True), ("labels from 1", False), ("val of one class", False),
    ]


def test_what_is_read_by_colours_is_not_judged_as_numbers(sets):
    """Colours of the second and third of four classes, and white, which does not count: nothing is wrong with these."""
    def in_colour(path, labels, i):
        Image.fromarray(np.array([KITE, SEA, (255, 255, 255)], np.uint8)[labels + (np.arange(56) > 50)]).save(path)

    assert {*problems(sets(THREE + "sky 9 9 8\n", in_colour))} == {"class missing in train", "class missing in val"}


def test_masks_in_black_and_white_of_three_channels(sets):
    found = problems(sets(spoil=saved(lambda labels: Image.fromarray(255 * labels).convert("RGB"))))
    assert "The labels are 0, 255, greys for people to see: write 0 and 1" in found["greys"].sentence


def test_masks_of_0_and_255_among_those_of_0_and_1(sets):
    found = problems(sets(spoil=lambda path, labels, i: Image.fromarray(labels * (255 if i > 3 else 1)).save(path)))
    said = found["255 for a class"]
    assert not said.refused and said.first.replace("\\", "/").endswith("valannot/00.png")
    assert said.sentence.startswith(f"{said.first} has 0 and 255 alone, and no file has 255 beside others: if that is")


def test_files_whose_255_is_at_rims_are_no_masks_of_0_and_255(sets):
    def with_rim(path, labels, i):
        labels[labels == 1] = i > 0         # there is no kite in the first
        labels[0] = 255
        Image.fromarray(labels).save(path)

    assert not problems(sets(spoil=with_rim))


def test_rims_that_are_blended(sets):
    def smoothly(path, labels, i):
        Image.fromarray(2 * labels).resize((56, 40), Image.Resampling.BILINEAR, (3.3, 2.2, 50, 38)).save(path)

    path = sets(THREE, smoothly)
    found = problems(path)["blended rims"]
    assert not found.refused and "resize labels to the nearest" in found.sentence
    nearest = np.kron(np.random.default_rng(0).integers(0, 9, (6, 6)), np.ones((5, 5), int))
    assert not is_blended(nearest.astype(np.uint8))


def test_blended_rims_are_a_share_of_the_edges_that_could_have_one():
    """Between 0 and 1 there is no label. 20 edges make it a share, across or down."""
    labels = np.array([[0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 2, 2]], np.uint8).repeat(20, axis=0)
    assert is_blended(labels) and is_blended(labels.T)
    assert not is_blended(labels[:19])


def test_a_folder_of_another_tool(sets):
    path = sets(None, lambda path, labels, i: Image.fromarray(labels + 1).save(path))
    assert not problems(path)["taken for CamVid"].refused
    (path / "label_colors.txt").write_text("1 2 3 grass\n")
    found = problems(path)["taken for CamVid"]
    assert found.refused and "9 of CamVid's 11 classes have no pixel" in found.sentence
    assert found.first == str(path / "label_colors.txt")
    for file in path.glob("*annot/*.png"):
        Image.new("RGB", (56, 40), (1, 2, 3)).save(file)
    assert problems(path)["taken for CamVid"].refused


def test_camvid_with_a_list_beside_it(sets):
    def many(path, labels, i):
        Image.fromarray((np.arange(40 * 56) % 9).reshape(40, 56).astype(np.uint8)).save(path)

    path = sets(None, many)
    assert "taken for CamVid" not in problems(path)
    (path / "label_colors.txt").write_text("1 2 3 grass\n")
    assert not problems(path)["taken for CamVid"].refused
    (path / "classes.txt").write_text("".join(f"class {k}\n" for k in range(9)))
    found = problems(path)["classes of another tool"]
    assert not found.refused and "is the first class there the label 0?" in found.sentence


@pytest.mark.parametrize(
    "text, classes, palette",
    [
        ("60 160 60 grass\n220\t40 40  red kite\n", ("grass", "red kite"), [[60, 160, 60], [220, 40, 40]]),
        ("#3ca03c a grass\nred kite #DC2828\n", ("a grass", "red kite"), [[60, 160, 60], [220, 40, 40]]),
        ("grass\nkite\n", ("grass", "kite"), [[128, 0, 0], [0, 128, 0]]),
        ("grass 128 0 0\nkite\n class 1\n", ("grass", "kite", "class 1"), [[128, 0, 0], [0, 128, 0], [128, 128, 0]]),
        ("class 1 1 1 1\nroute 66\n", ("class 1", "route 66"), [[1, 1, 1], [128, 0, 0]]),
    ],
)
def test_classes_in_other_orders(tmp_path, text, classes, palette):
    (tmp_path / "classes.txt").write_text(text)
    names, colours, given = read_classes(tmp_path / "classes.txt")
    assert names == classes and colours.tolist() == palette
    assert given == {k for k, line in enumerate(text.splitlines()) if len(line.split()) > 3 or "#" in line}


@pytest.mark.parametrize(
    "line",
    [
        "aeroplane:128,0,0::", "Animal,64,128,64", "sky 1 2", "sky -1 2 3", "128 128 128", '{"name": "sky"}',
        "sky 1 2 3 # blue",
    ],
)
def test_lines_of_other_tools_are_no_names(tmp_path, line):
    (tmp_path / "classes.txt").write_text(f"road 1 2 3\n{line}\n")
    with pytest.raises(InputError, match="line 2: write a name and three numbers"):
        read_classes(tmp_path / "classes.txt")
    (tmp_path / "classes.txt").write_text("__ignore__\nsky\n")
    with pytest.raises(InputError, match="line 1: __ignore__ stands for no label"):
        read_classes(tmp_path / "classes.txt")


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("# my classes\nsky\nroad\n", "line 1: each line is a class, and '# my classes' is none: delete that line"),
        ("sky 1 2 3\n// sea 1 2 4\nroad 1 2 5\n", "line 2: each line is a class, and '// sea' is none"),
        ("name R G B\nsky 1 2 3\nroad 1 2 5\n", "line 1: each line is a class, and 'name R G B' is none"),
        ("r g b name\n1 2 3 sky\n1 2 5 road\n", "line 1: each line is a class, and 'r g b name' is none"),
        ("s\0k\0y\0\nr\0o\0a\0d\0\n", r"line 1: 's\x00k\x00y\x00' is not plain text: save the file as UTF-8"),
        ("sky\n\u200b 1 2 3\n", r"line 2: the name '\u200b' cannot be seen: give the class another"),
        ("1 sky\n0 road\n", "has numbers before the names, from 1 on, but labels are counted from 0, by lines"),
        ("0 1 2 3 sky\n1 1 2 5 road\n", "has numbers before the names, from 3 on"),
        ("1 2 3 255 sky\n1 2 5 255 road\n", "has numbers before the names, from 255 on"),
        ("sky 1\nroad 0\n", "has numbers behind the names, from 1 on, but labels are counted from 0, by lines"),
        ("id name\n0 sky\n1 road\n", "line 1: each line is a class, and 'id name' is none: delete that line"),
        ("sky 1 2 3 255\nroad 1 2 5 255\n", "has four numbers in each line: leave out the last one, or if the first"),
        ("background 0 0 0 0\nsky 1 2 3 255\n", "has four numbers in each line"),
    ],
)
def test_lines_that_would_shift_the_classes(tmp_path, text, sentence):
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(InputError) as caught:
        read_classes(tmp_path / "classes.txt")
    assert sentence in str(caught.value)


@pytest.mark.parametrize("names", [
    ("\U0001fae9", "\ue000"),                       # of a later Unicode, and of none
    ("0 sky", "1 road"), ("sky 0", "road 1"), ("lane 1", "lane 2"), ("lane 2", "lane 1"), ("label", "bottle"),
    ("name", "address"), ("grade 1", "grade 0"), ("lane 1", "lane 0"),
])
@pytest.mark.parametrize("colours", ["", " 0 0 255", " #0000ff"])
def test_lines_that_shift_nothing(tmp_path, names, colours):
    (tmp_path / "classes.txt").write_text("".join(f"{name}{colours}\n" for name in names))
    if names == ("sky 0", "road 1") and colours == " 0 0 255":
        with pytest.raises(InputError, match="has four numbers in each line"):          # as which it could be meant
            read_classes(tmp_path / "classes.txt")
        return
    assert read_classes(tmp_path / "classes.txt")[0] == names


def test_255_names_have_255_colours(tmp_path):
    (tmp_path / "classes.txt").write_text("".join(f"c{i}\n" for i in range(255)))
    _, colours, given = read_classes(tmp_path / "classes.txt")
    assert len(np.unique(colours, axis=0)) == 255 and not given
    assert (0, 0, 0) not in map(tuple, colours.tolist()) and (255, 255, 255) not in map(tuple, colours.tolist())


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("00.jpg", "there is 00.jpg: save it as PNG from the program it was drawn in"),
        ("00_L.png", "there is 00_L.png: rename it"),
        ("00.png.bak", ""),
        ("001.png", ""),
    ],
)
def test_an_annotation_under_another_name(sets, name, sentence):
    path = sets()
    (path / "trainannot" / "00.png").rename(path / "trainannot" / name)
    found = problems(path)["no annotation"].sentence
    assert found.endswith(f"00.png is missing{', ' if sentence else ''}{sentence}")


def test_an_annotation_of_another_case(sets):
    path = sets()
    (path / "train" / "00.png").rename(path / "train" / "Kite.png")
    (path / "trainannot" / "00.png").rename(path / "trainannot" / "kite.png")
    assert "there is kite.png: rename it" in problems(path)["no annotation"].sentence


def test_an_annotation_whose_name_has_letters_of_another_width(sets):
    path = sets()
    (path / "train" / "00.png").rename(path / "train" / "\uff10\uff10.png")
    assert "there is 00.png: rename it" in problems(path)["no annotation"].sentence


def test_an_annotation_that_belongs_to_another_photograph_is_not_offered(sets):
    path = sets()
    (path / "trainannot" / "00.png").unlink()
    for which in ("train", "trainannot"):
        (path / which / "01.png").rename(path / which / "00-1.png")
    assert problems(path)["no annotation"].sentence.endswith("00.png is missing")


def test_an_annotation_that_is_a_link_to_nowhere(sets):
    path = sets()
    (path / "trainannot" / "00.png").unlink()
    (path / "trainannot" / "00.png").symlink_to("gone.png")
    assert problems(path)["broken link"].first == str(path / "trainannot" / "00.png")


def test_names_whose_accents_are_written_in_two_ways(sets):
    path = sets()
    for which, form in (("train", "NFD"), ("trainannot", "NFC")):
        (path / which / "00.png").rename(path / which / unicodedata.normalize(form, "café.png"))
    assert not problems(path)


def test_two_annotations_of_one_photograph(sets):
    path = sets()
    Image.new("L", (56, 40)).save(path / "trainannot" / "00.PNG", "PNG")
    with pytest.raises(InputError, match="would be annotations of one photograph"):
        folder.samples(path, "train")


def test_files_that_are_not_looked_at(sets, monkeypatch, capsys):
    path = sets()
    (path / "train" / "more").mkdir()
    (path / "train" / "z.png").mkdir()
    for name in ("train/Thumbs.db", "train/a.webp", "train/b.tif", "valannot/c.bmp", "train/.hidden.webp"):
        (path / name).write_bytes(b"x")
    found = problems(path)["not looked at"]
    assert found.count == 5 and not found.refused
    assert found.sentence.startswith("5 files were not looked at (.bmp, .tif, .webp, more/, ...), the first is ")
    for photograph in sorted((path / "train").glob("0?.png"))[1:]:      # each would take a third of a second
        photograph.unlink()
    command(monkeypatch, "predict", str(path / "train"), "--out", "seen")
    assert "4 files were not looked at (.tif, .webp, more/, z.png/)" in capsys.readouterr().out


def test_a_folder_in_capitals(sets):
    path = sets()
    (path / "train").rename(path / "Train")
    with pytest.raises(InputError, match=r"there is no folder .*train: rename Train/"):
        folder.samples(path, "train")
    (path / "Train").rename(path / "elsewhere")
    (path / "train").write_text("")
    with pytest.raises(InputError, match=r"there is no folder .*train: a data set has one, beside trainannot/"):
        folder.samples(path, "train")


def test_a_folder_of_other_files_alone(sets, monkeypatch):
    path = sets()
    for file in (path / "train").iterdir():
        file.rename(file.with_suffix(".heic"))
    with pytest.raises(InputError, match=r"no photograph .* in .*train, but 4 files were not looked at \(.heic\)"):
        folder.samples(path, "train")
    with pytest.raises(InputError, match=r"no photograph .* in .*train, and 4 files were not looked at \(.heic\)"):
        command(monkeypatch, "predict", str(path / "train"))


def test_a_heic_photograph_under_another_name(sets):
    path = sets()
    (path / "train" / "00.png").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    assert problems(path)["HEIC"].sentence.endswith("00.png is a HEIC photograph, as phones take them: save it as JPEG")


def test_a_file_that_may_not_be_read(sets, monkeypatch):
    path, opened = sets(), Image.open

    def shut(file, *args, **options):
        if str(file).endswith("02.png"):
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file, *args, **options)

    monkeypatch.setattr(Image, "open", shut)
    assert problems(path)["may not be read"].sentence.endswith("02.png may not be read: change its rights")


def test_a_folder_that_may_not_be_read(sets, monkeypatch, capsys):
    path, listed = sets(), Path.iterdir

    def shut(folder):
        if folder.name == "trainannot":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", shut)
    with pytest.raises(InputError, match="1 to mend"):
        command(monkeypatch, "check-data", str(path))
    assert "trainannot may not be read: change its rights" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("dtype, values", [
    (np.float32, [0, 1]), (np.int32, [0, 200]), (np.int32, [-5, 3000]), (np.int32, [0, 70000]), (np.uint16, [0, 255]),
    (">u2", [0, 255]),
])
def test_photographs_of_no_certain_range(tmp_path, dtype, values):
    Image.fromarray(np.array([values], dtype)).save(tmp_path / "a.tif")
    with pytest.raises(FileError, match=f"has pixels from {values[0]} to {values[1]}, of no certain range"):
        read_photograph(tmp_path / "a.tif")


def test_a_photograph_of_12_bits_in_16_is_asked_about(sets, monkeypatch, capsys):
    path = sets()
    photograph = sorted((path / "train").iterdir())[0]
    values = np.array(Image.open(photograph).convert("L"), np.uint16) * 16
    Image.fromarray(values).save(photograph)
    command(monkeypatch, "check-data", str(path))
    said = " ".join(capsys.readouterr().out.split())
    assert f"{photograph} is almost black, no channel of a pixel is above {values.max() // 257} of 255" in said


def test_photographs_of_other_pixel_types(tmp_path, monkeypatch):
    Image.fromarray(np.array([[0, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert read_photograph(tmp_path / "a.png").tolist() == [[[0] * 3, [255] * 3]]
    Image.fromarray(np.array([[0, 65535]], ">u2")).save(tmp_path / "b.tif")
    assert Image.open(tmp_path / "b.tif").mode == "I;16B"
    assert read_photograph(tmp_path / "b.tif").tolist() == [[[0] * 3, [255] * 3]]
    Image.fromarray(np.array([[0, 65535]], np.int32)).save(tmp_path / "a.tif")
    assert read_photograph(tmp_path / "a.tif").tolist() == [[[0] * 3, [255] * 3]]
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / "grey.png")
    told_to_have_a_palette = (tmp_path / "grey.png").read_bytes()[12:29].replace(b"\x08\0\0\0\0", b"\x08\3\0\0\0")
    (tmp_path / "palette.png").write_bytes(
        (tmp_path / "grey.png").read_bytes()[:12] + told_to_have_a_palette
        + zlib.crc32(told_to_have_a_palette).to_bytes(4) + (tmp_path / "grey.png").read_bytes()[33:]
    )
    with pytest.raises(FileError, match=r"palette.png cannot be read as an image \(it has no palette\): put an intact"):
        read_photograph(tmp_path / "palette.png")
    Image.new("LAB", (1, 1), (255, 128, 128)).save(tmp_path / "lab.tif")
    assert read_photograph(tmp_path / "lab.tif").min() > 250                # white
    monkeypatch.setattr("tinysegnet.data.photographs.decoded", lambda path, content: Image.new("La", (2, 1)))
    with pytest.raises(FileError, match=r"odd.tif is of the mode La: save it in RGB"):
        read_photograph("odd.tif")


def test_a_photograph_is_turned_though_its_note_is_damaged(tmp_path):
    note, picture = exif(6), Image.new("RGB", (3, 2), "white")
    note[0x010F] = "Camera"
    damaged = note.tobytes().replace(b"\x01\x0f\0\x02", b"\x01\x00\0\x02")     # a width in letters
    picture.save(tmp_path / "a.png", exif=damaged)
    assert read_photograph(tmp_path / "a.png").shape == (3, 2, 3)
    picture.save(tmp_path / "b.png", exif=exif(9))
    assert upright_photograph(tmp_path / "b.png")[1] is False


@pytest.mark.parametrize("note", range(1, 9))
def test_photographs_are_turned_as_pillow_turns_them(tmp_path, note):
    image = Image.fromarray(np.arange(18, dtype=np.uint8).reshape(2, 3, 3))
    image.save(tmp_path / "a.png", exif=exif(note))
    expected = np.array(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    assert (read_photograph(tmp_path / "a.png") == expected).all()


def test_a_link_that_leads_nowhere_is_one_bad_file_of_many(sets):
    path = sets()
    (path / "train" / "00.png").unlink()
    (path / "train" / "00.png").symlink_to("gone.png")
    seen = survey(folder.dataset(path), "train")
    assert seen.images == 3
    assert "00.png is a link to a file that is not there" in seen.notes.problems["broken link"].sentence


def test_val_of_one_class(sets):
    path = sets(spoil=lambda path, labels, i: Image.fromarray(labels * (i < 4)).save(path))
    assert "All of val is grass" in problems(path)["val of one class"].sentence


def command(monkeypatch, *options):
    monkeypatch.setattr("sys.argv", ["tinysegnet", *options])
    commands.main()


def test_check_data_says_a_kind_once(sets, monkeypatch, capsys):
    sets(spoil=saved(Image.fromarray, "JPEG"))
    with pytest.raises(InputError, match="6 to mend"):
        command(monkeypatch, "check-data", "kites")
    text = capsys.readouterr().out
    assert text.count("blurs labels") == 1 and "(5 more like it)" in text and "cannot be learnt" not in text
    assert "% of pixels" not in text and max(map(len, text.splitlines())) <= 80


def test_check_data_goes_on_after_a_split_that_is_not_there(sets, monkeypatch, capsys):
    path = sets(spoil=saved(Image.fromarray, "JPEG"))
    (path / "val").rename(path / "validation")
    with pytest.raises(InputError, match="5 to mend"):
        command(monkeypatch, "check-data", "kites")
    text = capsys.readouterr().out
    assert "there is no folder kites/val" in text.replace("\\", "/") and "blurs labels" in text


def test_photographs_for_test_without_annotations_are_no_fault(sets, monkeypatch, capsys):
    path = sets()
    (path / "test").mkdir()
    command(monkeypatch, "check-data", "kites")
    assert "there is no folder kites/testannot" in capsys.readouterr().out.replace("\\", "/")


def test_check_data_names_the_option_that_helps(sets, monkeypatch, capsys):
    path = sets(size=(15, 15), seed=3)
    for which in ("train", "trainannot"):
        (path / which / "03.png").unlink()
    command(monkeypatch, "check-data", "kites")
    text = capsys.readouterr().out
    assert "Images of 15x15 are too small" in text and "train with --batch 3" in text
    with pytest.raises(InputError, match="2 that could be wrong, and --strict was asked for"):
        command(monkeypatch, "check-data", "kites", "--strict")


def test_check_data_for_programs(sets, monkeypatch, capsys):
    path = sets(spoil=saved(Image.fromarray, "JPEG"))
    with pytest.raises(InputError):
        command(monkeypatch, "check-data", "kites", "--json")
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["ok", "classes", "splits", "problems"] and not said["ok"]
    assert said["classes"] == ["grass", "kite"]
    assert said["splits"]["val"] == {"images": 0, "pixels": [0, 0], "void": 0}
    one = said["problems"][0]
    assert list(one) == ["kind", "count", "first", "sentence", "refused"] and one["count"] == 6 and one["refused"]
    (path / "classes.txt").write_text("grass")
    with pytest.raises(InputError):
        command(monkeypatch, "check-data", "kites", "--json")
    said = json.loads(capsys.readouterr().out)
    assert not said["ok"] and "names 1 classes" in said["problems"][0]["sentence"] and said["splits"] == {}
    (path / "classes.txt").rename(path / "label_colors.txt")
    for file in path.glob("*annot/*.png"):
        Image.new("L", (56, 40), 1).save(file)
    with pytest.raises(InputError):
        command(monkeypatch, "check-data", "kites", "--json")
    assert json.loads(capsys.readouterr().out)["problems"][0]["kind"] == "taken for CamVid"


@pytest.mark.parametrize("what", ["a picture", "a name"])
def test_what_is_printed_for_programs_is_whole_whatever_fails(sets, monkeypatch, capsys, what):
    sets()
    with pytest.raises((InputError, OSError)):
        if what == "a picture":
            command(monkeypatch, "check-data", "kites", "--json", "--picture", "nowhere/sheet.png")
        else:
            command(monkeypatch, "check-data", 300 * "k", "--json")
    (problem,) = (said := json.loads(capsys.readouterr().out))["problems"]
    assert not said["ok"] and re.search(r"(cannot be written|read or written) \(.*\): (see|give)", problem["sentence"])


def test_what_is_printed_for_programs_is_ascii(sets, monkeypatch, capsys):
    sets("gr\xe4s\nd\U0001f98e\n")
    command(monkeypatch, "check-data", "kites", "--json")
    text = capsys.readouterr().out
    assert text.isascii() and json.loads(text)["classes"] == ["gr\xe4s", "d\U0001f98e"]


def test_check_data_for_programs_when_all_is_well(sets, monkeypatch, capsys):
    sets()
    command(monkeypatch, "check-data", "kites", "--json", "--strict")
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] and said["problems"] == [] and said["splits"]["train"]["images"] == 4
    assert said["splits"]["train"]["pixels"] == [4 * (40 * 56 - 144), 4 * 144]


def test_a_contact_sheet(sets, tmp_path, monkeypatch, capsys):
    sets()
    command(monkeypatch, "check-data", "kites", "--picture", "sheet.png")
    pixels = np.array(Image.open("sheet.png").convert("RGB")).reshape(-1, 3)
    for colour in (GRASS, KITE):
        assert (pixels == colour).all(axis=1).sum() > 500
    with pytest.raises(SystemExit):
        command(monkeypatch, "check-data", "kites", "--picture", "sheet.jpg")
    assert "ends in .png" in capsys.readouterr().err
    with pytest.raises(InputError, match="cannot be written"):
        command(monkeypatch, "check-data", "kites", "--picture", "nowhere/sheet.png")


def test_a_contact_sheet_of_tall_photographs_and_long_names(sets, monkeypatch, capsys):
    sets("x" * 300 + "\nkite\n", size=(1500, 20))
    command(monkeypatch, "check-data", "kites", "--picture", "sheet.png")
    width, height = Image.open("sheet.png").size
    assert height < 1.5 * width
    data = folder.dataset("kites")
    assert {pixels.shape[:2] for _, *pair in contact_sheet.readable(data) for pixels in pair} == {(500, 7)}


@pytest.mark.parametrize("left", ["train/01.png", None])
def test_a_contact_sheet_of_what_can_be_used(sets, monkeypatch, capsys, left):
    """One annotation of four, as half-way through labelling, and none."""
    path = sets()
    for photograph in [*(path / "train").iterdir()]:
        if left is None or not photograph.samefile(path / left):
            (path / "trainannot" / photograph.name).unlink()
    with pytest.raises(InputError, match=f"^{3 if left else 4} to mend"):
        command(monkeypatch, "check-data", "kites", "--picture", "sheet.png")
    assert Path("sheet.png").exists() == bool(left)


@pytest.mark.filterwarnings("error")
def test_a_contact_sheet_of_void_alone_whose_names_the_font_lacks(sets, monkeypatch, capsys):
    path = sets(spoil=lambda path, labels, i: Image.fromarray(np.full_like(labels, 255)).save(path))
    for name in ("00.png", "03.png"):
        for folder_of in ("train", "trainannot"):
            (path / folder_of / name).rename(path / folder_of / f"\u5199\u771f{name}")
    with pytest.raises(InputError, match="2 to mend"):
        command(monkeypatch, "check-data", "kites", "--picture", "sheet.png")
    assert Path("sheet.png").exists()
    said = " ".join(capsys.readouterr().err.split())
    assert "2 ? is \u5199\u771f00.png, 3 ? is \u5199\u771f03.png." in said and said.count("In pictures") == 1


@pytest.mark.parametrize("name", ["Void", "unlabelled"])
def test_a_class_that_is_called_void_is_asked_about(sets, name):
    found = problems(sets(f"grass\nkite\n{name}\n"))["void is a class"]
    assert found.sentence.startswith(f"{name!r} is a class here") and not found.refused
    assert "write 255 for it and, as its line" in found.sentence


def test_a_data_set_that_is_read_in_another_way_is_surveyed_so(sets):
    """As an experiment does that makes two classes of eleven."""
    data = folder.dataset(sets())
    exchanged = replace(data, read=lambda sample: (data.read(sample)[0], 1 - data.read(sample)[1]))
    assert survey(exchanged, "train").pixels.tolist() == survey(data, "train").pixels.tolist()[::-1]
