"""A data set of another tool, written as a folder that tinysegnet reads."""

import os
import re
import shutil
import unicodedata
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tinysegnet.data.classes_file import is_number, of_voc, read_classes
from tinysegnet.data.doctor import Notes, of_all_label_files
from tinysegnet.data.folder import PHOTOGRAPHS, SPLITS, check_size
from tinysegnet.data.photographs import upright_photograph
from tinysegnet.data.problems import FileError, Problems
from tinysegnet.importers.classes import BACKGROUND, VOID, classes_in, without_void
from tinysegnet.importers.dealing import deal
from tinysegnet.importers.finding import missing
from tinysegnet.importers.misspelt import misspelt
from tinysegnet.importers.sample import NothingDrawnError, noted
from tinysegnet.support.errors import InputError, writing
from tinysegnet.support.progress import bar

LONGEST_NAME = 240      # bytes, without the suffix: file systems take 255


class Imported(NamedTuple):
    """
    classes   their names, in the order of their labels
    counts    {split: how many photographs}
    how       how val was chosen, in words, or "" if the tool has a list
    saved     how many photographs were saved anew, as PNG
    problems  what could not be taken, `refused`, and what could be wrong
    unused    the names of classes that have no pixel
    """

    classes: tuple
    counts: dict
    how: str
    saved: int
    problems: Problems
    unused: list


def import_data(read, source, folder, share=0.2, seed=0, classes_file=None):
    """Write what `read` of an importer finds in `source` to `folder`, which appears when all is done; see Imported.

    share, seed   of val, if the tool has no list of it: see dealing.py
    classes_file  a classes.txt of the names that are to be classes, in that order; None takes those of the tool

    Raises InputError if `source` is not laid out so, nothing in it can be taken, or `folder` is not empty.
    """
    if "" in (source, folder):
        raise InputError("a folder is named by nothing, '': name SOURCE and FOLDER")
    source, folder = Path(source), Path(folder)
    if not source.is_dir():
        raise InputError(f"there is no folder {source}: name the one that holds the data set")
    if source.resolve() in folder.resolve().parents:
        raise InputError(f"{folder} is inside {source}, which is to stay as it is: name another")
    if folder.resolve() == Path.cwd():
        raise InputError(f"{folder} is the folder that you are in: name another, which is made")
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there, and is not an empty folder: name another, or move it away")
    classes_file = Path(classes_file) if classes_file is not None else None
    notes = Notes()
    problems = notes.problems
    found, samples = read(source, classes_file, notes)
    samples = with_names(samples, problems)
    if not samples:
        raise nothing_taken(source, problems)
    unfinished = Path(f"{os.path.abspath(folder)}.unfinished")
    with writing(folder):
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.mkdir()          # which one of two imports at a time can do
        except FileExistsError as error:
            text = f"{unfinished} is there, and another import may be at work in it: wait for its end, or, if none is"
            raise InputError(f"{text} at work, delete that folder") from error
    try:
        classes, table = write_classes(unfinished / "classes.txt", found, classes_file)
        empty = bool(classes_file) and next(iter(found), None) in BACKGROUND and table[0] != VOID
        taken, saved, pixels = {}, 0, np.zeros(256, np.int64)
        for name, sample in bar(samples.items(), "import", unit="img"):
            with noted(problems):
                photograph, labels = usable(sample, [*found], table, problems if empty else None)
                taken[name] = write(unfinished / str(len(taken)), sample, photograph, labels)
                pixels += np.bincount(labels.ravel(), minlength=256)
                saved += taken[name].suffix != sample.photograph.suffix
        if not taken:
            raise nothing_taken(source, problems)
        for problem in of_all_label_files(notes).values():
            raise InputError(str(problem))
        counts, how = move_to_splits(unfinished, taken, share, seed)
        with writing(folder):
            os.replace(unfinished, folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if alike := misspelt({*found, *classes}):
        problems.add("misspelt", source, alike, refused=False)
    unused = [name for name, count in zip(classes, pixels) if not count]
    return Imported(classes, counts, how, saved, problems, unused)


def nothing_taken(source, problems):
    default = "there is no photograph with labels"
    most = max(problems.values(), key=lambda problem: (problem.kind != "alone", problem.count), default=default)
    return InputError(f"nothing in {source} can be taken: {most}")


def with_names(samples, problems):
    """{(split, name): Sample}, with names without the folders that all have in common; "/" in them becomes "_".

    Of two that have one photograph, or one name then, or names that people or a system may take for one, the second is
    a Problem.
    """
    of_photograph, of_name, named = {}, {}, {}
    folders = [sample.name.rpartition("/")[0] for sample in samples]
    common = f"{os.path.commonpath(folders)}/" if folders and all(folders) else ""
    for sample in samples:
        name = unicodedata.normalize("NFC", sample.name.removeprefix(common))
        file = name.replace("/", "_")
        same = of_photograph.setdefault(sample.photograph, sample)
        alike = of_name.setdefault((sample.split or "train", file.casefold()), sample)
        if same is not sample:
            text = f"{sample.photograph} has labels twice, by {same.file} and {sample.file}: remove those of one"
            problems.add("labels twice", sample.photograph, text)
        elif alike is not sample:
            text = f"{sample.photograph} would have the name of {alike.photograph}: rename one of them"
            problems.add("two of one name", sample.photograph, text)
        elif file.startswith(".") or len(file.encode(errors="surrogatepass")) > LONGEST_NAME:
            text = f"{sample.photograph} would be {file[:40]!r}, which is hidden or too long a name: rename it"
            problems.add("no name", sample.photograph, text)
        else:
            named[sample.split, name] = sample
    return named


def write_classes(path, found, classes_file):
    """Write classes.txt. The names of the classes, and the label of each in `found`, int16 (256,): -1 if it is none.

    found         {name: colour or None} of the tool
    classes_file  that the classes are taken from, or None. What is background, and no class there, is void

    Raises InputError if there are too many, or a name cannot be in classes.txt.
    """
    if len(found) > VOID:
        raise InputError(f"there are {len(found)} classes: it takes at most {VOID}")
    table = np.full(256, -1, np.int16)
    table[VOID] = VOID
    if classes_file:
        colours = without_void(classes_in(classes_file))
        known = dict.fromkeys(BACKGROUND, VOID) | {name: label for label, name in enumerate(colours)}
        table[: len(found)] = [known.get(name, -1) for name in found]
    else:
        colours = found
        table[: len(found)] = range(len(found))
    if len(colours) < 2:
        said = f"only the class {next(iter(colours))!r}" if colours else "no class"
        where = f"in {classes_file}" if classes_file else "in the tool"
        raise InputError(f"there is {said} besides void, and a network tells two or more apart: add another {where}")
    classes, given = tuple(colours), {*colours.values()}
    black = classes[0] in BACKGROUND
    free = (of_voc(k) for k in range(not black, 512) if of_voc(k) not in given)
    lines = (line_of(name, colour or next(free)) for name, colour in colours.items())
    with writing(path):
        path.write_text("".join(lines), encoding="utf-8")
    try:
        read = read_classes(path)[0]
    except InputError as error:
        line = re.search(r", line (\d+)", str(error))
        which = repr(classes[int(line[1]) - 1]) if line else ", ".join(map(repr, classes[:4]))
        said = f"{which} cannot be in a {path.name}, where lines of numbers or remarks are no classes"
        raise InputError(f"{said}: rename it in the tool") from error
    if read != classes:
        raise InputError(f"the names of the classes are none for {path.name}, in which they are {read}: rename them")
    return classes, table


def line_of(name, colour):
    """That of a classes.txt. Beside a name that ends in a number, or begins with one, a colour is of one word."""
    words = name.split()
    colour = "#" + bytes(colour).hex() if is_number(words[0]) or is_number(words[-1]) else "{} {} {}".format(*colour)
    return f"{name} {colour}\n"


def usable(sample, names, table, empty=None):
    """Of a sample the photograph, upright, uint8 (H, W, 3), and the labels, uint8 (H, W). Raises FileError.

    empty  Problems, if a picture on which nothing is drawn is to be all background, label 0: there it is entered
    """
    if not sample.content and not os.path.isfile(sample.photograph):
        raise FileError("no photograph", sample.file, f"is of {sample.photograph}, {missing(sample.photograph)}")
    if not os.path.isfile(sample.file):
        raise FileError("no labels", sample.photograph, f"has no labels: {sample.file} is missing")
    photograph, turned = upright_photograph(sample.photograph, sample.content and sample.content())
    size = photograph.shape[:2]
    check_size(sample.size or size, size, turned, sample.of_labels)
    try:
        labels = sample.labels(size)
    except NothingDrawnError as error:
        if empty is None:
            raise
        labels, text = np.zeros(size, np.uint8), "has nothing drawn on it, and is all background: remove it if not done"
        empty.add(error.kind, error.path, f"{error.path} {text}", refused=False)
    check_size(labels.shape, size, turned, sample.of_labels)
    unlisted = labels[table[labels] == -1]
    if unlisted.size:
        text = f"has {names[unlisted[0]]!r}, which is in no line of --classes: add it there"
        raise FileError("not of --classes", sample.of_labels, text)
    return photograph, table[labels].astype(np.uint8)


def write(path, sample, photograph, labels):
    """The photograph as `path` with its suffix, which is returned, and the labels as `path`.annot.

    Bytes are copied, unless tinysegnet looks for no such file, or they are but a part of one.
    """
    copy = sample.photograph.suffix.lower() in PHOTOGRAPHS
    path = path.with_suffix(sample.photograph.suffix if copy else ".png")
    with writing(path):
        if copy:
            shutil.copyfile(sample.photograph, path)
        else:
            Image.fromarray(photograph).save(path)
        Image.fromarray(labels).save(path.with_suffix(".annot"), "PNG")
    return path


def move_to_splits(folder, taken, share, seed):
    """Move what was taken, {(split, name): path}, to train/ and so on. {split: count}, and how val was chosen."""
    split_of, how = {key: key[0] or "train" for key in taken}, ""
    if not {"train", "val"} <= {*split_of.values()}:
        mixed = [key for key, split in split_of.items() if split != "test"] or [*taken]
        val, how = deal([name for _, name in mixed], share, seed)
        split_of |= {key: "val" if i in val else "train" for i, key in enumerate(mixed)}
    for key, path in taken.items():
        split, name = split_of[key], key[1].replace("/", "_")
        with writing(folder):
            for end, old, suffix in (("", path, path.suffix), ("annot", path.with_suffix(".annot"), ".png")):
                (folder / f"{split}{end}").mkdir(exist_ok=True)
                os.replace(old, folder / f"{split}{end}" / f"{name}{suffix}")
    counts = {split: [*split_of.values()].count(split) for split in SPLITS}
    return {split: count for split, count in counts.items() if count}, how
