"""Photographs and masks in the colours of a classes.txt, in two folders."""

from tinysegnet.importers.classes import classes_in, mask_reader, numbered, without_void
from tinysegnet.importers.finding import files_under, first_file, plain
from tinysegnet.importers.sample import Sample, split_of
from tinysegnet.support.errors import InputError

LAYOUT = """classes.txt, or --classes FILE, with lines as  Sky 128 128 128;
images/ (imgs/, photographs/) and masks/ (labels/, annotations/), both
in SOURCE or in its train/, val/, test/, or with these in both; the mask
of NAME is NAME.png, NAME_mask.png, NAME_label.png or NAME_L.png"""
IMAGES = "images", "imgs", "photographs"
MASKS = "masks", "labels", "annotations"
ENDS = "", "_mask", "_label", "_L"


def read(source, classes_file, problems):
    """See importers/__init__.py. The masks are read as docs/data.md says, by SOURCE's classes.txt if it has one."""
    own = source / "classes.txt"
    colours = classes_in(own if own.is_file() or classes_file is None else classes_file)
    labels_of = mask_reader(colours, numbered(colours))
    samples = []
    for root in (source, *sorted(path for path in source.iterdir() if split_of(path.name))):
        for images, masks in ((root / one, root / other) for one in IMAGES for other in MASKS):
            if images.is_dir() and masks.is_dir():
                samples += pairs(images, masks, None if root == source else split_of(root.name), labels_of)
    if not samples:
        raise InputError(f"there is no images/ with photographs beside a masks/ in {source}: name the folder of both")
    return without_void(colours), samples


def pairs(images, masks, split, labels_of):
    """The Samples of two folders; one of train/, val/, test/ in both says the split."""
    for path in files_under(images):
        name = plain(path, images)
        folder, _, rest = name.partition("/")
        wanted = [masks / f"{name}{end}.png" for end in ENDS]
        file = first_file(wanted)
        of_folder = split_of(folder) if rest else None
        yield Sample(rest if of_folder else name, path, file, labels_of(file), split or of_folder)
