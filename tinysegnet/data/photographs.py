"""Image files: opened with trust in nothing, and photographs as the network takes them, upright and in 8 bits."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from tinysegnet.data.problems import FileError
from tinysegnet.support.errors import InputError

# What undoes the turn that is noted. Pillow's exif_transpose writes the whole note anew, and fails if it is damaged.
UPRIGHT = dict(enumerate([
    Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90,
], start=2))


def read_photograph(path):
    """An image of any mode as uint8 (H, W, 3), turned as its camera says it was held; transparent parts on white.

    Raises InputError if it cannot be read, or has pixels whose range is not known.
    """
    return upright_photograph(path)[0]


def upright_photograph(path, content=None):
    """The same, and whether it had to be turned. `content` are the bytes of it, if they have been read already."""
    image = decoded(path, content)
    note = orientation(image)
    return in_8_bits(path, image if note == 1 else image.transpose(UPRIGHT[note])), note != 1


def in_8_bits(path, image):
    """Any image as uint8 (H, W, 3). Raises FileError if its range is not known."""
    if image.mode == "F" or image.mode.startswith("I"):
        pixels = np.array(image)
        low, high = pixels.min(), pixels.max()
        if image.mode == "F" or not (low >= 0 and 255 < high < 65536):      # else it is of 16 bits, or 16 in 32
            text = f"has pixels from {low:g} to {high:g}, of no certain range: save it with 8 bits"
            raise FileError("pixel type", path, text)
    if image.mode.startswith("I"):                                          # convert() would cut it off at 255
        return np.repeat((pixels // 257).astype(np.uint8)[..., None], 3, axis=2)
    try:
        if image.has_transparency_data:                         # on white, whatever colour is under it
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        return np.array(image.convert("RGB"))
    except ValueError as error:
        raise FileError("pixel type", path, f"is of the mode {image.mode}: save it in RGB") from error


def orientation(image):
    """How the camera was held, by the image's EXIF, 1 to 8: 1 is upright, as it is if no note says anything."""
    try:
        with warnings.catch_warnings(action="ignore"):
            note = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:               # a damaged note fails in many ways; no viewer heeds it
        return 1
    return note if note in UPRIGHT else 1


def decoded(path, content=None):
    """The image, wholly decoded, so that a file cut short is found here and not in the middle of an epoch.

    `content` are its bytes, if they have been read already, or are a part of the file only.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path if content is None else io.BytesIO(content)) as image:
                image.verify()          # the checksums of a PNG, which load() does not look at
            with Image.open(path if content is None else io.BytesIO(content)) as image:
                image.load()
                if image.mode in ("P", "PA") and image.palette is None:
                    raise ValueError("it has no palette")
                return image
    except FileNotFoundError as error:
        if Path(path).is_symlink():
            raise FileError("broken link", path, "is a link to a file that is not there: put that there") from error
        raise InputError(f"there is no image {path}: name one that is there") from error
    except PermissionError as error:
        raise FileError("may not be read", path, "may not be read: change its rights") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        most = Image.MAX_IMAGE_PIXELS // 10**6
        text = f"claims to have more than {most} million pixels: give a smaller image"
        raise FileError("too large", path, text) from error
    except MemoryError:
        raise
    except Exception as error:      # a damaged file can fail in any way that Pillow's many formats know
        if is_heic(path, content):
            raise FileError("HEIC", path, "is a HEIC photograph, as phones take them: save it as JPEG") from error
        raise damaged(path, error) from error


def damaged(path, error):
    """The FileError on an image that Pillow cannot read, and why."""
    reason = "of no known kind" if isinstance(error, UnidentifiedImageError) else error     # it names the path
    return FileError("cannot be read", path, f"cannot be read as an image ({reason}): put an intact one there")


def is_heic(path, content=None):
    """Whether the file, or its content, begins as a phone's photographs do, whatever its name (ISO 23008-12)."""
    if content is None:
        if not Path(path).is_file():
            return False
        with open(path, "rb") as file:
            content = file.read(12)
    start = content[:12]
    return start[4:8] == b"ftyp" and start[8:11] in (b"hei", b"hev", b"mif", b"msf")
