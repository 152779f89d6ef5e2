"""How good a segmentation is."""

from tinysegnet.metrics.boundary import boundary_f1, mean_boundary_f1
from tinysegnet.metrics.calibration import accuracy_by_tenth, count_by_uncertainty
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
    "accuracy_by_tenth", "boundary_f1", "class_accuracy", "class_average", "confusion_matrix", "count_by_uncertainty",
    "figures", "global_accuracy", "iou", "mean_boundary_f1", "mean_iou", "summary", "table",
]
