"""docs/search-page.png: the page of a search in the sample shop, as headless Chromium shows it.

Run `make demo` first: it makes the store. `--dark` and `--width` are for looking at the page while working on it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import mmsearch
from mmsearch.search.query import make_query
from mmsearch.web.search_page import search_page

ROOT = Path(__file__).parents[1]
COLOURS = 256  # a third of the bytes
SPARE = 300  # pixels below what is wanted: the foot of a window is not always drawn in time


def reduced(picture: Image.Image, page: str) -> Image.Image:
    """A picture of a page in few colours, those that the page itself names among them: a small field of a legend must keep its own."""
    named = ["#ffffff", *sorted(set(re.findall(r"#[0-9a-f]{6}\b", page[: page.index("</style>")])))]
    most = picture.quantize(COLOURS - len(named), kmeans=1).getpalette() or []
    palette = np.array([*(int(name[i : i + 2], 16) for name in named for i in (1, 3, 5)), *most], np.uint8).reshape(-1, 3)
    colours, places = np.unique(np.asarray(picture).reshape(-1, 3), axis=0, return_inverse=True)
    squares = (colours.astype(np.float32) ** 2).sum(1)[:, None] - 2 * colours.astype(np.float32) @ palette.T.astype(np.float32)
    nearest = (squares + (palette.astype(np.float32) ** 2).sum(1)).argmin(1).astype(np.uint8)  # Pillow's own search is a rough one
    small = Image.fromarray(nearest[places.ravel()].reshape(picture.height, picture.width), "P")
    small.putpalette(palette.ravel().tolist())
    return small


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", nargs="?", type=Path, default=ROOT / "docs" / "search-page.png")
    options.add_argument("--store", default=str(ROOT / ".demo" / "shop.lancedb"))
    options.add_argument("--width", type=int, default=1280)
    options.add_argument("--height", type=int, default=800)
    options.add_argument("--dark", action="store_true")
    given = options.parse_args()
    browser = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    if browser is None:
        sys.exit("no Chromium here")
    shop = mmsearch.open(given.store)
    photo = Path("sample_data/queries/red-shoe.jpg")
    os.chdir(ROOT)
    queries = {"": make_query(["in blue^0.5"], image=[str(photo)], not_text=["leather"])}
    page = search_page(shop, queries, shop.search_many(queries, k=10)).html
    with tempfile.TemporaryDirectory() as folder:
        file, picture = Path(folder) / "page.html", Path(folder) / "page.png"
        file.write_text(page.replace(str(shop.store.path), "shop.lancedb"), encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
            f"--screenshot={picture}",
        ]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        command += ["--blink-settings=preferredColorScheme=0"] if given.dark else []
        subprocess.run(
            [*command, f"--window-size={given.width},{given.height + SPARE}", file.as_uri()], check=True, capture_output=True, timeout=120
        )
        shown = Image.open(picture).convert("RGB").crop((0, 0, given.width, given.height))
        reduced(shown, page).save(given.out, optimize=True)
    print(f"{given.out}: {given.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
