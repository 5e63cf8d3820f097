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

from mmsearch.encoders.hub import Lacking, Wanted

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
        self.status, self.gated, self.broken = 200, False, False

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
        if self.server.gated:
            return self.send(b"{}", status=403, headers={"X-Error-Code": "GatedRepo"})
        content = self.server.files[path.split("/resolve/")[1].partition("/")[2]]
        if self.server.broken and self.command == "GET":
            self.close_connection = True
            return None
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


BRING = "bring(model, WANTED, instead='take the bundled one')"
MAIN = """
import sys
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.hub import bring
from mmsearch.encoders.sentence import WANTED
from mmsearch.errors import MMSearchError
from mmsearch.features import FEATURES, whisper
from mmsearch.encoders import openclip_model

model = sys.argv[1]
try:
    print(eval(sys.argv[2]))
except MMSearchError as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
"""


def run(home: Path, endpoint: str, model: str = "small/model", call: str = BRING, **environment: str) -> tuple[str, str]:
    """(what a call gives, its error) in a process of its own, for the hub's library reads its settings once."""
    own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home / "hf"), "MMSEARCH_HOME": str(home / "mm"), **environment}
    ran = subprocess.run([sys.executable, "-c", MAIN, model, call], env={**os.environ, **own}, capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr, ran.stderr
    assert ran.returncode == bool(ran.stderr), "errors exit with 1"
    return ran.stdout.strip(), ran.stderr.strip()


def files(folder: str | Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_brought_once_then_found_without_a_network(hub: Hub, tmp_path: Path) -> None:
    folder, error = run(tmp_path, hub.address)
    assert error == ""
    assert files(folder) == {name: FILES[name] for name in ("config.json", "1_Pooling/config.json", "model.safetensors")}
    hub.asked.clear()
    assert run(tmp_path, hub.address) == (folder, "")
    assert hub.asked == []


@pytest.mark.parametrize(
    ("call", "there", "brought"),
    [
        (
            "openclip_model.find(f'hf-hub:{model}', None).folder",
            ["open_clip_config.json", "open_clip_model.safetensors", "open_clip_pytorch_model.bin", "tokenizer.json", "README.md"],
            ["open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json"],
        ),
        (
            "whisper.find(model, None).folder",
            ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt", "README.md"],
            ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"],
        ),
    ],
)
def test_each_kind_of_model_brings_its_own_files(hub: Hub, tmp_path: Path, call: str, there: list[str], brought: list[str]) -> None:
    hub.files = dict.fromkeys(there, b'{"model_cfg": {"embed_dim": 2}}')
    folder, error = run(tmp_path, hub.address, call=call)
    assert error == ""
    assert sorted(files(folder)) == brought
    hub.asked.clear()
    assert run(tmp_path, hub.address, call=call) == (folder, "")
    assert hub.asked == []


def test_two_kinds_of_files_of_one_model_are_noted_apart(hub: Hub, tmp_path: Path) -> None:
    hub.files["model.bin"] = hub.files["tokenizer.json"] = b"w"
    folder, _ = run(tmp_path, hub.address)
    assert not (Path(folder) / "model.bin").exists()
    folder, error = run(tmp_path, hub.address, call="whisper.find(model, None).folder")
    assert error == ""
    assert (Path(folder) / "model.bin").is_file()


def test_a_file_that_was_lost_is_brought_again(hub: Hub, tmp_path: Path) -> None:
    folder, _ = run(tmp_path, hub.address)
    (Path(folder) / "model.safetensors").unlink()
    assert run(tmp_path, hub.address) == (folder, "")
    assert (Path(folder) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_pickled_weights_only_where_there_are_no_others(hub: Hub, tmp_path: Path) -> None:
    hub.files["pytorch_model.bin"] = b"p"
    folder, _ = run(tmp_path / "a", hub.address)
    assert not (Path(folder) / "pytorch_model.bin").exists()
    del hub.files["model.safetensors"]
    folder, _ = run(tmp_path / "b", hub.address)
    assert (Path(folder) / "pytorch_model.bin").exists()


EVERY_KIND = [
    ("ENCODERS.create(f'sentence({model})')", "--text usem"),
    ("ENCODERS.create(f'openclip(hf-hub:{model})')", "--image efficientnet"),
    ("FEATURES.create(f'transcript(model={model})')", "transcript(model=base)"),
]


@pytest.mark.parametrize(("call", "bundled"), EVERY_KIND)
def test_no_network(tmp_path: Path, call: str, bundled: str) -> None:
    started = time.perf_counter()
    said, error = run(tmp_path, "http://127.0.0.1:9", call=call)
    assert time.perf_counter() - started < 20, "no retries for minutes"
    assert said == ""
    first, *rest = error.splitlines()
    assert first.startswith("InputError: the model small/model is not on this machine, and the hub http://127.0.0.1:9 cannot be reached: ")
    assert bundled in "".join(rest)
    assert not list(tmp_path.rglob("*.json")), "nothing half-written"


@pytest.mark.parametrize(("call", "bundled"), EVERY_KIND)
def test_told_to_stay_offline(hub: Hub, tmp_path: Path, call: str, bundled: str) -> None:
    _, error = run(tmp_path, hub.address, call=call, HF_HUB_OFFLINE="1")
    assert "is not on this machine, and HF_HUB_OFFLINE forbids to ask the hub\n" in error
    assert bundled in error
    assert hub.asked == []


def test_without_a_network_what_another_program_brought_is_found(hub: Hub, tmp_path: Path) -> None:
    folder, _ = run(tmp_path, hub.address)
    own_home = str(tmp_path / "other")
    assert run(tmp_path, "http://127.0.0.1:9", MMSEARCH_HOME=own_home) == (folder, "")
    assert run(tmp_path, hub.address, HF_HUB_OFFLINE="1", MMSEARCH_HOME=own_home) == (folder, "")


def test_without_a_network_half_of_a_model_is_none(hub: Hub, tmp_path: Path) -> None:
    hub.files["model-2.safetensors"] = b"x"
    folder, _ = run(tmp_path, hub.address)
    (Path(folder) / "model-2.safetensors").unlink()
    _, error = run(tmp_path, "http://127.0.0.1:9")
    assert "cannot be reached" in error


@pytest.mark.parametrize(("call", "bundled"), EVERY_KIND)
def test_what_the_hub_does_not_have(hub: Hub, tmp_path: Path, call: str, bundled: str) -> None:
    _, error = run(tmp_path, hub.address, "nobody/nothing", call)
    assert error.startswith("InputError: the hub has no model nobody/nothing, or does not show it to you\n")
    assert bundled in error
    hub.files = {"README.md": b"no model"}
    _, error = run(tmp_path, hub.address, call=call)
    assert error.startswith("InputError: the hub's model small/model is no ")
    assert "model" in error and "it has no" in error and bundled in error


def test_a_name_that_no_model_can_have(hub: Hub, tmp_path: Path) -> None:
    for name in ("no model's name", "nobody/nothing.git", "a/b/c"):
        _, error = run(tmp_path, hub.address, name)
        assert error == f"InputError: '{name}' is neither a folder nor a name of the hub (OWNER/NAME)\ntake the bundled one"
    assert hub.asked == []


def test_a_model_that_is_only_for_some(hub: Hub, tmp_path: Path) -> None:
    hub.gated = True
    _, error = run(tmp_path, hub.address)
    assert error.startswith("InputError: the hub gives the model small/model only to those whom its owner lets have it\n")
    assert f"ask for it at {hub.address}/small/model" in error and "take the bundled one" in error
    assert not list((tmp_path / "mm").rglob("*.json")), "nothing is noted"


def test_a_hub_that_is_ill(hub: Hub, tmp_path: Path) -> None:
    hub.status = 500
    _, error = run(tmp_path, hub.address)
    assert "is not on this machine, and the hub answers with an error" in error


def test_a_line_that_breaks(hub: Hub, tmp_path: Path) -> None:
    hub.broken = True
    _, error = run(tmp_path, hub.address)
    assert "InputError: the model small/model cannot be downloaded: " in error, "behind what the hub's library says of its second try"
    assert not list((tmp_path / "mm").rglob("*.json")), "nothing is noted"
    hub.broken = False
    folder, error = run(tmp_path, hub.address)
    assert error == "" and (Path(folder) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_which_files_are_wanted() -> None:
    wanted = Wanted("thing", ("a.json",), ("*.first", "*.second"), ("*.txt",), ("old/*",))
    assert wanted.files(["a.json", "x.second", "old/x.first", "b.txt", "c/b.txt", "other"]) == ["a.json", "b.txt", "c/b.txt", "x.second"]
    with pytest.raises(Lacking, match=r"is no thing: it has no a\.json"):
        wanted.files(["x.first"])
    with pytest.raises(Lacking, match=r"is no thing: it has none of the files \*\.first, \*\.second"):
        wanted.files(["a.json", "old/x.first"])
