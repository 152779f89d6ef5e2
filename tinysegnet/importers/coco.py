"""COCO's instances (Lin et al. 2014): a JSON file for many photographs, with polygons and run lengths."""

from functools import partial
from pathlib import PureWindowsPath

import numpy as np

from tinysegnet.data.problems import FileError
from tinysegnet.importers.classes import name_in, numbered, with_background, without_void
from tinysegnet.importers.drawing import outlined
from tinysegnet.importers.finding import files_under, first_file, inside_any
from tinysegnet.importers.json_files import as_written_by, by_id, load_json, whole
from tinysegnet.importers.sample import NothingDrawnError, Sample, noted, split_of
from tinysegnet.support.errors import InputError

LAYOUT = """annotations/instances_train.json, ..., or any NAME.json; photographs
beside it, or in SOURCE, images/, train/, images/train/ or data/"""


def read(source, _, notes):
    """See importers/__init__.py. The classes are `background` and the categories, in the order of their ids."""
    paths = files_under(source, (".json",))
    paths = [path for path in paths if path.name.startswith("instances_")] or paths
    if not paths:
        raise InputError(f"there is no JSON file in {source}: name the folder that has COCO's")
    names, found = {}, []
    for path in paths:
        with noted(notes.problems), as_written_by("COCO", path):
            said = load_json(path)
            of_category = {number: name_in(one["name"]) for number, one in by_id(said["categories"]).items()}
            names |= dict.fromkeys(of_category.values())
            annotations, of_none = {number: [] for number in by_id(said["images"])}, []
            for one in said["annotations"]:
                annotations.get(one["image_id"], of_none).append(one)
            found += [(path, of_category, image, annotations[image["id"]]) for image in said["images"]]
            if of_none:
                text = f"has annotations of images that it has not: {of_none[0]['image_id']!r}"
                raise FileError("of none", path, text)
    classes, samples, label = with_background(names), [], numbered(with_background(names))
    for path, of_category, image, annotations in found:
        with noted(notes.problems), as_written_by("COCO", path):
            kind = path.stem.removeprefix("instances_")         # "train", "val2017"
            folders = path.parent, *(source / folder for folder in (f"images/{kind}", kind, "images", ".", "data"))
            photograph = first_file(inside_any(source, folders, image["file_name"], path))
            labels = partial(labels_of, f"{path}, for {photograph.name},", annotations, of_category, label)
            name = PureWindowsPath(image["file_name"]).with_suffix("").as_posix()
            size = whole(image["height"]), whole(image["width"])
            samples.append(Sample(name, photograph, path, labels, split_of(kind) or split_of(path.parent.name), size))
    return without_void(classes), samples


def labels_of(path, annotations, of_category, label, size):
    """A crowd lies below what is not, and what covers more pixels below what covers fewer."""
    if not annotations:
        raise NothingDrawnError(path, "annotation")
    if not all(one.get("segmentation") for one in annotations):
        raise FileError("no outline", path, "has boxes without outlines: export it for segmentation")
    labels = np.zeros(size, np.uint8)
    with as_written_by("COCO", path):
        for one in annotations:
            if one["category_id"] not in of_category:
                text = f"has the category_id {one['category_id']!r}, which is none of its categories: add it there"
                raise FileError("no category", path, text)
        for one in sorted(annotations, key=lambda one: (not one.get("iscrowd"), -outlined(one, size).sum())):
            labels[outlined(one, size)] = label[of_category[one["category_id"]]]
    return labels
