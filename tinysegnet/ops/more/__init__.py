"""Operations of other networks than SegNet-Basic."""
