"""python tests/data/import/make.py

Has the tools write the small data sets beside it anew, which tests/test_import_data.py imports, and in truth/ the
labels that they make of shapes. It needs  pip install -e . -r benchmarks/requirements-formats.txt
"""

import io
import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SIZE = 24, 32
NAMES = "grass", "kite", "sky"
COLOURS = (60, 160, 60), (220, 40, 40), (90, 150, 230)
VOID = 255


def scenes():
    """{name: labels, uint8 (24, 32)}, of four frames of train, two of val: a kite in the sky, a rim with no label."""
    drawn = {}
    for i, name in enumerate(("train_1", "train_2", "train_3", "train_4", "val_1", "val_2")):
        labels = np.full(SIZE, 2, np.uint8)
        labels[14 + i % 3 :] = 0
        labels[14 + i % 3, ::2] = VOID
        if i % 4:
            labels[3 + i : 9 + i, 4 * i : 4 * i + 6] = 1
        drawn[name] = labels
    return drawn


def photograph(labels):
    """uint8 (24, 32, 3): grey, lighter by label."""
    return np.repeat(60 + 40 * (labels % 5)[..., None], 3, axis=2)


def by_datumaro(layout, folder, colours, **options):
    """Its export. Each label but void is a mask."""
    from datumaro.components.annotation import AnnotationType, LabelCategories, Mask, MaskCategories
    from datumaro.components.dataset import Dataset
    from datumaro.components.dataset_base import DatasetItem
    from datumaro.components.media import Image as Photograph

    items = [
        DatasetItem(name, subset=name.partition("_")[0], media=Photograph.from_numpy(photograph(labels)), annotations=[
            Mask(image=labels == label, label=int(label)) for label in np.unique(labels[labels != VOID])
        ]) for name, labels in scenes().items()
    ]
    categories = {AnnotationType.label: LabelCategories.from_iterable(NAMES)}
    if colours:
        categories[AnnotationType.mask] = MaskCategories(dict(enumerate(COLOURS)))
    made = Dataset.from_iterable(items, categories=categories, media_type=Photograph)
    made.export(str(HERE / folder), layout, save_media=True, **options)


def by_labelme():
    """Files with shapes of all kinds, one with its photograph in it, and the labels that labelme makes of them."""
    from labelme import utils
    from labelme._label_file import LabelFile

    cross = np.zeros((5, 7), np.uint8)
    cross[2], cross[:, 3] = 255, 255
    mask = utils.img_arr_to_b64(cross)
    files = {
        "a_1": [
            ("sky", "rectangle", [[0, 0], [31, 12.4]]),
            ("grass", "polygon", [[0, 12], [16, 15.5], [31, 12], [31, 23], [0, 23]]),
            ("red kite", "circle", [[9, 8], [12, 10]]), ("__ignore__", "rectangle", [[8, 7], [10, 9]]),
        ],
        "a_2": [
            ("grass", "line", [[2, 20], [29, 18]]), ("sky", "linestrip", [[2, 5], [10, 8], [25, 4]]),
            ("red kite", "point", [[20, 12]]), ("sky", "mask", [[3, 14], [9, 18]]),
        ],
        "b/a_1": [
            ("red kite", "polygon", [[4.5, 3.2], [20.1, 5.7], [9.9, 18.8]]), ("sky", "rectangle", [[25, 2], [30, 20]]),
        ],
    }
    numbers = {"_background_": 0, "grass": 1, "red kite": 2, "sky": 3, "__ignore__": VOID}
    for name, drawn in files.items():
        path = HERE / "labelme" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = io.BytesIO()
        Image.fromarray(photograph(np.full(SIZE, len(drawn), np.uint8))).save(picture, "PNG")
        shapes = [
            {"label": label, "points": points, "group_id": None, "description": "", "shape_type": kind, "flags": {},
             "mask": mask if kind == "mask" else None} for label, kind, points in drawn
        ]
        embedded = name == "a_2"
        LabelFile().save(str(path), shapes, f"{path.stem}.png", *SIZE, picture.getvalue() if embedded else None)
        if not embedded:
            path.with_suffix(".png").write_bytes(picture.getvalue())
        for shape in shapes:
            shape["mask"] = cross > 0
        labels, _ = utils.shapes_to_label(SIZE, shapes, numbers)
        save_truth("labelme", name, labels)


def by_pycocotools():
    """Polygons and compressed run lengths, of which the smaller lie on top; and the labels that pycocotools makes."""
    from pycocotools import mask
    from pycocotools.coco import COCO

    rng, (H, W), images, annotations = np.random.default_rng(0), SIZE, [], []
    for number in (1, 2, 3):
        name = f"{number:012}.jpg"
        path = HERE / "coco-polygons" / "val2017" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(np.full(SIZE, number, np.uint8))).save(path)
        images.append({"id": number, "file_name": name, "height": H, "width": W})
        blob = np.zeros(SIZE, np.uint8, order="F")
        blob[rng.random(SIZE) < 0.2] = 1
        corners = (np.round(5 * rng.uniform(0, (W, H), (5, 2))) / 5).ravel().tolist()
        crowd = mask.encode(blob)
        crowd["counts"] = crowd["counts"].decode()
        for category, outline, is_crowd in (
            (18, [[2, 3, 20, 3, 20, 15, 2, 15], [24.5, 2, 30, 2, 30, 22.5, 24.5, 22.5]], 0), (1, [corners], 0),
            (44, crowd, 1), (18, [[6, 5, 11, 5, 11, 10, 6, 10]], 0),
        ):
            annotations.append({
                "id": len(annotations) + 1, "image_id": number, "category_id": category, "iscrowd": is_crowd,
                "segmentation": outline,
            })
    categories = [{"id": 44, "name": "bottle"}, {"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
    path = HERE / "coco-polygons" / "annotations" / "instances_val2017.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    coco = COCO(path)
    for image in images:
        masks = [(one, coco.annToMask(one)) for one in coco.imgToAnns[image["id"]]]
        labels = np.zeros(SIZE, np.uint8)
        for one, pixels in sorted(masks, key=lambda pair: (-pair[0]["iscrowd"], -int(pair[1].sum()))):
            labels[pixels > 0] = {1: 1, 18: 2, 44: 3}[one["category_id"]]
        save_truth("coco-polygons", Path(image["file_name"]).stem, labels)


def by_label_studio():
    """Its JSON, with a brush stroke of each class; the photographs by the names that they had before an upload."""
    from label_studio_converter import brush

    tasks = []
    for number, (name, labels) in enumerate(scenes().items()):
        path = HERE / "label-studio" / "photographs" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(labels)).save(path)
        result = [{
            "id": NAMES[label], "type": "brushlabels", "from_name": "tag", "to_name": "image", "image_rotation": 0,
            "original_height": SIZE[0], "original_width": SIZE[1], "value": {
                "format": "rle", "rle": brush.mask2rle(np.uint8(255) * (labels == label)),
                "brushlabels": [NAMES[label]],
            },
        } for label in np.unique(labels[labels != VOID])]
        tasks.append({
            "id": number, "data": {"image": f"/data/upload/1/0{number}abcdef-{name}.png"},
            "annotations": [{"id": number, "was_cancelled": False, "result": result}],
        })
    (HERE / "label-studio" / "project-1.json").write_text(json.dumps(tasks))


def save_truth(folder, name, labels):
    path = HERE / "truth" / folder / f"{name.replace('/', '_')}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels.astype(np.uint8)).save(path)


if __name__ == "__main__":
    for path in HERE.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    by_datumaro("camvid", "camvid-colours", colours=True)
    by_datumaro("camvid", "camvid-numbers", colours=False, apply_colormap=False)
    by_datumaro("voc_segmentation", "voc-colours", colours=True)
    by_datumaro("voc_segmentation", "voc-numbers", colours=False, apply_colormap=False)
    by_datumaro("coco_instances", "coco", colours=False)
    by_labelme()
    by_pycocotools()
    by_label_studio()
