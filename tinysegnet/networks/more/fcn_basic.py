"""FCN-Basic and its variants (Badrinarayanan, Kendall and Cipolla, TPAMI 2017, section 3.1 and table 1): SegNet-Basic's
encoder, and a decoder after FCN (Long, Shelhamer and Darrell, 2015), which learns how to upsample.

Of the encoder's maps, those before pooling are added, at each level: see docs/networks.md for the paper's two readings.
"""

from tinysegnet.networks.blocks import chain, conv
from tinysegnet.networks.more.blocks import add_lent, upsample_learnt
from tinysegnet.networks.more.decoders import encoder

UPSAMPLING_KERNEL = 8


def network(classes, filters, levels, kernel, *, reduction, addition):
    """reduction: the maps of the encoder are reduced to the classes; addition: they are added at each level."""
    C, blocks = classes if reduction else filters, encoder(filters, levels, kernel, lending=addition)
    if reduction:
        blocks.append(conv("reduction", filters, C, K=1))
    for level in range(levels, 0, -1):
        blocks.append(upsample_learnt(f"decoder{level}", f"level{level}", C, C, UPSAMPLING_KERNEL))
        if addition:
            reduced = conv(f"reduction{level}", filters, C, K=1) if reduction else None
            blocks.append(add_lent(f"level{level}", reduced))
    if not reduction:
        blocks.append(conv("classifier", filters, classes, K=1))
    return chain(*blocks)


def fcn_basic(classes=11, filters=64, levels=4, kernel=7):
    """Maps reduced to the classes, upsampled by learnt kernels; the encoder's are added. 646,883 parameters."""
    return network(classes, filters, levels, kernel, reduction=True, addition=True)


def fcn_basic_no_addition(classes=11, filters=64, levels=4, kernel=7):
    """FCN-Basic without the encoder's maps. 644,023 parameters."""
    return network(classes, filters, levels, kernel, reduction=True, addition=False)


def fcn_basic_no_dim_reduction(classes=11, filters=64, levels=4, kernel=7):
    """FCN-Basic whose maps keep all channels to the end. 1,661,835 parameters."""
    return network(classes, filters, levels, kernel, reduction=False, addition=True)


def fcn_basic_no_addition_no_dim_reduction(classes=11, filters=64, levels=4, kernel=7):
    """The same without the encoder's maps. 1,661,835 parameters."""
    return network(classes, filters, levels, kernel, reduction=False, addition=False)
