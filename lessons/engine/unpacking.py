"""A zip of somebody else's, unpacked: nothing outside the folder, no links, and not without end."""

import errno
import lzma
import os
import stat
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

ENTRIES = 20_000
MOST = {".py": 1 << 20, ".zip": 500 << 20}          # bytes of a file
TOGETHER = {".py": 50 << 20, ".zip": 2 << 30}       # and of all of its kind
NAMES = 100                                         # of other files
SKIPPED = "__pycache__", "__MACOSX", "site-packages"
NO_ROOM = errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE
DAMAGED = zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError, RuntimeError


class ZipError(Exception):
    """The text is what is wrong with the zip, "has a password" for instance."""


def unpack(path, folder):
    """Unpack the .py and .zip files of a zip; of others an empty file is made, for its name. Returns what was left out,
    in words.

    Raises ZipError, with a part of it unpacked perhaps, or OSError if the disk is full.
    """
    folder.mkdir(parents=True)
    left_out, room, names = [], dict(TOGETHER), 0
    try:
        with zipfile.ZipFile(path) as file:
            if len(file.infolist()) > ENTRIES:
                raise ZipError(f"holds more than {ENTRIES} files")
            for entry in file.infolist():
                parts, kind = entry.filename.replace("\\", "/").split("/"), Path(entry.filename).suffix.lower()
                names += kind not in room
                if not parts[0] or ".." in parts or parts[0][1:2] == ":":
                    left_out.append(f"{entry.filename} leads out of it")
                elif any(part in SKIPPED or part[:1] == "." != part for part in parts):
                    continue
                elif entry.is_dir():
                    with suppress(FileExistsError, NotADirectoryError):
                        folder.joinpath(*parts).mkdir(parents=True, exist_ok=True)  # it may be of who has nothing
                elif stat.S_ISLNK(entry.external_attr >> 16):
                    left_out.append(f"{entry.filename} is a link")
                elif entry.flag_bits & 1:
                    raise ZipError("has a password")
                elif kind in room:
                    most = min(MOST[kind], room[kind])
                    room[kind] -= place(file, entry, folder.joinpath(*parts), most, left_out)
                elif names <= NAMES:
                    place(file, entry, folder.joinpath(*parts), 0, left_out)
    except DAMAGED as error:
        raise ZipError("is damaged, or no zip") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ZipError("is damaged, or no zip") from error          # bz2 says it so
    return left_out


def place(zipped, entry, path, most, left_out):
    """Write an entry of at most so many bytes, whatever it says of its size; 0: an empty file. Returns its bytes."""
    size = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file, zipped.open(entry) as opened:
            while most and (chunk := opened.read(min(1 << 16, most + 1 - size))):
                size += len(chunk)
                if size > most:
                    file.truncate(0)
                    left_out.append(f"{entry.filename} is too large")
                    break
                file.write(chunk)
        with suppress(OverflowError, ValueError):
            seconds = time.mktime((*entry.date_time, 0, 0, -1))
            os.utime(path, (seconds, seconds))
    except OSError as error:
        if error.errno is None or error.errno in NO_ROOM:
            raise
        left_out.append(f"{entry.filename} cannot be written here")     # too long, or a file and a folder of one name
    return size
