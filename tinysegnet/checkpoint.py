"""Trained networks on disk: a .npz of plain arrays, with about.json and a checksum beside them in the archive.

about.json is the `meta` of a Model: which network it is, its classes, how it looks at a photograph, how it was trained.

`numpy.load` and any unzip program can open it. Reading trusts nothing: an archive is refused unless what is in it is,
to the byte, what was once written.
"""

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from tinysegnet.support import atomic
from tinysegnet.support.backend import to_numpy
from tinysegnet.support.errors import InputError
from tinysegnet.support.options import LONGEST_SIDE

FORMAT = "tinysegnet checkpoint 4"
FORMAT_OF_0_1 = "tinysegnet checkpoint 3"       # which held a SegNet-Basic and did not say so
LARGEST_TEST_SCALE = 4

# What version 0.1.0 called otherwise, here and in config.json, so that its runs go on.
RENAMED = {
    "balance": "class_weight_power", "input": "normalisation", "light": "jitter", "memory": "opt_state",
    "select": "best_by", "width": "filters",
    "x / 255 - 0.5": "centred", "x (1 + 2e-5 sum x^2)^-0.75": "local_response",
}


def save(path, meta, **groups):
    """Write `meta`, a dict that JSON can hold, and groups of named arrays: params=params, stats=stats, ...

    At any moment `path` is the old file or the new one, whole. Raises InputError if it cannot be written, and
    ValueError or KeyError if `load` would refuse that meta. Of arrays on the host no copy is made.
    """
    check_meta(json.loads(json.dumps(meta)))
    members = {"about.json": [json.dumps({**meta, "format": FORMAT}).encode()]}
    for group, arrays in groups.items():
        for name, array in arrays.items():
            members[f"{group}/{name}.npy"] = npy_parts(np.asarray(to_numpy(array), order="C"))
    members["sha256"] = [checksum(members).encode()]
    with atomic.replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, parts in members.items():
            entry = zipfile.ZipInfo(name)       # without the hour: equal networks are equal files
            entry.file_size = sum(map(len, parts))
            with archive.open(entry, "w") as member:
                for part in parts:
                    member.write(part)


def load(path):
    """meta, and the groups of arrays by their names, of a file that `save` wrote, in this version or in 0.1.0.

    Raises InputError if the file is missing, damaged or something else.
    """
    if not Path(path).is_file():
        name = str(path) or "''"
        raise InputError(f"there is no checkpoint {name}: name one, such as the best.npz of a run folder")
    with open(path, "rb") as file:
        try:
            members = read_stored(file)
            meta = json.loads(members["about.json"])
            if meta["format"] not in (FORMAT, FORMAT_OF_0_1):
                way_out = "use the version that wrote it, or train again"
                raise InputError(f"{path} is not of the format {FORMAT!r}: {way_out}")
            if members.pop("sha256").decode() != checksum({name: [content] for name, content in members.items()}):
                raise ValueError("the checksum is another")
            groups = {"params": {}, "stats": {}}
            del members["about.json"]
            for name in list(members):          # in the order of the file
                group, _, key = name.removesuffix(".npy").partition("/")
                groups.setdefault(group, {})[key] = read_array(members.pop(name))
            if meta.pop("format") == FORMAT_OF_0_1:
                meta, groups = renamed(meta), renamed(groups)
                meta["network"] = segnet_basic_of(groups["params"], len(meta["classes"]))
            check_meta(meta)
        except (InputError, MemoryError):       # these have their own sentences
            raise
        except Exception as error:      # a damaged archive can fail in any way that zipfile, NumPy and JSON know
            way_out = "import-weights makes one of it" if Path(path).suffix == ".safetensors" else "take another"
            raise InputError(f"{path} is not a checkpoint of tinysegnet, or a damaged one: {way_out}") from error
    return meta, groups


def renamed(old):
    """A dict of version 0.1.0 with today's names, and with today's name of a normalisation."""
    new = {RENAMED.get(name, name): value for name, value in old.items()}
    if isinstance(kind := new.get("normalisation"), str):
        new["normalisation"] = RENAMED.get(kind, kind)
    return new


def segnet_basic_of(params, classes):
    """The network and its arguments, read off the arrays of a checkpoint that does not name them."""
    kernel, _, _, filters = params["encoder1.conv.w"].shape
    levels = sum(name.startswith("encoder") and name.endswith(".conv.w") for name in params)
    return {"name": "segnet-basic", "classes": classes, "filters": filters, "levels": levels, "kernel": kernel}


def check_meta(meta):
    """Raise an exception unless what every reader relies on is there and makes sense."""
    classes, palette, (height, width) = meta["classes"], np.array(meta["palette"]), meta["size"]
    if not (isinstance(classes, list) and classes and all(isinstance(name, str) for name in classes)):
        raise ValueError("no names of classes")
    if palette.shape != (len(classes), 3) or palette.dtype.kind != "i" or palette.min() < 0 or palette.max() > 255:
        raise ValueError("no colours of the classes")
    if not all(isinstance(side, int) and 0 < side <= LONGEST_SIDE for side in (height, width)):
        raise ValueError("no size")
    if not all(type(s) in (int, float) and 0 < s <= LARGEST_TEST_SCALE for s in meta["test_scales"] or [1]):
        raise ValueError("no scales to test at")
    if type(meta.get("epoch", 0)) is not int:
        raise ValueError("no epoch")
    if not (isinstance(meta["normalisation"], str) and isinstance(meta["statistics"], str)):
        raise ValueError("no normalisation or statistics")
    if not isinstance(meta["network"]["name"], str):
        raise ValueError("no network")


def npy_parts(array):
    """A .npy of that array in two parts, its header and a view of its numbers."""
    header = io.BytesIO()
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(array))
    return header.getvalue(), memoryview(array.reshape(-1).view(np.uint8))


def read_stored(file):
    """The members of the archive, name -> bytes. Nothing can inflate: only what is stored as it is counts."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("a member is compressed")
        if sum(entry.file_size for entry in entries) > file.seek(0, os.SEEK_END):
            raise ValueError("the members are larger than the file")
        if len({entry.filename for entry in entries}) < len(entries):
            raise ValueError("two members have one name")
        return {entry.filename: archive.read(entry) for entry in entries}


def read_array(content):
    """The array in the bytes of a .npy file. Its header is believed only if it fits what follows."""
    buffer = io.BytesIO(content)
    if npy.read_magic(buffer) != (1, 0):
        raise ValueError("another version of .npy")
    shape, fortran, dtype = npy.read_array_header_1_0(buffer)
    values = memoryview(content)[buffer.tell() :]
    if dtype.kind != "f" or fortran or dtype.itemsize * np.prod(shape, dtype=object) != len(values):
        raise ValueError("the header does not fit the array")
    return np.frombuffer(values, dtype).reshape(shape).copy()


def checksum(members):
    """Of {name: parts}, where a member is its parts one after the other."""
    sha256 = hashlib.sha256()
    for name in sorted(members):
        sha256.update(f"{name} {sum(map(len, members[name]))} ".encode())
        for part in members[name]:
            sha256.update(part)
    return sha256.hexdigest()
