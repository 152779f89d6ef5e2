"""The course as a book: everything is in it, every link leads somewhere, and nothing is fetched from anywhere."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from lessons import book
from lessons.engine import course
from tinysegnet.support.errors import InputError

pytestmark = pytest.mark.docs
FETCHED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "srcset")}


class Page(HTMLParser):
    """The ids, the links and what is fetched to show a page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.fetched, self.tags = set(), [], [], []
        self.text = path.read_text(encoding="utf-8")
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


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of a book by their paths."""
    pytest.importorskip("pypandoc", reason="Pandoc is not installed: pip install -e '.[book]'")
    out = tmp_path_factory.mktemp("my book")
    book.build(out)
    return {path: Page(path) for path in [out / "course.html", *(out / "site").glob("*.html")]}


def test_every_lesson_has_a_page_with_its_pictures_and_formulas(pages):
    for lesson in course.lessons():
        page = next(page for path, page in pages.items() if path.name == f"{lesson.name}.html")
        markdown = (lesson / "README.md").read_text(encoding="utf-8")
        assert page.tags.count("img") == markdown.count("![") > 0
        assert page.tags.count("details") == markdown.count("<details>") >= 3
        assert page.tags.count("math") >= markdown.count("$$") // 2
        assert "\\frac" not in re.sub(r"<annotation.*?</annotation>", "", page.text, flags=re.DOTALL)


def test_the_order_is_that_of_the_table():
    pages = book.pages()
    assert len(pages) == len(set(pages)) == len(course.lessons()) + 2
    assert pages[1:-1] == [f"lessons/{lesson.name}/README.md" for lesson in course.lessons()]
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
