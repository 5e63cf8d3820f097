import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.encoders.base import NotFitted
from mmsearch.features.aspects import Aspects, _singular
from mmsearch.features.base import Fact, Found

ENGLISH = [
    *["The battery life is great but the screen is terrible."] * 4,
    *["Battery life is excellent.", "I hate the screen, it is dim.", "A lovely screen."],
    *["We saw it in the afternoon."] * 9,
]
CHINESE = [*["物流很快，但是屏幕太差了。"] * 4, "屏幕很清晰。", "物流太慢了。", *["下午到的。"] * 9]


@pytest.fixture(scope="module")
def learned() -> Aspects:
    aspects = Aspects()
    aspects.fit(ENGLISH + CHINESE, None)
    return aspects


def facts(aspects: Aspects, review: str) -> dict[str, object]:
    return {fact.name if fact.name != "aspects" else f"has {fact.value}": fact.value for fact in aspects.extract([review])[0]}


def test_what_many_reviews_judge_is_learned_and_what_they_only_mention_is_not(learned):
    assert learned._known == {"en": ["screen", "battery life"], "zh": ["屏幕", "物流"]}


def test_each_aspect_has_the_opinion_of_its_own_clause(learned):
    english = facts(learned, "Great battery life, but the screens are awful")
    assert set(english) == {"has battery life", "has screen", "sentiment.battery_life", "sentiment.screen"}
    assert english["sentiment.battery_life"] > 0.5 and english["sentiment.screen"] < -0.5
    chinese = facts(learned, "物流给力，屏幕不清晰")
    assert chinese["sentiment.物流"] > 0.3 and chinese["sentiment.屏幕"] < -0.3


def test_an_aspect_of_which_nothing_is_said_has_no_sentiment(learned):
    assert facts(learned, "屏幕5寸") == {"has 屏幕": "屏幕"}


def test_a_word_within_a_longer_aspect_does_not_count_twice(learned):
    assert "has battery" not in facts(learned, "battery life is great")


def test_reviews_in_other_languages_have_none(learned):
    assert learned.extract(["Der Screen ist leider sehr schlecht und die Farben auch"]) == [[]]


def test_a_product_has_its_most_named_aspects_and_their_means(learned):
    found = [
        Found("a", (Fact("aspects", "screen"), Fact("sentiment.screen", -0.5), Fact("aspects", "battery life"))),
        Found("b", (Fact("aspects", "screen"), Fact("sentiment.screen", 0.1))),
        Found("c", ()),
    ]
    assert learned.roll_up(found) == {"aspects": ["screen", "battery life"], "sentiment.screen": -0.2}
    assert learned.roll_up([Found("c", ())]) == {}


def test_few_reviews_teach_nothing_and_are_no_error():
    aspects = Aspects()
    aspects.fit(["Great screen"] * 4, None)
    assert aspects._known == {"en": [], "zh": []}
    assert aspects.extract(["Great screen"]) == [[]]


def test_what_was_learned_comes_back(learned):
    again = Aspects()
    with pytest.raises(NotFitted):
        again.extract(["x"])
    again.restore(learned.state())
    assert again.fingerprint() == learned.fingerprint()
    assert again.extract(ENGLISH) == learned.extract(ENGLISH)


@pytest.mark.parametrize(("name", "value"), [("most", 0), ("most", 201), ("least", 1)])
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Aspects(**{name: value})


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(learned, text):
    assert all(fact.name == "aspects" or -1 <= fact.value <= 1 for fact in learned.extract([text])[0])


@pytest.mark.parametrize(
    ("many", "one"),
    [("batteries", "battery"), ("lenses", "lens"), ("lens", "lens"), ("songs", "song"), ("glass", "glass"), ("boxes", "box")],
)
def test_plurals_fold(many, one):
    assert _singular(many) == one
