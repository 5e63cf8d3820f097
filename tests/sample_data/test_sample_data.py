"""The committed sample shop is what its README promises, and the script makes exactly it."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import wave
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "sample_data"
TEXTS = (
    "README.md",
    "events.csv",
    "knowledge.csv",
    "mixed_qrels.tsv",
    "products.csv",
    "qrels.tsv",
    "queries.jsonl",
    "queries.tsv",
    "reviews.csv",
    "searches.csv",
    "users.csv",
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]{3,}")


def rows(name: str) -> list[dict[str, str]]:
    with (SHOP / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def qrels(name: str) -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}
    for line in (SHOP / name).read_text(encoding="utf-8").splitlines():
        query, zero, product, grade = line.split("\t")
        assert zero == "0"
        assert product not in out.setdefault(query, {}), "judged twice"
        out[query][product] = int(grade)
    return out


@pytest.fixture(scope="module")
def products() -> dict[str, dict[str, str]]:
    table = rows("products.csv")
    assert len({row["id"] for row in table}) == len(table)
    return {row["id"]: row for row in table}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second shop, made now: the tables and the sounds."""
    out = tmp_path_factory.mktemp("shop")
    command = [sys.executable, str(ROOT / "scripts/make_sample_data.py"), "--out", str(out), "--parts", "texts", "sounds"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return out


def test_it_is_small() -> None:
    assert sum(f.stat().st_size for f in SHOP.rglob("*") if f.is_file()) < 5_000_000


def test_120_products_in_8_categories(products: dict[str, dict[str, str]]) -> None:
    counts = Counter(row["category"] for row in products.values())
    assert len(products) == 120
    assert len(counts) == 8
    assert min(counts.values()) >= 10


def test_every_product_has_a_title_a_price_and_a_stock(products: dict[str, dict[str, str]]) -> None:
    assert all(row["title"].strip() for row in products.values())
    assert all(float(row["price"]) > 0 and row["currency"] in ("USD", "CNY") for row in products.values())
    assert sum(int(row["stock"]) == 0 for row in products.values()) >= 3
    assert len({row["title"] for row in products.values()}) == len(products)


def test_titles_are_english_chinese_and_both(products: dict[str, dict[str, str]]) -> None:
    kinds = Counter((bool(LATIN.search(row["title"])), bool(CHINESE.search(row["title"]))) for row in products.values())
    assert kinds[True, False] >= 50
    assert kinds[False, True] >= 25
    assert kinds[True, True] >= 15


def test_something_is_missing_as_in_real_shops(products: dict[str, dict[str, str]]) -> None:
    no_photo = {key for key, row in products.items() if not row["image"]}
    no_text = {key for key, row in products.items() if not row["description"]}
    assert 5 <= len(no_photo) <= 15
    assert 5 <= len(no_text) <= 15
    assert 1 <= len(no_photo & no_text) <= 2


def test_cells_exercise_a_csv_reader(products: dict[str, dict[str, str]]) -> None:
    cells = [cell for row in products.values() for cell in row.values()]
    for needed in (",", '"', "\n", "“", "&amp;", "３５０"):
        assert any(needed in cell for cell in cells), needed
    assert all(row["产地"] for row in products.values())


def test_variants_point_to_products(products: dict[str, dict[str, str]]) -> None:
    variants = {row["id"]: row["variant_of"] for row in products.values() if row["variant_of"]}
    assert len(variants) >= 4
    assert all(parent in products and parent not in variants for parent in variants.values())


def test_every_photo_opens_and_is_used_once(products: dict[str, dict[str, str]]) -> None:
    named = [name for row in products.values() for name in row["image"].split(";") if name]
    assert len(named) == len(set(named))
    assert {f"photos/{f.name}" for f in (SHOP / "photos").iterdir()} == set(named)
    assert any(row["image"].count(";") >= 1 for row in products.values())
    for name in named:
        with Image.open(SHOP / name) as image:
            image.load()
            assert image.size == (224, 224)
            assert np.asarray(image.convert("L"), np.float32).std() > 10, f"{name} shows nothing"


def test_query_photos_are_no_product_photos(products: dict[str, dict[str, str]]) -> None:
    small = {f: np.asarray(Image.open(f).convert("RGB").resize((32, 32)), np.float32) for f in sorted((SHOP / "photos").iterdir())}
    queries = sorted((SHOP / "queries").glob("*.jpg"))
    assert SHOP / "queries/red-shoe.jpg" in queries
    assert 2 <= len(queries) <= 4
    for query in queries:
        pixels = np.asarray(Image.open(query).convert("RGB").resize((32, 32)), np.float32)
        assert min(float(np.abs(pixels - other).mean()) for other in small.values()) > 15


def test_every_sound_is_short_and_audible(products: dict[str, dict[str, str]]) -> None:
    named = {row["audio"] for row in products.values() if row["audio"]}
    assert {f"sounds/{f.name}" for f in (SHOP / "sounds").iterdir()} == named
    assert len(named) >= 12
    for path in [*(SHOP / name for name in named), SHOP / "queries/bell.wav"]:
        with wave.open(str(path)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
            assert 0.5 <= file.getnframes() / 16_000 <= 1.5
            heard = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
        assert 500 < np.sqrt((heard**2).mean()) < 20_000


def test_clips_play_and_one_has_a_sound_track(products: dict[str, dict[str, str]]) -> None:
    av = pytest.importorskip("av", reason="PyAV is a development dependency: pip install av")
    named = {row["video"] for row in products.values() if row["video"]}
    assert {f"clips/{f.name}" for f in (SHOP / "clips").iterdir()} == named
    tracks = 0
    for name in named:
        with av.open(str(SHOP / name)) as clip:
            frames = [frame.to_ndarray(format="gray").astype(np.float32) for frame in clip.decode(video=0)]
            assert frames[0].shape == (120, 160)
            assert 2 <= len(frames) / float(clip.streams.video[0].average_rate) <= 3
            assert max(float(np.abs(frame - frames[0]).mean()) for frame in frames) > 4, f"nothing moves in {name}"
            tracks += len(clip.streams.audio)
    assert tracks >= 1


def test_events_refer_to_the_shop_and_carry_order(products: dict[str, dict[str, str]]) -> None:
    users = {row["id"] for row in rows("users.csv")}
    events = rows("events.csv")
    assert len(users) == 80
    assert 1_500 <= len(events) <= 2_500
    assert {row["user"] for row in events} == users
    assert {row["product"] for row in events} < set(products), "a few products are never touched"
    assert {row["event"] for row in events} == {"view", "cart", "buy"}
    assert sum(count == 1 for count in Counter(row["user"] for row in events).values()) >= 5
    times = [datetime.fromisoformat(row["time"]) for row in events]
    assert times == sorted(times)
    assert 150 < (times[-1] - times[0]).days < 190
    seen: set[tuple[str, str]] = set()
    for row in events:
        if row["event"] == "view":
            seen.add((row["user"], row["product"]))
        else:
            assert (row["user"], row["product"]) in seen, "bought before it was looked at"


def test_shoppers_have_taste(products: dict[str, dict[str, str]]) -> None:
    """A shopper's commonest category holds far more of their views than the shop's commonest one holds of all views."""
    views: dict[str, Counter[str]] = {}
    for row in rows("events.csv"):
        views.setdefault(row["user"], Counter())[products[row["product"]]["category"]] += 1
    everybody = sum(views.values(), Counter())
    shares = [counts.most_common(1)[0][1] / counts.total() for counts in views.values() if counts.total() >= 10]
    assert np.mean(shares) > 1.8 * everybody.most_common(1)[0][1] / everybody.total()


def test_reviews_are_by_buyers_in_both_languages(products: dict[str, dict[str, str]]) -> None:
    reviews = rows("reviews.csv")
    bought = {(row["user"], row["product"]): row["time"] for row in rows("events.csv") if row["event"] == "buy"}
    assert len(reviews) == 200
    assert len({row["text"] for row in reviews}) == 200
    assert {row["rating"] for row in reviews} == set("12345")
    assert all(bought[row["user"], row["product"]] < row["time"] for row in reviews)
    assert 50 < sum(bool(CHINESE.search(row["text"])) for row in reviews) < 150
    assert any("@example.com" in row["text"] for row in reviews)
    mean: dict[str, list[int]] = {}
    for row in reviews:
        mean.setdefault(row["product"], []).append(int(row["rating"]))
    assert {key: float(row["rating"]) for key, row in products.items() if row["rating"]} == {
        key: round(sum(stars) / len(stars), 1) for key, stars in mean.items()
    }


def test_searches_refer_to_the_shop(products: dict[str, dict[str, str]]) -> None:
    searches = rows("searches.csv")
    users = {row["id"] for row in rows("users.csv")}
    assert len(searches) > 150
    assert all(row["user"] in users and row["text"].strip() and row["clicked"] in {"", *products} for row in searches)
    assert any(not row["clicked"] for row in searches)


def test_knowledge_has_four_relations_and_no_doubles(products: dict[str, dict[str, str]]) -> None:
    triples = [tuple(row.values()) for row in rows("knowledge.csv")]
    assert len(set(triples)) == len(triples)
    assert {relation for _, relation, _ in triples} == {"synonym", "broader", "part-of", "goes-with"}
    assert ("跑鞋", "synonym", "running shoe") in triples
    ids = [word for triple in triples for word in (triple[0], triple[2]) if re.fullmatch(r"[A-Z]+-\d\d", word)]
    assert ids
    assert set(ids) <= set(products)


def test_text_queries_are_judged(products: dict[str, dict[str, str]]) -> None:
    queries = dict(line.split("\t") for line in (SHOP / "queries.tsv").read_text(encoding="utf-8").splitlines())
    judged = qrels("qrels.tsv")
    assert 20 <= len(queries) <= 30
    assert list(judged) == list(queries)
    assert sum(bool(CHINESE.search(text)) for text in queries.values()) >= 8
    for grades in judged.values():
        assert set(grades) <= set(products)
        assert 3 in grades.values()
        assert 0 in grades.values()
        assert set(grades.values()) <= {0, 1, 2, 3}


def test_mixed_queries_are_judged(products: dict[str, dict[str, str]]) -> None:
    queries = [json.loads(line) for line in (SHOP / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    judged = qrels("mixed_qrels.tsv")
    assert [query["id"] for query in queries] == list(judged)
    assert {column for query in queries for column in query} == {"id", "text", "image", "not", "where"}
    assert all((SHOP / query["image"]).is_file() for query in queries if "image" in query)
    assert all(3 in grades.values() and set(grades) <= set(products) for grades in judged.values())


def test_filters_of_mixed_queries_keep_every_relevant_product(products: dict[str, dict[str, str]]) -> None:
    """What `where` says and what was judged agree, for the filters that plain Python can check."""
    judged = qrels("mixed_qrels.tsv")
    relevant = {query: [products[p] for p, grade in grades.items() if grade] for query, grades in judged.items()}
    assert all(row["currency"] == "USD" and float(row["price"]) < 60 for row in relevant["m03"])
    assert all(row["category"] == "shoes" for row in relevant["m04"])
    assert all(row["产地"] == "江西" and int(row["stock"]) > 0 for row in relevant["m06"])
    assert all("music" in row["tags"].split(";") for row in relevant["m07"])
    assert all(200 <= float(row["capacity_ml"]) <= 700 for row in relevant["m08"])


@pytest.mark.parametrize("name", TEXTS)
def test_the_script_makes_the_same_tables(made: Path, name: str) -> None:
    assert (made / name).read_bytes() == (SHOP / name).read_bytes()


def test_the_script_makes_the_same_sounds(made: Path) -> None:
    for path in sorted(made.rglob("*.wav")):
        with wave.open(str(path)) as new, wave.open(str(SHOP / path.relative_to(made))) as old:
            a, b = (np.frombuffer(f.readframes(f.getnframes()), "<i2").astype(np.int32) for f in (new, old))
        # Another numpy may round a sine's last bit another way.
        np.testing.assert_allclose(a, b, atol=2)


def test_the_script_draws_the_same_photos(tmp_path: Path) -> None:
    """One of each category, a cut-out, a second view and a query photo."""
    names = ["shoe-01.jpg", "bag-08-b.jpg", "top-04.jpg", "kit-03.jpg", "lamp-10.png", "aud-01-c.jpg", "clk-14.jpg", "toy-02.jpg"]
    code = (
        "import sys, pathlib; from sample_shop.photos import save_photo as save; [save(n, pathlib.Path(sys.argv[1])) for n in sys.argv[2:]]"
    )
    wanted = [*(f"photos/{name}" for name in names), "queries/red-shoe.jpg"]
    subprocess.run([sys.executable, "-c", code, str(tmp_path), *wanted], check=True, capture_output=True, timeout=60, cwd=ROOT / "scripts")
    for name in wanted:
        if (tmp_path / name).read_bytes() == (SHOP / name).read_bytes():
            continue
        # Another Pillow may pack the same picture into other bytes.
        new, old = (np.asarray(Image.open(folder / name).convert("RGBA"), np.float32) for folder in (tmp_path, SHOP))
        assert float(np.abs(new - old).mean()) < 1, name
