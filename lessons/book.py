"""python -m lessons.book"""

import argparse
import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from lessons.engine import course
from tinysegnet.support.errors import InputError, exit_in_words, writing

DESCRIPTION = """The course as a book to read offline and to print:  python -m lessons.book

Writes book/course.html, all of the course on one page with its pictures in it, to print on A4, and book/site/, a page
for each lesson and one for the glossary, with a search. The exercises are in both, without answers. The formulas are
MathML, which a browser sets by itself in the font that comes with them: nothing is fetched from anywhere. The work is
Pandoc's, which pip install -e '.[book]' brings.
"""
PARTS = Path(__file__).parent / "engine" / "book"
OF_SITE = "book.css", "STIXTwoMath.woff2", "OFL.txt", "search.js"
OPTIONS = (
    "--from=gfm+tex_math_dollars+rebase_relative_paths", "--file-scope", f"--lua-filter={PARTS / 'book.lua'}",
    "--standalone", f"--template={PARTS / 'page.html'}", "--mathml", "--toc", "--toc-depth=1", "--section-divs",
    "--metadata=title:The tinysegnet course", "--metadata=lang:en",
)
ONE_PAGE = "--to=html5", "--embed-resources", f"--css={PARTS / 'book.css'}"
SITE = "--to=chunkedhtml", "--css=book.css", "--split-level=1", "--chunk-template=%i.html", "--variable=site"


def pages():
    """The Markdown of the course in the order of reading, which is that of the table in its first page."""
    table = (course.LESSONS / "README.md").read_text(encoding="utf-8")
    lessons = re.findall(r"(?m)^\| \[[^\]]+\]\((\S+/README\.md)\)", table)
    return [f"lessons/{page}" for page in ("README.md", *lessons, "glossary.md")]


def smaller_figures(out):
    """Write each lesson's figures into a folder, under their paths, as WebP without loss: half as large as PNG."""

    def write(path):
        smaller = out / path.relative_to(course.ROOT).with_suffix(".webp")
        smaller.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as figure:
            figure.convert("RGB").save(smaller, lossless=True, quality=20, method=1)

    with ThreadPoolExecutor() as threads:
        list(threads.map(write, course.LESSONS.glob("*/figures/*.png")))


class Sections(HTMLParser):
    """The sections of a page that Pandoc has made: of each its id, its heading and its text."""

    def __init__(self, html):
        super().__init__()
        self.found, self.place = [], None           # what is read next is of this place: 1 the heading, 2 the text
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "section":
            self.found.append([dict(attributes)["id"], "", ""])
        elif re.fullmatch("h[1-6]", tag):
            self.place = 1
        elif tag == "annotation" or (tag == "math" and dict(attributes)["display"] == "block"):
            self.place = None                       # a formula once more, in TeX; one that no snippet can show

    def handle_endtag(self, tag):
        if re.fullmatch("h[1-6]|math", tag):
            self.place = 2
        elif tag == "main":
            self.place = None

    def handle_data(self, data):
        if self.found and self.place:
            self.found[-1][self.place] += data


def write_sections(site):
    """Write sections.js, in which search.js looks: address, title of the lesson, heading and text of each section."""
    rows = []
    for page in json.loads((site / "sitemap.json").read_text(encoding="utf-8"))["subsections"]:     # Pandoc's, in order
        path = site / page["section"]["path"].partition("#")[0]
        sections = Sections(path.read_text(encoding="utf-8")).found
        for anchor, heading, text in sections:
            words = [" ".join(part.split()) for part in (sections[0][1], heading, text)]
            rows.append([f"{path.name}#{anchor}", *words])
    (site / "sections.js").write_text(f"const SECTIONS = {json.dumps(rows, ensure_ascii=False)};\n", encoding="utf-8")


def build(out):
    """Write course.html and site/ into a folder. Raises InputError without Pandoc, or if the folder cannot be made."""
    try:
        from pypandoc import get_pandoc_path
    except ModuleNotFoundError as error:
        raise InputError("the book needs Pandoc: pip install -e '.[book]'") from error
    out = out.resolve()
    site = out / "site"
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(site, ignore_errors=True)
    with TemporaryDirectory() as figures:
        smaller_figures(Path(figures))
        for form, result in (ONE_PAGE, out / "course.html"), (SITE, site):
            command = [get_pandoc_path(), *OPTIONS, *form, f"--resource-path={figures}", f"--output={result}", *pages()]
            subprocess.run(command, cwd=course.ROOT, check=True)
    for name in OF_SITE:
        shutil.copy(PARTS / name, site)
    write_sections(site)


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
