"""Other networks than SegNet-Basic."""

ABOUT = {       # a line for each of networks.NETWORKS
    "segnet-basic": "four levels of 7x7 kernels, unpooled into the corners",
    "segnet": "five levels of VGG16's 3x3 kernels, unpooled into the corners",
    "bilinear-interpolation": "upsampled bilinearly; nothing crosses",
    "segnet-basic-encoder-addition": "and the encoder's maps are added",
    "segnet-basic-single-channel-decoder": "decoder kernels see one channel",
    "segnet-basic-replication": "upsampled by repeating pixels",
    "segnet-basic-fixed-index": "unpooled into the first corners",
    "segnet-basic-no-pooling": "all maps as large as the image",
    "fcn-basic": "reduced to the classes, upsampled by learnt kernels, added",
    "fcn-basic-no-addition": "the same without the encoder's maps",
    "fcn-basic-no-dim-reduction": "all channels kept to the end",
    "fcn-basic-no-addition-no-dim-reduction": "and nothing is added",
}
