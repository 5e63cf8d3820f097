"""Fetching photos: once, whole, bounded, and never from the shop's own network unless that is allowed."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mmsearch.media import MediaError
from mmsearch.media import fetch as fetching
from mmsearch.media.fetch import fetch, fetched_path

BODY = bytes(range(256)) * 40


class Handler(http.server.BaseHTTPRequestHandler):
    """A shop's photo server with some bad manners."""

    asked: ClassVar[list[str]] = []
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.asked.append(self.path)
        name, _, rest = self.path.lstrip("/").partition("/")
        if name == "to":  # /to/N: N redirects
            left = int(rest)
            self.answer(302, b"", Location=f"/to/{left - 1}" if left else "/photo.jpg")
        elif name == "away":
            self.answer(301, b"", Location=rest)
        elif name == "chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(BODY), 1_000):
                piece = BODY[start : start + 1_000]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        elif name == "short":
            self.answer(200, BODY[:-100], length=len(BODY))
            self.close_connection = True
        elif name == "slow":
            threading.Event().wait(2)
        elif name == "nothing":
            self.answer(200, b"")
        elif name in ("photo.jpg", "a%20b%E7%BA%A2.jpg"):
            self.answer(200, BODY)
        else:
            self.answer(404, b"no such photo")

    def answer(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{made.server_address[1]}"
        made.shutdown()
        thread.join()


def reason(url: str, folder: Path, **options: Any) -> str:
    with pytest.raises(MediaError) as caught:
        fetch(url, folder, **{"limit": 100_000, "allow_private": True} | options)
    assert not folder.exists() or list(folder.iterdir()) == [], "nothing half is left"
    return caught.value.message


@pytest.mark.parametrize("path", ["photo.jpg", "chunked", "to/0", "to/4", "a b红.jpg", "a%20b%E7%BA%A2.jpg"])
def test_a_photo_is_fetched_once(server: str, tmp_path: Path, path: str) -> None:
    url, folder = f"{server}/{path}", tmp_path / "media" / "web"
    found = fetch(url, folder, limit=100_000, allow_private=True)
    assert found == fetched_path(url, folder)
    assert found.read_bytes() == BODY
    asked = len(Handler.asked)
    assert fetch(url, folder, limit=1) == found, "what is there is not asked for again, nor judged"
    assert len(Handler.asked) == asked
    assert [p.name for p in folder.iterdir()] == [found.name]


def test_the_name_is_that_of_the_address(tmp_path: Path) -> None:
    one, other = fetched_path("http://a.example/x.jpg", tmp_path), fetched_path("http://a.example/x.jpg?v=2", tmp_path)
    assert one.parent == tmp_path
    assert len(one.name) == 32
    assert one != other == fetched_path("http://a.example/x.jpg?v=2", tmp_path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.jpg", "answers 404 Not Found"),
        ("to/5", "more than 5 redirects"),
        ("short", "ended after 10,140 of 10,240 bytes"),
        ("nothing", "an empty answer"),
        ("away/file:///etc/passwd", "only http and https addresses are, not file"),
        ("away/ftp://127.0.0.1/x", "only http and https addresses are, not ftp"),
    ],
)
def test_what_cannot_be_fetched(server: str, tmp_path: Path, path: str, message: str) -> None:
    assert message in reason(f"{server}/{path}", tmp_path / "media")


@pytest.mark.parametrize("path", ["photo.jpg", "chunked"])
def test_the_limit_holds_whether_the_length_is_told_or_not(server: str, tmp_path: Path, path: str) -> None:
    assert "MMSEARCH_MAX_MEDIA_BYTES" in reason(f"{server}/{path}", tmp_path / "media", limit=len(BODY) - 1)
    assert fetch(f"{server}/{path}", tmp_path / "media", limit=len(BODY), allow_private=True).stat().st_size == len(BODY)


def test_a_server_that_does_not_answer(server: str, tmp_path: Path) -> None:
    assert "does not answer in 0.2 s" in reason(f"{server}/slow", tmp_path / "media", timeout=0.2)


def test_a_private_network_is_not_asked(server: str, tmp_path: Path) -> None:
    assert "is in a private network" in reason(f"{server}/photo.jpg", tmp_path / "media", allow_private=False)
    assert Handler.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not fetching._public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_addresses_that_are_public(address: str) -> None:
    assert fetching._public(address)


def test_a_name_with_one_private_address_is_a_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    assert "trap.example is in a private network" in reason("http://trap.example/x.jpg", tmp_path / "media", allow_private=False)


def test_a_redirect_into_the_private_network(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first host passes for a public one; the one it sends us to does not."""
    monkeypatch.setattr(fetching, "_public", lambda address: address == "127.0.0.1")
    moved = f"{server}/away/http://169.254.169.254/latest/meta-data"
    assert "169.254.169.254 is in a private network" in reason(moved, tmp_path / "media", allow_private=False)


@pytest.mark.parametrize(
    "url", ["http://", "http:///x.jpg", "shoe.jpg", "http://a b/x", "http://[::1/x", "http://a:99999/x", "http://a/\r\nHost: b"]
)
def test_malformed_addresses(tmp_path: Path, url: str) -> None:
    assert reason(url, tmp_path / "media").startswith("not fetched: ")


def test_a_host_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert reason("http://nowhere.invalid/x.jpg", tmp_path / "media") == "not fetched: the host nowhere.invalid is not found"


def test_a_port_on_which_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "Connection refused" in reason(f"http://127.0.0.1:{port}/x.jpg", tmp_path / "media")


def test_a_folder_that_cannot_be_written(server: str, tmp_path: Path) -> None:
    (tmp_path / "media").write_text("x")
    with pytest.raises(MediaError, match="cannot be written"):
        fetch(f"{server}/photo.jpg", tmp_path / "media", limit=100_000, allow_private=True)
