"""The page of `look` in a real browser, served and from a folder: nothing fails in silence, nobody else is asked."""

import base64
import io
import os
import re
import shutil
import threading
import unicodedata

import numpy as np
import pytest
from PIL import Image
from test_look import small

from tinysegnet import inference
from tinysegnet.commands.look import STREETS
from tinysegnet.look import static, views
from tinysegnet.look.ways_up import WAYS

pytestmark = pytest.mark.browser
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SHOWN = "body:not([aria-busy]) #levels .layer"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install your system's package chromium")
    with playwright.sync_playwright() as running:
        args = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = running.chromium.launch(executable_path=CHROMIUM, args=args)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shown():
    networks = views.Network(inference.load(), "Of photographs."), views.Network(inference.load(STREETS), "Of streets.")
    return views.Views(*networks)


@pytest.fixture(scope="module")
def served(shown):
    """The address of a server that runs meanwhile."""
    uvicorn = pytest.importorskip("uvicorn")
    import socket

    from tinysegnet.look.server import application

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(application(shown, port), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{port}/"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def exported(shown, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "page"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static, "STREETS", {"street-1": 0, "street-2": 0})
        patch.setattr(static, "APART", 40)
        static.write(folder, shown)
    return f"{(folder / 'index.html').as_uri()}"


@pytest.fixture
def page(browser):
    """A page that must not complain, or ask anybody else."""
    complaints, asked = [], []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.complaints = complaints
    yield page
    own = re.match(r"file://|http://127\.0\.0\.1:\d+/", page.url)[0]
    assert not complaints
    assert all(url.startswith((own, "data:")) for url in asked), asked
    page.close()


def opened(page, address, state=""):
    page.goto(f"{address}#{state}")
    page.wait_for_selector(SHOWN)
    return page


def picture_of(page, selector):
    """What a canvas shows, as a PNG in base64."""
    return page.eval_on_selector(selector, "canvas => canvas.toDataURL()").partition(",")[2]


def state_of(page):
    return dict(part.split("=") for part in page.url.partition("#")[2].split("&") if part)


@pytest.mark.parametrize("where", ["served", "exported"])
def test_each_view_shows_something(page, where, request):
    opened(page, request.getfixturevalue(where))
    in_the_u = [f"#levels .level:nth-child({level}) canvas.one" for level in (1, 2, 3, 4)]
    for selector in ("#photograph", "#classes", "#gradient", "#map", *in_the_u):
        picture = Image.open(io.BytesIO(base64.b64decode(picture_of(page, selector))))
        assert len(picture.convert("RGB").getcolors(2**20)) > 5, selector
    names = page.locator("#levels .name").all_text_contents()
    assert sorted(names) == sorted([f"{kind}coder{i}" for kind in ("en", "de") for i in (1, 2, 3, 4)] + ["classifier"])
    assert page.locator("#corners-drawing .winner").count() == 32
    assert "receptive field" in page.locator("#gradient-words").inner_text()
    assert "Row 48, column 32" in page.locator("#reading").inner_text()
    assert page.locator("#said").is_hidden()


@pytest.mark.parametrize("where", ["served", "exported"])
def test_the_switch_changes_the_answer_and_the_drawing(page, where, request):
    opened(page, request.getfixturevalue(where))
    answers = {"corners": picture_of(page, "#classes")}
    assert page.locator("#corners-drawing .arrow").count() == 1
    for way in ("replication", "bilinear", "first"):
        page.check(f"#ways input[value={way}]")
        page.wait_for_selector(SHOWN)
        assert state_of(page)["way"] == way
        assert page.locator("#corners-drawing .arrow").count() == 0
        assert page.locator("#gradient").is_visible() == (where == "served")
        answers[way] = picture_of(page, "#classes")
    assert len(set(answers.values())) == len(WAYS)


@pytest.mark.parametrize("where", ["served", "exported"])
def test_a_link_shows_the_same_again(page, browser, where, request):
    address = request.getfixturevalue(where)
    opened(page, address)
    page.click("#levels canvas.strip >> nth=2", position={"x": 60, "y": 30})
    page.wait_for_selector(SHOWN)
    page.click("#classes", position={"x": 30, "y": 200})
    page.wait_for_selector(SHOWN)
    page.click("#legend button:has-text('Road')")
    page.check("#ways input[value=first]")
    page.wait_for_selector(SHOWN)
    state = state_of(page)
    assert {"layer", "channel", "row", "column", "show", "way"} <= state.keys() and state["show"] == "Road"
    before = {name: picture_of(page, name) for name in ("#photograph", "#classes", "#map")}
    other = browser.new_page(viewport={"width": 1280, "height": 900})
    opened(other, address, page.url.partition("#")[2])
    assert {name: picture_of(other, name) for name in before} == before
    assert other.locator("#window-title").inner_text() == page.locator("#window-title").inner_text()
    other.close()


@pytest.mark.parametrize("where", ["served", "exported"])
def test_the_sum_that_is_written_out_is_the_value_of_the_map(page, where, request, shown):
    opened(page, request.getfixturevalue(where), "image=street-2&layer=decoder2&channel=3&row=40&column=60")
    y = shown.array("street-2", "corners", "decoder2.y")
    tolerance = (0.001 if where == "served" else 0.03) * float(np.abs(y).max())
    assert float(page.locator(".addition b").inner_text()) == pytest.approx(y[20, 30, 3], abs=tolerance)
    box = page.locator("#map").bounding_box()
    page.hover("#map", position={"x": box["width"] * 10.5 / 64, "y": box["height"] * 5.5 / 48})
    assert "around row 5, column 10" in page.locator("#sum").inner_text()
    assert float(page.locator(".addition b").inner_text()) == pytest.approx(y[5, 10, 3], abs=tolerance)
    assert page.locator("table.numbers td").count() == 98


def test_the_pictures_are_those_of_the_arrays(page, served, shown):
    """But for the marks on them."""
    def drawn(selector, shape):
        picture = np.array(Image.open(io.BytesIO(base64.b64decode(picture_of(page, selector)))).convert("RGB"), int)
        scale = len(picture) // shape[0]
        return picture[scale // 2 :: scale, scale // 2 :: scale]

    def alike(got, expected):
        return np.mean(np.abs(got - expected) <= 3) > 0.98

    def red(values):
        return 255 * np.clip(values / 0.6, 0, 1)

    def array(which):
        return shown.array("street-2", "first", which)

    opened(page, served, "image=street-2&way=first&layer=encoder2&channel=5&row=10&column=10")
    probabilities, palette = array("probabilities"), np.array(shown.about("street-2", "first")["palette"])
    size = probabilities.shape[:2]
    assert alike(drawn("#photograph", size), array("photograph"))
    assert alike(drawn("#classes", size), palette[probabilities.argmax(axis=2)])
    y = np.maximum(array("encoder2.y")[:, :, 5], 0)
    picture = drawn("#map", y.shape)
    assert alike(picture[:, :, 0], red(y / y.max())) and alike(np.minimum(picture[:, :, 0] - picture[:, :, 2], 0), 0)
    page.click("#legend button:has-text('how sure')")
    page.wait_for_selector(SHOWN)
    assert alike(drawn("#classes", size)[:, :, 0], red(probabilities.max(axis=2)))
    best = [round(100 * p) for p in sorted(map(float, probabilities[10, 10]))[:-4:-1]]
    assert [int(n) for n in re.findall(r"(\d+) %", page.locator("#reading").inner_text())] == best
    assert page.evaluate("() => half(new Float32Array([1, 1, 5, 1]))") == 1


@pytest.mark.parametrize("size", [(300, 400), (1, 3000), (3000, 1)])
def test_a_photograph_is_dropped_and_seen(page, served, tmp_path, size):
    opened(page, served)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(tmp_path / "mine.png")
    page.set_input_files("#file", tmp_path / "mine.png")
    page.wait_for_selector("#images button[aria-pressed=true]:has-text('photograph')")
    page.wait_for_selector(SHOWN)
    assert state_of(page)["image"].startswith("photograph-")
    assert page.locator("#answer .network").inner_text() == "Of photographs."
    assert "64 channels" in page.locator("#levels").inner_text()


def test_what_is_no_photograph_is_said_and_the_page_stays(page, served, tmp_path):
    opened(page, served)
    (tmp_path / "mine.png").write_bytes(b"no photograph")
    page.set_input_files("#file", tmp_path / "mine.png")
    page.wait_for_selector("#said:has-text('The photograph cannot be read as an image')")
    assert "400" in page.complaints.pop()               # the browser says so by itself
    assert page.input_value("#file") == ""              # so that the same, mended, can be chosen
    assert page.locator("#images button").count() >= 3
    page.click("#images button >> nth=1")
    page.wait_for_selector(SHOWN)
    assert page.locator("#said").is_hidden()


def test_the_keys_move_what_is_looked_at(page, served):
    opened(page, served, "layer=encoder2&channel=3&row=40&column=60")
    for key, changes in (
        (".", {"channel": "4"}), (",", {"channel": "3"}), ("m", {"layer": "encoder3"}), ("w", {"way": "replication"}),
    ):
        page.keyboard.press(key)
        page.wait_for_timeout(50)
        page.wait_for_selector(SHOWN)
        assert state_of(page).items() >= changes.items(), key
    page.focus("#classes")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(50)
    page.wait_for_selector(SHOWN)
    assert (state_of(page)["row"], state_of(page)["column"]) == ("41", "61")


@pytest.mark.parametrize("button", ["#legend button >> nth=3", "#images button >> nth=1", "#levels button >> nth=2"])
def test_who_chooses_with_the_keys_stays_where_he_is(page, served, button):
    opened(page, served)
    page.focus(button)
    page.keyboard.press("Enter")
    page.wait_for_timeout(50)
    page.wait_for_selector(SHOWN)
    focused = page.evaluate("() => [document.activeElement.textContent, document.activeElement.ariaPressed]")
    assert focused == [page.locator(button).text_content(), "true"]


@pytest.mark.parametrize("where, expected", [
    ("served", [True, False, True, True, False]), ("exported", [False, False, True, False, False]),
])
def test_a_dashed_frame_is_on_the_first_of_equals(page, where, expected, request):
    """In a map of 3 x 3 the window at the lower right has one pixel. Of rounded numbers only zeros are equal."""
    opened(page, request.getfixturevalue(where))
    said = page.evaluate("""() => {
        const map = {shape: [3, 3, 1], values: [5, 5, 0,  1, 2, 0,  7, 7, 3]};
        const windows = [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 0]];
        return windows.map(([r, q, corner]) => isFirstOfEquals(map, 0, r, q, corner));
    }""")
    assert said == expected


def test_a_click_on_a_map_chooses_the_pixel_that_was_pointed_at(page, served, tmp_path):
    """Of 180 rows the map of the fourth level has 23, which are not 180 / 8."""
    opened(page, served)
    Image.new("RGB", (400, 300), (90, 120, 70)).save(tmp_path / "mine.png")
    page.set_input_files("#file", tmp_path / "mine.png")
    page.wait_for_selector("#images button[aria-pressed=true]:has-text('photograph')")
    page.wait_for_selector(SHOWN)
    page.click("#levels button:has-text('encoder4')")
    page.wait_for_selector(SHOWN)
    for selector, y in (("#map", 20.2), ("#levels .chosen canvas.one", 20.5)):      # the latter's rows are a pixel high
        box = page.locator(selector).bounding_box()
        page.click(selector, position={"x": box["width"] * 3.5 / 30, "y": box["height"] * y / 23})
        page.wait_for_timeout(50)
        page.wait_for_selector(SHOWN)
        assert (state_of(page)["row"], state_of(page)["column"]) == ("160", "24")
        page.evaluate("() => change({row: 0, column: 0})")
        page.wait_for_selector(SHOWN)


def test_a_photograph_that_comes_late_is_not_shown_over_a_later_choice(page, served):
    opened(page, served)
    page.evaluate("""async () => {
        source.upload = async () => { await new Promise((go) => setTimeout(go, 300)); return {name: "street-1"}; };
        const taken = take(new File(["x"], "slow.png"));
        [...document.querySelectorAll("#images button")][1].click();
        await taken;
    }""")
    page.wait_for_selector(SHOWN)
    assert state_of(page)["image"] == "street-2" and page.locator("#said").is_hidden()


def test_an_error_is_said_and_the_page_is_not_busy_for_ever(page, served):
    opened(page, served)
    page.evaluate("""() => {
        source.seen = async () => { throw new Error("The program does not answer."); };
        change({layer: "encoder3"});
    }""")
    page.wait_for_selector("#said:has-text('does not answer')")
    assert page.locator("body[aria-busy]").count() == 0
    page.evaluate("() => say('')")
    page.click("#classes")
    page.wait_for_selector("#said:has-text('does not answer')")


def test_what_is_dropped_and_is_no_file_is_said(page, served):
    opened(page, served)
    folder = "{name: 'holidays', size: 0, slice: () => ({arrayBuffer: () => Promise.reject(Error())})}"
    page.evaluate(f"() => take({folder})")
    page.wait_for_selector("#said:has-text('holidays cannot be read, or is a folder: give the file of a photograph')")
    for files, sentence in (("[]", "That is no file"), ("[1, 2]", "One photograph at a time")):
        page.evaluate(f"""() => {{
            const event = new Event("drop", {{bubbles: true, cancelable: true}});
            event.dataTransfer = {{files: {files}, types: []}};
            document.dispatchEvent(event);
        }}""")
        page.wait_for_selector(f"#said:has-text('{sentence}')")
    assert state_of(page) == {} and page.locator("#images button[aria-pressed=true]").inner_text() == "street 1"


def test_back_undoes_a_choice(page, served):
    opened(page, served)
    page.click("#images button >> nth=1")
    page.wait_for_selector(SHOWN)
    page.check("#ways input[value=first]")
    page.wait_for_selector(SHOWN)
    for state in ({"image": "street-2"}, {}):
        page.go_back()
        page.wait_for_timeout(50)
        page.wait_for_selector(SHOWN)
        assert state_of(page).get("way") is None and state_of(page).items() >= state.items()
    assert page.locator("#images button[aria-pressed=true]").inner_text() == "street 1"


def test_the_truth_is_shown_and_counted(page, exported):
    opened(page, exported)
    assert re.search(r"\d\d % of them are right", page.locator("#classes-words").inner_text())
    before = picture_of(page, "#classes")
    page.click("#legend button:has-text('the truth')")
    page.wait_for_selector(SHOWN)
    assert picture_of(page, "#classes") != before and state_of(page)["show"] == "truth"


@pytest.mark.parametrize("state", [
    "image=nothing", "way=up&layer=encoder77&channel=999&row=99999&column=9999&show=Moon&input=7", "row=-1&channel=x",
    "%%%&&&==", "way=constructor",
])
def test_a_broken_link_shows_something(page, served, state):
    opened(page, served, state)
    assert page.locator("#corners-drawing .winner").count() == 32


def test_an_answer_that_comes_late_changes_nothing(page, served):
    """Neither the pixel, which is chosen by the size of a picture, nor the number of gradients that are asked for."""
    opened(page, served, "image=street-1")
    page.evaluate("""() => {
        const {seen} = source;
        source.seen = async (image, way) => {
            const answer = await seen.call(source, image, way);
            await new Promise((go) => setTimeout(go, image === "street-3" ? 300 : 0));
            return image === "street-2" ? {...answer, size: [10, 10]} : answer;
        };
        change({image: "street-2", row: -1, column: -1});
        change({image: "street-3", row: -1, column: -1});
    }""")
    page.wait_for_selector(SHOWN)
    assert page.evaluate("() => [state.row, state.column]") == [48, 32]
    asked = page.evaluate("""async () => {
        let asked = 0, go;
        const {gradient} = source, pause = () => new Promise((next) => setTimeout(next, 1000));
        source.gradient = (...pixel) => new Promise((next) => {
            asked++;
            go = () => next(gradient.call(source, ...pixel));
        });
        for (const row of [1, 2, 3]) { change({row}); await pause(); }
        source.gradient = gradient;
        go();
        return asked;
    }""")
    page.wait_for_selector(SHOWN)
    assert asked == 1 and "at row 3," in page.locator("#gradient-words").inner_text()


@pytest.mark.parametrize("name", ["segnet-basic-no-pooling", "segnet-basic-fixed-index", "unet", "fcn-basic"])
def test_a_network_without_corners_is_shown_without_the_switch(page, tmp_path, monkeypatch, name):
    network = views.Network(small(name), "A small one.")
    monkeypatch.setattr(static, "STREETS", {"street-1": 0})
    static.write(tmp_path / "page", views.Views(network, network))
    opened(page, (tmp_path / "page/index.html").as_uri())
    assert page.locator("#ways").is_hidden() and page.locator("h1").inner_text() == f"Look inside {name}"
    assert f"{name} unpools no map by its corners" in page.locator("#corners-words").inner_text()
    page.keyboard.press("w")
    page.wait_for_timeout(50)
    page.wait_for_selector(SHOWN)
    assert state_of(page).get("way", "corners") == "corners"
    page.goto(f"{page.url.partition('#')[0]}#way=first")
    page.wait_for_timeout(50)
    page.wait_for_selector(SHOWN)
    assert state_of(page).get("way") in (None, "first") and page.evaluate("() => state.way") == "corners"
    assert "undefined" not in page.locator("body").inner_text() and page.locator(".addition b, #sum p").count()


def test_the_exported_page_fits_a_telephone(page, exported):
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, exported)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    sizes = page.eval_on_selector_all("main *:not(svg *)", """all => all.filter((e) => e.childNodes[0]?.nodeType === 3)
        .map((e) => parseFloat(getComputedStyle(e).fontSize))""")
    assert min(sizes) >= 11
    svg = page.locator("#corners-drawing svg")
    scale = svg.bounding_box()["width"] / float(svg.get_attribute("viewBox").split()[2])
    assert 11 * scale >= 9


def test_the_book_is_searched_with_the_keys(page, course_book):
    page.goto((course_book / "site/index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("Unpool corner")
    found, focused = page.locator("search li"), page.locator("search :focus")
    assert re.match(r"The first 12 of \d+ sections", page.locator("search [role=status]").inner_text())
    assert found.count() == 12
    for text in found.all_inner_texts():
        assert re.search(r"\d\d · |Glossary", text)
    assert {mark.lower() for mark in page.locator("search mark").all_inner_texts()} == {"unpool", "corner"}
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    address, title = focused.get_attribute("href"), focused.inner_text()
    assert address == found.first.locator("a").get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{address}")
    section = page.locator(f"[id='{address.partition('#')[2]}']")
    assert section.locator("h1, h2, h3").first.inner_text() in title
    assert all(word in section.inner_text().lower() for word in ("unpool", "corner"))

    page.keyboard.press("/")
    page.keyboard.type("<b>zebra")
    assert page.locator("search [role=status]").inner_text() == "Nothing found" and not found.count()
    page.keyboard.press("Escape")
    assert page.locator("search input").input_value() == "" and not focused.count()
    page.locator("search input").fill("Learning rate")         # the word itself, before longer ones that begin with it
    assert found.first.locator("a").inner_text() == "Glossary: learning rate"


def test_the_book_fits_a_telephone(page, course_book):
    page.set_viewport_size({"width": 360, "height": 740})
    for path in (course_book / "site").glob("*.html"):
        page.goto(path.as_uri())
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360, path.name


def test_the_formulas_of_the_book_are_in_its_font(page, course_book):
    page.goto((course_book / "course.html").as_uri())
    asked = page.context.new_cdp_session(page)
    for domain in "DOM", "CSS":
        asked.send(f"{domain}.enable")
    root = asked.send("DOM.getDocument")["root"]["nodeId"]
    letters = asked.send("DOM.querySelectorAll", {"nodeId": root, "selector": "mi, mn, mo, mtext"})["nodeIds"]
    answers = [asked.send("CSS.getPlatformFontsForNode", {"nodeId": letter})["fonts"] for letter in letters]
    assert sum(map(bool, answers)) > 1000                   # not those in a closed answer
    assert {(font["familyName"], font["isCustomFont"]) for fonts in answers for font in fonts} == {
        ("STIX Two Math", True)
    }


def test_nothing_in_the_book_is_wider_than_a_printed_page(page, course_book):
    page.set_viewport_size({"width": 658, "height": 900})   # A4 without its margins, 174 mm
    page.emulate_media(media="print")
    page.goto((course_book / "course.html").as_uri())
    wide = """all => all.filter(e => e.getBoundingClientRect().right > 659 || e.scrollWidth > e.clientWidth + 1)
        .map(e => e.textContent)"""
    assert page.eval_on_selector_all("main :is(img, pre, table, math[display=block])", wide) == []
    parts = page.eval_on_selector_all("math *", "all => all.map(e => e.getBoundingClientRect().right)")
    assert 300 < max(parts) <= 659


def test_the_book_is_printed_with_heads_and_numbers_and_no_heading_at_the_foot(page, course_book):
    pypdfium2 = pytest.importorskip("pypdfium2")
    page.goto((course_book / "course.html").as_uri())
    parts = page.locator("section.level1 > h1").all_inner_texts()
    headings = {heading.split("\n")[0] for heading in page.locator("h1, h2, h3, h4").all_inner_texts()}
    sheets = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
    assert [round(side * 25.4 / 72) for side in sheets[0].get_size()] == [210, 297]
    heads = []
    for number, sheet in enumerate(sheets, 1):
        text = unicodedata.normalize("NFKC", sheet.get_textpage().get_text_bounded())    # a ligature is two letters
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if number > 1:                                      # the first has the title and the contents
            heads.append(lines.pop(0))
            assert lines[-1] not in headings
        assert lines[0] == str(number)
    assert list(dict.fromkeys(heads)) == parts
