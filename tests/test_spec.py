"""The spec grammar, the registry and the binding of values to parameters."""

from __future__ import annotations

import string
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.errors import MissingPackage, ParseError, UsageError
from mmsearch.spec import Range, Registry, Spec, Value, bind, parse, parse_chain

# -- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("usem", Spec("usem")),
        ("  usem  ", Spec("usem")),
        ("usem()", Spec("usem")),
        ("mm-model_2", Spec("mm-model_2")),
        ("rrf(60)", Spec("rrf", (60,))),
        ("rrf( k = 60 )", Spec("rrf", (), (("k", 60),))),
        ("a(1, -2, +3, .5, 1., 2e3, 1e-3)", Spec("a", (1, -2, 3, 0.5, 1.0, 2000.0, 0.001))),
        ("a(true, false, True, none)", Spec("a", (True, False, "True", "none"))),
        ("a(30d, ViT-B/32, 跑步鞋, don't, v1.2.3)", Spec("a", ("30d", "ViT-B/32", "跑步鞋", "don't", "v1.2.3"))),
        (r'a("two words, (more) | \"quoted\" \\ end", "")', Spec("a", ('two words, (more) | "quoted" \\ end', ""))),
        ('a("true", "5", "1..2")', Spec("a", ("true", "5", "1..2"))),
        ("a([], [1, x, [2]], [[ ]])", Spec("a", ((), (1, "x", (2,)), ((),)))),
        ("a(b(1), c=d(e=f))", Spec("a", (Spec("b", (1,)),), (("c", Spec("d", (), (("e", "f"),))),))),
        ("a(b())", Spec("a", (Spec("b"),))),
        ("a(b)", Spec("a", ("b",))),
        ("boost(recency(half_life=30d)=.1)", Spec("boost", (), ((Spec("recency", (), (("half_life", "30d"),)), 0.1),))),
        ("a(x=\t1\n,\u3000y=2)", Spec("a", (), (("x", 1), ("y", 2)))),
        ("a(007)", Spec("a", (7,))),
    ],
)
def test_parse(text: str, expected: Spec) -> None:
    parsed = parse(text)
    assert parsed == expected
    assert parse(str(parsed)) == expected


def test_types_of_numbers_are_kept() -> None:
    whole, decimal, flag = parse("a(1, 1.0, true)").args
    assert (type(whole), type(decimal), type(flag)) == (int, float, bool)
    assert str(parse("a(1, 1.0, true)")) == "a(1, 1.0, true)"


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("a( 1,b = 2 )", "a(1, b=2)"),
        ("a()", "a"),
        ('a("plain")', "a(plain)"),
        ('a("two words")', 'a("two words")'),
        ("a(.5)", "a(0.5)"),
        ("a(b())", "a(b())"),
        ('a("x y"=1, "true"=2, "3"=4)', 'a("x y"=1, "true"=2, "3"=4)'),
        ("a(1e300)", "a(1e+300)"),
    ],
)
def test_the_printed_form_is_canonical(typed: str, canonical: str) -> None:
    assert str(parse(typed)) == canonical
    assert parse(canonical) == parse(typed)


def test_a_range_is_for_tuning_only() -> None:
    with pytest.raises(ParseError, match=r"a range a\.\.b is for tuning only"):
        parse("mmr(0..1)")
    tuned = parse("mmr(0..1, w=.1...9, s=-1.5..2e3)", allow_ranges=True)
    assert tuned.args == (Range(0, 1),)
    assert tuned.params == (("w", Range(0.1, 0.9)), ("s", Range(-1.5, 2000.0)))
    assert str(tuned) == "mmr(0..1, w=0.1..0.9, s=-1.5..2000)"
    assert parse(str(tuned), allow_ranges=True) == tuned


def test_every_range_is_found_wherever_it_stands() -> None:
    tuned = parse("a(1..2, x=b(3..4), y=[5..6, c(7..8)], d(z=9..10)=11..12)", allow_ranges=True)
    assert [(r.low, r.high) for r in tuned.ranges()] == [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12)]


def test_chains() -> None:
    assert parse_chain("mmr(.5) | collapse(by=variant)|  pin([a, b]) ") == [
        Spec("mmr", (0.5,)),
        Spec("collapse", (), (("by", "variant"),)),
        Spec("pin", (("a", "b"),)),
    ]
    assert parse_chain('a("x | y")') == [Spec("a", ("x | y",))]
    assert parse_chain("a(1..2) | b", allow_ranges=True) == [Spec("a", (Range(1, 2),)), Spec("b")]


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pointed_at", "reason"),
    [
        ("", "", "expected a name"),
        ("   ", "", "expected a name"),
        ("5", "5", "expected a name"),
        ("Usem", "Usem", "expected a name"),
        ("usem x", "x", "unexpected text after the end"),
        ("a | b", "| b", "unexpected text after the end"),
        ("a(1)b", "b", "unexpected text after the end"),
        ("a(1", "(1", "'(' is never closed"),
        ("a(b(1)", "(b(1)", "'(' is never closed"),
        ("a(", "", "unexpected end: expected a value"),
        ("a(,1)", ",1)", "expected a value"),
        ("a(1,)", ")", "expected a value"),
        ("a(1 2)", "2)", "expected ',' or the closing bracket"),
        ("a([1, 2)", ")", "expected ',' or the closing bracket"),
        ("a([1, 2", "[1, 2", "'[' is never closed"),
        ('a("open)', '"open)', 'the quoted text has no closing "'),
        ('a("open\\', '"open\\', 'the quoted text has no closing "'),
        ("a(x=1, x=2)", "x=2)", "parameter x is given twice"),
        ("a(x=1,   2)", "2)", "a positional value cannot follow a named one"),
        ("a(1=2)", "1=2)", "expected a parameter name before '='"),
        ("a(=2)", "=2)", "expected a value"),
        ("a(x=)", ")", "expected a value"),
        ("a(Big(1))", "Big(1))", "'Big' is not a spec name"),
        ("a(x=1..2)", "1..2)", "a range a..b is for tuning only"),
        ("a(1e999)", "1e999)", "the number is too large"),
        ("a(x=-1e999)", "-1e999)", "the number is too large"),
        ("a(" + "9" * 5000 + ")", "9" * 5000 + ")", "a number of 5000 characters"),
    ],
)
def test_errors_point_at_the_place(text: str, pointed_at: str, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text, what="encoder")
    assert text[caught.value.position :] == pointed_at
    assert reason in caught.value.reason
    assert caught.value.message.startswith("bad encoder: ")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("text", "reason"), [("a(2..1)", "low end is above"), ("a(1e999..2)", "too large"), ("a(1..1e999)", "too large")])
def test_bad_ranges(text: str, reason: str) -> None:
    with pytest.raises(ParseError, match=reason) as caught:
        parse(text, allow_ranges=True)
    assert caught.value.position == 2


@pytest.mark.parametrize(("text", "position"), [("a |", 3), ("| a", 0), ("a || b", 3), ("a b", 2)])
def test_bad_chains(text: str, position: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse_chain(text, what="reranker")
    assert caught.value.position == position


@pytest.mark.parametrize("text", ["a(" * 5000, "a(" + "[" * 5000, "a(b=" * 5000, "(" * 5000, "a(" * 100 + ")" * 100])
def test_deep_nesting_is_an_error_not_a_crash(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


# -- properties ------------------------------------------------------------------------------------------------------

_names = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True)
_texts = st.one_of(
    st.text(max_size=8), st.text(string.printable, max_size=8), st.sampled_from(["true", "1..2", "5", "-.5", "a b", '"', "\\"])
)
_floats = st.floats(allow_nan=False, allow_infinity=False)
_ranges = st.tuples(_floats, _floats).map(lambda pair: Range(min(pair), max(pair)))


def _specs(ranges: bool) -> st.SearchStrategy[Spec]:
    leaf: st.SearchStrategy[Value] = st.one_of(st.booleans(), st.integers(-(10**20), 10**20), _floats, _texts)
    leaf = st.one_of(leaf, _ranges) if ranges else leaf

    def nested(value: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
        return st.one_of(st.lists(value, max_size=3).map(tuple), _spec(value))

    return _spec(st.recursive(leaf, nested, max_leaves=6))


def _spec(value: st.SearchStrategy[Value]) -> st.SearchStrategy[Spec]:
    keys = st.one_of(_texts, _names, st.builds(Spec, _names, st.lists(_texts, max_size=2).map(tuple)))
    named = st.lists(st.tuples(keys, value), max_size=3, unique_by=lambda pair: pair[0]).map(tuple)
    return st.builds(Spec, _names, st.lists(value, max_size=3).map(tuple), named)


def _same(a: Any, b: Any) -> bool:
    """Equal with types: to Python, 1 == 1.0 == True."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, Spec) and isinstance(b, Spec):
        return a.name == b.name and _same(a.args, b.args) and _same(a.params, b.params)
    return type(a) is type(b) and a == b


@settings(derandomize=True)
@given(_specs(ranges=False))
def test_a_printed_spec_parses_back(spec: Spec) -> None:
    assert _same(parse(str(spec)), spec)


@settings(derandomize=True)
@given(_specs(ranges=True), _specs(ranges=True))
def test_a_printed_chain_with_ranges_parses_back(first: Spec, second: Spec) -> None:
    assert _same(tuple(parse_chain(f"{first} | {second}", allow_ranges=True)), (first, second))


@settings(max_examples=300, derandomize=True)
@given(st.one_of(st.text(), st.text(alphabet='ab1.-+e"\\()[]=,|~ ', max_size=30)))
def test_any_text_parses_or_is_a_parse_error(text: str) -> None:
    for read in (parse, parse_chain):
        try:
            read(text)
        except ParseError as error:
            assert 0 <= error.position <= len(text)


# -- registry --------------------------------------------------------------------------------------------------------


class Plain:
    def __init__(self, k: int = 5, share: float = 0.5, name: str = "x", deep: bool = False):
        if k < 1:
            raise ValueError("k must be at least 1")
        self.k, self.share, self.name, self.deep = k, share, name, deep


@pytest.fixture
def registry() -> Registry:
    registry = Registry("gadget", "mmsearch.test_gadgets")
    registry.register("plain", Plain)
    registry.register("other-one", dict)
    return registry


def test_names_are_sorted_and_can_be_taken_back(registry: Registry) -> None:
    assert registry.names() == ["other-one", "plain"]
    registry.unregister("plain")
    registry.unregister("never-there")
    assert registry.names() == ["other-one"]


def test_a_name_that_no_spec_can_write_is_refused(registry: Registry) -> None:
    with pytest.raises(UsageError, match="'Plain' cannot name a gadget"):
        registry.register("Plain", Plain)


def test_conftest_registers_the_fakes() -> None:
    from mmsearch.encoders import ENCODERS

    assert {"fake-text", "fake-image", "usem", "efficientnet"} <= set(ENCODERS.names())
    assert ENCODERS.create("fake-text").modality == "text"


def test_create_binds_by_position_and_by_name(registry: Registry) -> None:
    made = registry.create("plain(3, .25, name=007, deep=true)")
    assert (made.k, made.share, made.name, made.deep) == (3, 0.25, "7", True)
    assert registry.create(Spec("plain", (), (("share", 1),))).share == 1.0
    assert type(registry.create("plain(share=1)").share) is float


def test_an_unknown_name_lists_those_there_are(registry: Registry) -> None:
    with pytest.raises(UsageError) as caught:
        registry.create("plian")
    assert caught.value.message == "unknown gadget 'plian'; did you mean plain?"
    assert caught.value.hint == "available: other-one, plain"


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("plain(kk=3)", "gadget plain has no parameter 'kk'", "parameters: k, share, name, deep"),
        ("plain(shar=3)", "gadget plain has no parameter 'shar'; did you mean share?", "parameters: k, share, name, deep"),
        ("plain(k(1)=3)", "gadget plain has no parameter 'k(1)'", "parameters: k, share, name, deep"),
        ("plain(k=x)", "gadget plain: k must be a whole number, not x", None),
        ("plain(k=1.5)", "gadget plain: k must be a whole number, not 1.5", None),
        ("plain(k=true)", "gadget plain: k must be a whole number, not true", None),
        ("plain(share=[1])", "gadget plain: share must be a number, not [1]", None),
        ("plain(share=true)", "gadget plain: share must be a number, not true", None),
        ("plain(deep=1)", "gadget plain: deep must be true or false, not 1", None),
        ("plain(name=[a])", "gadget plain: name must be a word or quoted text, not [a]", None),
        ("plain(1, k=2)", "gadget plain: parameter k is given twice", None),
        ("plain(1, 2, a, true, 5)", "gadget plain: too many values without a name; it takes at most 4: k, share, name, deep", None),
        ("plain(k=0)", "gadget plain(k=0): k must be at least 1", None),
    ],
)
def test_wrong_parameters(registry: Registry, spec: str, message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        registry.create(spec)
    assert caught.value.message == message
    assert caught.value.hint == hint


def test_a_factory_without_parameters(registry: Registry) -> None:
    def nothing() -> int:
        return 1

    registry.register("nothing", nothing)
    assert registry.create("nothing") == 1
    with pytest.raises(UsageError, match="it takes none"):
        registry.create("nothing(1)")
    with pytest.raises(UsageError) as caught:
        registry.create("nothing(k=1)")
    assert caught.value.hint == "it has no parameters"


def test_a_needed_parameter(registry: Registry) -> None:
    def needs(path: str, k: int = 1) -> str:
        return path

    registry.register("needs", needs)
    assert registry.create("needs(a/b.bin)") == "a/b.bin"
    with pytest.raises(UsageError, match=r"gadget needs needs path, as in 'needs\(path=…\)'"):
        registry.create("needs(k=2)")


def test_context_is_not_the_users_to_say(registry: Registry) -> None:
    def free(store: str, **weights: float) -> tuple[str, dict[str, float]]:
        return store, weights

    registry.register("free", free)
    assert registry.create("free(text=1, image=.5)", store="S") == ("S", {"text": 1.0, "image": 0.5})
    with pytest.raises(UsageError, match="no parameter 'store'"):
        registry.create("free(store=1)", store="S")


def _annotated(annotation: Any) -> Callable[..., Any]:
    def factory(value: Any) -> Any:
        return value

    factory.__annotations__["value"] = annotation
    return factory


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (int | None, "5", 5),
        (Optional[int], "5", 5),  # noqa: UP045 - another package may still write it so
        (float | None, "5", 5.0),
        (str | bool, "true", True),
        (str, "1e3", "1000"),
        (str, "b(c=1)", "b(c=1)"),
        (Spec, "b(1)", Spec("b", (1,))),
        (Spec, "b", Spec("b")),
        (list, "[1, a]", [1, "a"]),
        (list[float], "[1, .5]", [1.0, 0.5]),
        (tuple[str, ...], "[a, 5]", ("a", "5")),
        (Any, "[1]", (1,)),
    ],
)
def test_values_become_what_the_annotation_asks(annotation: Any, text: str, expected: Any) -> None:
    bound = bind(_annotated(annotation), parse(f"f({text})"), "gadget")["value"]
    assert bound == expected
    assert type(bound) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "text", "message"),
    [
        (int | None, "x", "gadget f: value must be a whole number, not x"),
        (float | str, "true", "gadget f: value must be a number or a word or quoted text, not true"),
        (list[float], "[1, a]", "gadget f: value, each of the list, must be a number, not a"),
        (list[float], "1", "gadget f: value must be a [list], not 1"),
        (Spec, "5", "gadget f: value must be a spec, not 5"),
        (bytes, "5", "gadget f: value must be <class 'bytes'>, not 5"),
    ],
)
def test_values_of_the_wrong_type(annotation: Any, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        bind(_annotated(annotation), parse(f"f({text})"), "gadget")
    assert caught.value.message == message


# -- other packages --------------------------------------------------------------------------------------------------


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution of another package, installed the way pip lays one down."""
    (tmp_path / "acme_gadgets.py").write_text("class Wheel:\n    def __init__(self, teeth: int = 8):\n        self.teeth = teeth\n")
    (tmp_path / "acme_needy.py").write_text("import acme_not_installed\n")
    (tmp_path / "acme_late.py").write_text("def make():\n    import PIL_not_installed.Image\n")
    (tmp_path / "acme_broken.py").write_text("from os import no_such_thing\n")
    info = tmp_path / "acme_gadgets-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-gadgets\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mmsearch.test_gadgets]\n"
        "wheel = acme_gadgets:Wheel\n"
        "needy = acme_needy:Thing\n"
        "late = acme_late:make\n"
        "gone = acme_gadgets:Gone\n"
        "broken = acme_broken:Thing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [n for n in sys.modules if n.startswith("acme_")]:
        del sys.modules[name]


@pytest.mark.usefixtures("plugin")
def test_another_package_brings_its_own() -> None:
    registry = Registry("gadget", "mmsearch.test_gadgets")
    assert registry.names() == ["broken", "gone", "late", "needy", "wheel"]
    assert registry.create("wheel(12)").teeth == 12
    with pytest.raises(UsageError, match="unknown gadget 'whee'; did you mean wheel"):
        registry.create("whee")


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("name", "module", "command"),
    [("needy", "acme_not_installed", "pip install acme-not-installed"), ("late", "PIL_not_installed", "pip install PIL-not-installed")],
)
def test_a_missing_package_names_the_exact_command(name: str, module: str, command: str) -> None:
    with pytest.raises(MissingPackage) as caught:
        Registry("gadget", "mmsearch.test_gadgets").create(name)
    assert caught.value.message == f"gadget {name} needs the package '{module}', which is not installed"
    assert caught.value.hint == command


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("name", ["gone", "broken"])
def test_a_broken_package_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=rf"gadget {name} \(acme_.*cannot be loaded: .*(Gone|no_such_thing)"):
        Registry("gadget", "mmsearch.test_gadgets").create(name)


def test_the_process_comes_before_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    from mmsearch.encoders import ENCODERS

    monkeypatch.setitem(ENCODERS._local, "usem", Plain)
    assert ENCODERS.factory("usem") is Plain


def test_our_own_distribution_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package cannot quietly replace a built-in one, and start-up reads one file instead of every package's."""
    import importlib.metadata

    from mmsearch.encoders import ENCODERS

    def refuse(**_: Any) -> Any:
        raise AssertionError("all installed packages were searched")

    monkeypatch.setattr(importlib.metadata, "entry_points", refuse)
    assert isinstance(ENCODERS.factory("usem"), type | types.FunctionType)
