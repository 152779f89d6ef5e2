"""The course as a book: everything is in it, every link leads somewhere, and nothing is fetched from anywhere."""

import json
import re
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from lessons import book
from lessons.engine import course
from tinysegnet.support.errors import InputError

pytestmark = pytest.mark.docs
IN_EXERCISE = r'(?s)<div class="exercise">.*?<pre[^>]*><code[^>]*>(.*?)</code>'
FETCHED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "srcset")}


class Page(HTMLParser):
    """The ids, the links and what is fetched to show a page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.fetched, self.tags = set(), [], [], []
        self.path, self.text = path, path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.add(value)
            elif (tag, name) == ("a", "href"):
                self.links.append(value)
            elif (tag, name) in FETCHED:
                self.fetched.append(value)


def without_tags(html):
    return unescape(re.sub(r"<[^>]*>", "", html))


def one_line(text):
    return " ".join(text.split())


def site_page(pages, name):
    return next(page for path, page in pages.items() if path.parent.name == "site" and path.stem == name)


def one_page(pages):
    return next(page for path, page in pages.items() if path.parent.name != "site")


@pytest.fixture(scope="module")
def pages(course_book):
    """The pages of the book by their paths."""
    return {path: Page(path) for path in [course_book / "course.html", *(course_book / "site").glob("*.html")]}


def test_every_lesson_has_a_page_with_its_pictures_and_formulas(pages):
    for lesson in course.lessons_and_readings():
        page = next(page for path, page in pages.items() if path.name == f"{lesson.name}.html")
        markdown = (lesson / "README.md").read_text(encoding="utf-8")
        assert page.tags.count("img") == markdown.count("![") > 0
        assert page.tags.count("details") == markdown.count("<details>") >= 3
        assert page.tags.count("math") >= markdown.count("$$") // 2
        assert "\\frac" not in re.sub(r"<annotation.*?</annotation>", "", page.text, flags=re.DOTALL)


def test_the_figures_are_those_of_the_lessons(pages):
    site = next(path.parent for path in pages if path.parent.name == "site")
    figures = sorted(course.LESSONS.glob("*/figures/*.png"))
    assert figures
    for path in figures:
        with Image.open(path) as png, Image.open(site / path.relative_to(course.ROOT).with_suffix(".webp")) as webp:
            assert np.array_equal(png.convert("RGB"), webp), path


def test_the_exercises_are_in_it_as_they_are_handed_out(pages):
    for lesson in course.lessons():
        stubs = (lesson / "exercise.py").read_text(encoding="utf-8")
        on_its_page, on_the_one_page = (
            [without_tags(code) for code in re.findall(IN_EXERCISE, page.text)]
            for page in (site_page(pages, lesson.name), one_page(pages))
        )
        assert on_its_page == [stubs.rstrip()] and stubs.rstrip() in on_the_one_page
        turn = site_page(pages, lesson.name).text.partition(">Your turn</h2>")[2].partition("</section>")[0]
        assert 'class="exercise"' in turn
    assert len(on_the_one_page) == len(course.lessons())
    assert not [reading for reading in course.readings() if re.search(IN_EXERCISE, site_page(pages, reading.name).text)]


def test_the_first_page_is_the_table_with_sentence_and_hours(pages):
    table = (course.LESSONS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| \[([^\]]+)\]\((\S+)/README\.md\)(?: \([\w ]+\))? \| (.*) \| (.*) \|$", table)
    assert len(rows) == len(course.lessons_and_readings())
    shown = re.findall(r"(?s)<tr>\s*<td>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", site_page(pages, "index").text)
    for (title, name, sentence, hours), (link, words, time) in zip(rows, shown, strict=True):
        assert f'href="{name}.html"' in link and one_line(without_tags(link)).startswith(title)
        assert one_line(without_tags(words)) == sentence.replace("`", "") and time == hours


def test_next_and_previous_stand_at_the_head_and_at_the_foot(pages):
    names = ["index", "course", *(page.split("/")[1] for page in book.pages()[1:-1]), "glossary"]
    for before, name, after in zip([None, *names], names, [*names[1:], None]):
        text = site_page(pages, name).text
        head, foot = re.findall(r'(?s)<nav class="steps">(.*?)</nav>', text)
        assert head == foot and text.index(head) < text.index("<main>") < text.index("</main>") < text.rindex(foot)
        links = re.findall(r'(?s)<a href="(\w+)\.html"(?: rel="(\w+)")?>(.*?)</a>', head)
        steps = {way: (there, one_line(label).strip("← →")) for there, way, label in links}
        expected = {"prev": before, "": "index" if before else None, "next": after}
        assert {way: there for way, (there, _) in steps.items()} == {way: n for way, n in expected.items() if n}
        for way in steps.keys() - {""}:
            assert steps[way][1] == re.search(r"<title>(.*?)</title>", site_page(pages, expected[way]).text)[1]


def test_the_search_knows_every_section(pages):
    site = site_page(pages, "index").path.parent
    script = (site / "sections.js").read_text(encoding="utf-8")
    rows = json.loads(re.fullmatch(r"const SECTIONS = (.*);\n", script)[1])
    known = {address: (title, heading, text) for address, title, heading, text in rows}
    sections = {
        f"{path.name}#{section}" for path, page in pages.items() if path.parent.name == "site"
        for section in re.findall(r'<section\s+id="([^"]+)"', page.text)
    }
    assert set(known) == sections and len(rows) == len(sections)
    for lesson in course.lessons():
        turn = known[f"{lesson.name}.html#lessons__{lesson.name}__readmemd__your-turn"]
        assert turn[0] == known[f"{lesson.name}.html#{lesson.name}"][1] and turn[1] == "Your turn"
        stubs = re.findall(r"(?m)^def \w+\(", (lesson / "exercise.py").read_text(encoding="utf-8"))
        assert stubs and all(stub in turn[2] for stub in stubs)
    assert not re.search(r"\\frac|\\mathtt|All lessons|</", script)


def test_every_character_of_a_formula_is_in_the_font(pages):
    tt_font = pytest.importorskip("fontTools.ttLib")
    pytest.importorskip("brotli", reason="Brotli is not installed, without which no WOFF2 is read")
    font = tt_font.TTFont(book.PARTS / "STIXTwoMath.woff2")
    assert font["MATH"].table.MathVariants.VertGlyphCount > 20 and "Open Font License" in font["name"].getDebugName(13)
    for path, page in pages.items():
        accents = re.findall(r'<mo accent="true"[^>]*>[^<]*</mo></mover>', page.text)
        assert len(accents) == page.text.count('<mover accent="true">')
        for formula in re.findall(r"(?s)<math.*?</math>", page.text):
            missing = set(without_tags(re.sub(r"(?s)<annotation.*?</annotation>", "", formula))) - {"\n"}
            missing = {character for character in missing if ord(character) not in font.getBestCmap()}
            assert not missing, f"{path.name}: make the font anew with {missing}, see lessons/engine/book/font.py"


def test_it_is_small(pages):
    out = one_page(pages).path.parent
    site = sum(path.stat().st_size for path in (out / "site").rglob("*") if path.is_file())
    assert max((out / "course.html").stat().st_size, site) < 7e6
    assert (book.PARTS / "STIXTwoMath.woff2").stat().st_size < 300_000


def test_the_order_is_that_of_the_table():
    pages = book.pages()
    assert len(pages) == len(set(pages)) == len(course.lessons_and_readings()) + 2
    assert pages[1:-1] == [f"lessons/{lesson.name}/README.md" for lesson in course.lessons_and_readings()]
    assert pages[0] == "lessons/README.md"


def test_the_lessons_lead_to_the_glossary(pages):
    terms = re.findall(r"(?m)^### (.*)$", (course.LESSONS / "glossary.md").read_text(encoding="utf-8"))
    anchors = {"lessons__glossarymd__" + term.lower().replace(" ", "-") for term in terms}
    for on_one_page in True, False:
        parts = [page for path, page in pages.items() if (path.parent.name != "site") == on_one_page]
        assert anchors <= set().union(*(page.ids for page in parts))
        links = {link.partition("#")[2] for page in parts for link in page.links}
        to_its_table = {"lessons__glossarymd__in-the-words-of-pytorch"}
        assert anchors | to_its_table == {link for link in links if link.startswith("lessons__glossarymd__")}


def test_nothing_is_fetched_from_another_host(pages):
    for path, page in pages.items():
        assert not re.search(r"@import|url\((?!['\"]?data:)", page.text)
        for address in page.fetched:
            if path.parent.name != "site":                  # one file, whole in itself
                assert address.startswith("data:"), f"{path.name}: {address[:60]}"
            else:
                assert not re.match(r"\w+:|//", address) and (path.parent / unquote(address)).is_file()
    site = site_page(pages, "index").path.parent
    assert re.findall(r"@import|url\(.*?\)", (site / "book.css").read_text()) == ['url("STIXTwoMath.woff2")']
    assert (site / "STIXTwoMath.woff2").is_file() and "SIL OPEN FONT LICENSE" in (site / "OFL.txt").read_text()


def test_every_link_leads_somewhere(pages):
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"https?://", link):                # to be followed, and not fetched
                continue
            name, _, anchor = unquote(link).partition("#")
            there = pages.get(path.parent / name if name else path)
            assert there, f"{path.name}: {link}"
            assert not anchor or anchor in there.ids, f"{path.name}: {link}"


def test_without_pandoc_it_is_said_in_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pypandoc", None)
    with pytest.raises(InputError, match=r"the book needs Pandoc: pip install -e '\.\[book\]'"):
        book.build(tmp_path)
    assert not list(Path(tmp_path).iterdir())
