"""Make STIXTwoMath.woff2 again from the whole font:  python lessons/engine/book/font.py STIXTwoMath-Regular.otf

The whole font is part of Debian's package texlive-fonts-extra (version 2.12 of the font). The work is that of fontTools
and Brotli: pip install fonttools brotli. Nothing of the package needs this file.
"""

import sys
from pathlib import Path

from fontTools import subset

FONT = Path(__file__).parent / "STIXTwoMath.woff2"
CHARACTERS = (              # first and last: more than today's formulas have, so that a new one seldom needs a new font
    (0x20, 0x7E), (0xA0, 0xB7), (0xD7, 0xD7), (0xF7, 0xF7),                 # Latin, and times
    (0x2C6, 0x2DC), (0x300, 0x30C), (0x332, 0x338), (0x20D7, 0x20D7),       # hats, bars and other accents
    (0x391, 0x3C9), (0x3D1, 0x3F5),                                         # Greek
    (0x2010, 0x2044), (0x2061, 0x2064),                     # dashes, dots, primes, and operators that are not seen
    (0x210B, 0x213D), (0x2190, 0x2199), (0x21A6, 0x21A6), (0x21D0, 0x21D5),     # letters that are symbols; arrows
    (0x2200, 0x22A5), (0x22C0, 0x22C8), (0x22EE, 0x22F1),                   # operators
    (0x2308, 0x230B), (0x23B4, 0x23B5), (0x23DC, 0x23DF), (0x27E6, 0x27E9), (0x2A00, 0x2A02),   # brackets
    (0x1D400, 0x1D467), (0x1D49C, 0x1D4CF), (0x1D552, 0x1D56B),             # bold, italic, script
    (0x1D670, 0x1D6A5), (0x1D6E2, 0x1D71B), (0x1D7F6, 0x1D7FF),             # typewriter, italic Greek, digits
)


def main(whole):
    options = subset.Options()
    options.flavor = "woff2"
    options.layout_features = ["math", "ssty", "dtls", "flac", "ccmp"]      # what MathML asks for
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]                        # with whose it is, and the licence
    font = subset.load_font(whole, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in CHARACTERS for code in range(first, last + 1)])
    subsetter.subset(font)              # MATH stays, and with it the larger glyphs that it names
    subset.save_font(font, FONT, options)


if __name__ == "__main__":
    main(sys.argv[1])
