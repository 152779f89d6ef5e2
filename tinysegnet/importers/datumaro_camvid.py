"""What datumaro exports as "camvid", and CVAT by it: lists of pairs, masks in colours or numbers, label_colors.txt."""

import re

from tinysegnet.data.classes_file import of_voc
from tinysegnet.data.problems import FileError
from tinysegnet.importers.classes import BACKGROUND, classes_in, mask_reader, numbered, without_void
from tinysegnet.importers.finding import inside, lines_of, plain
from tinysegnet.importers.sample import Sample, noted, split_of
from tinysegnet.support.errors import InputError

LAYOUT = """label_colors.txt; train.txt, val.txt, ... with lines as
/train/NAME.jpg trainannot/NAME.png"""


def read(source, _, notes):
    """See importers/__init__.py.

    The class of number 0 is the one that is black, or `background`, which need not be in label_colors.txt; the others
    follow in order. Where there are no colours, datumaro takes Pascal VOC's.
    """
    lists = [path for path in sorted(source.glob("[!.]*.txt")) if (source / f"{path.stem}annot").is_dir()]
    if not lists or not (source / "label_colors.txt").is_file():
        raise InputError(f"there are no label_colors.txt, train.txt and trainannot/ in {source}: name their folder")
    colours = classes_in(source / "label_colors.txt", least=1)
    black = [name for name, colour in colours.items() if colour == (0, 0, 0)]
    of_0 = [*black, *(name for name in colours if name in BACKGROUND), BACKGROUND[0]][0]
    colours = {of_0: colours.get(of_0)} | colours
    if not any(colours.values()):
        colours = {name: of_voc(number) for number, name in enumerate(colours)}
    colours[of_0] = 0, 0, 0
    labels_of, samples = mask_reader(colours, numbered(colours), notes), []
    for path in lists:
        for line in lines_of(path):
            with noted(notes.problems):
                samples.append(sample(source, path, line, labels_of))
    return without_void(colours), samples


def sample(source, path, line, labels_of):
    """That of a line of a list, two names, in quotes if there is a space in one."""
    names = re.findall(r'"([^"]+)"', line) or line.split()
    if len(names) != 2 or not all(name.strip("./") for name in names):        # "/" would be the folder itself
        raise FileError("line of a list", path, f"has the line {line!r}: write a photograph and its labels there")
    photograph, labels = (inside(source, source, name.lstrip("/"), path) for name in names)
    name = plain(photograph, source).removeprefix(f"{path.stem}/")
    return Sample(name, photograph, labels, labels_of(labels), split_of(path.stem))
