"""Weights of evidence that a query gives."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import small_shop
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import UsageError
from mmsearch.fusion.words import KIND
from mmsearch.search.hits import Result
from mmsearch.search.query import Part, shares
from mmsearch.search.weights import EVIDENCE, WORDS, parse_weights, weight_of
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The small shop, with profiles of other weights to compare with. Read only."""
    made = small_shop.make(tmp_path_factory.mktemp("weights"), events=False)
    for method in ("concat", "weighted"):
        for name, weights in (("even", "text=1, image=1"), ("less", "text=1, image=.2"), ("more", "text=1, image=4"), ("text", "text=1")):
            made.fuse(f"{method}({weights})", name=f"{method}-{name}", default=False)
    return made


def scores(result: Result) -> dict[str, float]:
    return {hit.id: hit.score for hit in result}


def photo(shop: Shop, id: str) -> str:
    return str(Path(shop.store.path).parent / f"photos/{id}.png")


# -- as typed ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("text=1, image=.3", {"text": 1.0, "image": 0.3}),
        (" image>text = 0 ", {"image>text": 0.0}),
        ("words=2", {"words": 2.0}),
        ("image>words=1e-1", {"image>words": 0.1}),
        ({"video": 2}, {"video": 2.0}),
        (None, {}),
        ({}, {}),
    ],
)
def test_as_typed(typed: str | dict[str, float] | None, found: dict[str, float]) -> None:
    assert parse_weights(typed) == found


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("txt=1", "'txt' is nothing that products are compared by; did you mean text?"),
        ("words>text=1", "'words' is nothing that products are compared by"),
        ("text>txt=1", "'txt' is nothing"),
        ("text=-1", "the weight of text must be a number of 0 or more, not -1"),
        ("text=nan", "the weight of text must be a number of 0 or more"),
        ("text=inf", "the weight of text must be a number of 0 or more"),
        ("text=1,text=2", "text is given twice"),
        ("text=much", "expected a number"),
        ("text", "expected NAME=NUMBER"),
        ("", "expected NAME=NUMBER"),
        ("text=1,", "expected NAME=NUMBER"),
        ({"text": True}, "must be a number"),
        ({"text": "1"}, "must be a number"),
    ],
)
def test_wrong_weights(typed: object, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_weights(typed)  # type: ignore[arg-type]
    assert message in str(raised.value)


def test_the_pointer_stands_under_the_mistake() -> None:
    with pytest.raises(UsageError) as raised:
        parse_weights("text=1, image=x")
    line, pointer = str(raised.value).splitlines()[1:3]
    assert line[pointer.index("^")] == "x"


def test_words_are_what_the_kind_says() -> None:
    assert KIND.partition(">")[2] == WORDS and WORDS in EVIDENCE


def test_the_query_comes_before_the_profile_and_a_kind_before_a_modality() -> None:
    kept = {"image>text": 0.1}
    assert weight_of("image>text", {}, kept) == 0.1
    assert weight_of("text>text", {}, kept) == 1
    assert weight_of("image>text", {"text": 0.5}, kept) == 0.5
    assert weight_of("image>text", {"text": 0.5, "image>text": 2}, kept) == 2


@given(asked=st.lists(st.floats(0.01, 10), min_size=2, max_size=4))
def test_shares_go_with_what_is_asked(asked: list[float]) -> None:
    parts = [Part("text", str(n)) for n in range(len(asked))]
    found = shares(parts, dict(enumerate(asked)))
    assert math.isclose(sum(found), 1)
    assert all(math.isclose(f / found[0], a / asked[0], rel_tol=1e-9) for f, a in zip(found, asked, strict=True))


# -- the default search ----------------------------------------------------------------------------------------------------------


def test_weights_of_one_are_no_weights(shop: Shop) -> None:
    query = {"image": photo(shop, "red-hat"), "text": "blue shoe"}
    assert scores(shop.search(**query, weights="text=1,image=1", k=50)) == scores(shop.search(**query, k=50))


def test_weight_zero_leaves_a_kind_out(shop: Shop) -> None:
    hits = shop.search("red shoe", weights={"image": 0}, k=50)
    assert small_shop.NO_TEXT not in scores(hits)
    assert {c.evidence for hit in hits for c in hit.explain} == {"text", "words"}
    alone = shop.search("red shoe", within="text", k=50)
    assert [hit.id for hit in hits] == [hit.id for hit in alone]
    only = shop.search("red shoe", weights="text=0", k=50)
    assert small_shop.NO_PHOTO not in scores(only)
    assert [hit.id for hit in only] == [hit.id for hit in shop.search("red shoe", within="image", k=50)]


def test_a_small_weight_comes_near_to_none(shop: Shop) -> None:
    """Continuous at 0, for products that have the rest: nothing jumps when a weight is turned down."""
    none, little = (scores(shop.search(image=photo(shop, "red-hat"), weights={"text": w}, k=50)) for w in (0, 1e-9))
    assert set(none) < set(little)
    for id, score in none.items():
        assert little[id] == pytest.approx(score, abs=1e-4)


def test_explanations_add_up_and_tell_the_weight(shop: Shop) -> None:
    for hit in shop.search("red shoe", image=photo(shop, "blue-hat"), weights="image=.3, image>text=.1", k=50):
        assert hit.score == pytest.approx(sum(c.contribution for c in hit.explain))
        for term in hit.explain:
            expected = 0.3 if term.evidence.startswith("image") else 0.1 if term.part.startswith("image") else 1
            assert term.weight == expected


def test_weights_shift_a_mixed_query_from_one_part_to_the_other(shop: Shop) -> None:
    """The kind that counts less makes its part count less, too."""
    query = {"text": "red shoe", "image": photo(shop, "blue-hat")}
    texts, photos = (shop.search(**query, weights=w, k=1).hits[0] for w in ("text=1,image=.02", "text=.02,image=1"))
    assert (texts.id, photos.id) == ("red-shoe", "blue-hat")
    assert {c.part.split(":")[0]: round(c.share, 2) for c in texts.explain}["text"] > 0.6


@pytest.mark.parametrize("combine", ["calibrated", "rrf"])
def test_only_proportions_count(shop: Shop, combine: str) -> None:
    query = {"text": "red shoe", "image": photo(shop, "blue-hat"), "combine": combine, "k": 50}
    one, other = (scores(shop.search(**query, weights={"text": w, "image": w / 4})) for w in (1, 8))
    assert one == pytest.approx(other)


def test_what_cannot_be_weighed(shop: Shop) -> None:
    for options, message in (
        ({"weights": "audio=1"}, "audio weighs nothing, for the products have no audio vectors"),
        ({"weights": "text=0,image=0"}, "they leave nothing to compare the part 'text: red' with"),
        ({"weights": "text=1", "within": "image"}, "--in image compares image alone"),
        ({"weights": "text=1", "within": "fake-fuser"}, "the vectors of the profile fake-fuser mix the modalities"),
        ({"weights": "audio=1", "within": "concat-even"}, "the profile's vectors have no audio"),
        ({"weights": "image=1", "within": "concat-text"}, "the profile's vectors have no image"),
        ({"weights": "text=0", "within": "concat-even"}, "they leave nothing to compare the part 'text: red' with"),
        ({"weights": "text=0,image=0", "within": "concat-even"}, "all of them are 0"),
        ({"weights": "image>text=1", "within": "concat-even"}, "have no image>text"),
    ):
        with pytest.raises(UsageError) as raised:
            shop.search("red", **options)
        assert message in str(raised.value) and raised.value.hint


# -- within a profile ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["concat", "weighted"])
@pytest.mark.parametrize(
    ("weights", "refitted"), [("image=.2", "less"), ("image=4", "more"), ("text=5,image=1", "less"), ("image=0", "text")]
)
@pytest.mark.parametrize("asked", ["text", "like", "mixed", "unlike"])
def test_weighing_anew_answers_as_a_refit_does(shop: Shop, method: str, weights: str, refitted: str, asked: str) -> None:
    if asked == "mixed" and refitted == "text":
        pytest.skip("a profile without photos takes no photo")
    query = {
        "text": {"text": "red shoe"},
        "like": {"like": "red-shoe"},
        "mixed": {"text": "red shoe", "image": photo(shop, "blue-hat")},
        "unlike": {"text": "shoe", "unlike": "red-shoe"},
    }[asked]
    mine = scores(shop.search(**query, within=f"{method}-even", weights=weights, k=50))
    theirs = scores(shop.search(**query, within=f"{method}-{refitted}", k=50))
    assert mine == pytest.approx(theirs, abs=1e-4)


def test_a_liked_product_without_what_counts(shop: Shop) -> None:
    with pytest.raises(UsageError, match="they leave nothing to compare the part 'like: green-lamp' with"):
        shop.search(like=small_shop.NO_PHOTO, within="concat-even", weights="text=0")


def test_a_few_products_of_a_pattern_are_calibrated_for_the_weights(tmp_path: Path) -> None:
    """Two products without a photo are too few for a spread of their own: what was measured at fuse stands in, as a refit has it."""
    made = small_shop.make(tmp_path, fuse=False, events=False)
    made.fuse("concat(text=1, image=1)", name="even")
    made.fuse("concat(text=1, image=9)", name="more")
    mine = scores(made.search("twin kettle", within="even", weights="image=9", k=50))
    theirs = scores(made.search("twin kettle", within="more", k=50))
    assert mine == pytest.approx(theirs, abs=1e-4)
    assert set(small_shop.TWINS) <= set(mine)
