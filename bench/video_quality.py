"""How well clips find themselves: the figures of docs/models.md, section Video.

    python -m bench.video_quality DATA_FOLDER             # test cuts
    python -m bench.video_quality DATA_FOLDER --choose    # validation cuts: what the defaults were chosen by

Every clip of DATA_FOLDER/video is a product. Cuts of two seconds are taken from it at random places and encoded anew at half its size;
one half of them validates, the other tests. A cut asks as `--video`, its middle frame as `--image`. Scenes: pieces of the clips in a row,
encoded with a keyframe at each cut and without; how many of the scenes have a frame.

By words (test cuts): each product has its clip and, as its photo, a frame of it that no test cut is asked by; what the bundled classifier
calls a test cut's middle frame is typed as a text search, and so is the middle half of what is said in a clip. Large frames: those of the
clips, enlarged to 1080 pixels on the short side, for no clip is so large; pictures of the size that is encoded beside larger ones.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import av
import numpy as np

from bench.speech_quality import listened
from bench.tables import print_table
from mmsearch.encoders.base import Encoder
from mmsearch.encoders.frames import SHORT_SIDE
from mmsearch.encoders.recorded import create_encoder
from mmsearch.features.base import Medium
from mmsearch.features.labels import Labels
from mmsearch.features.transcript import Transcript
from mmsearch.media import frame
from mmsearch.media import video as opening
from mmsearch.media.frame import Frame, Scaler
from mmsearch.media.moment import moment_of
from mmsearch.media.scenes import sampled
from mmsearch.shop import Shop

SECONDS = 2.0
PLACES = 4  # cuts of a clip in each half
RATE = 15  # of the scenes in a row
#: How they are decoded: (name, pixels of a video that is decoded whole, what makes a frame large, points a pixel of its thumbnail).
#: 2 by 2 points of frames of 320 × 240 are coarser than the 4 by 4 of large ones.
WAYS = (
    ("whole", opening._SMALL, frame._LARGE, frame._POINTS),
    ("whole, thumbnails of points", opening._SMALL, 1, 2),
    ("as large ones", 0, frame._LARGE, frame._POINTS),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--choose", action="store_true", help="the validation cuts, with what was tried")
    parser.add_argument("--image", default="efficientnet", metavar="SPEC", help="the store's image encoder")
    given = parser.parse_args()
    files = sorted(file for file in (given.data / "video").iterdir() if file.suffix in (".mp4", ".avi"))
    with tempfile.TemporaryDirectory() as name:
        cuts = make_cuts(files, Path(name), validation=given.choose)
        specs = [f"frames(per_minute={n})" for n in (6, 15, 30, 60, 120)] if given.choose else ["frames"]
        rows = [row for spec in specs for row in by_search(spec, given.image, files, cuts, Path(name))]
        print_table(f"{len(cuts)} cuts of {SECONDS:g} seconds, {len(files)} clips", rows)
        rules = [{"frames": spec, **by_rule(spec, given.image, files, cuts)} for spec in specs]
        print_table("one vector a cut or all of them: R@1 of its clip, and the mean margin over the next", rules)
        if not given.choose:
            photos = {clip: photo for clip, _, _, photo in make_cuts(files, Path(name), validation=True)}
            print_table("clips found by words", by_words(files, photos, cuts, Path(name)))
            print_table("frames of 1080 lines", [large_frames(files, given.image)])
    numbers = (15, 30, 60) if given.choose else (60,)
    print_table("scenes in a row", [row for n in numbers for row in scenes_in_a_row(files, n, validation=given.choose)])
    return 0


def make_cuts(files: Sequence[Path], folder: Path, *, validation: bool) -> list[tuple[int, float, Path, Path]]:
    """(clip, second of its middle, the cut, its middle frame as a photo) of each."""
    rng = np.random.default_rng(0)
    made = []
    for clip, file in enumerate(files):
        pictures, seconds = decoded(file)
        length = min(SECONDS, seconds[-1])
        for place, start in enumerate(rng.uniform(0, max(seconds[-1] - length, 1e-3), 2 * PLACES)):
            if (place % 2 == 0) != validation:
                continue
            inside = [i for i, second in enumerate(seconds) if start <= second < start + length + 1e-6]
            rate = round((len(seconds) - 1) / seconds[-1])
            cut, photo = folder / f"{clip}-{place}.mp4", folder / f"{clip}-{place}.jpg"
            cut.write_bytes(encoded([pictures[i] for i in inside], rate, half=True))
            pictures[inside[len(inside) // 2]].to_image().save(photo)
            made.append((clip, float(start + length / 2), cut, photo))
    return made


def decoded(file: Path) -> tuple[list[av.VideoFrame], list[float]]:
    with av.open(str(file)) as container:
        frames = list(container.decode(video=0))
    return frames, [float(frame.time - frames[0].time) for frame in frames]


def encoded(pictures: Sequence[av.VideoFrame], rate: int, *, half: bool, options: dict[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream: Any = out.add_stream("libx264", rate=rate, options={"crf": "28", **(options or {})})
        scale = 2 if half else 1
        stream.width, stream.height = (side // scale // 2 * 2 for side in (pictures[0].width, pictures[0].height))
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(pictures):
            small = picture.reformat(stream.width, stream.height, "yuv420p")
            small.pts, small.time_base = number, Fraction(1, rate)
            small.pict_type = av.video.frame.PictureType.NONE  # a frame that was a keyframe where it comes from need not be one here
            out.mux(stream.encode(small))
        out.mux(stream.encode(None))
    return file.getvalue()


def by_search(spec: str, image: str, files: Sequence[Path], cuts: Sequence[Any], folder: Path) -> list[dict[str, Any]]:
    """The whole way: a store of the clips, asked by each cut and by each photo."""
    products = folder / "clips.jsonl"
    products.write_text("\n".join(json.dumps({"id": str(i), "video": str(file.resolve())}) for i, file in enumerate(files)))
    shop = Shop(folder / f"{''.join(filter(str.isalnum, spec))}.lancedb")
    shop.ingest(products, allow_outside=True)
    shop.embed(image=image, video=spec)
    vectors = shop.info()["encoders"]["video"]["vectors"]
    rows = []
    for way, place in (("--video", 2), ("--image", 3)):
        right, off = 0, []
        for cut in cuts:
            asked: dict[str, Any] = {way[2:]: str(cut[place])}
            hit = shop.search(**asked, within="video", k=1).hits[0]
            if hit.id == str(cut[0]):
                right += 1
                off.append(abs(moment_of(hit.matched["video"])[1] - cut[1]))
        found = {"R@1": right / len(cuts), "seconds off, mean": float(np.mean(off)), "median": float(np.median(off))}
        rows.append({"frames": spec, "query": way, "vectors": vectors, **found})
    return rows


def by_rule(spec: str, image: str, files: Sequence[Path], cuts: Sequence[Any]) -> dict[str, float]:
    """The mean direction of a cut's frames beside the mean, over its frames, of the best frame of a clip."""
    frames: Encoder = create_encoder(spec, "video", beside=image)
    if frames.learns:
        raise SystemExit("the rules are compared by an image encoder that learns nothing")
    clips = [np.stack(frames.prepare(file).values)[:, : frames.dim] for file in files]  # without the views, which only fusion looks at
    scores: dict[str, list[np.ndarray]] = {"mean direction": [], "mean of the best": []}
    for _, _, cut, _ in cuts:
        Q = np.stack(frames.prepare_query(cut).values)[:, : frames.dim]
        mean = Q.mean(axis=0) / np.linalg.norm(Q.mean(axis=0))
        scores["mean direction"].append(np.array([(clip @ mean).max() for clip in clips]))
        scores["mean of the best"].append(np.array([(clip @ Q.T).max(axis=0).mean() for clip in clips]))
    found: dict[str, float] = {}
    for rule, rows in scores.items():
        right = np.array([row.argmax() == cut[0] for row, cut in zip(rows, cuts, strict=True)])
        margin = [row[cut[0]] - np.delete(row, cut[0]).max() for row, cut in zip(rows, cuts, strict=True)]
        found |= {rule: float(right.mean()), f"{rule}, margin": float(np.mean(margin))}
    return found


def by_words(files: Sequence[Path], photos: dict[int, Path], cuts: Sequence[Any], folder: Path) -> list[dict[str, Any]]:
    """Labels of cuts meet clips through `conse`, what is said meets what was heard."""
    rows = [{"id": str(i), "video": str(file.resolve()), "image": str(photos[i])} for i, file in enumerate(files)]
    (folder / "worded.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shop = Shop(folder / "worded.lancedb")
    shop.ingest(folder / "worded.jsonl", allow_outside=True)
    shop.embed(features=["transcript(model=tiny.en)"])
    shop.fuse("conse")
    labels = Labels(least=0)
    asked = {n: [(clip, named(labels, photo, n)) for clip, _, _, photo in cuts] for n in (1, 3)}
    found = [{"words": f"{n} likeliest labels of a cut"} | ranked(shop, queries, "video", len(files)) for n, queries in asked.items()]
    hearing = Transcript(model="tiny.en")
    heard = [(i, said.split()) for i, file in enumerate(files) if (said := listened(hearing, file))]
    spoken = [(i, " ".join(said[len(said) // 4 : len(said) - len(said) // 4])) for i, said in heard if len(said) > 1]
    return [*found, {"words": "half of what is said"} | ranked(shop, spoken, "text", len(heard))]


def named(labels: Labels, photo: Path, most: int) -> str:
    facts = labels.extract([labels.prepare(Medium(photo, photo))])[0]
    return ", ".join(str(fact.value) for fact in facts[:most])


def ranked(shop: Shop, queries: Sequence[tuple[int, str]], within: str, among: int) -> dict[str, float]:
    """R@1 and RR of (clip, words), and what chance would have; a clip that is not found at all has no rank."""
    places = []
    for clip, words in queries:
        ids = [hit.id for hit in shop.search(words, within=within, k=among)]
        places.append(1 / (ids.index(str(clip)) + 1) if str(clip) in ids else 0.0)
    chance = {"chance R@1": 1 / among, "chance RR": float(np.mean(1 / np.arange(1, among + 1)))}
    found = {"R@1": float(np.mean([place == 1 for place in places])), "RR": float(np.mean(places))}
    return {"queries": len(queries), "clips": among, **found, **chance}


def large_frames(files: Sequence[Path], image: str) -> dict[str, Any]:
    """Cosines of the vectors of pictures as they are encoded with those of pictures of 512 pixels."""
    encoder: Encoder = create_encoder(image, "image")
    if encoder.learns:
        raise SystemExit("large frames are compared by an image encoder that learns nothing")
    scaler, small, large = Scaler(), [], []
    for file in files:
        for native in decoded(file)[0][::30]:
            scale = 1080 / min(native.width, native.height)
            enlarged = Frame(0.0, native.reformat(round(native.width * scale), round(native.height * scale), interpolation="BICUBIC"))
            small.append(scaler.picture(enlarged, SHORT_SIDE))
            large.append(scaler.picture(enlarged, 512))
    a, b = (encoder.encode(pictures).vectors for pictures in (small, large))
    cosines = (a * b).sum(axis=1)
    return {"frames": len(a), "pixels": f"{SHORT_SIDE}, 512", "cosine, mean": float(cosines.mean()), "least": float(cosines.min())}


def scenes_in_a_row(files: Sequence[Path], per_minute: int, *, validation: bool) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1 if validation else 2)
    pictures: list[av.VideoFrame] = []
    starts: list[float] = []
    for number in [*rng.permutation(len(files)), *rng.permutation(len(files)), *rng.permutation(len(files))]:
        frames, seconds = decoded(files[number])
        kept = frames[:: max(1, round(len(frames) / seconds[-1] / RATE))]
        length = int(rng.integers(12, 60))  # 0.8 to 4 seconds
        first = int(rng.integers(0, max(1, len(kept) - length)))
        starts.append(len(pictures) / RATE)
        pictures += [frame.reformat(320, 240, "yuv420p") for frame in kept[first : first + length]]
    ends = [*starts[1:], len(pictures) / RATE]
    rows = []
    for how, options in (("keyframes at cuts", {"g": "150"}), ("without", {"g": "150", "x264-params": "scenecut=0"})):
        made = encoded(pictures, RATE, half=False, options=options)
        for decoded_as, small, large, points in WAYS:
            with (
                mock.patch.object(opening, "_SMALL", small),
                mock.patch.object(frame, "_LARGE", large),
                mock.patch.object(frame, "_POINTS", points),
            ):
                found = np.array([picture.second for picture in sampled(made, per_minute=per_minute)])
            with_one = sum(bool(((found >= a - 0.01) & (found < b)).any()) for a, b in zip(starts, ends, strict=True))
            row = {"per_minute": per_minute, "encoded": how, "decoded": decoded_as}
            rows.append(row | {"scenes": len(starts), "with a frame": with_one, "frames": len(found)})
    return rows


if __name__ == "__main__":
    sys.exit(main())
