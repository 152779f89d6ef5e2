"""CamVid (Brostow et al. 2009) as released with the authors' tutorial: its classes, colours, and the label of void."""

import numpy as np

CLASSES = (
    "Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist",
)
VOID = 11       # unlabelled: not a twelfth class, but left out of the loss and of every figure
COLOUR_OF_VOID = 0, 0, 0
PALETTE = np.array([
    (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0),
    (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
], np.uint8)
