"""Checkpoints and runs as version 0.1.0 wrote them, for what must still be read of it."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np

from tinysegnet import checkpoint

OLD_NAMES = {
    "class_weight_power": "balance", "normalisation": "input", "jitter": "light", "opt_state": "memory",
    "best_by": "select", "filters": "width",
}
OLD_NORMALISATIONS = {"centred": "x / 255 - 0.5", "local_response": "x (1 + 2e-5 sum x^2)^-0.75"}


def renamed(new):
    old = {OLD_NAMES.get(name, name): value for name, value in new.items() if name != "network"}
    if "input" in old:
        old["input"] = OLD_NORMALISATIONS.get(old["input"], old["input"])
    return old


def save(path, meta, **groups):
    """A checkpoint of format 3, with what today's `meta` and groups say, under the names of then."""
    members = {"about.json": json.dumps({"format": "tinysegnet checkpoint 3", **renamed(meta)}).encode()}
    for group, arrays in renamed(groups).items():
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
            members[f"{group}/{name}.npy"] = buffer.getvalue()
    members["sha256"] = checkpoint.checksum({name: [content] for name, content in members.items()}).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content)


def turn_back(run):
    """Make a run folder one that version 0.1.0 has left: config.json and the checkpoints."""
    path = Path(run, "config.json")
    config = json.loads(path.read_text())
    del config["format"]
    config["settings"] = renamed(config["settings"])
    path.write_text(json.dumps(config, indent=2) + "\n")
    for name in ("last.npz", "best.npz"):
        if Path(run, name).exists():
            meta, groups = checkpoint.load(Path(run, name))
            save(Path(run, name), meta, **groups)
