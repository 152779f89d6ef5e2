"""How good a segmentation is."""

from tinysegnet.metrics.confusion import (
    class_accuracy,
    class_average,
    confusion_matrix,
    figures,
    global_accuracy,
    iou,
    mean_iou,
)
from tinysegnet.metrics.table import summary, table

__all__ = [
    "class_accuracy", "class_average", "confusion_matrix", "figures", "global_accuracy", "iou", "mean_iou", "summary",
    "table",
]
