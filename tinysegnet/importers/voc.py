"""Pascal VOC, and what datumaro and CVAT export in its layout: lists of names, and masks with a palette or in colours.

M. Everingham et al., The Pascal Visual Object Classes (VOC) challenge, IJCV 88, 2010.
"""

from tinysegnet.data.classes_file import is_byte, of_voc
from tinysegnet.data.folder import PHOTOGRAPHS
from tinysegnet.data.problems import FileError
from tinysegnet.importers.classes import mask_reader, name_in, numbered, without_void
from tinysegnet.importers.finding import first_file, inside, lines_of
from tinysegnet.importers.sample import Sample, noted, split_of
from tinysegnet.support.errors import InputError

LAYOUT = """JPEGImages/NAME.jpg, SegmentationClass/NAME.png,
ImageSets/Segmentation/train.txt, val.txt, ... with a NAME in each line;
labelmap.txt with lines as  sky:90,150,230::  if the classes are others"""
CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)
SUFFIXES = ".jpg", *PHOTOGRAPHS, *map(str.upper, PHOTOGRAPHS)       # the usual one first
OF_VOID = 224, 224, 192         # the rims of things, which are 255 in the palette


def read(source, _, notes):
    """See importers/__init__.py. What train.txt and val.txt name is not taken from trainval.txt again."""
    lists = sorted((source / "ImageSets/Segmentation").glob("[!.]*.txt"))
    lists.sort(key=lambda path: split_of(path.stem) is None)
    photographs, masks = source / "JPEGImages", source / "SegmentationClass"
    if not (lists and photographs.is_dir() and masks.is_dir()):
        raise InputError(f"there are not all of JPEGImages/, SegmentationClass/ and ImageSets/Segmentation/train.txt "
                         f"in {source}: name the folder that has them")
    file = source / "labelmap.txt"
    colours = labelmap(file) if file.is_file() else {name: of_voc(k) for k, name in enumerate(CLASSES)}
    labels_of, samples = mask_reader(colours, numbered(colours), notes, of_void=OF_VOID), {}
    for path in lists:
        for name in (line.strip('"') for line in lines_of(path)):
            with noted(notes.problems):
                mask = inside(source, masks, f"{name}.png", path)
                wanted = [inside(source, photographs, f"{name}{suffix}", path) for suffix in SUFFIXES]
                split = split_of(path.stem)
                one = samples.setdefault(name, Sample(name, first_file(wanted), mask, labels_of(mask), split))
                if split not in (None, one.split):
                    raise FileError("two lists", path, f"names {name}, as {one.split}.txt does: remove it from one")
    return without_void(colours), [*samples.values()]


def labelmap(path):
    """{name: colour} of lines name:r,g,b:parts:actions; of which the colours may lack: then they are VOC's."""
    colours = {}
    for line in lines_of(path):
        name, rgb, *others = line.rsplit(":", 3) if line.count(":") > 2 else ("", line)
        rgb = [part.strip() for part in rgb.split(",")] if rgb.strip() else []
        if line.startswith("#"):
            continue
        if not name.strip() or name_in(name) in colours or len(rgb) not in (0, 3) or not all(map(is_byte, rgb)):
            raise InputError(f"{path} has the line {line!r}: write a name of its own and a colour, as sky:90,150,230::")
        colours[name_in(name)] = tuple(map(int, rgb)) or of_voc(len(colours))
    return colours
