"""Cityscapes, fine annotations, with the 19 classes of its benchmark.

M. Cordts et al., The Cityscapes dataset for semantic urban scene understanding, CVPR 2016; the numbers are those of
helpers/labels.py of https://github.com/mcordts/cityscapesScripts.
"""

from tinysegnet.importers.classes import mask_reader, numbered
from tinysegnet.importers.finding import files_under, plain
from tinysegnet.importers.sample import Sample, split_of
from tinysegnet.support.errors import InputError

LAYOUT = """leftImg8bit/train/CITY/NAME_leftImg8bit.png and
gtFine/train/CITY/NAME_gtFine_labelIds.png, or ..._labelTrainIds.png;
likewise for val and test"""
COLOURS = {     # in the order of the train ids
    "road": (128, 64, 128), "sidewalk": (244, 35, 232), "building": (70, 70, 70), "wall": (102, 102, 156),
    "fence": (190, 153, 153), "pole": (153, 153, 153), "traffic light": (250, 170, 30), "traffic sign": (220, 220, 0),
    "vegetation": (107, 142, 35), "terrain": (152, 251, 152), "sky": (70, 130, 180), "person": (220, 20, 60),
    "rider": (255, 0, 0), "car": (0, 0, 142), "truck": (0, 0, 70), "bus": (0, 60, 100), "train": (0, 80, 100),
    "motorcycle": (0, 0, 230), "bicycle": (119, 11, 32),
}
IDS = dict(zip(COLOURS, (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)))


def read(source, *_):
    """See importers/__init__.py. What the benchmark does not judge, such as parking and trailers, does not count."""
    photographs, samples = source / "leftImg8bit", []
    if not photographs.is_dir() or not (source / "gtFine").is_dir():
        raise InputError(f"there are no leftImg8bit/ and gtFine/ in {source}: name the folder that has them")
    if (source / "label_colors.txt").is_file():
        raise InputError(f"{source}/label_colors.txt says that these are other classes: export it as datumaro-camvid")
    names = {number: name for name, number in IDS.items()}
    by_id = [names.get(number, f"void {number}") for number in range(34)]
    label = {name: numbered(COLOURS).get(name, 255) for name in by_id}
    of_ids, of_train_ids = (mask_reader(dict.fromkeys(those), label) for those in (by_id, COLOURS))
    for path in files_under(photographs):
        name = plain(path, photographs).removesuffix("_leftImg8bit")
        file = source / "gtFine" / f"{name}_gtFine_labelIds.png"
        train_ids = file.with_name(file.name.replace("_labelIds", "_labelTrainIds"))
        by_train_ids = train_ids.is_file() and not file.is_file()
        labels = of_train_ids(train_ids) if by_train_ids else of_ids(file)
        split = split_of(name.partition("/")[0])
        samples.append(Sample(name.rpartition("/")[2], path, train_ids if by_train_ids else file, labels, split))
    return COLOURS, samples
