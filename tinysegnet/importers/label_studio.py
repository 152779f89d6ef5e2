"""Label Studio: its JSON export, with brush strokes, polygons and rectangles."""

import re
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from tinysegnet.data.folder import IMAGES
from tinysegnet.data.problems import FileError
from tinysegnet.importers.classes import name_in, numbered, with_background, without_void
from tinysegnet.importers.drawing import region
from tinysegnet.importers.finding import files_under, plain
from tinysegnet.importers.json_files import as_written_by, load_json
from tinysegnet.importers.sample import NothingDrawnError, Sample, noted
from tinysegnet.support.errors import InputError

LAYOUT = """NAME.json, the export called JSON, and the photographs, in sub-folders
too, by the names that they have there, or had before an upload"""


def read(source, _, notes):
    """See importers/__init__.py. The classes are `background` and the labels of regions, by the alphabet."""
    paths, photographs, uploads, names, found = files_under(source, (".json",)), {}, {}, set(), []
    if not paths:
        raise InputError(f"there is no NAME.json in {source}: name the folder that has Label Studio's export")
    for photograph in files_under(source):
        photographs.setdefault(photograph.name, []).append(photograph)
        uploads.setdefault(uploaded(photograph.name), []).append(photograph)
    for path in paths:
        with noted(notes.problems), as_written_by("Label Studio", path):
            for task in load_json(path):
                with noted(notes.problems), as_written_by("Label Studio", path):
                    done = [one["result"] for one in task["annotations"] if not one.get("was_cancelled")]
                    regions = [one for one in done[0] if one["type"].endswith("labels")] if done else None
                    names |= {name_in(one["value"][one["type"]][0]) for one in regions or ()}
                    found.append((path, photograph_of(path, task, regions, photographs, uploads), regions))
    classes, samples = with_background(sorted(names)), []
    for path, photograph, regions in found:
        labels = partial(labels_of, f"{path}, for {photograph.name},", regions, numbered(classes))
        samples.append(Sample(plain(photograph, source), photograph, path, labels))
    return without_void(classes), samples


def photograph_of(path, task, regions, photographs, uploads):
    """The one that the task's data name: by what its regions are of, if they say that.

    An upload has 8 letters more in front of its name.
    """
    data, of = task["data"], {one["to_name"] for one in regions or () if one.get("to_name")}
    texts = [data[name] for name in of if name in data] if len(of) == 1 else []
    names = [name for text in texts or data.values() if isinstance(text, str) for name in names_in(text)]
    found = [photographs.get(name) or uploads.get(uploaded(re.sub(r"^[0-9a-f]{8}-", "", name)), []) for name in names]
    there = {those[0] for those in found if len(those) == 1}
    if len(of) > 1 or len(there) > 1:
        text = f"has several pictures in the task {task.get('id')}: make a task of each"
        raise FileError("several pictures", path, text)
    if not there:
        if not names:
            raise FileError("no photograph", path, f"has a task {task.get('id')} that names no file: label it anew")
        name, those = max(zip(names, found), key=lambda one: (len(one[1]), Path(one[0]).suffix.lower() in IMAGES))
        raise FileError("no photograph", path, f"is of {name}, of which there are {len(those)}: put one there")
    return there.pop()


def names_in(text):
    """What a path or URL may mean: its last part, which a local file has behind ?d=, or that before a signature."""
    return [re.split(r"[/\\=]", unquote(part))[-1] for part in (text, text.partition("?")[0])]


def uploaded(name):
    """What Label Studio makes of a file's name: Django keeps letters, digits, _ - and ., and writes _ for spaces."""
    return re.sub(r"[^-\w.]", "", name.strip().replace(" ", "_"))


def labels_of(path, regions, label, size):
    """The regions of the first annotation that was not cancelled, None if there is none, each over those before it."""
    if not regions:
        raise NothingDrawnError(path, "region") if regions == [] else FileError("bare", path, "is unlabelled: label it")
    labels = np.zeros(size, np.uint8)
    with as_written_by("Label Studio", path):
        for one in regions:
            labels[region(one, size)] = label[name_in(one["value"][one["type"]][0])]
    return labels
