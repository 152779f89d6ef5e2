"""What a label file says: the class of each pixel, by its number or by its colour; or why that is not certain.

A file can be read in several ways. With a palette, each pixel has a number and each number a colour; a program that
makes files smaller may have changed all the numbers, and every viewer shows the same. Grey of fewer than 8 bits has
numbers of its own, and viewers show multiples of them. So all ways are tried. One is possible if it gives every pixel a
class, or void. If only one is, or all that are agree, the file is read so. If not, a rule decides where it can be sure,
and where it cannot, the file is refused.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tinysegnet.data.photographs import damaged, decoded, orientation
from tinysegnet.data.problems import FileError

LOSSLESS = "PNG", "BMP", "GIF", "TIFF"
BLURRING = {"JPEG": "a JPEG", "MPO": "a JPEG", "JPEG2000": "a JPEG 2000", "WEBP": "a WebP", "AVIF": "an AVIF"}
BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262         # of TIFF's tags
BLURRED_TIFF = "jpeg", "tiff_jpeg", "webp"      # what Pillow calls such compressions
SMALL = 64                                      # a grey that is no one's choice of a colour
AT_ONCE = 2**20                                 # pixels are worked on: that takes many times the memory of their file


@dataclass(frozen=True)
class Legend:
    """How the classes of a data set are written in its label files.

    classes  their names, in the order of their numbers
    ignore   the number of void
    colours  {(r, g, b): (numbers)} of the colours that are given: those of the classes that have it, or of void
    file     that says them
    """

    classes: tuple[str, ...]
    ignore: int
    colours: dict
    file: str = "classes.txt"

    def of_numbers(self, numbers):
        """The label for each number, -1 where it is of no class and not void."""
        known = (numbers >= 0) & (numbers < len(self.classes)) | (numbers == self.ignore)
        return np.where(known, numbers, -1)

    def of_colours(self, colours):
        """The label for each colour, (n, 3): -1 where it is not that of one class. Void is grey, of its own number."""
        known = {(self.ignore,) * 3: (self.ignore,)} | self.colours
        owners = [known.get(tuple(colour), ()) for colour in colours.tolist()]
        return np.array([labels[0] if len(labels) == 1 else -1 for labels in owners], np.int64)

    def name(self, label):
        return "void" if label == self.ignore else f"{self.classes[label]} (label {label})"


@dataclass(frozen=True)
class LabelFile:
    """A label file that was read.

    labels   uint8 (H, W)
    way      by which: "number", its "colour" or "grey" (what viewers show), or "RGB" if a pixel has no number
    bits     of a pixel, if it is grey and has no palette
    unsure   whether its grey of few bits could also mean what viewers show
    palette  {number: (r, g, b)} of those that occur, void aside, if it was read by the numbers of a palette that are
             not its greys
    """

    labels: np.ndarray
    way: str
    bits: int | None = None
    unsure: bool = False
    palette: dict = field(default_factory=dict)


def read_labels(path, legend):
    """The LabelFile at `path`. Raises FileError if it cannot hold labels, or which ones is not certain."""
    image = decoded(path)
    check_format(path, image)
    image = opaque(path, image)
    if image.mode == "P":
        return by_palette(path, image, legend)
    if image.mode == "RGB":
        return by_colour(path, np.array(image), legend)
    if image.mode in ("1", "L", "I") or image.mode.startswith("I;16"):
        return by_grey(path, image, legend)
    way_out = "an annotation is grey, of a palette, or in the colours of classes.txt"
    raise FileError("pixel type", path, f"is an image of mode {image.mode}: {way_out}")


def check_format(path, image):
    """Raise FileError if its format blurs labels, or does not say which picture is meant, and which way up."""
    kind, compression = image.format, str(image.info.get("compression"))
    if kind in BLURRING or compression in BLURRED_TIFF:
        what = BLURRING.get(kind, f"a {kind} compressed by {compression}")
        text = f"is {what}, which blurs labels: save it as PNG from the program it was drawn in"
        raise FileError("blurred labels", path, text)
    if kind not in LOSSLESS:
        raise FileError("format", path, f"is a {kind} image: save it as PNG")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as opened:      # loaded, it is asked no more
            count = getattr(opened, "n_frames", 1)
    except MemoryError:
        raise
    except Exception as error:              # a further picture may be damaged, in any way
        raise damaged(path, error) from error
    if count > 1:
        raise FileError("several pictures", path, f"has {count} pictures in it: save the one that is meant")
    if bits_of(path, image) > 8 and len(image.getbands()) > 1:      # Pillow keeps 8 of them
        raise FileError("pixel type", path, "has 16 bits a channel: save it with 8 bits, or as 16-bit grey")
    if kind == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == 0:       # Pillow gives what is shown, 1 for 0
        raise FileError("pixel type", path, "is a TIFF whose 0 is shown as white, of no certain class: save it as PNG")
    if orientation(image) != 1:
        text = "has a note that it is to be turned (EXIF orientation): turn it, and save it without the note"
        raise FileError("turned labels", path, text)


def opaque(path, image):
    """The image without its alpha channel. Raises FileError if that, or a note, makes pixels transparent."""
    if not image.has_transparency_data:
        return image
    exact = image.mode == "P" or bits_of(path, image) == 8      # of other bits Pillow mistakes the colour
    if not exact or image.convert("RGBA").getchannel("A").getextrema() != (255, 255):
        raise FileError("transparent", path, "is transparent in parts, of no certain class: save it without alpha")
    without = {"LA": "L", "PA": "P", "RGBA": "RGB"}.get(image.mode)
    return image.convert(without) if without else image


def by_grey(path, image, legend):
    """Grey of 1 to 32 bits: the number that is stored, or if that is none, what a viewer makes of it in 8 bits."""
    stored, bits = np.array(image), bits_of(path, image)
    if stored.dtype == bool:
        stored = stored.astype(np.uint8)
    if bits in (2, 4):
        stored //= 255 // (2**bits - 1)         # by which Pillow has multiplied
    highest = int(stored.max())
    if stored.min() < 0 or highest > 65535:
        raise unknown_labels(path, stored, legend)
    numbers = numbers_in(stored)
    of_stored, of_shown = legend.of_numbers(numbers), legend.of_numbers(shown(numbers, bits))
    if possible(of_stored):
        unsure = bits < 8 and possible(of_shown) and bool((of_stored != of_shown).any())
        return LabelFile(exchanged(stored, numbers, of_stored), "number", bits, unsure)
    if possible(of_shown):
        return LabelFile(exchanged(stored, numbers, of_shown), "grey", bits)
    raise unknown_labels(path, stored, legend)


def shown(numbers, bits):
    """What viewers make of numbers of so many bits, in 8 bits; -1 for those of more that are not such a grey."""
    if bits <= 8:
        return numbers * (255 // (2**bits - 1))
    return np.where(numbers % 257, -1, numbers // 257)


def bits_of(path, image):
    """Of a channel of the image, as it is in the file: 1, 2, 4, 8, 16 or 32."""
    if image.format == "PNG":
        with open(path, "rb") as file:
            return file.read(25)[24]            # in its first chunk
    if image.format == "TIFF":
        return image.tag_v2.get(BITS_PER_SAMPLE, (1,))[0]
    return 1 if image.mode == "1" else 8


def by_palette(path, image, legend):
    """By the numbers, or by the colours that these have in the palette."""
    pixels = np.array(image)
    numbers = numbers_in(pixels)
    palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
    if numbers[-1] >= len(palette):
        text = f"has a pixel {numbers[-1]}, and its palette {len(palette)} colours, as if numbers had been cut off: "
        raise FileError("palette", path, text + "save it as grey numbers of 8 bits")
    colours = palette[numbers]
    ways = possible_ways(legend, colours, number=legend.of_numbers(numbers))
    if not ways:
        raise unknown_labels(path, pixels, legend)
    way = agreed(ways)
    if {"number", "colour"} <= ways.keys() and (ways["number"] == ways["colour"])[numbers != legend.ignore].all():
        way = "number"      # void may have any colour, such as the black that palettes are filled up with
    if way is None and "colour" not in ways and are_labels(colours[:, 0], numbers, len(legend.classes)):
        way = "grey"
    if way is None:
        raise two_readings(path, ways, colours, legend)
    if ways.keys() == {"number"} and contradicts(numbers, colours, legend):
        said = ", ".join(f"{number} is {in_words(colour)}" for number, colour in zip(numbers[:4], colours))
        text = f"has a palette ({said}) that is not that of classes.txt: save it as grey numbers of 8 bits"
        raise FileError("palette", path, text)
    by_number_alone = way == "number" and "grey" not in ways
    used = dict(zip(numbers.tolist(), map(tuple, colours.tolist()))) if by_number_alone else {}
    used.pop(legend.ignore, None)
    return LabelFile(exchanged(pixels, numbers, ways[way]), way, palette=used)


def contradicts(numbers, colours, legend):
    """Whether a palette shows that the numbers are no labels: it has a class's colour, and not for all numbers their
    own, or small greys that are other labels."""
    if is_grey(colours):
        greys = colours[:, 0]
        return len({*greys}) == len(greys) and bool((greys != numbers).any() and greys.max() < SMALL)
    of_colours, coloured = legend.of_colours(colours), colours.min(axis=1) < colours.max(axis=1)
    return bool((of_colours[coloured] >= 0).any() and ((of_colours != numbers) & (numbers != legend.ignore)).any())


def are_labels(greys, numbers, classes):
    """Whether some greys are small, as no one would draw them, and all are not even steps from black to white."""
    ramps = [np.round(255 * numbers / steps) for steps in range(1, classes + 1)]
    return bool(((greys > 0) & (greys < classes)).any() and not any((greys == ramp).all() for ramp in ramps))


def by_colour(path, pixels, legend):
    """By the colours of classes.txt, or by the number that is in all three channels."""
    found, counts = counted(packed(band) for band in bands(pixels))
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    ways = possible_ways(legend, colours)
    if not ways and is_grey(colours):
        raise unknown_labels(path, pixels[..., 0], legend)
    if not ways:
        unknown = legend.of_colours(colours) == -1
        most = colours[np.where(unknown, counts, 0).argmax()]
        there = (pixels == most.astype(np.uint8)).all(axis=2)
        place = np.unravel_index(there.argmax(), there.shape)
        raise unknown_colours(path, pixels[tuple(place)], place, np.count_nonzero(unknown) - 1, legend)
    way = agreed(ways)
    if way is None:
        raise two_readings(path, ways, colours, legend)
    table = ways[way].astype(np.uint8)
    labels = np.concatenate([table[np.searchsorted(found, packed(band))] for band in bands(pixels)])
    return LabelFile(labels, "RGB" if way == "colour" else "number")


def bands(pixels):
    """An image in bands of rows, of AT_ONCE pixels or less, or of one row."""
    rows = max(1, AT_ONCE // pixels.shape[1])
    return (pixels[start : start + rows] for start in range(0, len(pixels), rows))


def packed(pixels):
    """Each colour as one number."""
    red, green, blue = (pixels[..., i].astype(np.int32) for i in range(3))
    return red << 16 | green << 8 | blue


def counted(parts):
    """The numbers in all of the arrays, in order, and how often each is there."""
    found, counts = zip(*map(counted_in, parts))
    found, where = np.unique(np.concatenate(found), return_inverse=True)
    return found, np.bincount(where, np.concatenate(counts))


def counted_in(numbers):
    found = np.sort(numbers, axis=None)             # np.unique with all that is asked of it takes ten times as long
    starts = np.flatnonzero(np.diff(found, prepend=-1))
    return found[starts], np.diff(starts, append=found.size)


def numbers_in(stored):
    """Those numbers, none of which is negative, that an image has."""
    most = int(stored.max()) + 1
    return np.flatnonzero(sum(np.bincount(band.ravel(), minlength=most) for band in bands(stored)))


def possible_ways(legend, colours, **ways):
    """{way: label for each entry}, of those given and those that the entries' colours make possible."""
    ways["colour"] = legend.of_colours(colours)
    if is_grey(colours):
        ways["grey"] = legend.of_numbers(colours[:, 0])
    return {way: labels for way, labels in ways.items() if possible(labels)}


def agreed(ways):
    """By which of the possible ways a file is certainly read, or None.

    That is one with which all others agree; or which two of three give; or the colour rather than a palette's number.
    """
    names = list(ways)
    for i, one in enumerate(names):
        if len(names) == 1 or any((ways[one] == ways[other]).all() for other in names[i + 1 :]):
            return one
    return "colour" if names == ["number", "colour"] else None


def possible(labels):
    return bool((labels >= 0).all())


def is_grey(colours):
    return bool((colours == colours[:, :1]).all())


def exchanged(pixels, numbers, labels):
    """uint8 (H, W): for each number its label."""
    table = np.zeros(numbers[-1] + 1, np.uint8)
    table[numbers] = labels
    return np.concatenate([table[band] for band in bands(pixels)])


def unknown_labels(path, stored, legend):
    """FileError of numbers that are no labels."""
    numbers = np.unique(stored).astype(np.int64)
    highest = numbers[legend.of_numbers(numbers) == -1].max()
    text = f"has a label {highest}: labels are 0 to {len(legend.classes) - 1}, and {legend.ignore} for void"
    greys = sum(np.bincount(band[(band >= 0) & (band < 256)], minlength=256) for band in bands(stored))
    return FileError("unknown label", path, text, greys)


def unknown_colours(path, colour, place, others, legend):
    """FileError of colours that are not those of one class; the one that most pixels have is named."""
    if not legend.colours:
        text = f"is in colour, and {legend.file} has no colours: write that of each class behind its name"
        return FileError("no colours", path, text)
    what = "has the colour {} (row {}, column {})".format(in_words(colour), *place)
    if owners := legend.colours.get(tuple(colour.tolist())):
        names = " and ".join(map(legend.name, owners))
        return FileError("one colour twice", path, f"{what}, of both {names}: give each a colour of its own")
    if others > len(legend.classes):
        text = f"{what} and {others} more that no class has: was it resized smoothly, or a JPEG once? Make it without"
        return FileError("blended colours", path, text)
    void = in_words([legend.ignore] * 3)
    way_out = f"write it beside its class in {legend.file}, or paint {void} what does not count"
    return FileError("unknown colour", path, f"{what}, which no class has: {way_out}")


def two_readings(path, ways, colours, legend):
    """FileError of a file that can be read in two ways."""
    one, other = list(ways.values())[:2]
    i = np.flatnonzero(one != other)[0]
    meanings = f"{legend.name(one[i])} or {legend.name(other[i])}"
    text = f"has the colour {in_words(colours[i])}, which can mean {meanings}: save it as grey numbers of 8 bits"
    return FileError("two readings", path, text)


def in_words(colour):
    return " ".join(str(int(value)) for value in colour)
