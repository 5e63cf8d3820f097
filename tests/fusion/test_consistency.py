"""`Shop.check_consistency` on the small shop and on what is wrong with it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import small_shop
from fake_encoders import FakeImage
from fake_fuser import FakeFuser

from mmsearch.encoders import ENCODERS
from mmsearch.errors import InputError, StoreError, UsageError
from mmsearch.fusion import pairings
from mmsearch.fusion.consistency import COUNTED, LISTED, check_consistency
from mmsearch.fusion.pairings import Space
from mmsearch.fusion.profile import load
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Read only."""
    return small_shop.make(tmp_path_factory.mktemp("shop"), events=False)


COLOURS = {"red": (220, 20, 20), "green": (20, 180, 20), "blue": (20, 20, 220), "yellow": (220, 210, 20)}
SWAPPED = ("p003", "p057", "p101")  # each has the photo of the one before


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """120 products of four colours; three have each other's photos."""
    folder = tmp_path_factory.mktemp("wrong")
    rng = random.Random(0)
    names = list(COLOURS)
    rows = []
    for n in range(120):
        colour = names[(0 if n == 3 else 1 if n == 57 else 2 if n == 101 else rng.randrange(4))]
        kind = rng.choice(small_shop.KINDS)
        small_shop.paint(folder / f"{n}.png", colour, kind)
        rows.append({"id": f"p{n:03}", "title": f"{colour} thing", "images": f"{n}.png", "stock": n % 2, "brand": f"b{n}"})
    places = [int(id[1:]) for id in SWAPPED]
    for place, source in zip(places, [places[-1], *places[:-1]], strict=True):
        rows[place]["images"] = f"{source}.png"
    shop = Shop(folder / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(folder / "p.jsonl", rows))
    shop.embed(text="fake-text", image="fake-image")
    shop.fuse("fake-fuser")
    return shop


def test_swapped_photos_come_first(wrong: Shop) -> None:
    found = wrong.check_consistency(k=10, find="disagreements")
    assert found.compared == 120
    assert {one.id for one in found.disagreements[:3]} == set(SWAPPED)
    assert all(one.better >= LISTED for one in found.disagreements)
    assert [one.gap for one in found.disagreements] == sorted((one.gap for one in found.disagreements), reverse=True)
    first = found.disagreements[0]
    assert (first.photo.endswith(".png"), first.photos) == (True, 1)
    assert found.told_apart is not None and found.told_apart > 0.8
    # What the photo fits rather is a product of the photo's colour.
    at = int(first.photo.removesuffix(".png"))
    assert (found.titles[first.suits or ""] or "").split()[0] == {3: "red", 57: "green", 101: "blue"}[at]
    assert (found.groups, found.unfused, found.lacking) == ([], [], {})
    assert found.problems == found.disagreeing >= 1
    assert wrong.check_consistency(k=10, find="disagreements") == found, "one seed, one result"


def test_a_map_that_saw_the_pairs_hides_some(wrong: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why every fold is left out: with as many directions as pairs, a learned map brings any two sides together."""
    fitted: list[set[str]] = []
    asked: list[set[str]] = []
    real = FakeFuser.fit

    def fit(self: FakeFuser, batch: object, *args: object) -> object:
        fitted.append(set(batch.ids))  # type: ignore[attr-defined]
        return real(self, batch, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeFuser, "fit", fit)
    space = Space("", load(wrong.store, "fake-fuser"), None)
    for pairing in space.pairings(wrong.store, []):
        asked.append(set(pairing.ids))
    assert len(fitted) == pairings.FOLDS == len(asked)
    assert all(not mine & learned and len(learned) == 96 for mine, learned in zip(asked, fitted, strict=True))
    assert set().union(*asked) == {f"p{n:03}" for n in range(120)}


def test_groups_of_bounded_size(wrong: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairings, "_TOGETHER", 10)
    monkeypatch.setattr(pairings, "_LEARNED", 60)
    space = Space("", load(wrong.store, "fake-fuser"), None)
    sizes = [len(pairing.ids) for pairing in space.pairings(wrong.store, [])]
    assert (max(sizes), sum(sizes)) == (8, 120)
    found = wrong.check_consistency(k=6, find="disagreements")
    assert {one.id for one in found.disagreements[:3]} == set(SWAPPED)


def test_only_what_passes_is_listed(wrong: Shop) -> None:
    found = wrong.check_consistency(k=100, where="stock = 1")
    assert found.compared == 60
    assert {one.id for one in found.disagreements[:3]} == set(SWAPPED)
    rest = wrong.check_consistency(k=100, where=["stock = 0", "brand != 'b4'"])
    assert rest.compared == 59
    assert not {one.id for one in rest.disagreements} & {*SWAPPED, "p004"}
    assert all(int(member.id[1:]) % 2 == 0 for group in rest.groups for member in group.members)
    assert wrong.check_consistency(where="stock = 7").problems == 0


def test_the_small_shop_whole(shop: Shop) -> None:
    found = shop.check_consistency(k=5)
    assert found.space == "the profile fake-fuser"
    assert len(found.disagreements) == 5
    assert {frozenset(m.id for m in g.members) for g in found.groups} >= {frozenset(small_shop.TWINS), frozenset({"bare", "yellow-hat"})}
    assert (found.repeated, found.repeats) == (3, 3)
    assert [one.id for one in found.unfused] == ["empty"]
    assert (found.bare, found.lacking) == (1, {"text": 2, "image": 4})
    assert found.titles["empty"] is None and found.titles["twin-a"] == "Twin kettle"
    rows = found.rows()
    assert {row["check"] for row in rows} == {"disagreements", "duplicates", "nothing"}
    json.dumps(rows)
    assert all(row["counts"] is (row["better"] >= COUNTED) for row in rows if row["check"] == "disagreements")


def test_of_several_photos_the_one_that_disagrees_is_named(wrong: Shop, tmp_path: Path) -> None:
    small_shop.paint(tmp_path / "right.png", "yellow", "hat")
    small_shop.paint(tmp_path / "wrong.png", "blue", "chair")
    rows = [{"id": f"q{n}", "title": "yellow hat", "images": "right.png;wrong.png" if n == 2 else "right.png"} for n in range(4)]
    rows += [
        {"id": f"r{n}", "title": f"{c} {k}", "images": f"{c}-{k}.png"}
        for n, (c, k) in enumerate((c, k) for c in COLOURS for k in small_shop.KINDS)
    ]
    for c in COLOURS:
        for k in small_shop.KINDS:
            small_shop.paint(tmp_path / f"{c}-{k}.png", c, k)
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", rows))
    shop.embed(text="fake-text", image="fake-image")
    shop.fuse("fake-fuser")
    found = {one.id: one for one in shop.check_consistency(k=30, find="disagreements").disagreements}
    assert (found["q2"].photo, found["q2"].photos) == ("wrong.png", 2)


def test_too_few_pairs_to_leave_any_out(tmp_path: Path) -> None:
    for n, colour in enumerate(COLOURS):
        small_shop.paint(tmp_path / f"{n}.png", colour, "hat")
    rows = [{"id": f"p{n}", "title": f"{colour} hat", "images": f"{n}.png"} for n, colour in enumerate(COLOURS)]
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", rows))
    shop.embed(text="fake-text", image="fake-image")
    shop.fuse("fake-fuser")
    found = shop.check_consistency()
    assert found.compared == 4
    assert any("with 4 pairs of text and photo none can be left out" in note for note in found.notes)


@pytest.mark.parametrize(("column", "missing"), [("title", "photo"), ("images", "text")])
def test_a_catalogue_of_one_modality_has_no_disagreements(tmp_path: Path, column: str, missing: str) -> None:
    small_shop.paint(tmp_path / "0.png", "red", "hat")
    value = {"title": "red hat", "images": "0.png"}[column]
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": f"p{n}", column: value} for n in range(3)]))
    shop.embed(text="fake-text", image="fake-image")
    shop.fuse("concat")
    problem = f"no product of the catalogue has a {missing}, so that there are no disagreements to look for"
    found = shop.check_consistency()
    assert problem in found.notes and not any("aligned" in note for note in found.notes) and found.space is None
    with pytest.raises(InputError, match=problem):
        shop.check_consistency(find="disagreements")


def test_no_profile_compares_nothing_and_says_so(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False, events=False)
    found = shop.check_consistency()
    assert (found.space, found.disagreements, found.compared) == (None, [], 0)
    assert found.repeats == 3
    assert "make a profile that does: mmsearch fuse --method aligned" in found.notes[0]
    with pytest.raises(InputError, match="nothing compares texts with photos") as raised:
        shop.check_consistency(find="disagreements")
    assert "mmsearch fuse" in str(raised.value.hint)
    shop.fuse("concat")
    assert "the fusion profile concat (concat) does not compare texts with photos" in shop.check_consistency().notes[0]
    with pytest.raises(InputError, match="does not compare texts with photos\n"):
        shop.check_consistency(profile="concat")
    with pytest.raises(UsageError, match="there is no fusion profile 'conca'; did you mean concat"):
        shop.check_consistency(profile="conca")
    shop.fuse("fake-fuser", default=False)
    assert shop.check_consistency(profile="fake-fuser").compared == 35


def test_a_profile_of_an_encoder_that_was_replaced(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, events=False)
    shop.embed(text="fake-text(seed=3)")
    found = shop.check_consistency()
    assert found.space is None and found.repeats == 3
    assert "refit it: mmsearch fuse --name fake-fuser" in found.notes[0]
    for asked in ({"find": "disagreements"}, {"profile": "fake-fuser"}):
        with pytest.raises(StoreError, match="was made with another text encoder"):
            shop.check_consistency(**asked)  # type: ignore[arg-type]


def test_stores_with_little_in_them(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    with pytest.raises(StoreError, match="there is no store"):
        shop.check_consistency()
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": "a", "price": 5}, {"id": "b", "price": 6}]))
    with pytest.raises(InputError, match="no vectors to check") as raised:
        shop.check_consistency()
    assert raised.value.hint == "make them: mmsearch embed"
    shop.ingest(small_shop.write_jsonl(tmp_path / "q.jsonl", [{"id": "c", "title": "The only one with a text"}]))
    shop.embed(text="fake-text")
    found = shop.check_consistency()
    assert (found.repeated, found.bare, [one.id for one in found.unfused]) == (0, 2, ["a", "b"])


def test_one_modality_alone(tmp_path: Path) -> None:
    small_shop.paint(tmp_path / "a.png", "red", "hat")
    small_shop.paint(tmp_path / "b.png", "blue", "bag")
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(
        small_shop.write_jsonl(
            tmp_path / "p.jsonl", [{"id": name, "images": f"{name}.png"} for name in "ab"] + [{"id": "c", "images": "a.png"}]
        )
    )
    shop.embed(text="fake-text", image="fake-image")
    found = shop.check_consistency()
    assert [{m.id for m in g.members} for g in found.groups] == [{"a", "c"}]
    assert (found.compared, found.bare) == (0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "-k must be at least 1"),
        ({"find": "duplicate"}, "there is nothing called 'duplicate' to look for; did you mean duplicates"),
        ({"where": "colr = 'red'"}, "no product has an attribute 'colr'"),
        ({"where": "colour ="}, "bad filter"),
    ],
)
def test_what_cannot_be_asked(shop: Shop, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        shop.check_consistency(**options)  # type: ignore[arg-type]


class FakeClip(FakeImage):
    """`FakeImage` in whose space its text tower puts a text: the photo of nothing but the colour that it names."""

    space = "fake-clip"

    def fingerprint(self) -> str:
        return super().fingerprint()[:-1] + "c"

    def tower(self, modality: str) -> object:  # type: ignore[override]
        return self if modality == "image" else FakeTower() if modality == "text" else None


class FakeTower(FakeImage):
    modality = "text"
    space = "fake-clip"

    def prepare(self, item: str) -> object:
        import numpy as np

        colour = next(colour for name, colour in small_shop.COLOURS.items() if name in item.lower())
        return np.full((21, 21, 3), colour, np.uint8)


def test_a_space_that_both_share(tmp_path: Path) -> None:
    ENCODERS.register("fake-clip", FakeClip)
    try:
        rows = [row for row in small_shop.rows(tmp_path) if row["id"] not in ("bare", "empty", *small_shop.TWINS)]
        rows[0]["images"], rows[-1]["images"] = rows[-1]["images"], rows[0]["images"]
        shop = Shop(tmp_path / "store.lancedb")
        shop.ingest(small_shop.write_csv(tmp_path / "p.csv", small_shop.COLUMNS, rows))
        shop.embed(text="fake-text", image="fake-clip")
        found = shop.check_consistency(k=3, find="disagreements")
        assert found.space == "the space of fake-clip"
        assert found.compared == 35
        assert {str(rows[0]["id"]), str(rows[-1]["id"])} <= {one.id for one in found.disagreements}
        assert check_consistency(shop.store, k=3, find=["disagreements"]) == found
    finally:
        ENCODERS.unregister("fake-clip")
