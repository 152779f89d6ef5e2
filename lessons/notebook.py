"""python -m lessons.notebook"""

import argparse
import ast
import base64
import doctest
import json
import os
import re
from pathlib import Path

from lessons.engine import course
from lessons.engine.in_notebook import bound, definitions, functions, merged, own_text
from lessons.engine.standing import find_page
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError, exit_in_words, writing

DESCRIPTION = """A lesson as a Jupyter notebook:  python -m lessons.notebook 07

The page with its pictures, its examples as cells to run, and at "Your turn" a cell for each function and one that asks
the checker about it. What you write there is put into mine/ and counts as if you had written it in the file; what is in
the file already is in the notebook. Of a reading it is the page alone. It needs this clone of the repository, and a
Python in which it is installed.
"""
SETUP = """# Run this first, and again whenever the kernel was restarted.
import os
import sys

if not os.path.isdir("lessons"):
    os.chdir({root})      # from where the notebook is to the folder of the repository
sys.path.insert(0, os.getcwd())
"""
JUDGE = """from lessons.engine.in_notebook import of

check, hint = of("{lesson}")
"""
YOUR_TURN = """**In this notebook** you write in the cells below. Run a cell, and then the one under it: `check` puts
what you wrote into `mine/{file}`, with the functions, imports and constants (in capitals) that it uses, and says
what `python -m lessons {number}` says. `check()` asks about all of the lesson, and `hint("{last}")` gives
the next of three hints.
"""


def code(source, outputs=(), **metadata):
    """A cell of Python."""
    return {"cell_type": "code", "metadata": metadata, "source": source.rstrip(), "execution_count": None,
            "outputs": [*outputs]}


def markdown(text, page, folder):
    """A cell of text from the folder `page`, for a notebook in a folder: its pictures are in it, its links lead there.

    Jupyter shows no picture of a folder above the one in which it was started.
    """
    attachments = {}

    def moved(link):
        target = page / link[2]
        if not target.exists():             # an address, or no link at all but code
            return link[0]
        if link[1] and target.suffix == ".png":
            attachments[target.name] = {"image/png": base64.b64encode(target.read_bytes()).decode()}
            return f"{link[1]}](attachment:{target.name})"
        return f"{link[1] or ''}]({from_folder(target, folder)}{link[3]})"

    text = re.sub(r"(!\[[^\]]*)?\]\(([^)\s#]+)([^)\s]*)\)", moved, text.strip())
    return {"cell_type": "markdown", "metadata": {}, "attachments": attachments, "source": text}


def from_folder(target, folder):
    """The relative path from a folder to a file. Raises InputError if there is none."""
    try:
        return Path(os.path.relpath(target, folder)).as_posix()
    except ValueError as error:             # Windows
        raise InputError(f"{folder} is on another drive than the repository: write the notebook to that one") from error


def page_cells(text, page, folder):
    """The cells of a page: text, a new cell at each heading, and the examples after >>>."""
    for i, part in enumerate(re.split(r"(?ms)^```python\n(>>>.*?)^```$", text)):
        if i % 2:
            yield from examples(part)
        else:
            yield from (markdown(one, page, folder) for one in re.split(r"(?m)^(?=## )", part) if one.strip())


def examples(block):
    """A cell for each of the examples that gives something, with what it gives; it begins with those before it."""
    source = ""
    for example in doctest.DocTestParser().get_examples(block):
        source += example.source
        if example.exc_msg:                 # it is meant to fail, and Jupyter goes on
            name, _, why = example.exc_msg.strip().partition(": ")
            error = {"output_type": "error", "ename": name, "evalue": why, "traceback": example.want.splitlines()}
            yield code(source, [error], tags=["raises-exception"])
        elif example.want:
            yield code(source, [output(example)])
        else:
            continue
        source = ""
    if source:
        yield code(source)


def output(example):
    """What an example gives, as a cell's output: the value of its last line, or what was printed."""
    text = example.want.removesuffix("\n")
    last = ast.parse(example.source).body[-1]
    if isinstance(last, ast.Expr) and not example.source.startswith("print("):
        return {"output_type": "execute_result", "execution_count": None, "metadata": {}, "data": {"text/plain": text}}
    return {"output_type": "stream", "name": "stdout", "text": f"{text}\n"}


def exercise_cells(lesson, folder):
    """What is said of the stubs; and what the learner has written or else the stubs, a check after each function."""
    stubs, asked = (lesson / "exercise.py").read_text(encoding="utf-8"), functions(lesson)
    about = ast.get_docstring(ast.parse(stubs)).partition("\n\n")[2]
    intro = YOUR_TURN.format(file=course.own_file(lesson).name, number=lesson.name[:2], last=asked[-1])
    yield markdown(f"{intro}\n{about}", lesson, folder)
    text = own_text(lesson) or stubs
    stub_of, there = definitions([stubs]), definitions([text])
    for source in pieces(merged(text, [stub_of[name] for name in asked if name not in there])):
        yield code(source)
        yield from (code(f'check("{name}")') for name in asked if name in bound(ast.parse(source).body[-1]))


def pieces(text):
    """A file's text, but for its docstring, cut before and after each function and class; comments stay with what
    follows them."""
    nodes, lines, begin = ast.parse(text).body, text.split("\n"), 0
    if nodes and isinstance(nodes[0], ast.Expr):
        begin = nodes.pop(0).end_lineno
    whole = ast.FunctionDef | ast.ClassDef
    for node, after in zip(nodes, [*nodes[1:], None]):
        if after is None or isinstance(node, whole) or isinstance(after, whole):
            yield "\n".join(lines[begin:node.end_lineno]).strip("\n")
            begin = node.end_lineno


def cells(lesson, folder):
    """All cells of a lesson's notebook that will lie in a folder."""
    text = (lesson / "README.md").read_text(encoding="utf-8")
    intro, heading, rest = text.partition("\n## The picture\n")
    setup = SETUP.format(root=json.dumps(from_folder(course.ROOT, folder)))
    if lesson in course.readings():
        return [markdown(intro, lesson, folder), code(setup), *page_cells(heading + rest, lesson, folder)]
    before, your_turn, after = re.split(r"(?ms)^(## Your turn$.*?)(?=^## )", rest)
    return [
        markdown(intro, lesson, folder),
        code(setup + JUDGE.format(lesson=lesson.name)),
        *page_cells(heading + before, lesson, folder),
        *page_cells(your_turn, lesson, folder),
        *exercise_cells(lesson, folder),
        *page_cells(after, lesson, folder),
    ]


def write(lesson, out):
    """Write the notebook of a lesson to a file. Raises InputError if the file is there already or cannot be made."""
    if out.suffix != ".ipynb":
        raise InputError(f"{out} is no name of a notebook: let it end in .ipynb")
    if os.path.lexists(out):
        raise InputError(f"{out} is there already, and may hold your answers: move it away, or name another by --out")
    notebook = {
        "cells": [{"id": f"cell-{i}"} | cell for i, cell in enumerate(cells(lesson, out.parent.resolve()))],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4, "nbformat_minor": 5,
    }
    with writing(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(out, json.dumps(notebook, indent=1, ensure_ascii=False).encode() + b"\n")


def main():
    parser = argparse.ArgumentParser(
        "python -m lessons.notebook", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lesson", help="its number, its name, or a part of the name")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: mine/NN_name.ipynb")
    options = parser.parse_args()
    lesson = find_page(options.lesson)
    out = options.out or Path(os.path.relpath(course.own_file(lesson, suffix=".ipynb")))
    write(lesson, out)
    print(f"open {out} in JupyterLab or VS Code")


if __name__ == "__main__":
    exit_in_words(main)
