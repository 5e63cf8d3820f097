import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.labelled_titles import PAIRS
from mmsearch.catalog.ingest import ingest
from mmsearch.catalog.units import parse_quantity
from mmsearch.encoders.base import NotFitted
from mmsearch.encoders.sources import StoreItems
from mmsearch.features import entity_patterns as patterns
from mmsearch.features.base import Found
from mmsearch.features.chosen import choose
from mmsearch.features.entities import Entities
from mmsearch.features.entity_brands import guess_brands, learn_brands
from mmsearch.features.entity_types import learn_types
from mmsearch.features.entity_words import COLOURS, MATERIALS
from mmsearch.features.pipeline import extract
from mmsearch.store import Store


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("Xerox 006R90321 toner cartridge Original Black 6 pc(s)", ["006R90321"]),
        ("HP Pavilion dv7-1211ea Notebook 43.2 cm DDR2-SDRAM", ["dv7-1211ea"]),
        ("Philips Digital audio cable SWW1602U/27", ["SWW1602U/27"]),
        ("Lexmark C930X73G imaging unit 47000 pages", ["C930X73G"]),
        ("StarTech.com DB9 RS232 Serial Null Modem Adapter - M/F", []),
        ("Cable Cat6 USB3.0 1080p 802.11ac 1280x800 450VA 600mm 2-Port IP67 24AWG", []),
        ("诺基亚（NOKIA）BH-705 银白色 4000mAh", ["BH-705"]),
        ("笔记本电脑 轻薄本 MV992CH/A 8GB+256GB", ["MV992CH/A"]),
        ("麒麟980AI芯片 iPhone12 红米Note7Pro", []),
    ],
)
def test_model_codes(title, codes):
    assert patterns.model_codes(title) == codes


@pytest.mark.parametrize(
    ("title", "measures"),
    [
        ("Monitor 15.6\" 39.6 cm", [(396.24, "mm"), (396, "mm")]),
        ("6in cable", [(152.4, "mm")]),
        ("3 in 1 charger", []),
        ("化妆水滋润型400ml", [(400, "ml")]),
        ("大米5公斤", [(5000, "g")]),
        ("6.39英寸 4000毫安", [(162.306, "mm"), (4000, "mAh")]),
        ("手机 6G+128G 全网通4G", [(128, "GB"), (6, "GB")]),
        ("20G0739 5G 4K 007-B", []),
    ],
)  # fmt: skip
def test_measures_are_in_base_units(title, measures):
    assert sorted(patterns.measures(title)) == sorted(measures)


@pytest.mark.parametrize(
    ("title", "pieces"),
    [
        ("Beer 6 x 330 ml", 6), ("水 550ml*24", 24), ("Labels 2400 pcs.", 2400), ("1,000-Pack staples", 1000), ("Socks 3-pack", 3),
        ("Set of 4 mugs", 4), ("Spools (Qty. 4)", 4), ("棉袜 两件装", 2), ("抽纸 十二包装", 12), ("口罩 50只装", 50), ("牙刷 3支", 3),
        ("EU 42, pack of 2", 2),
        ("双卡双待 18个月质保", None), ("一次性手套", None), ("第3件半价", None), ("Windows 10 Pro", None), ("1920 x 1080 pixels", None),
        ("3-pack of 6 pairs", None),
    ],
)  # fmt: skip
def test_pieces(title, pieces):
    assert patterns.pieces(title) == pieces


@pytest.mark.parametrize(
    ("title", "sizes"),
    [
        ("Trail shoes EU 42", ["EU 42"]), ("Shirt size M", ["M"]), ("Jacket XXL", ["XXL"]), ("衬衫 白色 L", ["L"]),
        ("女鞋 37.5码", ["37.5"]), ("裤子 165/88A", ["165/88A"]), ("帽子 均码", ["one size"]),
        ("DVI cable M/F", []), ("iPhone XS Max", []), ("USB A to B", []),
    ],
)  # fmt: skip
def test_sizes(title, sizes):
    assert patterns.sizes(title) == sizes


def test_materials_and_colours_have_one_name_for_both_languages():
    assert patterns.materials("100% Pure Cotton shirt") == ["cotton"]
    assert patterns.materials("纯棉衬衫") == ["cotton", "纯棉"]
    assert patterns.materials("PU Leather bag") == ["faux leather"]
    assert patterns.colours("幻夜黑 全网通") == ["black", "幻夜黑"]
    assert patterns.colours("现金 黄金海岸") == [] or "黄金" not in COLOURS["zh"]
    for table in (MATERIALS, COLOURS):
        assert set(table["en"].values()) == set(table["zh"].values())


def test_titles_in_both_languages_name_the_same():
    found = {"en": Entities(), "zh": Entities()}
    for language, feature in found.items():
        feature.learn(learn_brands((getattr(pair, language), pair.brand) for pair in PAIRS), learn_types([]))
    same, total = 0, 0
    for pair in PAIRS:
        english, chinese = (
            {(fact.name, fact.value) for fact in found[language].extract([getattr(pair, language)])[0] if str(fact.value).isascii()}
            for language in ("en", "zh")
        )
        same, total = same + len(english & chinese), total + len(english | chinese)
    assert same / total >= 0.95


def test_brands_are_learned_with_the_place_where_they_are_to_be_trusted():
    pairs = [
        *[(f"Integral {n} GB card", "Integral") for n in (2, 4, 8, 16)],
        *[(f"HP monitor with integral stand {n}", "HP") for n in range(3)],
        *[(f"Case for HP {n}", "Tora") for n in range(2)],
        *[(f"{n} mugs by Omlin", "Omlin") for n in range(2)],
        *[(f"Original ink {n}", "Original") for n in range(2)],
        *[(f"Original toner {n}", "HP") for n in range(2)],
    ]
    brands = learn_brands(pairs)
    assert brands.find("Integral 32 GB") == ("Integral", 1.0)
    assert brands.find("Desk with integral lamp") is None
    assert brands.find("4 mugs by OMLIN") == ("Omlin", 0.8)
    assert brands.find("Original paper") is None
    assert brands.find("") is None


def test_chinese_brands_and_what_stands_in_brackets_before_them():
    brands = learn_brands([("无印良品 毛笔", "无印良品"), ("Apple 手机", "Apple")])
    assert brands.find("【二手9成新】Apple iPhone X") == ("Apple", 1.0)
    assert brands.find("无印良品 橡皮") == ("无印良品", 1.0)


def test_without_a_brand_column_common_beginnings_are_guessed():
    things = ["shoe", "bag", "case", "hat"]
    titles = [f"{brand} {thing}" for brand in ("Tora", "Omlin Home", "Black") for thing in things] + ["Lone item"]
    guessed = learn_brands((title, None) for title in titles)
    assert guessed == guess_brands(titles)
    assert [guessed.find(title) for title in ("Tora belt", "Omlin Home case", "Black hat", "Lone item")] == [
        ("Tora", 1.0),
        ("Omlin Home", 1.0),
        None,
        None,
    ]


def test_kinds_are_the_categories_names():
    types = learn_types(
        [
            ("Tora running shoe red", "Fashion > Shoes > Running Shoes"),
            ("Omlin shirt", "Fashion > Shirts & Tops"),
            ("连衣裙 红色", "服装 > 连衣裙"),
            ("Cable", "Other"),
            ("Box", "Other"),
        ]
    )
    assert types.find("Blue running shoes for men") == "Running Shoes"
    assert types.find("Top with shirt collar") == "Shirts & Tops" or types.find("Shirt") == "Shirts & Tops"
    assert types.find("夏季连衣裙 L码") == "连衣裙"
    assert types.find("Other thing") is None


def stored(folder, rows):
    (folder / "products.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    store = Store(folder / "store")
    ingest(store, str(folder / "products.jsonl"))
    return store


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("entities")
    rows = [{"id": f"p{n}", "title": f"Tora leather shoe {n}", "brand": "Tora", "category": "Shoes"} for n in range(3)]
    return stored(folder, [*rows, {"id": "x", "title": "plain"}])


def test_it_tells_of_brands_that_came_since_it_learned(shop, tmp_path):
    feature = Entities()
    feature.fit(StoreItems(shop, "title"), shop)
    assert feature.behind(shop) is None, "what it learned of is all there is"
    rows = [{"id": f"n{i}", "title": f"thing {i}", "brand": brand} for i, brand in enumerate(["Newcomer", "Newcomer", "Other", None])]
    assert feature.behind(stored(tmp_path, rows)) == "3 products have brands that came since it learned: Newcomer, Other"


def test_an_embed_says_so_once_with_the_way_out(tmp_path):
    def embed(row, refit=False):
        store = stored(tmp_path, [row])
        return extract(store, choose(store, ["entities"], refit=refit))[1]

    assert embed({"id": "a", "title": "Tora shoe", "brand": "Tora"}) == []
    (told,) = embed({"id": "b", "title": "Newcomer shoe", "brand": "Newcomer"})
    assert told == "entities: 1 product has a brand that came since it learned: Newcomer; to let it learn anew: mmsearch embed --refit"
    assert embed({"id": "b", "title": "Newcomer shoe", "brand": "Newcomer"}) == [], "nothing new, nothing to say"
    assert embed({"id": "b", "title": "Newcomer shoe", "brand": "Newcomer"}, refit=True) == []


def test_a_brand_that_is_an_ordinary_word_is_no_news_again_and_again(tmp_path):
    words = [("hat", "Red"), *[("cap", "Xyz")] * 9]
    store = stored(tmp_path, [{"id": f"p{i}", "title": f"Plain red {word}", "brand": brand} for i, (word, brand) in enumerate(words)])
    feature = Entities()
    feature.fit(StoreItems(store, "title"), store)
    assert not any(fact.name == "entity_brand" for fact in feature.extract(["a red thing"])[0])
    again = Entities()
    again.restore(feature.state())
    assert again.behind(store) is None and again.fingerprint() == feature.fingerprint()


def test_it_learns_from_the_stores_columns_and_comes_back(shop):
    feature = Entities()
    with pytest.raises(NotFitted):
        feature.extract(["x"])
    feature.fit(StoreItems(shop, "title"), shop)
    titles = ["TORA leather shoes black EU 42, pack of 2, 300 g and 1.2 kg", ""]
    values = feature.roll_up([Found("", tuple(feature.extract(titles)[0]))])
    assert values == {
        "entity_brand": "Tora", "product_type": "Shoes", "material": ["leather"], "title_colour": ["black"], "size": ["EU 42"],
        "quantity": 2.0, "measure.g": 1200.0,
    }  # fmt: skip
    again = Entities()
    again.restore(feature.state())
    assert again.extract(titles) == feature.extract(titles)
    assert again.fingerprint() == feature.fingerprint()


ANY = st.one_of(
    st.text(max_size=120),
    st.text(alphabet="0123456789 .,/-x*XSMLG\"'()【】件双装码棉黑金mlkgGBinpack", max_size=60),
)


@given(ANY)
def test_any_title_can_be_read(title):
    for read in (patterns.model_codes, patterns.measures, patterns.sizes, patterns.materials, patterns.colours):
        found = read(title)
        assert len(found) == len(set(found))
    pieces = patterns.pieces(title)
    assert pieces is None or pieces > 0
    for value, unit in patterns.measures(title):
        assert value >= 0
        assert parse_quantity(f"1 {unit}") is not None or unit == "m2"


@given(st.integers(1, 9999), st.sampled_from(["ml", "kg", "cm", "GB", "毫升", "克", "英寸"]), st.integers(2, 99))
def test_a_written_measure_reads_as_parse_quantity_has_it(number, unit, pieces):
    wanted = [parse_quantity(f"{number} {unit}")]
    assert patterns.measures(f"Tora thing {number} {unit} new") == wanted
    assert patterns.measures(f"商品{number}{unit} 新") == wanted
    assert patterns.pieces(f"Tora thing {pieces} x {number} {unit}") == pieces
    assert patterns.pieces(f"商品 {pieces}件装") == pieces
