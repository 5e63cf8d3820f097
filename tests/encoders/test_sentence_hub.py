"""The hub, served by this machine: what it has is brought once; what it has not, or its absence, is told at once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "a" * 40
FILES = {
    "config.json": b'{"hidden": 3}',
    "1_Pooling/config.json": b"{}",
    "model.safetensors": b"w" * 1_000,
    "onnx/model.onnx": b"o" * 99,
    "tf_model.h5": b"t",
}


class Hub(ThreadingHTTPServer):
    """The few answers of the hub that a download needs."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked = dict(FILES), list[str]()
        self.status = 200

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if self.server.status != 200:
            return self.send(b"{}", status=self.server.status)
        if not path.startswith(("/api/models/small/model", "/small/model/resolve")):
            return self.send(b"{}", status=404, headers={"X-Error-Code": "RepoNotFound"})
        if path.startswith("/api/models/small/model/tree"):
            tree = [{"type": "file", "path": n, "size": len(c), "oid": hashlib.sha1(c).hexdigest()} for n, c in self.server.files.items()]
            return self.send(json.dumps(tree).encode())
        if path.startswith("/api/models"):
            siblings = [{"rfilename": name} for name in self.server.files]
            return self.send(json.dumps({"id": "small/model", "sha": COMMIT, "siblings": siblings}).encode())
        content = self.server.files[path.split("/resolve/")[1].partition("/")[2]]
        return self.send(content, headers={"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT})

    def send(self, content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def bring(home: Path, endpoint: str, model: str = "small/model", **environment: str) -> tuple[str, str]:
    """(folder, error) of `bring` in a process of its own, for the hub's library reads its settings once."""
    code = (
        "import sys\nfrom mmsearch.encoders.sentence_hub import bring\nfrom mmsearch.errors import MMSearchError\n"
        "try: print(bring(sys.argv[1], None, bundled='minilm'))\n"
        "except MMSearchError as error: sys.exit(f'{type(error).__name__}: {error}')\n"
    )
    own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home / "hf"), "MMSEARCH_HOME": str(home / "mm"), **environment}
    run = subprocess.run([sys.executable, "-c", code, model], env={**os.environ, **own}, capture_output=True, text=True, check=False)
    assert "Traceback" not in run.stderr, run.stderr
    return run.stdout.strip(), run.stderr.strip()


def test_brought_once_then_found_without_a_network(hub: Hub, tmp_path: Path) -> None:
    folder, error = bring(tmp_path, hub.address)
    assert error == ""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
    assert found == {name: FILES[name] for name in ("config.json", "1_Pooling/config.json", "model.safetensors")}
    hub.asked.clear()
    assert bring(tmp_path, hub.address) == (folder, "")
    assert hub.asked == []


def test_a_file_that_was_lost_is_brought_again(hub: Hub, tmp_path: Path) -> None:
    folder, _ = bring(tmp_path, hub.address)
    (Path(folder) / "model.safetensors").unlink()
    assert bring(tmp_path, hub.address) == (folder, "")
    assert (Path(folder) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_pickled_weights_only_where_there_are_no_others(hub: Hub, tmp_path: Path) -> None:
    hub.files["pytorch_model.bin"] = b"p"
    folder, _ = bring(tmp_path / "a", hub.address)
    assert not (Path(folder) / "pytorch_model.bin").exists()
    del hub.files["model.safetensors"]
    folder, _ = bring(tmp_path / "b", hub.address)
    assert (Path(folder) / "pytorch_model.bin").exists()


def test_no_network(tmp_path: Path) -> None:
    started = time.perf_counter()
    folder, error = bring(tmp_path, "http://127.0.0.1:9")
    assert time.perf_counter() - started < 20, "no retries for minutes"
    assert folder == ""
    assert error.startswith("InputError: the model small/model is not on this machine, and the hub cannot be reached: ")
    assert "without a network: minilm is bundled" in error
    assert not list(tmp_path.rglob("*.json")), "nothing half-written"


def test_told_to_stay_offline(hub: Hub, tmp_path: Path) -> None:
    _, error = bring(tmp_path, hub.address, HF_HUB_OFFLINE="1")
    assert "the hub cannot be reached" in error
    assert hub.asked == []


def test_without_a_network_what_another_program_brought_is_found(hub: Hub, tmp_path: Path) -> None:
    folder, _ = bring(tmp_path, hub.address)
    assert bring(tmp_path, "http://127.0.0.1:9", MMSEARCH_HOME=str(tmp_path / "other")) == (folder, "")


def test_what_the_hub_does_not_have(hub: Hub, tmp_path: Path) -> None:
    _, error = bring(tmp_path, hub.address, "nobody/nothing")
    assert error.startswith("InputError: the hub has no model nobody/nothing, or does not show it to you")
    _, error = bring(tmp_path, hub.address, "no model's name")
    assert error.startswith("UsageError: 'no model's name' is neither a folder nor a name of a hub model")


def test_a_hub_that_is_ill(hub: Hub, tmp_path: Path) -> None:
    hub.status = 500
    _, error = bring(tmp_path, hub.address)
    assert "and the hub answers with an error" in error
