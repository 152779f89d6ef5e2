"""Damaged classes.txt, files of labelling tools, safetensors, config.json, uploads: read, or refused in a sentence."""

import shutil
from pathlib import Path

import numpy as np
from test_checkpoint import META, arrays, mutated
from test_import_data import MADE, SKY_AND_ROAD, imported
from test_look import Client, file_of, photograph, small

from tests.campaign import _run
from tinysegnet.data.classes_file import read_classes
from tinysegnet.export import safetensors
from tinysegnet.inference import Model, network_of
from tinysegnet.look.server import application
from tinysegnet.look.views import Network, Views
from tinysegnet.support.errors import InputError
from tinysegnet.training.runs import read_config

COUNT, SECONDS = 20_000, 60
OF_TOOLS = {
    "coco": "coco", "coco-polygons": "coco", "label-studio": "label-studio", "labelme": "labelme",
    "voc-colours": "voc", "camvid-colours": "datumaro-camvid",
}


def classes_files():
    path = Path("classes.txt")
    path.write_text(SKY_AND_ROAD + "void 0 0 0\n")
    yield path, lambda: len(read_classes(path)[0])


def of_tools():
    """Whatever is no picture, of one data set of each kind."""
    for name, kind in OF_TOOLS.items():
        source, out = Path(name), Path("imported")
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(MADE / name, source)

        def read(kind=kind, source=source, out=out):
            shutil.rmtree(out, ignore_errors=True)
            return sum(imported(kind, source, out).counts.values())

        for path in sorted(source.rglob("*")):
            if path.suffix in (".json", ".txt"):
                yield path, read


def of_networks():
    """A .safetensors, which has no checksum, and the config.json of a run."""
    params, stats = arrays()
    path = Path("network.safetensors")
    safetensors.save(path, Model(network_of(META, path), params, stats, META))
    yield path, lambda: len(safetensors.load(path)[1])
    config = _run.made("one", "--epochs", "1") / "config.json"
    yield config, lambda: len(read_config(config.parent))


def uploads():
    """What `look` answers: 200, or 400 or 413 with a sentence, and afterwards it still answers."""
    network = Network(small(), "Network: a small one.")
    client = Client(application(Views(network, network), 8008))

    for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF"):
        path = Path(f"upload.{kind.lower()}")
        path.write_bytes(file_of(photograph(30, 40), kind))

        def read(path=path):
            answer = client.post("/photographs", path.read_bytes())
            assert client.get("/images").status == 200
            if answer.status in (400, 413):
                raise InputError(answer.text)
            assert answer.status == 200, answer.status
            return answer.content

        yield path, read


def trials():
    files = [
        (path, read, path.read_bytes()) for kind in (classes_files, of_tools, of_networks, uploads)
        for path, read in kind()
    ]

    def trial(number):
        path, read, whole = files[number % len(files)]
        path.write_bytes(mutated(whole, np.random.default_rng(number)))
        try:
            read()
            return "read"
        except InputError as error:
            assert str(error).strip() and "Traceback" not in str(error)
            return "refused"
        finally:
            path.write_bytes(whole)

    return trial
