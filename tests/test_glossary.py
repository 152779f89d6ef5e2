"""The glossary: in order, each term explained in a lesson, and linked from where the lessons first use it."""

import re

import pytest

from lessons.engine import course

GLOSSARY = (course.LESSONS / "glossary.md").read_text(encoding="utf-8")
TERMS, _, IN_PYTORCH = GLOSSARY.partition("\n## In the words of PyTorch\n")
ENTRIES = dict(re.findall(r"(?ms)^### ([^\n]*)\n(.*?)(?=^### |\Z)", TERMS))
PAGES = {page.parent.name: page.read_text(encoding="utf-8")
         for page in sorted(course.LESSONS.glob("[0-9][0-9]_*/README.md"))}
# What else than the term itself, with or without an s, is a use of it
WORDS = {
    "backward": "backward",                                 # not the adverb
    "batch": "batch(es)?(?! norm)",
    "cosine schedule": "a cosine",                          # not the function
    "finite differences": "finite differences|central difference",
    "frequency": "frequency|frequencies",
    "host and device": "host|device",
    "IoU": "IoU|intersection over union",
    "mean IoU": "mIoU",
    "pooling": "pool|pools|pooled|pooling",
    "unpooling": "unpool|unpools|unpooled|unpooling",
}
NOT_PROSE = (
    r"(?m)^```(?s:.*?)^```|<details>(?s:.*?)</details>|^#.*$|^\|.*$|<!--.*?-->|\$\$[^$]+\$\$|\$[^$\n]+\$|`[^`]+`|"
    r'"(?:[^"\n]|\n(?!\n))*"|'                              # what others say
    r"!\[[^\]]*\]\([^)]*\)|\[[^\]]*\]\((?!\.\./glossary)[^)]*\)|\]\([^)]*\)"
)


def anchor(term):
    return term.lower().replace(" ", "-")


def uses(term, text):
    """Where the prose of a page's main line uses a term: the matches, at their places in the page."""
    main = text.partition("\n## Check yourself")[0]
    prose = re.sub(NOT_PROSE, lambda found: "." * len(found[0]), main)
    words = WORDS.get(term, f"{term}s?").replace(" ", r"\s+")
    return list(re.finditer(rf"(?i)\b(?:{words})\b", prose))


def test_terms_are_in_alphabetical_order():
    assert 35 <= len(ENTRIES) == GLOSSARY.count("\n### ")
    assert list(ENTRIES) == sorted(ENTRIES, key=str.casefold)
    assert set(WORDS) <= set(ENTRIES)


@pytest.mark.parametrize("term", ENTRIES)
def test_a_term_leads_to_a_lesson(term):
    found = re.findall(r"\[lesson (\d\d)\]\((\d\d)_", ENTRIES[term])
    assert found and all(said == there for said, there in found)


@pytest.mark.parametrize("term", ENTRIES)
def test_a_term_is_linked_where_it_is_first_used(term):
    link = rf"\[([^\]]+)\]\(\.\./glossary\.md#{anchor(term)}\)"
    linked = [name for name, text in PAGES.items() for _ in re.findall(link, text)]
    used = [name for name, text in PAGES.items() if uses(term, text)]
    assert linked == used[:1], f"linked in {linked}, first used in {used[:1]}"
    text = PAGES[used[0]]
    first, there = uses(term, text)[0], re.search(link, text)
    line = text.count("\n", 0, first.start()) + 1
    assert there.start(1) <= first.start() < there.end(1), f"{used[0]}, line {line}: used before it is linked"


def test_lessons_link_to_nothing_else_in_the_glossary():
    linked = {found for text in PAGES.values() for found in re.findall(r"glossary\.md#([\w-]+)", text)}
    assert linked == {anchor(term) for term in ENTRIES}


def test_the_words_of_pytorch_lead_to_terms_and_to_code():
    """What stands in backticks before a link to a file is defined in that file."""
    rows = [row.strip("|").split("|") for row in IN_PYTORCH.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 20
    for elsewhere, here, code in rows:
        assert set(re.findall(r"\]\(#([^)]+)\)", here)) <= {anchor(term) for term in ENTRIES}, elsewhere
        links = re.findall(r"((?:`\w+`(?: and |, )?)*)(?:of|in)? ?\[[^\]]+\]\(([^)]+)\)", code)
        assert links, elsewhere
        for names, link in links:
            path = course.LESSONS / link
            assert path.exists(), link
            for name in re.findall(r"`(\w+)`", names):
                assert re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")), f"{name} is not in {link}"


@pytest.mark.parametrize(
    "term",
    ["conv2d", "running_mean", "MaxUnpool2d", "weight decay", "learning rate schedule", "cosine annealing",
     "data augmentation", "test-time augmentation", "optimizer state", "optimizer.state_dict", "state_dict",
     "weight_decay", "class weights", "checkpoint", "skip connection", "class weight", "median frequency balancing",
     "ignore_index", "confusion matrix", "mIoU", "DataLoader", "eval mode", "hyperparameter", "gradient check",
     "im2col", "mixed precision", "CrossEntropyLoss", "autograd"],
)
def test_a_term_of_the_field_is_found(term):
    assert term.lower() in " ".join(GLOSSARY.split()).lower()
