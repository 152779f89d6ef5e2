"""Other networks than SegNet-Basic."""
