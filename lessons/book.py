"""python -m lessons.book"""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

from lessons.engine import course
from tinysegnet.support.errors import InputError, exit_in_words, writing

DESCRIPTION = """The course as a book to read offline and to print:  python -m lessons.book

Writes book/course.html, all of the course on one page with its pictures in it, and book/site/, a page for each lesson
and one for the glossary. The formulas are MathML, which a browser sets by itself: nothing is fetched from anywhere. The
work is Pandoc's, which pip install -e '.[book]' brings.
"""
STYLE = Path(__file__).parent / "engine" / "book.css"
OPTIONS = (
    "--from=gfm+tex_math_dollars+rebase_relative_paths", "--file-scope", "--lua-filter=lessons/engine/book.lua",
    "--standalone", "--mathml", "--toc", "--metadata=title:The tinysegnet course", "--metadata=lang:en",
)
ONE_PAGE = "--to=html5", "--embed-resources", "--css=lessons/engine/book.css", "--toc-depth=1"
SITE = "--to=chunkedhtml", "--css=book.css", "--split-level=1", "--chunk-template=%i.html", "--toc-depth=1"


def pages():
    """The Markdown of the course in the order of reading, which is that of the table in its first page."""
    table = (course.LESSONS / "README.md").read_text(encoding="utf-8")
    lessons = re.findall(r"(?m)^\| \[[^\]]+\]\((\S+/README\.md)\)", table)
    return [f"lessons/{page}" for page in ("README.md", *lessons, "glossary.md")]


def build(out):
    """Write course.html and site/ into a folder. Raises InputError without Pandoc, or if the folder cannot be made."""
    try:
        from pypandoc import get_pandoc_path
    except ModuleNotFoundError as error:
        raise InputError("the book needs Pandoc: pip install -e '.[book]'") from error
    out = out.resolve()
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(out / "site", ignore_errors=True)
    for form, name in (ONE_PAGE, "course.html"), (SITE, "site"):
        command = [get_pandoc_path(), *OPTIONS, *form, f"--output={out / name}", *pages()]
        subprocess.run(command, cwd=course.ROOT, check=True)
    shutil.copy(STYLE, out / "site")


def main():
    parser = argparse.ArgumentParser(
        "python -m lessons.book", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("book"), metavar="DIR", help="default: %(default)s")
    out = parser.parse_args().out
    build(out)
    print(f"the course on one page: {out / 'course.html'}\nas a site: {out / 'site' / 'index.html'}")


if __name__ == "__main__":
    exit_in_words(main)
