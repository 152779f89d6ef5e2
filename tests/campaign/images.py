"""Damaged photographs and label files of every format: read, or refused in a sentence.

What a format has a checksum over is read as it was, or refused: all of a PNG. In others a bit of a pixel may change,
and nobody can know: that they are counted apart.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from test_checkpoint import mutated

from tinysegnet.data.labels import Legend, read_labels
from tinysegnet.data.photographs import read_photograph
from tinysegnet.support.errors import InputError

COUNT, SECONDS = 50_000, 30
PALETTE = (60, 160, 60), (220, 40, 40), (90, 150, 230)
LEGEND = Legend(("grass", "kite", "sky"), 255, {colour: (k,) for k, colour in enumerate(PALETTE)})


def photographs():
    """One of each kind, with an EXIF note, 16 bits or alpha where a format knows these."""
    rng = np.random.default_rng(0)
    pixels = np.kron(rng.integers(0, 256, (6, 8, 3), np.uint8), np.ones((4, 4, 1), np.uint8))
    image, note = Image.fromarray(pixels), Image.Exif()
    note[0x0112] = 6
    for name, one, options in (
        ("plain.png", image, {}), ("turned.png", image, {"exif": note}), ("alpha.png", image.convert("RGBA"), {}),
        ("deep.png", Image.fromarray(pixels[..., 0].astype(np.uint16) * 257), {}), ("grey.png", image.convert("L"), {}),
        ("few.png", image.quantize(16), {}), ("plain.jpg", image, {}), ("turned.jpg", image, {"exif": note}),
        ("progressive.jpg", image, {"progressive": True}), ("inks.jpg", image.convert("CMYK"), {}),
        ("plain.bmp", image, {}), ("plain.gif", image, {}), ("plain.tif", image, {}), ("packed.tif", image, {
            "compression": "tiff_lzw"}), ("plain.webp", image, {}), ("lossless.webp", image, {"lossless": True}),
    ):
        path = Path(name)
        one.save(path, **options)
        yield path, lambda path: {"pixels": read_photograph(path)}


def annotations():
    rng = np.random.default_rng(1)
    labels = np.kron(rng.choice([0, 1, 2, 255], (6, 8)).astype(np.uint8), np.ones((4, 4), np.uint8))
    coloured = np.array([*PALETTE, *[(255,) * 3] * 253], np.uint8)[labels]
    numbered = Image.fromarray(labels)
    numbered.putpalette([value for colour in PALETTE for value in colour] + [255] * 759)
    for name, image in (
        ("grey.png", Image.fromarray(labels)), ("deep.png", Image.fromarray(labels.astype(np.uint16))),
        ("palette.png", numbered), ("colours.png", Image.fromarray(coloured)), ("grey.bmp", Image.fromarray(labels)),
        ("palette.gif", numbered), ("grey.tif", Image.fromarray(labels)), ("colours.tif", Image.fromarray(coloured)),
    ):
        path = Path(f"labels-{name}")
        image.save(path)
        yield path, lambda path: {"labels": read_labels(path, LEGEND).labels}


def trials():
    files = [(path, path.read_bytes(), read, read(path)) for path, read in (*photographs(), *annotations())]

    def trial(number):
        path, whole, read, expected = files[number % len(files)]
        damaged = Path(f"damaged{path.suffix}")
        damaged.write_bytes(mutated(whole, np.random.default_rng(number)))
        try:
            [(what, array)] = read(damaged).items()
        except InputError as error:
            assert str(damaged) in str(error) and "\n" not in str(error), error
            return "refused"
        assert array.dtype == np.uint8 and array.ndim == expected[what].ndim and array.size
        if array.shape == expected[what].shape and (array == expected[what]).all():
            return "read as it was"
        assert path.suffix != ".png", f"{path.name} is read as another"
        return f"other {what} of a format without checksums"

    return trial
