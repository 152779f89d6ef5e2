"""CamVid as first released, in 32 colours, as the 11 classes of SegNet's authors.

G. J. Brostow, J. Fauqueur, R. Cipolla, Semantic object classes in video, Pattern Recognition Letters 30, 2009.
"""

from tinysegnet.data import camvid
from tinysegnet.importers.classes import VOID, mask_reader
from tinysegnet.importers.finding import files_under, plain
from tinysegnet.importers.sample import Sample, split_of
from tinysegnet.support.errors import InputError

LAYOUT = """701_StillsRaw_full/ (or images/): NAME.png;
LabeledApproved_full/ (or labels/): NAME_L.png; or with train/, val/,
test/ beside train_labels/, val_labels/, test_labels/"""
FOLDERS = ("701_StillsRaw_full", "LabeledApproved_full"), ("images", "labels"), *(
    (split, f"{split}_labels") for split in ("train", "val", "test")
)
COLOURS = {     # of what is put into which class
    "Sky": [(128, 128, 128)],
    "Building": [(128, 0, 0), (192, 0, 128), (0, 128, 64), (64, 0, 64), (64, 192, 0)],      # archway bridge tunnel wall
    "Pole": [(192, 192, 128), (0, 0, 64)],                                                  # traffic cone
    "Road": [(128, 64, 128), (128, 0, 192), (192, 0, 64)],                                  # lane markings
    "Pavement": [(0, 0, 192), (64, 192, 128), (128, 128, 192)],                             # parking block, shoulder
    "Tree": [(128, 128, 0), (192, 192, 0)],                                                 # other vegetation
    "SignSymbol": [(192, 128, 128), (128, 128, 64), (0, 64, 64)],                           # other text, traffic light
    "Fence": [(64, 64, 128)],
    "Car": [(64, 0, 128), (64, 128, 192), (192, 128, 192), (192, 64, 128), (128, 64, 64)],  # SUV lorry train other
    "Pedestrian": [(64, 64, 0), (192, 128, 64), (64, 0, 192), (64, 128, 64)],               # child, pram, animal
    "Bicyclist": [(0, 128, 192), (192, 0, 192)],                                            # motorcycle
}
OF_VOID = 0, 0, 0


def read(source, *_):
    """See importers/__init__.py. Black does not count."""
    label, colours = {"void": VOID}, {"void": OF_VOID}
    for number, (name, those) in enumerate(COLOURS.items()):
        for i, colour in enumerate(those):
            label[f"{name} {i}"], colours[f"{name} {i}"] = number, colour
    labels_of, samples = mask_reader(colours, label, numbers=False), []
    for images, masks in FOLDERS:
        if (source / images).is_dir() and (source / masks).is_dir():
            for path in files_under(source / images):
                name = plain(path, source / images)
                file = source / masks / f"{name}_L.png"
                samples.append(Sample(name, path, file, labels_of(file), split_of(images)))
    if not samples:
        raise InputError(f"there are no 701_StillsRaw_full/ and LabeledApproved_full/ in {source}: name their folder")
    return dict(zip(camvid.CLASSES, map(tuple, camvid.PALETTE.tolist()))), samples
