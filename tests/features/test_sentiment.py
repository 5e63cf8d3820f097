import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.catalog.segment import words
from mmsearch.errors import MissingPackage
from mmsearch.features import opinion, opinion_words
from mmsearch.features.base import Fact, Found
from mmsearch.features.sentiment import Sentiment

PRAISE = {"en": "Great quality, works perfectly and looks beautiful.", "zh": "质量很好，非常满意，下次还会再来。"}
BLAME = {"en": "Terrible, it broke after two days and I want a refund.", "zh": "太差了，用了两天就坏了，要求退款。"}


@pytest.mark.parametrize("language", opinion.LANGUAGES)
def test_praise_is_above_blame_and_both_are_on_one_scale(language):
    good, bad = opinion.opinion(PRAISE[language], language), opinion.opinion(BLAME[language], language)
    assert 0.5 < good <= 1
    assert -1 <= bad < -0.5


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("not good", "en"),
        ("It does not work", "en"),
        ("不好", "zh"),
        ("一点也不满意", "zh"),
        ("味道不怎么样", "zh"),
        ("快递很快但是质量太差了", "zh"),
    ],
)
def test_negation_turns_praise(text, language):
    assert opinion.opinion(text, language) < -0.05


@pytest.mark.parametrize("text", ["没有异味", "没有色差，不掉色"])
def test_negation_turns_blame(text):
    assert opinion.opinion(text, "zh") > 0.05


def test_a_wish_is_no_praise():
    assert opinion.clauses("如果质量好一点", "zh")[0].value < opinion.clauses("质量好一点", "zh")[0].value


@pytest.mark.parametrize(
    ("text", "language"), [("", "en"), ("...", "en"), ("It is a phone.", "en"), ("", "zh"), ("。。。", "zh"), ("收到", "zh")]
)
def test_a_text_without_opinion_is_0(text, language):
    assert opinion.opinion(text, language) == 0


def test_clauses_have_their_own_opinion():
    english = opinion.clauses("Battery life is great, but the screen is dim. It is a phone.", "en")
    assert [clause.text for clause in english] == ["Battery life is great", "but the screen is dim.", "It is a phone."]
    assert english[0].value > 0.5 and english[1].value < -0.5 and english[2].value == 0
    chinese = opinion.clauses("物流很快但是质量太差了，3.5寸屏幕", "zh")
    assert [clause.text for clause in chinese] == ["物流很快", "但是质量太差了", "3.5寸屏幕"]
    assert chinese[0].value > 0.2 and chinese[1].value < -0.5


@given(st.text(max_size=300), st.sampled_from(opinion.LANGUAGES))
def test_any_text_has_an_opinion_between_minus_1_and_1(text, language):
    assert -1 <= opinion.opinion(text, language) <= 1
    assert all(-1 <= clause.value <= 1 and clause.text.strip() for clause in opinion.clauses(text, language))


def test_a_long_text_is_read_in_bounded_time():
    assert opinion.opinion("good " * 100_000, "en") == opinion.opinion("good " * 1_000, "en")


def test_snownlps_model_is_asked_as_it_asks_itself():
    from snownlp import normal
    from snownlp.sentiment import classifier

    for text in (PRAISE["zh"], BLAME["zh"], "房间很小，zzzqq 但是服务员热情"):
        cut = words(text, "zh")
        label, probability = classifier.classifier.classify(normal.filter_stop(cut))
        odds = math.log(probability / (1 - probability)) * (1 if label == "pos" else -1)
        assert opinion._snownlp_log_odds(cut) == pytest.approx(odds, abs=1e-6)


def test_no_word_both_praises_and_blames():
    for groups in (opinion_words._ENGLISH, {**opinion_words._PRAISE, **opinion_words._BLAME}):
        every = [word for text in groups.values() for word in text.split()]
        assert len(every) == len(set(every))
    assert not set(opinion_words.ENGLISH) & opinion_words.ENGLISH_NEUTRAL


def test_another_language_is_refused():
    with pytest.raises(ValueError, match="not in 'fr'"):
        opinion.opinion("très bien", "fr")


def test_reviews_in_other_languages_have_no_sentiment():
    found = Sentiment().extract(["Die Schuhe sind leider viel zu klein und unbequem", "Great!", "很好", "", "!!!"])
    assert [bool(facts) for facts in found] == [False, True, True, False, False]


def test_a_product_has_the_mean_the_share_and_the_count():
    found = [Found(key, (Fact("sentiment", value),)) for key, value in (("a", 0.9), ("b", -0.5), ("c", 0.2), ("d", 0.0))]
    values = Sentiment().roll_up([*found, Found("e", ())])
    assert values == {"sentiment": pytest.approx(0.15), "sentiment_positive": 0.5, "sentiment_reviews": 4.0}
    assert set(values) == set(Sentiment.names)
    assert Sentiment().roll_up([Found("e", ())]) == {}


def test_the_fingerprint_tells_the_words(monkeypatch):
    before = Sentiment().fingerprint()
    assert Sentiment().fingerprint() == before
    monkeypatch.setitem(opinion_words.CHINESE, "好", 3.9)
    assert Sentiment().fingerprint() != before


@pytest.mark.parametrize(
    ("module", "reader", "text", "language"), [("vaderSentiment", "_vader", "good", "en"), ("snownlp", "_snownlp", "质量很好的鞋", "zh")]
)
def test_a_missing_package_says_how_to_install_it(monkeypatch, module, reader, text, language):
    getattr(opinion, reader).cache_clear()
    for name in (module, f"{module}.vaderSentiment", f"{module}.sentiment"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(MissingPackage, match=module) as caught:
        opinion.opinion(text, language)
    assert caught.value.hint == f"pip install {module}"
    getattr(opinion, reader).cache_clear()
