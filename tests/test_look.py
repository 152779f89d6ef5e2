"""The page that looks inside: what it is told is what the network computes, and nobody else may ask."""

import asyncio
import base64
import gzip
import io
import json
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from test_more_networks import DEEP, begun

from tinysegnet import __main__, checkpoint, inference, networks
from tinysegnet.data.normalisation import normalise
from tinysegnet.look import static, views
from tinysegnet.look.input_gradient import input_gradient
from tinysegnet.look.receptive_field import receptive_field
from tinysegnet.look.seen import look, size_shown
from tinysegnet.look.ways_up import WAYS
from tinysegnet.ops.fast import ops_with
from tinysegnet.support.errors import InputError

every_network = pytest.mark.parametrize("name", networks.NETWORKS)


def small(name="segnet-basic", dtype=np.float32):
    """A small Model as one is loaded, with statistics that are not those before the first step."""
    network, params, stats = begun(name, dtype)
    stats = {name: (a + 0.2).astype(dtype) for name, a in stats.items()}
    model = inference.Model(network, params, stats, {
        "network": {"name": name}, "classes": ["sky", "road", "car"], "palette": [[0, 0, 0], [1, 2, 3], [255, 0, 7]],
        "size": [36, 44] if name in DEEP else [20, 28], "normalisation": "centred", "test_scales": None,
    })
    object.__setattr__(model, "folded", inference.fold_all(params, stats))
    return model


def photograph(height=20, width=28, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def window_sum(layer, row, column, channel):
    """y[row, column, channel] of a convolution, term by term."""
    K, (H, W, _) = len(layer.w), layer.x.shape
    total = layer.b[channel]
    for i in range(K):
        for j in range(K):
            r, q = row + i - K // 2, column + j - K // 2
            if 0 <= r < H and 0 <= q < W:
                w = layer.w[i, j, :, channel] if layer.w.ndim == 4 else layer.w[i, j, channel]
                x = layer.x[r, q] if layer.w.ndim == 4 else layer.x[r, q, channel]
                total += np.sum(x * w)
    return total


@every_network
def test_a_value_of_any_layer_is_the_sum_that_the_page_writes_out(name):
    model = small(name, np.float64)
    seen = look(model, photograph())
    x = normalise(seen.photograph[None], np).astype(np.float64)
    np.testing.assert_allclose(seen.scores, model.network.predict(model.folded, None, x)[0], atol=1e-12)
    assert len({layer.name for layer in seen.layers}) == len(seen.layers) > 2
    assert seen.layers[0].of == "photograph" and np.array_equal(seen.layers[0].x, x[0])
    for layer in seen.layers:
        assert [-(-side // 2**layer.level) for side in seen.photograph.shape[:2]] == list(layer.y.shape[:2])
        if layer.kind != "conv_transpose2d":
            pixels = [(0, 0), (len(layer.y) - 1, layer.y.shape[1] - 1), (len(layer.y) // 2, layer.y.shape[1] // 3)]
            for row, column in pixels:
                channel = layer.y.shape[2] - 1
                assert layer.y[row, column, channel] == pytest.approx(window_sum(layer, row, column, channel), abs=1e-9)


def test_the_page_knows_what_becomes_of_a_map():
    seen = look(small(), photograph(9, 13))
    assert [(layer.name, layer.of, layer.level, layer.relu, layer.pool, layer.unpool) for layer in seen.layers] == [
        ("encoder1", "photograph", 0, True, 0, None), ("encoder2", "pool", 1, True, 1, None),
        ("decoder2", "unpool", 1, False, None, 1), ("decoder1", "unpool", 0, False, None, 0),
        ("classifier", "map", 0, False, None, None),
    ]
    first, second = seen.layers[:2]
    H, W, C = second.x.shape
    for r, q, c in np.ndindex(H, W, C):
        window = np.maximum(first.y[2 * r : 2 * r + 2, 2 * q : 2 * q + 2, c], 0)
        assert second.x[r, q, c] == window.max()
        i, j = divmod(seen.corners[0][r, q, c], 2)
        assert window[i, j] == window.max()


def test_the_network_is_given_what_it_was_trained_with():
    model = small()
    model.meta["normalisation"] = "imagenet"
    expected = normalise(photograph()[None], np, "imagenet")[0]
    np.testing.assert_array_equal(look(model, photograph()).layers[0].x, expected)


def test_levels_are_counted_where_halving_rounds_up():
    levels = [layer.level for layer in look(small("segnet"), photograph(33, 48)).layers]
    assert sorted(set(levels)) == [0, 1, 2, 3, 4]


def test_a_network_that_unpools_by_no_corners_is_not_shown_with_them():
    layers = look(small("segnet-basic-fixed-index"), photograph()).layers
    assert [layer.of for layer in layers].count("unpool") == 2 and {layer.unpool for layer in layers} == {None}


def test_no_picture_is_shown_larger_than_the_page_can_show():
    model = inference.load()
    assert size_shown(model, (3000, 4000)) == (180, 240)
    strip = size_shown(model, (40, 4000))
    assert strip[0] >= 2**model.network.levels and strip[0] * strip[1] < 1.05 * 180 * 240
    assert size_shown(small(), (300, 420)) == (20, 28)
    assert size_shown(model, (1, 40_000_000)) == (16, 720) and size_shown(model, (40_000_000, 1)) == (720, 16)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(1, 4, 6, 3), (2, 5, 7, 1)])
def test_each_way_up_keeps_the_sum_of_a_window_and_has_its_own_backward(way, shape):
    rng, ops = np.random.default_rng(0), ops_with(**WAYS[way])
    N, H, W, C = shape
    x = rng.standard_normal((N, -(-H // 2), -(-W // 2), C))
    _, corners = ops.max_pool(rng.standard_normal(shape))
    y = ops.max_unpool(x, corners, shape)
    dy = rng.standard_normal(shape)
    assert y.shape == shape
    assert np.sum(y * dy) == pytest.approx(np.sum(x * ops.max_unpool_backward(dy, corners)), rel=1e-12)
    if H % 2 == 0:
        assert np.sum(ops.max_unpool(np.ones_like(x), corners, shape)) == pytest.approx(x.size)


def test_what_the_ways_do():
    x, shape = np.array([[1.0, 4.0]])[None, :, :, None], (1, 2, 4, 1)
    corners = np.array([[3, 1]], np.uint8)[None, :, :, None]
    found = {way: ops_with(**WAYS[way]).max_unpool(x, corners, shape)[0, :, :, 0].tolist() for way in WAYS}
    assert found == {
        "corners": [[0, 0, 0, 4], [0, 1, 0, 0]], "first": [[1, 0, 4, 0], [0, 0, 0, 0]],
        "replication": [[0.25, 0.25, 1, 1]] * 2, "bilinear": [[0.25, 0.4375, 0.8125, 1]] * 2,
    }


@every_network
def test_the_gradient_is_that_of_what_predict_computes(name):
    model = small(name, np.float64)
    size = size_shown(model, (20, 28))
    pixels, row = photograph(*size), size[0] // 2
    x = normalise(pixels[None], np).astype(np.float64)
    has_corners = "unpool" in {layer.of for layer in look(model, pixels).layers}
    for way in WAYS if has_corners else ["corners"]:
        ops, gradient = ops_with(**WAYS[way]), input_gradient(model, pixels, row, 3, 1, way)
        for where in (np.unravel_index(gradient.argmax(), size), (row - 1, 5)):
            numerical = 0
            for colour in range(3):
                step = np.zeros_like(x)
                step[(0, *where, colour)] = 1e-6
                up, down = (model.network.predict(model.folded, None, x + d, ops)[0, row, 3, 1] for d in (step, -step))
                numerical += abs(up - down) / 2e-6
            assert gradient[where] == pytest.approx(numerical, rel=1e-5, abs=1e-9), way


def test_the_receptive_fields_of_segnet_basic():
    """Each side of 202 and of 106 pixels: 98 of a value before the last pooling, and 8 more of those beside it in its
    window."""
    model = inference.load()
    fields = [receptive_field(model, (400, 416), row, 200) for row in range(192, 208)]
    assert max(bottom - top for top, _, bottom, _ in fields) == 202
    deepest = [receptive_field(model, (400, 416), row, 12, layer=3) for row in (12, 13)]
    assert {(bottom - top, right - left) for top, left, bottom, right in deepest} == {(98, 98)}
    assert deepest[1][2] - deepest[0][0] == 106
    assert receptive_field(model, (180, 240), 0, 0)[:2] == (0, 0)


@pytest.mark.parametrize("name, way", [
    *((name, "corners") for name in networks.NETWORKS), *(("segnet-basic", way) for way in WAYS if way != "corners"),
])
def test_a_score_depends_on_what_is_in_its_receptive_field_and_on_nothing_else(name, way):
    """Whatever is changed outside changes nothing; each of the four outermost lines can change something."""
    model, ops = small(name, np.float64), ops_with("im2col", **WAYS[way])
    row, column = 9, 5
    size = (36, 44) if name in DEEP else (22, 30)
    top, left, bottom, right = receptive_field(model, size, row, column, way=way)
    rows, columns = slice(top, bottom), slice(left, right)
    lines = [(top, columns), (bottom - 1, columns), (rows, left), (rows, right - 1)]
    moved = [False] * 4

    def score(x):
        return model.network.predict(model.folded, None, x[None], ops)[0, row, column, 0]

    for seed in range(1 if name in DEEP else 8):
        rng = np.random.default_rng(seed)
        model.folded.update({key: np.abs(rng.standard_normal(a.shape)) for key, a in model.folded.items()})
        x, other = rng.standard_normal((2, *size, 3)) * 5
        before = score(x)
        other[top:bottom, left:right] = x[top:bottom, left:right]
        assert score(other) == before
        for i, line in enumerate(lines):
            changed = x.copy()
            changed[line] += rng.uniform(5, 50, changed[line].shape)
            moved[i] |= score(changed) != before
    assert name in DEEP or all(moved)


@pytest.fixture(scope="module")
def shown():
    network = views.Network(small(), "Network: a small one.")
    return views.Views(network, network)


def file_of(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def test_a_photograph_is_kept_in_memory_and_the_oldest_goes(shown):
    names = [shown.add(file_of(photograph(seed=seed))) for seed in range(5)]
    assert [one["name"] for one in shown.images()] == [*views.STREETS, *names[1:]]
    np.testing.assert_array_equal(shown.array(names[-1], "corners", "photograph"), photograph(seed=4))
    with pytest.raises(views.NotThereError):
        shown.seen(names[0], "corners")
    assert shown.add(file_of(photograph(seed=4))) == names[4] and len(shown.images()) == 7
    shown.add(file_of(photograph(seed=1)))              # it is the newest now
    last = shown.add(file_of(photograph(seed=5)))
    assert [one["name"] for one in shown.images()][3:] == [names[3], names[4], names[1], last]


def test_what_is_too_large_is_not_decoded(shown, monkeypatch):
    monkeypatch.setattr(views, "upright_photograph", lambda *_: pytest.fail("it was decoded"))
    large = io.BytesIO()
    Image.new("1", (8000, 5001)).save(large, "PNG")
    with pytest.raises(views.TooLargeError, match=r"^The photograph has more than 40 million pixels: give a smaller "):
        shown.add(large.getvalue())
    with pytest.raises(views.TooLargeError, match=r"^The file has more than 20 MB: give a smaller one\.$"):
        shown.add(bytes(20 * 10**6 + 1))


@pytest.mark.parametrize("content, sentence", [
    (b"", "^The photograph cannot be read as an image"), (b"GIF89a", "^The photograph cannot be read as an image"),
    (file_of(photograph())[:-40], "^The photograph cannot be read as an image"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "^The photograph is of the kind EPS: save"),
    (b"\0\0\0\x18ftypheic\0\0\0\0", "^The photograph is a HEIC photograph, as phones take them: save it as JPEG"),
    (file_of(photograph(), "ICO"), "^The photograph is of the kind ICO: save it as JPEG or PNG"),
])
def test_what_is_no_photograph_is_said(shown, content, sentence):
    before = shown.images()
    with pytest.raises(InputError, match=sentence):
        shown.add(content)
    assert shown.images() == before


def test_what_is_asked_for_is_there(shown):
    about = json.loads(json.dumps(shown.about("street-1", "bilinear")))
    assert about["truth"] is False
    assert about["size"] == [20, 27] and about["words"] == "Network: a small one." and about["classes"][2] == "car"
    for layer in about["layers"]:
        assert shown.array("street-1", "bilinear", f"{layer['name']}.y").shape[2] == layer["channels"]
    probabilities = shown.array("street-1", "bilinear", "probabilities")
    np.testing.assert_allclose(probabilities.sum(axis=2), 1, rtol=1e-5)
    for which in ("corners.2", "corners.x", "encoder1", "encoder1.z", "encoder9.y", "truth", ""):
        with pytest.raises(views.NotThereError):
            shown.array("street-1", "bilinear", which)
    for pixel in ((20, 0, 0), (0, 27, 0), (0, 0, 3), (-1, 0, 0)):
        with pytest.raises(views.NotThereError):
            shown.gradient("street-1", "corners", *pixel)


class Client:
    """A browser's questions to the application, without a network between them (ASGI)."""

    def __init__(self, app):
        self.app = app

    def get(self, address, **headers):
        return self.ask("GET", address, headers)

    def post(self, address, content, **headers):
        return self.ask("POST", address, headers, content)

    def ask(self, method, address, headers, content=b""):
        path, _, query = address.partition("?")
        headers = {"Host": "127.0.0.1:8008"} | {name.replace("_", "-"): value for name, value in headers.items()}
        parts = content             # as it arrives; None: the line breaks
        if isinstance(content, bytes):
            parts = [content[i : i + 2**16] for i in range(0, len(content), 2**16)] or [b""]
        got = SimpleNamespace(status=None, headers={}, content=b"")

        async def receive():
            if not parts:
                await asyncio.Event().wait()                # it stays on the line
            if parts[0] is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def send(message):
            if message["type"] == "http.response.start":
                got.status = message["status"]
                got.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            got.content += message.get("body", b"")

        asyncio.run(self.app({
            "type": "http", "method": method, "path": unquote(path), "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "scheme": "http", "http_version": "1.1",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }, receive, send))
        got.text = got.content.decode("utf-8", "replace")
        return got


@pytest.fixture
def client(shown):
    pytest.importorskip("starlette")
    from tinysegnet.look.server import application

    return Client(application(shown, 8008))


def array_of(response):
    assert response.status == 200, response.text
    kind, shape = response.headers["x-array"].split()
    return np.frombuffer(response.content, np.dtype(kind).newbyteorder("<")).reshape([int(n) for n in shape.split(",")])


def test_the_page_and_its_files_are_served(client):
    page = client.get("/")
    assert page.status == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    files = re.findall(r'(?:src|href)="(\w+\.\w+)"', page.text)
    assert len(files) == 10
    for file in files:
        assert client.get(f"/{file}").status == 200
    for other in ("source_live.js", "source_static.js", "server.py", "..%2fserver.py", "%2e%2e/views.py", "nothing"):
        assert client.get(f"/{other}").status == 404


def test_the_arrays_arrive_as_they_are(client, shown):
    assert [one["name"] for one in json.loads(client.get("/images").text)][:3] == list(views.STREETS)
    for which in ("photograph", "probabilities", "decoder1.x", "encoder2.w", "encoder2.b", "corners.1"):
        got = array_of(client.get(f"/arrays/street-2/{which}?way=first"))
        np.testing.assert_array_equal(got, shown.array("street-2", "first", which))
    response = client.get("/gradients/street-2?way=corners&row=4&column=5&label=1")
    gradient, field = shown.gradient("street-2", "corners", 4, 5, 1)
    np.testing.assert_array_equal(array_of(response), gradient)
    assert response.headers["x-field"] == ",".join(map(str, field))


@pytest.mark.parametrize("address", [
    "/seen/street-9", "/seen/street-1?way=up", "/arrays/street-1/encoder9.y", "/gradients/street-1",
    "/gradients/street-1?row=x&column=1&label=1", "/gradients/street-1?row=99&column=1&label=1",
])
def test_what_is_not_there_is_said(client, address):
    response = client.get(address)
    assert (response.status, response.text) == (404, "There is nothing of that name: load the page again.")


def test_a_photograph_goes_up_and_is_seen(client):
    response = client.post("/photographs", file_of(photograph(30, 30), "JPEG"))
    name = json.loads(response.text)["name"]
    assert array_of(client.get(f"/arrays/{name}/photograph")).shape == (24, 24, 3)
    refused = client.post("/photographs", b"no photograph")
    assert refused.status == 400 and refused.text.startswith("The photograph cannot be read as an image")
    large = client.post("/photographs", bytes(20 * 10**6 + 1))
    assert (large.status, large.text) == (413, "The file has more than 20 MB: give a smaller one.")


def test_an_upload_that_is_broken_off_is_no_failure_of_the_server(client, shown):
    before = shown.images()
    assert client.post("/photographs", [b"the first part", None]).status == 400
    assert shown.images() == before


def test_a_network_of_64_bits_is_shown_in_32():
    pytest.importorskip("starlette")
    from tinysegnet.look.server import application

    network = views.Network(small(dtype=np.float64), "")
    client = Client(application(views.Views(network, network), 8008))
    for address in ("arrays/street-1/encoder1.y", "gradients/street-1?row=0&column=0&label=0"):
        assert array_of(client.get(f"/{address}")).dtype == np.float32


@pytest.mark.parametrize("headers", [
    {"Host": "example.org"}, {"Host": "127.0.0.1"}, {"Host": "localhost:8009"}, {"Origin": "http://example.org"},
    {"Origin": "null"}, {"Origin": "http://localhost:8008"}, {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
])
def test_other_sites_are_turned_away(client, shown, headers):
    before = shown.images()
    assert client.get("/images", **headers).status == 403
    response = client.post("/photographs", file_of(photograph(seed=77)), **headers)
    assert (response.status, response.text) == (403, "This page is for this machine alone.")
    assert shown.images() == before


def test_a_link_from_elsewhere_leads_to_the_page_and_no_further(client):
    assert client.get("/", Sec_Fetch_Site="cross-site").status == 200
    assert client.get("/", Origin="http://example.org").status == 403


def test_its_own_questions_are_let_through(client):
    for host in ("127.0.0.1:8008", "localhost:8008"):
        headers = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
        assert client.get("/images", **headers).status == 200


def test_several_questions_at_once_have_their_own_answers(client, shown):
    shown.looks.clear()
    asked = [(f"street-{1 + i % 3}", way) for i, way in enumerate([*WAYS] * 3)]
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda one: array_of(client.get(f"/arrays/{one[0]}/decoder1.y?way={one[1]}")), asked))
    assert len(shown.looks) == views.LOOKS_KEPT < len(set(asked))
    for (image, way), array in zip(asked, got):
        pixels = shown.picture(image).pixels
        np.testing.assert_array_equal(array, look(small(), pixels, way).layers[3].y)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_mutated_photographs_leave_the_page_answering(client, kind):
    content, rng = file_of(photograph(30, 40), kind), np.random.default_rng(0)
    statuses = set()
    for _ in range(30):
        mutated = bytearray(content)
        for _ in range(rng.integers(1, 6)):
            mutated[rng.integers(len(mutated))] = rng.integers(256)
        cut = bytes(mutated[: rng.integers(1, len(mutated) + 1)])
        statuses.add(client.post("/photographs", cut).status)
    assert {400} <= statuses <= {200, 400, 413}
    assert client.get("/images").status == 200


def unpacked(packed):
    """The array that the page makes of it."""
    steps = np.frombuffer(gzip.decompress(base64.b64decode(packed["data"])), np.dtype(packed["kind"]).newbyteorder("<"))
    scale = np.array(packed["scale"])
    multiples = np.cumsum(steps.reshape(len(scale), -1), axis=1, dtype=steps.dtype)
    return np.moveaxis((multiples * scale[:, None]).reshape(-1, *packed["shape"][:-1]), 0, -1)


@pytest.mark.parametrize("bits", [7, 16])
def test_what_is_packed_comes_back_within_half_a_step(bits):
    array = np.random.default_rng(0).standard_normal((5, 4, 3)) * [1, 100, 0]
    array[0, 0] = 0
    packed = static.packed(array, bits)
    got = unpacked(packed)
    assert got.shape == array.shape and not got[0, 0].any()
    step = np.abs(array).max(axis=(0, 1)) / (2 ** (bits - 1) - 1)
    assert (np.abs(got - array) <= 0.5001 * step + 1e-12).all()
    np.testing.assert_array_equal(unpacked(static.packed(photograph())), photograph())


def test_the_exported_page_has_all_that_it_may_ask_for(shown, tmp_path, monkeypatch):
    monkeypatch.setattr(static, "STREETS", {"street-1": 0})
    static.write(tmp_path / "page", shown)
    there = {path.name for path in (tmp_path / "page").iterdir()}
    named = set(re.findall(r'(?:src|href)="(\w+\.\w+)"', (tmp_path / "page/index.html").read_text()))
    assert there == named | {"index.html", "network.js"} | {f"street-1-{way}.js" for way in WAYS}
    content = {}
    for path in (tmp_path / "page").glob("*-*.js"):
        way = path.stem.removeprefix("street-1-")
        content[way] = json.loads(re.fullmatch(r"source\.arrived\((.*)\);\n", path.read_text())[1])
        assert content[way]["about"] == json.loads(json.dumps(shown.about("street-1", way)))
    for way, script in content.items():
        arrays = content["corners"]["arrays"] | script["arrays"]
        for layer in script["about"]["layers"]:
            for part in "xy":
                packed = arrays[f"{layer['name']}.{part}"]
                packed = arrays[packed["same"]] if "same" in packed else packed
                expected = shown.array("street-1", way, f"{layer['name']}.{part}")
                assert np.abs(unpacked(packed) - expected).max() <= 0.5001 * np.abs(expected).max() / 63
    assert content["corners"]["arrays"]["classifier.x"] == {"same": "decoder1.y"}
    assert len(content["corners"]["gradients"]) == 4 and not content["first"]["gradients"]
    one = content["corners"]["gradients"][0]
    top, left, bottom, right = one["field"]
    expected, _ = shown.gradient("street-1", "corners", one["row"], one["column"], one["label"])
    np.testing.assert_allclose(
        unpacked(one)[:, :, 0], expected[top:bottom, left:right], atol=0.51 * expected.max() / 63
    )
    assert "IMAGES" not in (tmp_path / "page/source.js").read_text()
    with pytest.raises(InputError, match="page is already there: name another folder, or move it away"):
        static.write(tmp_path / "page", shown)


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small()
    arguments = {"name": "segnet-basic", "classes": 3, "filters": 4, "levels": 2, "kernel": 3}
    meta = model.meta | {"network": arguments, "statistics": "exact"}
    checkpoint.save("small.npz", meta, params=model.params, stats=model.stats)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["tinysegnet", "look", *words])
        __main__.main()

    return run


def test_a_port_that_is_taken_is_said(command):
    pytest.importorskip("uvicorn")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=rf"^port {port} is taken \(.*\): name another by --port$"):
            command("--weights", "small.npz", "--port", str(port))


@pytest.mark.parametrize("port", ["80", "99999", "x", "-1"])
def test_what_is_no_port_is_said(command, capsys, port):
    with pytest.raises(SystemExit) as exit:
        command("--port", port)
    assert exit.value.code == 2 and "write a number from 1024 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_without_the_packages_a_line_says_how_to_install_them(command, monkeypatch, package):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "tinysegnet.look.server", raising=False)
    monkeypatch.delattr("tinysegnet.look.server", raising=False)
    with pytest.raises(InputError, match=r"^look needs two packages: install them with  pip install -e '\.\[look\]'$"):
        command("--weights", "small.npz")


def test_a_page_that_is_interrupted_is_not_there(shown, tmp_path, monkeypatch):
    monkeypatch.setattr(static, "STREETS", {"street-1": 0})
    monkeypatch.setattr(static, "street", stopped)
    with pytest.raises(KeyboardInterrupt):
        static.write(tmp_path / "page", shown)
    assert not (tmp_path / "page").exists()


def stopped(*_):
    raise KeyboardInterrupt


def test_the_page_is_written_by_the_command(command, monkeypatch):
    monkeypatch.setattr(static, "STREETS", {"street-1": 0})
    command("--weights", str(Path("small.npz").resolve()), "--export", "page")
    assert '"words":"Network: small.npz."' in Path("page/street-1-corners.js").read_text()      # no folder of ours
    assert Path("page/index.html").is_file()
    for name, said in (("no.npz", r"no\.npz"), ("", "''")):
        with pytest.raises(InputError, match=f"^there is no checkpoint {said}: name one"):
            command("--weights", name, "--export", "other")
    assert not Path("other").exists()


def test_the_truth_of_a_street_is_there_if_the_network_has_its_classes():
    from tinysegnet.commands.look import STREETS

    network = views.Network(inference.load(STREETS), "")
    shown = views.Views(network, network)
    truth = shown.array("street-2", "first", "truth")[:, :, 0]
    labels = shown.array("street-2", "corners", "probabilities").argmax(axis=2)
    assert shown.about("street-2", "corners")["truth"] and (labels == truth)[truth < 11].mean() > 0.8


@pytest.mark.docs       # seconds
def test_the_streets_network_is_as_good_as_its_page_says(capsys, monkeypatch):
    from tinysegnet.commands.look import STREETS

    monkeypatch.setattr(sys, "argv", ["tinysegnet", "evaluate", "--data", "streets", "--weights", str(STREETS)])
    __main__.main()
    said = re.search(r"G (\S+), C (\S+), mIoU (\S+?)\.?\s", STREETS.with_name("README.md").read_text(encoding="utf-8"))
    assert capsys.readouterr().out.splitlines()[-1] == "G {}  C {}  mIoU {}".format(*said.groups())
