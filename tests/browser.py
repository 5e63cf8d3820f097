"""Headless Chromium for tests of pages: what is in the page once it is loaded, what the browser complains of, what it asks for."""

from __future__ import annotations

import os
import shutil
import socketserver
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: Where the browser itself calls whatever page is open.
_OWN = ("google.com", "googleapis.com", "gstatic.com", "gvt1.com")


def chromium() -> str:
    """The program; a test that asks for it is skipped where there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium here: none of {', '.join(_NAMES)}")
    return found


@dataclass(frozen=True)
class Seen:
    """A page as the browser has it, what it wrote to the console, and the addresses that it asked for."""

    dom: str
    console: list[str]
    asked: list[str]


def opened(page: Path, profile: Path) -> Seen:
    """Load a page from the disk. All that the browser asks of a network goes to a proxy in this process, which notes and refuses it."""
    asked: list[str] = []

    class Refusing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline(8_192).decode("latin-1").strip())
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        address = f"--proxy-server=http://127.0.0.1:{proxy.server_address[1]}"
        ran = _run(page, profile, [address, "--enable-logging=stderr", "--dump-dom"])
        proxy.shutdown()
    console = [line.partition("CONSOLE")[2] for line in ran.stderr.splitlines() if "CONSOLE" in line]
    return Seen(ran.stdout, console, [line for line in asked if line and not any(host in line for host in _OWN)])


def shot(page: Path, profile: Path, size: tuple[int, int], *, dark: bool = False) -> Image.Image:
    """What a person sees of a page."""
    profile.mkdir(exist_ok=True)
    picture = profile / "shot.png"
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    _run(page, profile, [*scheme, "--hide-scrollbars", f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}"])
    return Image.open(picture).convert("RGB")


def _run(page: Path, profile: Path, options: list[str]) -> subprocess.CompletedProcess[str]:
    profile.mkdir(exist_ok=True)
    usual = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", f"--user-data-dir={profile}"]
    if os.geteuid() == 0:  # Chromium's sandbox refuses to run as root, which containers are
        usual.append("--no-sandbox")
    command = [chromium(), *usual, *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
