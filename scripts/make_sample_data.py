"""Make sample_data/: draw the photos, synthesise the sounds and clips, write the tables of the sample shop.

Everything is made from fixed seeds: a second run gives the same bytes (the clips' depend on the version of the encoder inside PyAV).

    python scripts/make_sample_data.py                     # into the repository's sample_data/
    python scripts/make_sample_data.py --out /tmp/shop     # elsewhere
    python scripts/make_sample_data.py --parts texts       # the tables only
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from sample_shop.clips import CLIPS, save_clip
from sample_shop.photos import photo_files, save_photo
from sample_shop.sounds import SOUNDS, save_sound
from sample_shop.tables import texts

PARTS = ("texts", "photos", "sounds", "clips")


def make(out: Path, parts: list[str]) -> list[Path]:
    """Make the given parts below `out`; gives the files."""
    out.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    if "texts" in parts:
        for name, content in texts().items():
            (out / name).write_text(content, encoding="utf-8", newline="\n")
            made.append(out / name)
    if "sounds" in parts:
        for name in SOUNDS:
            save_sound(name, out)
            made.append(out / f"{name}.wav")
    with ProcessPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as workers:
        jobs = []
        if "clips" in parts:
            jobs += [workers.submit(save_clip, name, out) for name in CLIPS]
            made += [out / "clips" / f"{name}.mp4" for name in CLIPS]
        if "photos" in parts:
            names = photo_files()
            jobs += [workers.submit(partial(save_photo, name, out)) for name in names]
            made += [out / name for name in names]
        for job in jobs:
            job.result()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the sample shop in sample_data/.")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "sample_data", help="folder to write to")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to make (default: everything)")
    options = parser.parse_args()
    made = make(options.out, options.parts)
    print(f"{len(made)} files, {sum(f.stat().st_size for f in made) / 1e6:.2f} MB in {options.out}")


if __name__ == "__main__":
    main()
