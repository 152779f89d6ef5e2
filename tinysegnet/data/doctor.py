"""The data doctor: what is wrong with a data set, or could be, the cause before what follows from it."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tinysegnet.data import folder
from tinysegnet.data.classes_file import VOID_NAMES
from tinysegnet.data.problems import Problems

BLENDED = 0.2       # of the edges in drawn labels 0 to 2 % pass over a label in between; smoothly resized, 40 to 55 %
EDGES = 20          # so many make it a share
DARK = 16           # no photograph has all its pixels below this
LIGHT = 200         # higher labels than this come of greys, and of 255, rather than of many classes
# Of which it is no news that classes are missing.
CAUSES = {"taken for CamVid", "labels from 1", "greys"}
OF_OTHER_TOOLS = (
    "label_colors.txt", "labelmap.txt", "label_map.txt", "labels.txt", "label_names.txt", "class_names.txt",
    "class_dict.csv", "classes.csv", "_classes.csv", "classes.json", "classes.names", "obj.names", "codes.txt",
    "notes.json", "meta.json", "data.yaml",
)


@dataclass
class Notes:
    """What the files of a split say, besides their pixels.

    problems  of the files
    stored    (256,): how many pixels have each number, those of unknown labels included, where numbers were read
    with_255  {labels beside 255 in a file, a tuple: the first such file}
    bits      {bits of a pixel: the first file} of grey label files
    ways      by which they were read
    sure      the bits of those grey files that can be read in one way only
    unsure    {bits: [the others]}, whose grey of few bits could mean something else
    palettes  {number: {(r, g, b): the first file}} of those with a palette that were read by numbers
    """

    problems: Problems = field(default_factory=Problems)
    stored: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    with_255: dict = field(default_factory=dict)
    bits: dict = field(default_factory=dict)
    ways: set = field(default_factory=set)
    sure: set = field(default_factory=set)
    unsure: dict = field(default_factory=lambda: defaultdict(list))
    palettes: dict = field(default_factory=lambda: defaultdict(dict))

    def of_pair(self, sample, pair):
        """Note what there is to say of a folder.Pair. Returns its photograph and its labels."""
        (image_path, path), file = sample, pair.file
        if pair.turned:
            text = "is turned, as its camera noted (EXIF): its annotation must be of the turned picture"
            self.problems.add("turned photograph", image_path, f"{image_path} {text}", refused=False)
        if file.way in ("colour", "grey"):
            by = "colours, which are those of classes" if file.way == "colour" else "greys, which are labels"
            text = f"{path} has other numbers than labels: it is read by its {by}"
            self.problems.add(f"read by {file.way}", path, text, refused=False)
        elif is_blended(file.labels):
            text = "has labels at its edges that lie between those beside them, as smooth resizing leaves them"
            self.problems.add("blended rims", path, f"{path} {text}: resize labels to the nearest", refused=False)
        if file.way in ("number", "grey"):
            counts = np.bincount(file.labels.ravel(), minlength=256)
            self.stored += counts
            if counts[255]:
                self.with_255.setdefault(tuple(np.flatnonzero(counts[:255])), path)
        if pair.photograph.max() < DARK:
            text = f"is almost black, no channel of a pixel is above {pair.photograph.max()} of 255: if it has 16 bits"
            text += " and does not use them all, save it with 8"
            self.problems.add("dark photograph", image_path, f"{image_path} {text}", refused=False)
        self.of_label_file(path, file)
        return pair.photograph, file.labels

    def of_label_file(self, path, file):
        """Note how a LabelFile was read, as one file alone does not show whether that was right."""
        self.ways.add(file.way)
        if file.bits is not None:
            self.bits.setdefault(file.bits, path)
            if file.unsure:
                self.unsure[file.bits].append(path)
            elif file.labels.any():
                self.sure.add(file.bits)
        for number, colour in file.palette.items():
            self.palettes[number].setdefault(colour, path)

    def of_problem(self, problem):
        """Note a FileError."""
        self.problems.add(problem.kind, problem.path, str(problem))
        if problem.stored is not None:
            self.stored += problem.stored

    def __add__(self, other):
        """Those of two splits."""
        both = Notes(stored=self.stored + other.stored, bits=other.bits | self.bits, ways=self.ways | other.ways)
        both.sure, both.with_255 = self.sure | other.sure, other.with_255 | self.with_255
        for notes in (self, other):
            for bits, files in notes.unsure.items():
                both.unsure[bits] += files
            both.problems.add_all(notes.problems)
            for number, colours in notes.palettes.items():
                both.palettes[number] = colours | both.palettes[number]
        return both


def is_blended(labels):
    """Whether many edges pass over a label that lies between those on its two sides."""
    edges = between = 0
    for a in (labels.astype(np.int16), labels.T.astype(np.int16)):
        before, here, after = a[:, :-2], a[:, 1:-1], a[:, 2:]
        apart = np.abs(before - after) >= 2
        edges += np.count_nonzero(apart)
        inside = (np.minimum(before, after) < here) & (here < np.maximum(before, after))
        between += np.count_nonzero(apart & inside)
    return edges >= EDGES and between > BLENDED * edges


def diagnose(data, surveys):
    """A list of Problems of a DataSet: those of the whole set first, as they may be the cause of the rest.

    surveys  {split: its Survey}
    """
    notes, problems = sum((one.notes for one in surveys.values()), Notes()), Problems()
    if isinstance(data.read, folder.Reader):
        classes_of_another_tool(problems, data, surveys)
        of_numbers(problems, data, notes)
        problems.add_all(of_all_label_files(notes))
    problems.add_all(notes.problems)
    for split, one in surveys.items():
        if one.images:
            of_classes(problems, data, split, one)
    if isinstance(data.read, folder.Reader):
        of_names(problems, data, surveys)
        of_void(problems, data)
    return sorted(problems.values(), key=lambda problem: not problem.refused)


def classes_of_another_tool(problems, data, surveys):
    """A folder without a classes.txt that may not be CamVid's."""
    source = Path(data.source)
    here = [path for path in folder.files_in(source) if path.name.lower() in OF_OTHER_TOOLS]
    if (source / "classes.txt").exists():
        if here:
            text = f"{here[0]} lies beside classes.txt: is the first class there the label 0? Some tools count from 1"
            problems.add("classes of another tool", here[0], text, refused=False)
        return
    here += [path for path in folder.files_in(source) if path.name.lower() == "classes.txt"]
    seen = sum(one.pixels for one in surveys.values()) > 0
    lacks = f"{len(data.classes) - np.count_nonzero(seen)} of CamVid's {len(data.classes)} classes have no pixel"
    few = bool(0 < np.count_nonzero(seen) < len(data.classes) / 2)
    if here:
        wrong = few or not np.any(seen)
        text = f"{here[0]} may list the classes, but they are taken for CamVid's, as there is no classes.txt"
        text += f", and {lacks}: write the names of yours to classes.txt, a line each" if wrong else ""
        problems.add("taken for CamVid", here[0], text, refused=wrong)
    elif few:
        text = f"{source} has no classes.txt, so it is taken for CamVid, but {lacks}: write the names of yours there"
        problems.add("taken for CamVid", source, text, refused=False)


def of_numbers(problems, data, notes):
    """Labels that are numbered in another way than from 0 on."""
    classes, numbers = len(data.classes), np.flatnonzero(notes.stored)
    labels = numbers[numbers != data.ignore]
    unknown = labels[labels >= classes]
    said = ", ".join(map(str, numbers if len(numbers) < 9 else [*numbers[:7], "...", numbers[-1]]))
    if labels.size and labels[0] == 1 and labels[-1] <= classes:
        text = f"No pixel is 0, and the highest label is {labels[-1]}: do your labels start at 1? They must start at 0"
        problems.add("labels from 1", data.source, text, refused=bool(unknown.size))
    elif is_ramp(numbers, classes) and (unknown.size or numbers.tolist() == [0, 255]):
        instead = "0 and 1" if len(numbers) == 2 else f"0 to {len(numbers) - 1}"
        text = f"The labels are {said}, greys for people to see: write {instead} in their places"
        problems.add("greys", data.source, text)
    elif unknown.tolist() == [classes] and labels[0] == 0:
        text = f"Labels go from 0 to {classes}, of {classes} classes: is 0 one (a background) that has no line?"
        problems.add("a class too few", data.source, text)
    elif len(unknown) > 3 and unknown[-1] >= LIGHT:
        text = f"The labels are {said}: were they resized smoothly, or a JPEG once? Make them again without"
        problems.add("blended labels", data.source, text)
    elif data.ignore == 255 and labels.tolist() == [*range(classes - 1)] and notes.stored[255]:
        last = data.classes[-1]
        text = f"No pixel is {last}, and 255 does not count: if 255 is meant for {last}, write {classes - 1}"
        problems.add("255 for a class", data.source, text, refused=False)
    elif data.ignore == 255 and labels.size > 1 and notes.with_255.keys() == {(0,)}:
        path = notes.with_255[0,]
        text = "has 0 and 255 alone, and no file has 255 beside others: if that is meant for a class, write its label"
        problems.add("255 for a class", path, f"{path} {text}", refused=False)


def is_ramp(numbers, classes):
    """Whether the numbers are at even steps, from 0 on, and no more than the classes and void."""
    if not 2 <= len(numbers) <= classes + 1:
        return False
    even = np.linspace(0, numbers[-1], len(numbers))
    return numbers[0] == 0 and numbers[1] >= 2 and bool((np.abs(numbers - even) <= 1).all())


def of_all_label_files(notes):
    """The Problems that no label file shows alone, if the notes are of all of them."""
    problems = Problems()
    of_palettes(problems, notes)
    of_bits(problems, notes)
    return problems


def of_palettes(problems, notes):
    """Two files in which one number has two colours."""
    for number, colours in notes.palettes.items():
        if len(colours) > 1:
            (one, first), (other, second) = list(colours.items())[:2]
            text = (
                f"{second} has the colour {' '.join(map(str, other))} for the number {number}, and {first} has "
                f"{' '.join(map(str, one))}: the same number must be the same class in all files"
            )
            problems.add("palettes differ", second, text)


def of_bits(problems, notes):
    """Grey of few bits that can be meant as it is stored or as it is shown.

    It is as it is stored if all files are alike, and one of them can mean nothing else, or there is 1 bit, for a class
    and the rest. Programs that make files smaller leave files of several kinds.
    """
    alike = are_alike(notes)
    for bits, files in notes.unsure.items():
        if not alike or (bits > 1 and bits not in notes.sure):
            text = f"is grey of {bits} bit{'s' * (bits > 1)}, which can be read in two ways: save all with 8 bits"
            problems.add("few bits", files[0], f"{files[0]} {text}", len(files))


def are_alike(notes):
    """Whether all label files are grey of so many bits, and were read by their numbers."""
    return len(notes.bits) == 1 and not notes.palettes and not notes.ways & {"grey", "colour"}


def of_classes(problems, data, split, one):
    """Classes that a split has not."""
    source, present = f"{data.name}, {split}", np.flatnonzero(one.pixels)
    if not present.size:
        text = f"No pixel of {source}, is labelled: nothing can be learnt or judged there"
        problems.add(f"{split} without labels", data.source, text)
    elif present.size == 1 and split == "train":
        labels = f"labels go from 0 to {len(data.classes) - 1}, and {data.ignore} does not count"
        text = f"All of train is {data.classes[present[0]]}, nothing else can be learnt: {labels}"
        problems.add("train of one class", data.source, text)
    elif present.size == 1:
        text = f"All of {split} is {data.classes[present[0]]}: how well the others are found cannot be judged there"
        problems.add(f"{split} of one class", data.source, text, refused=False)
    elif not CAUSES & problems.keys() and (missing := one.missing(data.classes)):
        text = f"No pixel of {split} is {in_words(missing)}: "
        text += "it cannot be learnt" if split == "train" else "its IoU there is 0 where anything is called so"
        problems.add(f"class missing in {split}", data.source, text, len(missing), refused=False)


def of_void(problems, data):
    """Classes whose name says that they are none."""
    for name in data.classes:
        if name.lower() in VOID_NAMES:
            text = f"{name!r} is a class here, to be learnt and judged: if it is not to count, write {data.ignore} for"
            text += f" it and, as its line then goes out of {Path(data.source, 'classes.txt')}, one less for each after"
            problems.add("void is a class", data.source, text, refused=False)


def in_words(names, most=6):
    more = f" or {len(names) - most} others" if len(names) > most else ""
    return " or ".join(names[:most]) + more


def of_names(problems, data, splits):
    """Files that are not looked at, and annotations of no photograph."""
    passed, alone = [], []
    used = {annotation for split in splits for _, annotation in data.samples(split)}
    for split in splits:
        images, annotations = Path(data.source, split), Path(data.source, f"{split}annot")
        if images.is_dir():                     # of folds there may be no val
            passed += folder.passed_over(images) + folder.passed_over(annotations, (".png",))
            alone += [path for path in folder.list_annotations(annotations) if path not in used]
    if passed:
        text = f"{folder.in_words(passed)}, the first is {passed[0]}: photographs are .png or .jpg, annotations .png"
        problems.add("not looked at", passed[0], text, len(passed), refused=False)
    if alone:
        problems.add("annotation alone", alone[0], f"{alone[0]} belongs to no photograph", len(alone), refused=False)
