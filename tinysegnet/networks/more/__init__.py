"""Other networks than SegNet-Basic."""

ABOUT = {       # a line for each of networks.NETWORKS
    "segnet-basic": "four levels of 7x7 kernels, unpooled into the corners",
    "segnet": "five levels of VGG16's 3x3 kernels, unpooled into the corners",
    "bayesian-segnet-basic": "dropout around the two deepest levels",
    "bayesian-segnet": "dropout around the three deepest levels",
    "unet": "whole maps cross, put beside the decoder's",
    "bilinear-interpolation": "upsampled bilinearly; nothing crosses",
    "segnet-basic-encoder-addition": "corners, and the encoder's maps added",
    "segnet-basic-single-channel-decoder": "kernels see one channel",
    "segnet-basic-replication": "upsampled by repeating pixels",
    "segnet-basic-fixed-index": "unpooled into the first corners",
    "segnet-basic-no-pooling": "all maps as large as the image",
    "fcn-basic": "maps reduced to the classes and added; learnt upsampling",
    "fcn-basic-no-addition": "maps reduced, not added",
    "fcn-basic-no-dim-reduction": "maps added with all channels",
    "fcn-basic-no-addition-no-dim-reduction": "all channels, not added",
}
