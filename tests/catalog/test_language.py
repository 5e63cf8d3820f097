"""Language of titles."""

from __future__ import annotations

import csv
import doctest
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog import language
from mmsearch.catalog.language import detect, detect_many


def test_the_examples_in_the_documentation() -> None:
    outcome = doctest.testmod(language)
    assert outcome.failed == 0
    assert outcome.attempted >= 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Red running shoes for men", "en"),
        ("Chaussures de course pour homme, rouge", "fr"),
        ("Herren Laufschuhe rot Größe 42", "de"),
        ("Zapatillas de running para hombre", "es"),
        ("Scarpe da corsa uomo rosse", "it"),
        ("Hardloopschoenen heren rood", "nl"),
        ("Buty do biegania męskie czerwone", "pl"),
        ("Erkek koşu ayakkabısı kırmızı", "tr"),
        ("Trail running shoes 越野跑鞋", "zh"),
        ("Apple iPhone 11 (A2223) 128GB 黑色", "zh"),
        ("鲜の每日坚果", "zh"),
        ("ランニングシューズ 赤", "ja"),
        ("ナイキ エアマックス", "ja"),
        ("삼성 갤럭시", "ko"),
        ("кроссовки мужские", "ru"),
        ("кросівки чоловічі", "uk"),
        ("حذاء رياضي", "ar"),
        ("کفش ورزشی مردانه چرم", "fa"),
        ("รองเท้าวิ่ง", "th"),
        ("παπούτσια", "el"),
        ("נעלי ריצה", "he"),
        ("जूते", "hi"),
        ("Nike Air Max 2021 跑", None),
        ("iPhone 15 Pro Max", None),
        ("M9050", None),
        ("12 34", None),
        ("", None),
        ("™ ½ 🎉", None),
    ],
)
def test_languages(text: str, code: str | None) -> None:
    assert detect(text) == code


def test_many_are_told_as_one_by_one() -> None:
    texts = ["Red running shoes for men", "", "红色跑步鞋", "Herren Laufschuhe rot", "x", "Sac à main en cuir"] * 3
    assert detect_many(texts) == [detect(text) for text in texts]
    assert detect_many([]) == []


def test_the_batch_says_what_py3langid_says() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(language.LATIN)
    texts = ["Red running shoes for men", "Sac à main en cuir noir", "Kaffeemaschine mit Mahlwerk", "Lampe de bureau en bois"]
    for text, found in zip(texts, detect_many(texts), strict=True):
        code, probability = identifier.classify(text)
        assert found == (code if probability >= (0.3 if code == "en" else 0.6) else None)


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    script = "import sys, mmsearch.catalog.language as l; l.detect('红色跑步鞋'); sys.exit('py3langid' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@settings(max_examples=50, derandomize=True)
@given(st.lists(st.text(max_size=50), max_size=5))
def test_any_texts(texts: list[str]) -> None:
    found = detect_many(texts)
    assert len(found) == len(texts)
    assert all(code is None or len(code) == 2 for code in found)


@pytest.mark.data
def test_real_titles(data: Path) -> None:
    titles = [json.loads(line)["title"] for line in (data / "electronics" / "products.jsonl").open(encoding="utf-8")]
    counts = Counter(detect_many(titles))
    assert counts["en"] / len(titles) > 0.55
    assert (counts["en"] + counts[None]) / len(titles) > 0.995
    with (data / "chinese" / "reviews.csv").open(encoding="utf-8") as file:
        assert set(detect_many([row["text"] for row in csv.DictReader(file)])) == {"zh"}
    with (data / "chinese" / "goods.csv").open(encoding="utf-8") as file:
        rows = Counter(detect_many([row["name"] for row in csv.DictReader(file)]))
    assert rows["zh"] / rows.total() > 0.88


TEXTS = ["Red running shoes", "chaussures rouges pour femme", "rote Laufschuhe für Herren", "stylus"]


def test_the_tables_are_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_HOME", str(tmp_path / "home"))
    language._model.cache_clear()
    made = detect_many(TEXTS)
    (kept,) = (tmp_path / "home").glob("langid-*")
    language._model.cache_clear()
    monkeypatch.setattr(language, "_made", lambda: pytest.fail("they were there"))
    assert detect_many(TEXTS) == made
    monkeypatch.undo()
    monkeypatch.setenv("MMSEARCH_HOME", str(tmp_path / "home"))
    (kept / "weights.npy").write_bytes(b"damaged")
    language._model.cache_clear()
    assert detect_many(TEXTS) == made, "what cannot be read is made again"
    assert (kept / "weights.npy").stat().st_size > 100
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MMSEARCH_HOME", str(tmp_path / "file"))
    language._model.cache_clear()
    assert detect_many(TEXTS) == made, "a home that cannot be written costs time alone"
    language._model.cache_clear()
