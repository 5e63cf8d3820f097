"""How many products it takes to know how far cross-modal evidence can be trusted: what the caution of `fuse` was chosen by.

    python -m bench.reliability DATA_FOLDER            (the folder that holds fashion/ and spoken_digits/)
    python -m bench.reliability DATA_FOLDER --test     of the test products and speakers, which chose nothing

`aligned` is fitted on small shops of real products: some of fashion with title and photo; 120 of them, some of which have a third
modality (the colour layout of the photo); 100 of them beside some spoken clips, each a product whose title is its word. What a fuse would
record of each kind of comparison, if the assumption that it says next to nothing counted as so many products do, is held against what the
same map is worth on hundreds of products that the shop does not have. Evidence counts with the square of its reliability (decision
0003), so errors are those of squares: their root mean square, how much too high they are on average, and how often by .05 and more.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.alignment import Fashion
from bench.gcca import TEST_SPEAKERS, WORDS, Digits
from mmsearch.encoders import ENCODERS
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, Fuser, unit_rows
from mmsearch.fusion.reliability import Agreement, agreements, held_out_agreements

PRIORS = (0, 6, 8, 10, 12, 15, 20)
TOO_HIGH = 0.05  # of r²
PARTS = 6
SMALL, THIRD, CLIPS = (20, 30, 60, 100, 200), (22, 30, 50), (22, 30, 50, 100)
Rows = np.ndarray


class Shops:
    """Small catalogues of real products, and large ones to know the truth by."""

    def __init__(self, data: Path, test: bool):
        self.fashion = Fashion(data, {m: ENCODERS.create(name) for m, name in (("text", "usem"), ("image", "efficientnet"))})
        self.digits = Digits(data, "acoustic")
        self.train, self.others = self.fashion.rows["train"], self.fashion.rows["test" if test else "validation"]
        self.test = test
        sizes = dict(self.fashion.encoders["image"].views)
        end = int(np.cumsum(list(sizes.values()))[list(sizes).index("layout")])
        views = self.fashion.G.views
        assert views is not None
        self.layouts = unit_rows(views[:, end - sizes["layout"] : end].astype(np.float32))

    def products(self, rows: Rows, layouts: Rows | None = None) -> Batch:
        """Fashion products (n) with title and photo, some of them (a mask of n) with a third modality, which is called audio."""
        T, G = self.fashion.T.take(rows), self.fashion.G.take(rows)
        here = np.ones(len(rows), bool)
        vectors, present = {"text": T.X, "image": G.X}, {"text": here, "image": here}
        if layouts is not None:
            vectors["audio"], present["audio"] = self.layouts[rows] * layouts[:, None], layouts
        return Batch(vectors, present, {"text": T.contents or []}, views={"image": G.views} if G.views is not None else {})

    def clips(self, rows: Rows, beside: Rows) -> Batch:
        """Spoken clips (m) whose titles are their words, after fashion products (n) with title and photo."""
        digit, fashion = self.digits.digit[rows], self.products(beside)
        n, m = len(beside), len(rows)
        vectors = {
            "text": np.vstack([fashion.vectors["text"], self.digits.W[digit]]),
            "image": np.vstack([fashion.vectors["image"], np.zeros((m, fashion.vectors["image"].shape[1]), np.float32)]),
            "audio": np.vstack([np.zeros((n, self.digits.A.shape[1]), np.float32), self.digits.A[rows]]),
        }
        photo = np.arange(n + m) < n
        present = {"text": np.ones(n + m, bool), "image": photo, "audio": ~photo}
        views = {name: np.vstack([X, np.zeros((m, X.shape[1]), X.dtype)]) for name, X in fashion.views.items()}
        return Batch(vectors, present, {"text": [*fashion.contents["text"], *(WORDS[d] for d in digit)]}, views=views)

    def all(self) -> Iterator[tuple[str, int, Batch, Batch]]:
        """Of every small shop what it is, how many products decide, itself, and products that it does not have."""
        for part in range(PARTS):
            rng = np.random.default_rng(part)
            for n in SMALL:
                yield "title and photo", n, self.products(rng.permutation(self.train)[:n]), self.products(self.others)
            for n in THIRD:
                every = np.ones(len(self.others), bool)
                small = self.products(rng.permutation(self.train)[:120], np.isin(np.arange(120), rng.permutation(120)[:n]))
                yield "colour layout of some of 120", n, small, self.products(self.others, every)
            speakers = sorted(set(self.digits.speaker.tolist()) - set(TEST_SPEAKERS))
            asked = np.isin(self.digits.speaker, TEST_SPEAKERS if self.test else speakers[part % len(speakers)])
            known = np.flatnonzero(~asked & ~np.isin(self.digits.speaker, TEST_SPEAKERS))
            for n in CLIPS:
                small = self.clips(rng.permutation(known)[:n], rng.permutation(self.train)[:100])
                yield "spoken clips beside 100", n, small, self.clips(np.flatnonzero(asked), self.others[:0])


def main() -> int:
    data, test = Path(sys.argv[1]), "--test" in sys.argv[2:]
    shops = Shops(data, test)
    found: dict[tuple[str, int, str], list[tuple[Agreement, float]]] = defaultdict(list)
    for what, n, small, large in shops.all():
        fuser: Fuser = FUSERS.create("aligned")
        fuser.fit(small, shops.fashion.encoders, 0)
        truth = agreements(large, fuser)
        for kind, one in held_out_agreements("aligned", fuser, small, shops.fashion.encoders, 0).items():
            if kind in truth:
                found[what, n, kind].append((one, truth[kind].correlation))
    asked = "test" if test else "validation"
    print(f"{asked}: r² as recorded less r² of hundreds of other products, by prior: rms error (mean, too high by .05 and more)")
    for (what, n, kind), pairs in sorted(found.items()):
        row(f"{what}, {n}, {kind} ({np.mean([one.products for one, _ in pairs]):.0f} products)", pairs)
    for least, most in ((8, 30), (30, 60), (60, 1000), (8, 1000)):
        some = [pair for pairs in found.values() for pair in pairs if least <= pair[0].products < most]
        row(f"all of {least} to {most - 1} products", some)
    return 0


def row(label: str, pairs: list[tuple[Agreement, float]]) -> None:
    truth = np.clip([true for _, true in pairs], 0.05, 0.95)
    told = [f"{label}: r {truth.mean():.2f}"]
    for prior in PRIORS:
        errors = np.array([one.reliability(prior) for one, _ in pairs]) ** 2 - truth**2
        told.append(f"{prior}: {np.sqrt(np.square(errors).mean()):.3f} ({errors.mean():+.3f}, {(errors > TOO_HIGH).mean():.0%})")
    print("  ".join(told), flush=True)


if __name__ == "__main__":
    sys.exit(main())
