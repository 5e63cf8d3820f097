"""Sounds in the space of texts and photos: words that find their spoken clips, the sample shop, and what missing modalities cost.

    python -m bench.gcca DATA_FOLDER                  (the folder that holds spoken_digits/ and fashion/)
    python -m bench.gcca DATA_FOLDER --test           adds the test speakers, which chose nothing
    python -m bench.gcca DATA_FOLDER --only=digits    one of digits, sample, fashion, speed

Digits: 480 clips of six speakers, each a product whose title is its digit as a word. Learned from speakers, asked of others: a word for
the clips that say it (R@1: the first clip is right; MAP), a clip for its word among ten (R@1, MAP). Parameters are compared by leaving out
each of four speakers in turn; the test is the other two, with everything learned from the four.
Sample shop: a sound asks for its product's text and photo.
Fashion: a third modality is the colour layout of the photo, which a part of the products has: title → photo, title → layout and
photo → layout among the 500 validation products, both directions, R@1 / R@10.
Speed: a fit on 50,000 made-up products × (512, 1280, 389), and the memory it takes.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import mmsearch
from bench.data import SAMPLE
from bench.tables import read_rows, shown
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, Fuser, Side, unit_rows
from mmsearch.fusion.gcca import Items, fit_maps
from mmsearch.fusion.shared_space import pair_recall
from mmsearch.fusion.views import Seen

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEST_SPEAKERS = ("theo", "yweweler")
ALTERNATIVES = (
    "aligned",
    *(f"aligned(landmarks={m})" for m in (0, 100)),
    *(f"aligned(power={p})" for p in (0, 0.5, 2)),
    *(f"aligned(reg={r})" for r in (0.001, 0.01, 0.03, 0.1, 0.3)),
    "aligned(hubness=0)",
    "aligned(words=false)",
)


class Digits:
    """The clips with the vectors of an encoder that learned its scale from the speakers that are not for the test."""

    def __init__(self, data: Path, audio: str):
        files = sorted((data / "spoken_digits" / "clips").glob("*.wav"))
        named = [file.stem.split("_") for file in files]
        speaker = np.array([name[1] for name in named])
        encoder: Encoder = ENCODERS.create(audio)
        if encoder.learns:
            encoder.fit([file for file, who in zip(files, speaker, strict=True) if who not in TEST_SPEAKERS])
        encoded = encoder.encode(files)
        self.A: Matrix = encoded.vectors
        self.digit = np.array([int(name[0]) for name in named])[encoded.kept]
        self.speaker = speaker[encoded.kept]
        self.W: Matrix = ENCODERS.create("usem").encode(list(WORDS)).vectors

    def batch(self, chosen: np.ndarray) -> Batch:
        digit = self.digit[chosen]
        everywhere = np.ones(len(chosen), bool)
        vectors = {"text": self.W[digit], "audio": self.A[chosen]}
        return Batch(vectors, {"text": everywhere, "audio": everywhere}, {"text": [WORDS[d] for d in digit]})

    def measured(self, spec: str, learned: np.ndarray, asked: np.ndarray) -> list[float]:
        """R@1 and MAP of words for clips, R@1 and MAP of clips for words."""
        fuser: Fuser = FUSERS.create(spec)
        fuser.fit(self.batch(learned), {}, 0)
        words, clips = Side(self.W, list(WORDS)), Side(self.A[asked])
        return both_ways(
            fuser.query("text", words) @ fuser.project("audio", clips).T,
            fuser.query("audio", clips) @ fuser.project("text", words).T,
            self.digit[asked],
        )

    def nearest(self, learned: np.ndarray, asked: np.ndarray) -> float:
        """What needs no map: the digit of the nearest clip that was learned from."""
        return float((self.digit[learned][(self.A[asked] @ self.A[learned].T).argmax(axis=1)] == self.digit[asked]).mean())


def both_ways(forth: Matrix, back: Matrix, digit: np.ndarray) -> list[float]:
    wanted = np.arange(len(WORDS))[:, None] == digit[None, :]
    return [value for similarity, right in ((forth, wanted), (back, wanted.T)) for value in ranked(similarity, right)]


def ranked(similarity: Matrix, right: np.ndarray) -> tuple[float, float]:
    """R@1 and mean average precision."""
    order = np.argsort(-similarity, axis=1, kind="stable")
    hits = np.take_along_axis(right, order, axis=1)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return float(hits[:, 0].mean()), float(((precision * hits).sum(axis=1) / hits.sum(axis=1)).mean())


def digits(data: Path, test: bool) -> None:
    chance = np.mean([by_chance(np.random.default_rng(seed)) for seed in range(200)], axis=0)
    print(f"digits: R@1 / MAP of word → clips, R@1 / MAP of clip → word; by chance among 80 clips {shown(chance)}")
    for audio in ("acoustic", "voiceprint"):
        found = Digits(data, audio)
        others = np.isin(found.speaker, TEST_SPEAKERS)
        learned, asked = np.flatnonzero(~others), np.flatnonzero(others)
        folds = [found.speaker[learned] == who for who in sorted(set(found.speaker[learned]))]
        for spec in ALTERNATIVES if audio == "acoustic" else ALTERNATIVES[:1]:
            values = [found.measured(spec, learned[~fold], learned[fold]) for fold in folds]
            print(f"digits, {audio}, a speaker left out of four: {spec} {shown(np.mean(values, axis=0))}", flush=True)
        if not test:
            continue
        fuser: Fuser = FUSERS.create("aligned")
        print(f"digits, {audio}, all four speakers: {fuser.fit(found.batch(learned), {}, 0).summary}")
        print(f"digits, {audio}, test speakers: aligned {shown(found.measured('aligned', learned, asked))}")
        print(f"digits, {audio}, test speakers: digit of the nearest known clip R@1 {found.nearest(learned, asked):.3f}", flush=True)


def by_chance(rng: np.random.Generator) -> list[float]:
    return both_ways(rng.random((10, 80), np.float32), rng.random((80, 10), np.float32), np.repeat(np.arange(10), 8))


def sample() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = mmsearch.open(f"{folder}/sample.lancedb")
        shop.ingest(SAMPLE / "products.csv")
        shop.embed()
        for name, method in (("sounds", "aligned"), ("without", "aligned(audio=0)")):
            started = time.perf_counter()
            shop.fuse(method=method, name=name)
            took = time.perf_counter() - started
            known = shop.store.record.get(f"profile/{name}") or {}
            pairs = {kind: pair[2] for kind, pair in known["calibration"]["pairs"].items()}
            across = ", ".join(f"{kind} {pairs[kind]:.3f}" for kind in known["compares"] if kind in pairs)
            print(
                f"sample shop, {method}: {took:.1f} s; {', '.join(known['modalities'])}; reliability {across}; {known['summary']}",
                flush=True,
            )


def fashion(data: Path, test: bool) -> None:
    table = read_rows(data / "fashion" / "products.csv")
    split = np.array([row["split"] for row in table])
    photos = [data / "fashion" / row["image"] for row in table]
    image: Encoder = ENCODERS.create("efficientnet")
    encoded = image.encode(photos)
    ends = dict(zip(image.views, np.cumsum(list(dict(image.views).values())).tolist(), strict=True))
    size = dict(image.views)["layout"]
    views = encoded.views
    assert views is not None
    X = {
        "text": ENCODERS.create("usem").encode([row["title"] for row in table]).vectors,
        "image": encoded.vectors,
        "audio": unit_rows(views[:, ends["layout"] - size : ends["layout"]]),
    }
    train = np.flatnonzero(split == "train")
    for part in ("validation", "test") if test else ("validation",):
        asked = np.flatnonzero(split == part)
        everyone = np.ones(len(train), bool)
        rng = np.random.default_rng(1)
        print(f"fashion {part}, text-image alone: {mapped(X, {'text': everyone, 'image': everyone}, train, asked)}", flush=True)
        for share in (0.05, 0.2, 0.5, 1.0):
            some = rng.permutation(len(train)) < share * len(train)
            two, three = {"text": some, "audio": some}, {"text": everyone, "image": everyone, "audio": some}
            print(f"fashion {part}, layout of {share:.0%} with texts alone: {mapped(X, two, train, asked)}")
            print(f"fashion {part}, layout of {share:.0%}, all three: {mapped(X, three, train, asked)}", flush=True)
        lacking = {m: rng.random(len(train)) < 0.6 for m in X}
        print(f"fashion {part}, every modality lacks at 40 % of products: {mapped(X, lacking, train, asked)}")
        for pair in (("text", "image"), ("text", "audio"), ("image", "audio")):
            alone = lacking[pair[0]] & lacking[pair[1]]
            print(
                f"fashion {part}, the same, {' and '.join(pair)} alone: {mapped(X, dict.fromkeys(pair, alone), train, asked)}", flush=True
            )


def mapped(X: dict[str, Matrix], present: dict[str, np.ndarray], train: np.ndarray, asked: np.ndarray) -> str:
    of = {m: np.flatnonzero(here) for m, here in present.items()}
    found = fit_maps({m: Items(Seen(X[m][train[at]]), at) for m, at in of.items()}, among=len(train), dim=256, landmarks=1_000)
    assert found is not None
    P = {m: map(Seen(X[m][asked])) for m, map in found[0].items()}
    told = []
    for one, other in (("text", "image"), ("text", "audio"), ("image", "audio")):
        if one in P and other in P:
            both = pair_recall(P[one], P[other], np.eye(len(asked), dtype=bool)).values()
            told.append(f"{one}-{other.replace('audio', 'layout')} {shown(np.mean([list(way.values())[:2] for way in both], axis=0))}")
    return ", ".join(told)


def speed() -> None:
    n, rng = 50_000, np.random.default_rng(0)
    Z = rng.normal(size=(n, 64)).astype(np.float32)
    present = {"text": rng.random(n) < 0.95, "image": rng.random(n) < 0.9, "audio": rng.random(n) < 0.3}
    items = {}
    for m, dim in (("text", 512), ("image", 1280), ("audio", 389)):
        of = np.flatnonzero(present[m])
        X = unit_rows(Z[of] @ rng.normal(size=(64, dim)).astype(np.float32) + 4 * rng.normal(size=(len(of), dim)).astype(np.float32))
        items[m] = Items(Seen(X), of)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    started = time.perf_counter()
    fit_maps(items, among=n, dim=256, landmarks=1_500)
    took, peak = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"speed: 50,000 products × (512, 1280, 389), 1,000 landmarks each: {took:.1f} s; at most {peak:.2f} GB, {before:.2f} GB before it"
    )


def main() -> int:
    data, options = Path(sys.argv[1]), set(sys.argv[2:])
    only = next((option.removeprefix("--only=") for option in options if option.startswith("--only=")), None)
    if only in (None, "digits"):
        digits(data, "--test" in options)
    if only in (None, "sample"):
        sample()
    if only in (None, "fashion"):
        fashion(data, "--test" in options)
    if only in (None, "speed"):
        speed()
    return 0


if __name__ == "__main__":
    sys.exit(main())
