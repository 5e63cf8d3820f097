import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.parallel_reviews import PAIRS
from mmsearch.features.base import Fact, Found
from mmsearch.features.emotion import Emotion, emotions
from mmsearch.features.emotion_words import EMOTIONS, WORDS


@pytest.mark.parametrize(
    ("text", "language", "emotion"),
    [
        ("I am so happy with it, my kids love it", "en", "joy"),
        ("I am furious, they lied to me", "en", "anger"),
        ("What a letdown", "en", "sadness"),
        ("The charger is a fire hazard", "en", "fear"),
        ("Wow, didn't expect that", "en", "surprise"),
        ("It smells disgusting", "en", "disgust"),
        ("收到很开心，孩子很喜欢", "zh", "joy"),
        ("太气愤了，卖家是骗子", "zh", "anger"),
        ("非常失望，后悔买了", "zh", "sadness"),
        ("吓了一跳，太危险了", "zh", "fear"),
        ("没想到这么快", "zh", "surprise"),
        ("恶心想吐", "zh", "disgust"),
    ],
)
def test_each_emotion_is_told_in_both_languages(text, language, emotion):
    assert next(iter(emotions(text, language))) == emotion


@pytest.mark.parametrize(
    ("text", "language"), [("I am not happy", "en"), ("I don't really love it", "en"), ("不太高兴的样子", "zh"), ("没有惊喜", "zh")]
)
def test_a_negated_emotion_does_not_count(text, language):
    assert "joy" not in emotions(text, language) and "surprise" not in emotions(text, language)


def test_a_negation_in_another_clause_does_not_reach():
    assert emotions("It is not big, I love it", "en") == {"joy": 1.0}
    assert emotions("不大，很喜欢", "zh") == {"joy": 1.0}


def test_emoji_count_in_every_language():
    assert Emotion().extract(["😡😡", "Das ist leider nicht das was ich bestellt habe 😢"]) == [
        [Fact("emotion", "anger", 1.0)],
        [Fact("emotion", "sadness", 1.0)],
    ]


def test_no_emotion_is_none():
    assert Emotion().extract(["It is a phone.", "5寸屏幕", "", "!"]) == [[], [], [], []]


def test_a_product_has_the_strongest_and_shares_that_sum_to_1():
    found = [
        Found("a", (Fact("emotion", "anger", 1.0),)),
        Found("b", (Fact("emotion", "anger", 0.5), Fact("emotion", "fear", 0.5))),
        Found("c", (Fact("emotion", "joy", 1.0),)),
        Found("d", ()),
        Found("e", (Fact("emotion", "anger", 1.0),)),
    ]
    values = Emotion().roll_up(found)
    assert values["emotion"] == "anger" and values["emotion_reviews"] == 4
    assert values["emotion.anger"] == 0.625 and values["emotion.joy"] == 0.25 and values["emotion.disgust"] == 0
    assert sum(values[f"emotion.{one}"] for one in EMOTIONS) == pytest.approx(1)
    assert set(values) == set(Emotion.names)
    assert Emotion().roll_up([Found("d", ())]) == {}


def test_both_languages_have_lists_of_a_like_size():
    for language in WORDS:
        for emotion in EMOTIONS:
            assert 25 <= sum(emotion in named for named in WORDS[language].values()) <= 60, (language, emotion)


def test_parallel_reviews_have_the_same_emotion_in_both_languages():
    said = [(next(iter(emotions(pair.english, "en")), ""), next(iter(emotions(pair.chinese, "zh")), "")) for pair in PAIRS]
    assert sum(english == chinese for english, chinese in said) / len(PAIRS) >= 0.8


@given(st.text(max_size=200), st.sampled_from(["en", "zh", "fr", None]))
def test_any_text_can_be_read(text, language):
    found = emotions(text, language)
    assert set(found) <= set(EMOTIONS)
    assert not found or sum(found.values()) == pytest.approx(1)
