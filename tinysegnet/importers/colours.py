"""Photographs and masks in the colours of a classes.txt, in two folders."""

from tinysegnet.importers.classes import classes_in, mask_reader, numbered, without_void
from tinysegnet.importers.finding import files_under, plain
from tinysegnet.importers.sample import Sample, left_over, split_of
from tinysegnet.support.errors import InputError

LAYOUT = """classes.txt, or --classes FILE, with lines as  Sky 128 128 128;
images/ (imgs/, photographs/) and masks/ (labels/, annotations/), both
in SOURCE or in its train/, val/, test/, or with these in both; the mask
of NAME is NAME.png, NAME_mask.png, NAME_label.png or NAME_L.png"""
IMAGES = "images", "imgs", "photographs"
MASKS = "masks", "labels", "annotations"
ENDS = "", "_mask", "_label", "_L"


def read(source, classes_file, notes):
    """See importers/__init__.py. The masks are read as docs/data.md says, by SOURCE's classes.txt if it has one."""
    own = source / "classes.txt"
    file = own if own.is_file() or classes_file is None else classes_file
    colours = classes_in(file)
    labels_of = mask_reader(colours, numbered(colours), notes, file=file)
    samples, there, wanted = [], {}, set()
    for root in (source, *sorted(path for path in source.iterdir() if split_of(path.name))):
        for images, masks in ((root / one, root / other) for one in IMAGES for other in MASKS):
            if images.is_dir() and masks.is_dir():
                there |= masks_in(masks)
                split = None if root == source else split_of(root.name)
                samples += pairs(images, masks, split, labels_of, there, wanted)
    if not samples:
        raise InputError(f"there is no images/ with photographs beside a masks/ in {source}: name the folder of both")
    alone = (path for name, path in there.items() if name not in wanted)
    left_over(notes.problems, alone, "has no photograph of its name: put one there, or remove it")
    return without_void(colours), samples


def is_png(path):
    return path.suffix.lower() == ".png"


def masks_in(folder):
    """{path without the suffix: path} of what is there, a PNG before others: read_labels says of a JPEG what it is."""
    return {path.with_suffix(""): path for path in sorted(files_under(folder), key=is_png)}


def pairs(images, masks, split, labels_of, there, wanted):
    """The Samples of two folders; one of train/, val/, test/ in both says the split.

    there   {path without the suffix: path} of masks
    wanted  the set into which those paths go that are asked for
    """
    for path in files_under(images):
        name = plain(path, images)
        folder, _, rest = name.partition("/")
        names = [masks / f"{name}{end}" for end in ENDS]
        wanted |= {*names}
        file = next((there[name] for name in names if name in there), masks / f"{name}.png")
        of_folder = split_of(folder) if rest else None
        yield Sample(rest if of_folder else name, path, file, labels_of(file), split or of_folder)
