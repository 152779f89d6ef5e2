"""Names of classes as a picture can have them: those that the font cannot draw become numbers."""

import textwrap
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from tinysegnet.support.errors import say


@lru_cache
def drawable(names):
    """The names, and for one with a character that the font lacks its label: "1 ?". Says once which these are.

    names  a tuple
    """
    font, drawn, numbered = get_font(font_file()), [], []
    for label, name in enumerate(names):
        if all(font.get_char_index(ord(character)) for character in name):
            drawn.append(name)
        else:
            drawn.append(f"{label} ?")
            numbered.append(f"{label} ? is {name}")
    if numbered:
        say(textwrap.fill(f"The pictures' font cannot draw some names. In pictures {', '.join(numbered)}.", 79))
    return tuple(drawn)


def font_file():
    """The font of all pictures, that of Matplotlib: DejaVu Sans, if nobody has chosen another."""
    return findfont(FontProperties())
