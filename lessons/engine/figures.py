"""Draw the figures of the lessons again:  python -m lessons.engine.figures  [02_relu ...]

Each lesson's figures/draw.py has a function draw() -> {"name.png": figure}.
"""

import sys

from lessons.engine import course

INK, BLUE, RED, GREEN, GREY = "#1c2733", "#2b6cb0", "#b83232", "#3c7d4f", "#c9d1d9"


def drawn(lesson):
    """The figures of a lesson by the names of their files."""
    return course.load(lesson / "figures" / "draw.py").draw()


def save(figure, path):
    figure.savefig(path, dpi=150, facecolor="white")        # opaque: they are read on dark pages too


def main(names):
    for lesson in course.lessons_and_readings():
        if (lesson / "figures" / "draw.py").exists() and (not names or lesson.name in names):
            for name, figure in drawn(lesson).items():
                save(figure, lesson / "figures" / name)
                print(lesson / "figures" / name)


if __name__ == "__main__":
    main(sys.argv[1:])
