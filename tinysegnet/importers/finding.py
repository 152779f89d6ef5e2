"""Files of a data set: found in its folders, or by a name that is in another file."""

import os
import unicodedata
from functools import lru_cache
from pathlib import Path, PureWindowsPath

from tinysegnet.data.folder import IMAGES, files_in
from tinysegnet.data.problems import FileError
from tinysegnet.support.errors import InputError


def files_under(folder, suffixes=IMAGES):
    """The files of such suffixes in a folder and its sub-folders, in order of their names, without hidden ones.

    Links to other folders are followed. Raises InputError if one may not be read.
    """
    found, been, ahead = [], set(), [folder]
    while ahead:                                                # the folder itself comes before what links lead to
        for root, folders, names in os.walk(ahead.pop(0), onerror=may_not_be_read):
            if (real := os.path.realpath(root)) in been:
                folders.clear()
                continue
            been.add(real)
            inside = [Path(root, name) for name in folders if not name.startswith(".")]
            folders[:] = [path.name for path in inside if not path.is_symlink()]
            ahead += [path for path in inside if path.is_symlink() and not leads_up(path, folder)]
            files = (Path(root, name) for name in names if not name.startswith("."))
            files = (path for path in files if path.is_file() or path.is_symlink())
            found += [path for path in files if path.suffix.lower() in suffixes]
    return sorted(found)


def leads_up(link, folder):
    """Whether a link leads to a folder, or to one that this is in."""
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(link))


def may_not_be_read(error):
    if not isinstance(error, FileNotFoundError):                # of a folder that a layout need not have
        raise InputError(f"{error.filename} may not be read ({error.strerror}): change its rights") from error


def first_file(paths):
    """The first of the paths at which there is a file, or of all if there is none.

    A name is that of a file, too, whose accents are written in the other way, as Macs write them.
    """
    there = (path for path in paths if os.path.isfile(path))
    alike = (files[in_nfc(path.name)] for path in paths if in_nfc(path.name) in (files := beside(path)))
    return next(there, None) or next(alike, paths[0])


def missing(path):
    """What there is to say of a file that is not there."""
    others = [name for name in beside(path) if name.casefold() == in_nfc(path.name).casefold()]
    return f"which is missing, but there is {others[0]}: rename that" if others else "which is missing: put it there"


def beside(path):
    """{name: path} of the files in the folder of a path, each accent of a name in the letter that bears it (NFC)."""
    folder = path.parent
    return files_of(folder, folder.stat().st_mtime_ns) if os.path.isdir(folder) else {}


@lru_cache(8)       # of all photographs of a data set the same few folders are asked
def files_of(folder, changed):
    return {in_nfc(path.name): path for path in files_in(folder) if path.is_file()}


def in_nfc(name):
    return unicodedata.normalize("NFC", name)


def plain(path, folder):
    """What a file in a folder is called: its path from there, without the suffix, "aachen/000019"."""
    relative = path.relative_to(folder)
    return relative.with_suffix("").as_posix() if relative.name else "."    # the folder itself, whatever names it


def inside(source, folder, name, path):
    """The path that `name`, in the file at `path`, means, seen from a folder in `source`.

    Raises FileError if it leads out of `source`.
    """
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is no name of a file")
    windows = PureWindowsPath(name)                     # which knows both kinds of slash
    root, whole = os.path.abspath(source), os.path.abspath(folder / windows.as_posix())
    if windows.drive or windows.root or os.path.commonpath([root, whole]) != root:
        text = f"names {name!r}, which is not in {source}: name it as seen from its folder, inside {source}"
        raise FileError("leads out", path, text)
    return Path(source, os.path.relpath(whole, root))


def inside_any(source, folders, name, path):
    """Those paths that `name` means, seen from one of the folders in turn, that are `inside`; FileError if none is."""
    found, refused = [], None
    for folder in folders:
        try:
            found.append(inside(source, folder, name, path))
        except FileError as error:
            refused = refused or error
    if not found:
        raise refused
    return found


def lines_of(path):
    """The lines of a text file, without those that are empty. Raises InputError if it is none."""
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text ({error}): put an intact one there") from error
