"""Rare things pasted from one photograph into another, as data augmentation (Ghiasi et al., 2021, "copy-paste")."""

import numpy as np

from tinysegnet.data.images import resize_labels, resize_photograph
from tinysegnet.support.errors import InputError

PASTED = 0.5        # of the photographs


def paste(photograph, labels, donor, classes):
    """The photograph and its labels with all of the donor that is of these classes, in its true outline and where it
    was: a street has its signs and its pedestrians in much the same places.

    donor    a photograph and its labels; brought to the size of the other
    classes  numbers
    """
    size = labels.shape
    donor_photograph, donor_labels = resize_photograph(donor[0], size), resize_labels(donor[1], size)
    pasted = np.isin(donor_labels, classes)
    return np.where(pasted[:, :, None], donor_photograph, photograph), np.where(pasted, donor_labels, labels)


def numbers_of(names, classes):
    """The numbers of classes by their names. Raises InputError if there is none of a name."""
    for name in names:
        if name not in classes:
            raise InputError(f"--set paste: there is no class {name}: name some of {', '.join(classes)}")
    return [classes.index(name) for name in names]
