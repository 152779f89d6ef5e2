"""Train SegNet-Basic: `python train.py -h` says how. The program is tinysegnet/commands/train.py."""

from tinysegnet.commands import train
from tinysegnet.support.errors import exit_in_words

if __name__ == "__main__":
    exit_in_words(train.main, train.OUT_OF_MEMORY)
