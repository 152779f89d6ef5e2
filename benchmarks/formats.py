"""python benchmarks/formats.py"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import warnings
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from tinysegnet.data import camvid, open_dataset  # noqa: E402
from tinysegnet.support.errors import InputError, exit_in_words  # noqa: E402

DESCRIPTION = """Label files as other tools write them, and what check-data says of them:
pip install -e . -r benchmarks/requirements-formats.txt
python benchmarks/formats.py

Draws small data sets and has datumaro, labelme, Label Studio, oxipng, Pillow
and OpenCV write the labels. Prints of each set how the labels are read, what
check-data says first, and what is in the files. Exit code 1 if a set is read
wrongly in silence: it must be read rightly, refused, or remarked upon. Needs
Python 3.11, and takes about a minute.
"""
TOOLS = "cv2", "datumaro", "label_studio_converter", "labelme", "oxipng"
SIZE = 180, 240
IMAGES = {"train": 4, "val": 2}
VOID = 255
COLOURS = {"grass": (60, 160, 60), "kite": (220, 40, 40), "sky": (90, 150, 230)}
NAMES, PALETTE = tuple(COLOURS), np.array([*COLOURS.values()], np.uint8)
LINES = "".join(f"{name} {r} {g} {b}\n" for name, (r, g, b) in COLOURS.items())
TWO = "other 60 160 60\nkite 220 40 40\n"


@dataclass(frozen=True)
class Scene:
    split: str
    name: str
    boxes: list         # of (label, top, left, bottom, right), each over those before it, both ends inside it
    labels: np.ndarray  # uint8 (H, W): the truth

    @property
    def photograph(self):
        """uint8 (H, W, 3): grey, lighter by label."""
        return np.repeat(60 + 40 * (self.labels % 5)[..., None], 3, axis=2)


def scenes(labels):
    """One of labels[0] with boxes of the others, of which each photograph lacks some, as in life."""
    rng, (H, W), drawn = np.random.default_rng(0), SIZE, []
    for split, count in IMAGES.items():
        for i in range(count):
            boxes = [(labels[0], 0, 0, H - 1, W - 1)]
            for k, label in enumerate(labels[1:]):
                if len(labels) == 2 or (i + k) % 3:
                    top, left = rng.integers(0, H - 60), rng.integers(0, W - 60)
                    boxes.append((label, int(top), int(left), int(top + 50), int(left + 50)))
            truth = np.zeros(SIZE, np.uint8)
            for label, top, left, bottom, right in boxes:
                truth[top : bottom + 1, left : right + 1] = label
            drawn.append(Scene(split, f"{split}{i}", boxes, truth))
    return drawn


def annotation(folder, scene):
    path = folder / f"{scene.split}annot" / f"{scene.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def save_photograph(folder, scene):
    path = folder / scene.split / f"{scene.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene.photograph).save(path)


def by_datumaro(folder, drawn, layout="camvid", colours=True, named_colours=True, copied=False):
    """Its export, laid out as a user would.

    colours        False has it write numbers
    named_colours  False tells it the names of the classes only, and it takes colours of its own
    copied         its label_colors.txt is there a second time as classes.txt; of "voc_segmentation" it is labelmap.txt,
                   written out as this project has it
    """
    from datumaro.components.annotation import AnnotationType, LabelCategories, Mask, MaskCategories
    from datumaro.components.dataset import Dataset
    from datumaro.components.dataset_base import DatasetItem
    from datumaro.components.media import Image as Photograph

    items = [
        DatasetItem(scene.name, subset=scene.split, media=Photograph.from_numpy(scene.photograph), annotations=[
            Mask(image=scene.labels == label, label=label) for label in np.unique(scene.labels[scene.labels != VOID])
        ]) for scene in drawn
    ]
    categories = {AnnotationType.label: LabelCategories.from_iterable(NAMES)}
    if named_colours:
        categories[AnnotationType.mask] = MaskCategories(dict(enumerate(COLOURS.values())))
    made = Dataset.from_iterable(items, categories=categories, media_type=Photograph)
    made.export(str(folder), layout, save_media=True, apply_colormap=colours)
    names = folder / "label_colors.txt"
    if layout == "voc_segmentation":
        for scene in drawn:
            (folder / scene.split).mkdir(exist_ok=True)
            (folder / f"JPEGImages/{scene.name}.jpg").rename(folder / scene.split / f"{scene.name}.jpg")
            (folder / f"SegmentationClass/{scene.name}.png").rename(annotation(folder, scene))
        names = folder / "labelmap.txt"
    if copied:
        lines = names.read_text()
        if layout == "voc_segmentation":        # "name:r,g,b:parts:actions"
            entries = (line.split(":")[:2] for line in lines.splitlines()[1:])
            lines = "".join(f"{name} {rgb.replace(',', ' ')}\n" for name, rgb in entries)
        (folder / "classes.txt").write_text(lines)


def by_labelme(folder, drawn):
    """Its label.png of each photograph, and as classes.txt the names of the one that has all of them."""
    most = []
    for scene in drawn:
        save_photograph(folder, scene)
        picture = io.BytesIO()
        Image.fromarray(scene.photograph).save(picture, "PNG")
        shapes = [
            {"label": NAMES[label], "points": [[left, top], [right, bottom]], "shape_type": "rectangle", "flags": {}}
            for label, top, left, bottom, right in scene.boxes[1:]      # the rest is labelme's _background_
        ]
        written = folder / "labelme" / scene.name
        written.mkdir(parents=True)
        path = written.with_suffix(".json")
        path.write_text(json.dumps({
            "version": "5.11.4", "flags": {}, "shapes": shapes, "imagePath": f"{scene.name}.png",
            "imageData": b64encode(picture.getvalue()).decode(), "imageHeight": SIZE[0], "imageWidth": SIZE[1],
        }))
        export = Path(sys.executable).parent / "labelme_export_json"
        subprocess.run([export, path, "-o", written], capture_output=True, check=True)
        (written / "label.png").rename(annotation(folder, scene))
        most = max(most, (written / "label_names.txt").read_text().split(), key=len)
    (folder / "classes.txt").write_text("".join(f"{name} {40 * i} 0 0\n" for i, name in enumerate(most)))


def by_label_studio(folder, drawn, classes=TWO):
    """Its brush strokes as PNG; the one stroke of each photograph under the photograph's name.

    Its command has BRUSH_TO_PNG in its help and then refuses it, so this calls what is behind it.
    """
    from label_studio_converter import Converter, brush

    config = '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image">' \
             '<Label value="kite"/></BrushLabels></View>'
    tasks = []
    for number, scene in enumerate(drawn):
        save_photograph(folder, scene)
        stroke = {"format": "rle", "rle": brush.mask2rle(np.uint8(255) * (scene.labels == 1)), "brushlabels": ["kite"]}
        result = {
            "id": "1", "type": "brushlabels", "from_name": "tag", "to_name": "image", "value": stroke,
            "original_width": SIZE[1], "original_height": SIZE[0], "image_rotation": 0,
        }
        done = {"id": 1, "completed_by": 1, "was_cancelled": False, "result": [result]}
        tasks.append({"id": number, "data": {"image": f"{scene.name}.png"}, "annotations": [done]})
    (folder / "tasks.json").write_text(json.dumps(tasks))
    (folder / "strokes").mkdir()
    converter = Converter(config, str(folder), download_resources=False)
    converter.convert(str(folder / "tasks.json"), str(folder / "strokes"), "BRUSH_TO_PNG", is_dir=False)
    for number, scene in enumerate(drawn):
        (stroke,) = (folder / "strokes").glob(f"task-{number}-*.png")
        stroke.rename(annotation(folder, scene))
    if classes:
        (folder / "classes.txt").write_text(classes)


def by_program(folder, drawn, save, classes=LINES):
    """save(path, labels) writes each annotation, as in the few lines that people write themselves."""
    for scene in drawn:
        save_photograph(folder, scene)
        save(annotation(folder, scene), scene.labels)
    if classes:
        (folder / "classes.txt").write_text(classes)


def then_oxipng(folder, drawn, make, **options):
    """`make` writes the data set; oxipng then makes the annotations smaller."""
    import oxipng

    make(folder, drawn, **options)
    for scene in drawn:
        oxipng.optimize(annotation(folder, scene))


def grey(path, labels):
    Image.fromarray(labels).save(path)


def grey_camvid(path, labels):
    grey(path, np.where(labels == VOID, camvid.VOID, labels).astype(np.uint8))


def palette(path, labels, entries=256, colours=PALETTE):
    """With that many entries, of which those behind the classes' are white."""
    image = Image.fromarray(labels)
    image.putpalette(np.concatenate([colours, np.full((256, 3), 255, np.uint8)])[:entries].tobytes())
    image.save(path)


def grey_palette(path, labels):
    Image.fromarray(labels).convert("P").save(path)


def coloured(path, labels, mode="RGB", **options):
    Image.fromarray(PALETTE[labels]).convert(mode).save(path, **options)


def quantised(path, labels):
    Image.fromarray(PALETTE[labels]).quantize(8).save(path)


def one_bit(path, labels):
    Image.fromarray(labels == 1).save(path)


def black_and_white(path, labels):
    grey(path, np.uint8(255) * (labels == 1))


def jpeg(path, labels):
    Image.fromarray(labels).save(path, "JPEG")


def sixteen_bits(path, labels):
    Image.fromarray(labels.astype(np.uint16)).save(path)


def opencv(path, labels, dtype=np.uint8, channels=1):
    import cv2

    cv2.imwrite(str(path), np.dstack([labels.astype(dtype)] * channels))


def opencv_colours(path, labels, swapped):
    """OpenCV wants blue first: whoever gives it red first has the two exchanged."""
    import cv2

    cv2.imwrite(str(path), PALETTE[labels] if swapped else PALETTE[labels][..., ::-1])


def opencv_shrunk(path, labels):
    """From larger ones, by the method that cv2.resize takes if it is told none: along edges it mixes labels."""
    import cv2

    large = cv2.resize(labels, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(path), cv2.resize(large, SIZE[::-1]))


@dataclass(frozen=True)
class Set:
    name: str
    make: Callable              # make(folder, scenes)
    labels: tuple = (0, 1, 2)   # that occur
    classes: tuple = NAMES      # what they mean
    right: bool = False         # this must be read, and rightly
    seen: bool = True           # False if the files have nothing by which a mistake could be seen


CAMVID = 3, 0, 1, 5, 8, VOID
OTHER = "other", "kite"
TWENTY = "".join(f"class{i} {i} 0 0\n" for i in range(20))
VOC = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0)], np.uint8)     # of Pascal VOC, and of tools that follow it


def program(save, **options):
    return partial(by_program, save=save, **options)


def camvid_by(save):
    return program(save, classes=None)


def oxipng_on(make, **options):
    return partial(then_oxipng, make=make, **options)


def datumaro(layout, **options):
    return partial(by_datumaro, layout=layout, **options)


SETS = [
    Set("grey", program(grey), (0, 1, 2, VOID), right=True),
    Set("grey, CamVid", camvid_by(grey_camvid), CAMVID, camvid.CLASSES, right=True),
    Set("palette", program(palette), (0, 1, 2, VOID), right=True),
    Set("palette of other colours than classes.txt", program(partial(palette, colours=VOC)), right=True),
    Set("palette of greys", program(grey_palette), (0, 1, 2, VOID), right=True),

    Set("datumaro camvid, colours", datumaro("camvid")),
    Set("datumaro camvid, colours; classes.txt", datumaro("camvid", copied=True)),
    Set("datumaro camvid, colours, part unlabelled; classes.txt", datumaro("camvid", copied=True), (VOID, 0, 1, 2)),
    Set("datumaro camvid, numbers", datumaro("camvid", colours=False)),
    Set("datumaro camvid, numbers; classes.txt", datumaro("camvid", colours=False, copied=True)),
    Set("datumaro camvid, numbers, no sky; classes.txt", datumaro("camvid", colours=False, copied=True), (0, 1)),
    Set("datumaro camvid, numbers, no sky, part unlabelled; classes.txt",
        datumaro("camvid", colours=False, copied=True), (VOID, 0, 1)),
    Set("datumaro camvid, its own colours", datumaro("camvid", named_colours=False)),
    Set("datumaro camvid, its own colours; classes.txt", datumaro("camvid", named_colours=False, copied=True)),
    Set("datumaro voc_segmentation, colours", datumaro("voc_segmentation")),
    Set("datumaro voc_segmentation, colours; classes.txt", datumaro("voc_segmentation", copied=True)),
    Set("datumaro voc_segmentation, numbers", datumaro("voc_segmentation", colours=False)),
    Set("datumaro voc_segmentation, numbers; classes.txt", datumaro("voc_segmentation", colours=False, copied=True)),
    Set("datumaro voc_segmentation, its own colours; classes.txt",
        datumaro("voc_segmentation", named_colours=False, copied=True)),

    Set("labelme", by_labelme, classes=("_background_", "kite", "sky"), seen=False),
    Set("Label Studio, brush; classes.txt", by_label_studio, (0, 1), OTHER),
    Set("Label Studio, brush", partial(by_label_studio, classes=None), (0, 1), OTHER),

    Set("oxipng on grey", oxipng_on(program(grey))),
    Set("oxipng on grey with void", oxipng_on(program(grey)), (0, 1, 2, VOID)),
    Set("oxipng on grey, sometimes only 0 and void", oxipng_on(program(grey)), (0, VOID, 1)),
    Set("oxipng on grey, CamVid", oxipng_on(camvid_by(grey_camvid)), CAMVID, camvid.CLASSES),
    Set("oxipng on grey, 0 and 17 of twenty classes", oxipng_on(program(grey, classes=TWENTY)), (0, 17),
        tuple(f"class{i}" for i in range(20))),
    Set("oxipng on palette", oxipng_on(program(palette))),
    Set("oxipng on palette with void", oxipng_on(program(palette)), (0, 1, 2, VOID)),
    Set("oxipng on Label Studio's 0 and 255", oxipng_on(by_label_studio), (0, 1), OTHER),
    Set("oxipng on colours", oxipng_on(program(coloured))),
    Set("oxipng on datumaro camvid, numbers; classes.txt", oxipng_on(by_datumaro, colours=False, copied=True)),

    Set("Pillow, RGB", program(coloured)),
    Set("Pillow, RGBA", program(partial(coloured, mode="RGBA"))),
    Set("Pillow, RGB quantised", program(quantised)),
    Set("Pillow, palette of three entries, void", program(partial(palette, entries=3)), (0, 1, 2, VOID)),
    Set("Pillow, palette of two entries, void: saved as 1",
        program(partial(palette, entries=2), classes=TWO), (0, 1, VOID), OTHER, seen=False),
    Set("Pillow, 0 and 255", program(black_and_white, classes=TWO), (0, 1), OTHER),
    Set("Pillow, true and false", program(one_bit, classes=TWO), (0, 1), OTHER),
    Set("Pillow, 16 bits", program(sixteen_bits)),
    Set("Pillow, a JPEG named .png, CamVid", camvid_by(jpeg), (3, 8), camvid.CLASSES),
    Set("Pillow, a JPEG named .png, colours", program(partial(coloured, format="JPEG"))),

    Set("OpenCV, 16 bits", program(partial(opencv, dtype=np.uint16))),
    Set("OpenCV, three equal channels", program(partial(opencv, channels=3))),
    Set("OpenCV, colours", program(partial(opencv_colours, swapped=False))),
    Set("OpenCV, colours, red and blue exchanged", program(partial(opencv_colours, swapped=True))),
    Set("OpenCV, shrunk by its default", program(opencv_shrunk)),
]


def on_disk(path):
    """What an annotation is: its format, Pillow's mode, its bits, and the samples that are in the file."""
    with Image.open(path) as image:
        samples = np.array(image)
    if image.format != "PNG":
        return f"{image.format} {image.mode}"
    bits = path.read_bytes()[24]
    kind = f"PNG {image.mode}, {bits} bit"
    if samples.ndim == 3:
        colours = np.unique(samples.reshape(-1, samples.shape[2]), axis=0)
        return f"{kind}: {' '.join(map(rgb, colours))}"
    if image.mode == "L":
        samples = samples // (255 // (2**bits - 1))         # Pillow stretches what has fewer than 8
    numbers = [int(n) for n in np.unique(samples)]
    if image.mode != "P":
        return f"{kind}: {' '.join(map(str, numbers))}"
    entries = np.array(image.getpalette()).reshape(-1, 3)
    return f"{kind}: " + " ".join(f"{n}={rgb(entries[n]) if n < len(entries) else 'none'}" for n in numbers)


def rgb(colour):
    return ",".join(map(str, colour))


def wrong_pixels(folder, drawn, classes):
    """The share of pixels that are read as another class than theirs; None if a file is refused."""
    truth = {scene.name: scene.labels for scene in drawn}
    shares = []
    try:
        data, _ = open_dataset(folder)
        for split in IMAGES:
            for sample in data.samples(split):
                _, labels = data.read(sample)
                shares.append((named(data.classes)[labels] != named(classes)[truth[sample[0].stem]]).mean())
    except InputError:
        return None
    return np.mean(shares)


def named(classes):
    """What each label stands for: a class, or None."""
    return np.array([*classes, *[None] * (256 - len(classes))], dtype=object)


def check_data(folder):
    """Its exit code, and its sentences."""
    command = [sys.executable, "-m", "tinysegnet", "check-data", folder, "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said = json.loads(process.stdout)["problems"] if process.stdout else [{"sentence": process.stderr}]
    return process.returncode, [problem["sentence"].replace(f"{folder}/", "") for problem in said]


def judged(one, folder):
    """Whether a Set, made in that folder, is as it must be; and the lines that say so."""
    drawn = scenes(one.labels)
    one.make(folder, drawn)
    code, sentences = check_data(folder)
    wrong = wrong_pixels(folder, drawn, one.classes)
    if code == 2:
        good, verdict = not one.right, "refused"
    elif code or wrong is None:
        good, verdict = False, f"ended with {code}, and the files are {'not ' * (wrong is None)}read"
    elif wrong:
        good, verdict = bool(sentences) or not one.seen, f"{100 * wrong:.1f} % of the pixels are read wrongly, "
        verdict += "remarked upon" if sentences else "in silence" if one.seen else "which nothing in the files shows"
    else:
        good, verdict = True, "read rightly"
    files = Counter(on_disk(annotation(folder, scene)) for scene in drawn)
    return good, [verdict, *sentences[:1], *(f"  {count} x {what}" for what, count in files.items())]


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    for tool in TOOLS:
        if not find_spec(tool):
            raise InputError(f"{tool} is not installed: pip install -r benchmarks/requirements-formats.txt")
    bad = []
    for one in SETS:
        with tempfile.TemporaryDirectory() as folder:
            good, lines = judged(one, Path(folder))
        print(one.name, *lines, sep="\n    ", flush=True)
        bad += [] if good else [one.name]
    print(f"\n{len(SETS)} sets, and not as they must be: {len(bad)}", *bad, sep="\n    ")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    warnings.simplefilter("ignore")     # of the tools
    exit_in_words(main)
