"""Files of a data set: found in its folders, or by a name that is in another file."""

import os
from pathlib import Path, PureWindowsPath

from tinysegnet.data.folder import IMAGES
from tinysegnet.data.problems import FileError
from tinysegnet.support.errors import InputError


def files_under(folder, suffixes=IMAGES):
    """The files of such suffixes in a folder and its sub-folders, in order of their names, without hidden ones."""
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def first_file(paths):
    """The first of the paths at which there is a file, or of all if there is none."""
    return next((path for path in paths if os.path.isfile(path)), paths[0])


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
