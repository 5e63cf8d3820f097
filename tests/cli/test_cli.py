"""The command line: what it prints where, in every format, and the code it leaves with."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_shop

import mmsearch
from mmsearch.encoders import ENCODERS
from mmsearch.errors import EXIT_DONE, EXIT_FAILED, EXIT_REJECTED, EXIT_USAGE
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]
Program = Callable[..., subprocess.CompletedProcess[bytes]]

FORMATS = ("table", "json", "jsonl", "csv", "ids", "trec")


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "queries.tsv"
    path.write_text("q1\tred shoe\nq 2\tblue hat\n", encoding="utf-8")
    return path


# -- formats -------------------------------------------------------------------------------------------------------


def test_one_query_in_every_format(store: str, mm: Mm) -> None:
    expected = [hit.to_json() for hit in Shop(store).search("red shoe", k=3, understand=False)]
    ids = [hit["id"] for hit in expected]
    out = {how: mm("search", "red", "shoe", "-k", 3, "--format", how, "--no-understand") for how in FORMATS}
    assert all(ran.code == EXIT_DONE and not ran.err for ran in out.values())
    assert json.loads(out["json"].out) == expected
    assert [json.loads(line) for line in out["jsonl"].lines] == expected
    assert out["ids"].lines == ids
    assert out["trec"].lines == [f"query Q0 {hit['id']} {hit['rank']} {hit['score']!r} mmsearch" for hit in expected]
    header, *rows = csv.reader(out["csv"].lines)
    assert header == ["rank", "id", "score", "title", "matched"]
    assert [(int(r[0]), r[1], float(r[2]), r[3], json.loads(r[4])) for r in rows] == [tuple(hit.values()) for hit in expected]
    assert all(id in out["table"].out for id in ids)
    assert f"{expected[0]['score']:.4f}" in out["table"].out


def test_many_queries_in_every_format(store: str, mm: Mm, queries: Path) -> None:
    alone = {q: [hit.id for hit in Shop(store).search(text, k=2)] for q, text in (("q1", "red shoe"), ("q 2", "blue hat"))}
    pairs = [(q, id) for q, ids in alone.items() for id in ids]
    out = {how: mm("search", "--queries", queries, "-k", 2, "--format", how) for how in FORMATS}
    assert all(ran.code == EXIT_DONE for ran in out.values())
    assert [(hit["query"], hit["id"]) for hit in json.loads(out["json"].out)] == pairs
    assert list(json.loads(out["jsonl"].lines[0])) == ["query", "rank", "id", "score", "title", "matched", "understood"]
    assert [(hit["query"], hit["id"]) for hit in map(json.loads, out["jsonl"].lines)] == pairs
    assert [tuple(line.split("\t")) for line in out["ids"].lines] == pairs
    assert [(r["query"], r["id"]) for r in csv.DictReader(out["csv"].lines)] == pairs
    fields = [line.split("\t") if "\t" in line else line.split(" ") for line in out["trec"].lines]
    assert [(f[0], f[2]) for f in fields] == pairs
    assert [len(f) for f in fields] == [6] * 4, "an id with a space is kept whole by TABs"
    assert all(id in out["table"].out for _, id in pairs)


@pytest.mark.parametrize("how", FORMATS)
def test_no_hits_are_no_output(store: str, mm: Mm, how: str) -> None:
    ran = mm("search", "red", "--where", "price > 1000", "--format", how)
    assert ran.code == EXIT_DONE
    assert ran.out.strip() == ("[]" if how == "json" else "")
    assert ran.err == "no product matches price > 1000\n"


def test_piped_output_is_json_lines_and_a_terminal_gets_a_table(store: str, mm: Mm, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(mm("search", "red", "-k", 1).out)["rank"] == 1
    assert json.loads(mm("info").out)["products"] == 40
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    shown = mm("search", "red shoe", "-k", 1).out
    assert "red-shoe" in shown
    assert not shown.startswith("{")
    assert not re.search(r"\x1b\[[0-9;]*(3[0-9]|4[0-9]|9[0-9])m", shown), "no colours"


def test_a_table_without_a_terminal_has_no_escapes_and_is_not_cut(store: str, mm: Mm) -> None:
    shown = mm("search", "red shoe", "-k", 5, "--explain", "--format", "table").out
    assert "\x1b" not in shown
    assert "image through fake-fuser" in shown
    assert "…" not in shown


def test_an_explanation_in_json_adds_up(store: str, mm: Mm) -> None:
    for line in mm("search", "red shoe", "--not", "blue", "-k", 20, "--explain").lines:
        hit = json.loads(line)
        assert sum(c["contribution"] for c in hit["explain"]) == pytest.approx(hit["score"], abs=1e-9)
    assert "explain" not in json.loads(mm("search", "red", "-k", 1).out)


def test_the_tag_of_a_run(store: str, mm: Mm) -> None:
    assert mm("search", "red", "-k", 1, "--format", "trec", "--tag", "mine").out.endswith(" mine\n")
    assert mm("search", "red", "-k", 1, "--format", "trec", "--tag", "my run").out.split("\t")[5] == "my run\n"
    for wrong in ("", "a\tb", "a\nb"):
        assert mm("search", "red", "--format", "trec", "--tag", wrong).code == EXIT_USAGE


def test_text_of_any_script_comes_out_as_it_is(own: Shop, mm: Mm, tmp_path: Path) -> None:
    own.ingest(small_shop.write_jsonl(tmp_path / "zh.jsonl", [{"id": "鞋 1", "title": "红色跑步鞋"}]))
    own.embed()
    assert "红色跑步鞋" in mm("search", "红色跑步鞋", "-k", 1).out
    assert mm("search", "红色", "-k", 1, "--format", "ids").out == "鞋 1\n"
    assert mm("search", "红色", "-k", 1, "--format", "trec").out.startswith("query\tQ0\t鞋 1\t1\t")


# -- the other commands --------------------------------------------------------------------------------------------


def test_from_a_file_to_hits(tmp_path: Path, mm: Mm) -> None:
    catalogue, events = small_shop.write_catalogue(tmp_path), small_shop.write_events(tmp_path)
    at = ("--store", tmp_path / "new.lancedb")
    first = json.loads(mm("ingest", catalogue, *at).out)
    assert (first["kind"], first["new"], first["rejected"]) == ("products", 40, 0)
    assert json.loads(mm("ingest", catalogue, *at).out)["unchanged"] == 40
    assert json.loads(mm("ingest", events, *at).out)["kind"] == "interactions"
    embedded = json.loads(mm("embed", "--text", "fake-text", "--image", "fake-image", *at).out)
    assert [m["new"] for m in embedded["modalities"]] == [38, 37]
    fused = mm("fuse", "--method", "fake-fuser", "--name", "mine", *at)
    assert (json.loads(fused.out)["name"], fused.err) == ("mine", "queries are mapped by mine from now on\nfitted on 39 products\n")
    assert "calibration" not in json.loads(fused.out)
    assert mm("search", "red shoe", "-k", 1, "--format", "ids", *at).out == "red-shoe\n"
    assert mm("recommend", "--user", "red-fan0", "-k", 1, "--format", "ids", *at).out == "red-chair\n"
    info = json.loads(mm("info", *at).out)
    assert (info["products"], info["interactions"], list(info["profiles"])) == (40, 138, ["mine"])


@pytest.mark.parametrize("command", [["info"], ["embed"], ["fuse", "--method", "fake-fuser"]])
def test_reports_in_their_formats(own: Shop, mm: Mm, command: list[str]) -> None:
    assert isinstance(json.loads(mm(*command, "--format", "json").out), dict)
    assert len(mm(*command, "--format", "jsonl").lines) == 1
    table = mm(*command, "--format", "table").out
    assert "fake-" in table
    assert "{" not in table
    wrong = mm(*command, "--format", "csv")
    assert (wrong.code, wrong.err) == (EXIT_USAGE, "error: unknown format 'csv'\n  formats: table, json, jsonl\n")


def test_ingest_as_a_table(tmp_path: Path, mm: Mm) -> None:
    shown = mm("ingest", small_shop.write_catalogue(tmp_path), "--format", "table", "--store", tmp_path / "s").out
    assert "products" in shown
    assert "40" in shown


@pytest.mark.parametrize("how", FORMATS)
def test_recommendations_in_every_format(store: str, mm: Mm, how: str) -> None:
    ran = mm("recommend", "--user", "red-fan0", "-k", 1, "--why", "--format", how)
    assert ran.code == EXIT_DONE
    shown = {
        "table": lambda: "red-chair" in ran.out and "taken with red-cup +" in ran.out,
        "json": lambda: json.loads(ran.out)[0]["why"][0]["id"] == "red-cup",
        "jsonl": lambda: json.loads(ran.out)["id"] == "red-chair",
        "csv": lambda: ran.lines[1].startswith("1,red-chair,"),
        "ids": lambda: ran.out == "red-chair\n",
        "trec": lambda: ran.out.startswith("red-fan0 Q0 red-chair 1 ") and ran.out.endswith(" mmsearch\n"),
    }
    assert shown[how]()


def test_notes_go_to_stderr_and_quiet_keeps_them_back(store: str, mm: Mm) -> None:
    ran = mm("recommend", "--user", "nobody", "-k", 2, "--format", "ids")
    assert (len(ran.lines), ran.err) == (2, "nothing is known of a user nobody: showing popular\n")
    for args in (("--quiet", "recommend", "--user", "nobody"), ("recommend", "--user", "nobody", "--quiet")):
        assert mm(*args).err == ""
    assert mm("--quiet", "search", "--not", "x").err.startswith("error: "), "errors still"


# -- global options ------------------------------------------------------------------------------------------------


def test_the_store_is_named_before_or_after_the_command_or_by_the_environment(
    store: str, mm: Mm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_environment = mm("info").out
    monkeypatch.setenv("MMSEARCH_STORE", str(tmp_path / "elsewhere"))
    assert mm("info").code == EXIT_FAILED
    assert mm("--store", store, "info").out == mm("info", "--store", store).out == by_environment
    assert mm("--store", "nowhere", "info", "--store", store).code == EXIT_DONE, "the nearer one wins"
    monkeypatch.delenv("MMSEARCH_STORE")
    monkeypatch.chdir(Path(store).parent)
    assert "there is no store at ./mmsearch.lancedb" in mm("info").err


def test_one_run_leaves_nothing_to_the_next(store: str, mm: Mm) -> None:
    mm("--quiet", "--verbose", "--store", "nowhere", "info")
    ran = mm("search", "red", "--where", "price > 1000")
    assert (ran.code, ran.err) == (EXIT_DONE, "no product matches price > 1000\n")


def test_version_and_help(mm: Mm) -> None:
    assert mm("--version").out == f"mmsearch {mmsearch.__version__}\n"
    for ask in (["--help"], ["-h"], ["search", "--help"], ["search", "-h"], ["eval", "run", "-h"]):
        ran = mm(*ask)
        assert ran.code == EXIT_DONE
        assert ran.out.startswith("Usage: mmsearch")
    for ask in ([], ["eval"]):
        ran = mm(*ask)
        assert ran.code == EXIT_USAGE
        assert ran.err.startswith("Usage: mmsearch")
        assert ran.out == ""


# -- standard input ------------------------------------------------------------------------------------------------


def test_a_dash_reads_standard_input(own: Shop, mm: Mm, queries: Path, tmp_path: Path) -> None:
    assert mm("search", "-", "-k", 1, "--format", "ids", stdin="\ufeffred shoe\n").out == "red-shoe\n"
    by_file = mm("search", "--queries", queries, "-k", 3).out
    assert mm("search", "--queries", "-", "-k", 3, stdin=queries.read_text()).out == by_file
    (tmp_path / "qrels").write_text("query 0 red-shoe 1\n")
    run = mm("search", "red shoe", "--format", "trec").out
    measured = mm("eval", "run", "-", "--qrels", tmp_path / "qrels", "--metric", "RR", stdin=run)
    assert json.loads(measured.out)["measures"] == {"RR": 1.0}
    assert json.loads(mm("ingest", "-", stdin="id,title\nx1,Pink sofa\n").out)["new"] == 1


def test_standard_input_that_is_no_text(store: str, mm: Mm) -> None:
    assert mm("search", "-").err == "error: the query has an empty text part\n"
    ran = mm("search", "-", stdin=b"\xff\xfe")
    assert (ran.code, ran.out) == (EXIT_FAILED, "")
    assert "standard input is not UTF-8" in ran.err


@pytest.mark.parametrize("command", ["search -", "ingest -", "eval run - --qrels {qrels}"])
def test_standard_input_that_is_closed(store: str, mm: Mm, tmp_path: Path, command: str) -> None:
    (tmp_path / "qrels").write_text("query 0 red-shoe 1\n")
    ran = mm(*command.format(qrels=tmp_path / "qrels").split(), stdin=None)
    assert ran.code == EXIT_FAILED
    assert ran.err.startswith("error: standard input is closed\n")


# -- errors --------------------------------------------------------------------------------------------------------

WRONG = [
    (["frobnicate"], "No such command 'frobnicate'"),
    (["search", "--frobnicate"], "No such option"),
    (["search", "red", "-k", "many"], "-k"),
    (["search"], 'the query is empty\n  for example: mmsearch search "red running shoes"'),
    (["search", ""], "the query has an empty text part"),
    (["search", "--not", "leather"], "only negative parts"),
    (["search", "red^0"], "every part of the query has weight 0"),
    (
        ["search", "red^much"],
        "bad weight: after ^ stands a weight, a number of 0 or more\n  red^much\n      ^\n  a literal caret is written \\^",
    ),
    (["search", "red", "-k", "0"], "-k must be at least 1, not 0"),
    (["search", "red", "--where", "nope = 1"], "no product has an attribute 'nope'\n  attributes: id, title"),
    (["search", "red", "--where", "colur = 'red'"], "did you mean colour?"),
    (
        ["search", "red", "--where", "price <"],
        "bad filter: expected a number, a 'text', true or false, but the filter ends here\n  price <\n         ^",
    ),
    (["search", "red", "--where", "价格 = = 3"], "bad filter: unexpected '=' after '='\n  价格 = = 3\n         ^"),
    (["search", "red", "--where", "price < 'cheap'"], "price holds numbers"),
    (["search", "red", "--combine", "nope"], "unknown combiner 'nope'\n  available: borda, calibrated, rrf, wsum"),
    (["search", "red", "--combine", "rrf(k=)"], "bad combiner: expected a value\n  rrf(k=)\n        ^"),
    (["search", "red", "--combine", "rrf(kk=3)"], "combiner rrf has no parameter 'kk'\n  parameters: k"),
    (
        ["search", "red", "--in", "nope"],
        "--in nope: neither a modality nor a fusion profile\n  there are: text, image, audio, video, fake-fuser",
    ),
    (["search", "red", "--format", "xml"], "unknown format 'xml'\n  formats: table, json, jsonl, csv, ids, trec"),
    (["search", "red", "--queries", "q.tsv"], "--queries brings its own parts"),
    (["search", "--like", "red-sho"], "there is no product red-sho; did you mean red-shoe?"),
    (["recommend"], "nobody to recommend for"),
    (["recommend", "--user", "red-fan0", "--method", "itemcf(k=no)"], "itemcf"),
    (["fuse", "--name", "text"], "it is the name of a modality"),
    (["fuse", "--method", "nope"], "unknown fusion method 'nope'"),
    (["embed", "--text", "nope"], "unknown encoder 'nope'"),
    (["embed", "--text", "fake-image"], "encodes image, not text"),
    (["eval", "run", "run.txt"], "Missing option '--qrels'"),
    (["eval", "recommend", "--metric", "nope@3"], "there is no measure 'nope'"),
    (["eval", "recommend", "--split", "nope"], "nope"),
    (["ingest", "x.csv", "--map", "title"], "--map takes field=column"),
]


@pytest.mark.parametrize(("args", "message"), WRONG, ids=[" ".join(a) for a, _ in WRONG])
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(store: str, mm: Mm, args: list[str], message: str) -> None:
    ran = mm(*args)
    assert ran.code == EXIT_USAGE
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert message in ran.err
    assert "Traceback" not in ran.err


FAILS = [
    (["search", "red", "--store", "nowhere"], "there is no store at nowhere\n  make one: mmsearch ingest products.csv"),
    (["search", "red", "--store", "."], ". is not an mmsearch store\n  choose another folder with --store"),
    (["search", "red", "--in", "audio"], "the store has no audio vectors"),
    (["search", "--image", "nowhere.jpg"], "the query image nowhere.jpg cannot be used: missing"),
    (["search", "--image", "letter.txt"], "the query image letter.txt cannot be used"),
    (["search", "--queries", "nowhere.tsv"], "there is no file nowhere.tsv"),
    (["search", "--queries", "empty.csv"], "empty.csv is empty"),
    (["search", "--queries", "letter.txt"], "letter.txt"),
    (["ingest", "nowhere.csv"], "there is no file nowhere.csv"),
    (["ingest", "empty.csv"], "empty.csv is empty"),
    (["ingest", "."], ". holds no photos"),
    (
        ["ingest", "noid.csv", "--store", "new"],
        "noid.csv has neither a product id nor a user and a product column; its columns: words, more\n  name the column",
    ),
    (["eval", "search", "--queries", "nowhere.tsv", "--qrels", "qrels"], "there is no file nowhere.tsv"),
    (["eval", "search", "--queries", "q.tsv", "--qrels", "nowhere"], "there is no file nowhere"),
    (["eval", "search", "--queries", "q.tsv", "--qrels", "qrels", "--run-out", "no/run"], "cannot write the run to no/run: No such file"),
    (["eval", "search", "--queries", "q.tsv", "--qrels", "other"], "no query of the queries file is in the qrels"),
    (["eval", "run", "letter.txt", "--qrels", "qrels"], "letter.txt:1:"),
]


@pytest.mark.parametrize(("args", "message"), FAILS, ids=[" ".join(a) for a, _ in FAILS])
def test_what_fails_exits_with_1_and_says_where(
    store: str, mm: Mm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"letter.txt": "dear sir\n", "empty.csv": "", "noid.csv": "words,more\na,b\n", "q.tsv": "q1\tred\n"}
    for name, content in (files | {"qrels": "q1 0 red-shoe 1\n", "other": "x 0 y 1\n"}).items():
        (tmp_path / name).write_text(content)
    ran = mm(*args)
    assert ran.code == EXIT_FAILED
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert "this is a bug" not in ran.err


def test_a_store_of_a_newer_version(own: Shop, mm: Mm) -> None:
    own.store.record.put("format", {"version": 99, "written_by": "3.0"})
    ran = mm("search", "red")
    assert ran.code == EXIT_FAILED
    assert "was written by mmsearch 3.0 (store format 99)" in ran.err
    assert "pip install --upgrade mmsearch" in ran.err


def test_an_encoder_that_is_not_installed_any_more(own: Shop, mm: Mm) -> None:
    known = own.store.record.get("encoder/text")
    own.store.record.put("encoder/text", known | {"spec": "gone(size=3)"})
    ran = mm("search", "red")
    assert ran.code == EXIT_FAILED
    assert "the store's text vectors were made by the encoder gone(size=3), which cannot be used here" in ran.err
    assert "mmsearch embed --text ENCODER" in ran.err


def test_rows_that_were_rejected_exit_with_3(tmp_path: Path, mm: Mm) -> None:
    (tmp_path / "p.csv").write_text("id,title\na,Red shoe\n,Nameless\n")
    ran = mm("ingest", tmp_path / "p.csv", "--store", tmp_path / "s")
    assert ran.code == EXIT_REJECTED
    report = json.loads(ran.out)
    assert (report["new"], report["rejected"]) == (1, 1)
    assert report["reject_file"] in ran.err
    assert "1 × no id" in ran.err


def test_an_unexpected_error_is_reported_without_a_traceback(store: str, mm: Mm, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(Shop, "info", fail)
    ran = mm("info")
    assert (ran.code, ran.out) == (EXIT_FAILED, "")
    assert ran.err == "error: unexpected RuntimeError: boom\n  this is a bug in mmsearch; --verbose shows where\n"
    for args in (("--verbose", "info"), ("info", "--verbose")):
        told = mm(*args)
        assert told.err.startswith("Traceback")
        assert told.err.endswith(ran.err)


def test_an_interrupted_run(store: str, mm: Mm, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Shop, "info", interrupt)
    ran = mm("info")
    assert (ran.code, ran.err) == (130, "error: interrupted\n")


def test_trouble_of_the_machine_is_no_bug(store: str, mm: Mm, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/shop/store")

    monkeypatch.setattr(Shop, "info", full)
    ran = mm("info")
    assert (ran.code, ran.err) == (EXIT_FAILED, "error: [Errno 28] No space left on device: '/shop/store'\n")


def test_a_missing_package_is_named_with_the_command_that_installs_it(store: str, mm: Mm) -> None:
    def needy() -> None:
        raise ModuleNotFoundError("No module named 'open_clip'", name="open_clip")

    ENCODERS.register("needy", needy)
    try:
        ran = mm("embed", "--image", "needy")
    finally:
        ENCODERS.unregister("needy")
    assert ran.code == EXIT_FAILED
    assert ran.err == "error: encoder needy needs the package 'open_clip', which is not installed\n  pip install open-clip-torch\n"


# -- evaluation ----------------------------------------------------------------------------------------------------


@pytest.fixture
def judged(tmp_path: Path) -> tuple[Path, Path]:
    """A run and qrels whose numbers are known: q1 ranks b (0), a (2), c (1); q2 is not answered; q3 has nothing relevant."""
    run, qrels = tmp_path / "run.txt", tmp_path / "qrels.txt"
    run.write_text("q1 Q0 a 9 2.0 x\nq1 Q0 b 9 3.0 x\nq1 Q0 c 9 1.0 x\nq3 Q0 a 1 1.0 x\nq9 Q0 a 1 1.0 x\n")
    qrels.write_text("q1 0 a 2\nq1 0 b 0\nq1 0 c 1\nq1 0 d 1\nq2 0 a 1\nq3 0 a 0\n")
    return run, qrels


LOG2 = {2: 1.0, 3: 1.584962500721156, 4: 2.0}
NDCG = (2 / LOG2[3] + 1 / LOG2[4]) / (2 / LOG2[2] + 1 / LOG2[3] + 1 / LOG2[4])
AP = (1 / 2 + 2 / 3) / 3


@pytest.mark.parametrize(("options", "over"), [([], 3), (["--drop-empty"], 2)])
def test_eval_run_gives_the_numbers_that_a_hand_gives(mm: Mm, judged: tuple[Path, Path], options: list[str], over: int) -> None:
    wanted = ["nDCG@3", "MAP", "MRR@10", "P@2", "Recall@2", "HR@1"]
    ran = mm("eval", "run", judged[0], "--qrels", judged[1], *(a for m in wanted for a in ("--metric", m)), "--split", "test", *options)
    row = json.loads(ran.out)
    assert {"method", "queries", "measures", "split"} <= set(row)
    assert (row["method"], row["queries"], row["split"]) == (str(judged[0]), over, "test")
    assert list(row["measures"]) == wanted, "printed as typed"
    values = [NDCG, AP, 1 / 2, 1 / 2, 1 / 3, 0]
    assert list(row["measures"].values()) == pytest.approx([v / over for v in values], abs=1e-15)
    assert "1 queries without an answer, 1 without a relevant product" in ran.err


def test_numbers_are_not_rounded_but_in_a_table(mm: Mm, judged: tuple[Path, Path]) -> None:
    args = ("eval", "run", judged[0], "--qrels", judged[1], "--metric", "nDCG@3")
    (as_json,) = json.loads(mm(*args, "--format", "json").out)
    (as_csv,) = csv.DictReader(mm(*args, "--format", "csv").lines)
    assert float(as_csv["nDCG@3"]) == as_json["measures"]["nDCG@3"] == pytest.approx(NDCG / 3, abs=1e-15)
    assert as_json["split"] is None
    shown = mm(*args, "--format", "table").out
    assert f"{NDCG / 3:.4f}" in shown
    assert str(NDCG / 3) not in shown


def test_several_runs_have_a_row_each(mm: Mm, judged: tuple[Path, Path]) -> None:
    rows = [json.loads(line) for line in mm("eval", "run", judged[0], judged[0], "--qrels", judged[1]).lines]
    assert len(rows) == 2
    assert list(rows[0]["measures"]) == ["nDCG@10", "RR@10", "R@10", "judged@10"]


def test_eval_search_measures_what_search_gives(store: str, mm: Mm, queries: Path, tmp_path: Path) -> None:
    qrels, out, given = tmp_path / "qrels.tsv", tmp_path / "run.txt", tmp_path / "given.txt"
    qrels.write_text("q1\t0\tred-cup\t1\nq1\t0\tred-shoe\t2\nq 2\t0\tblue-hat\t1\nq 2\t0\ttwin-b\t1\n")
    metrics = ("--metric", "nDCG@10", "--metric", "AP", "--metric", "judged@5")
    ran = mm("eval", "search", "--queries", queries, "--qrels", qrels, *metrics, "--run-out", out)
    row = json.loads(ran.out)
    assert (row["method"], row["queries"]) == ("search", 2)
    assert 0.5 < row["measures"]["nDCG@10"] < 1
    given.write_text(mm("search", "--queries", queries, "-k", 1000, "--format", "trec").out)
    for run in (out, given):
        assert json.loads(mm("eval", "run", run, "--qrels", qrels, *metrics).out)["measures"] == row["measures"]


def test_ties_of_a_run_are_measured_in_the_order_that_is_shown(store: str, mm: Mm, tmp_path: Path) -> None:
    queries, qrels, run = tmp_path / "q.tsv", tmp_path / "qrels.tsv", tmp_path / "run.txt"
    queries.write_text("q\ttwin kettle\n")
    qrels.write_text("q\t0\ttwin-a\t1\n")
    assert [json.loads(line)["id"] for line in mm("search", "twin kettle", "-k", 2).lines] == ["twin-a", "twin-b"]
    run.write_text(mm("search", "--queries", queries, "--format", "trec").out)
    asked = ("--queries", queries, "--qrels", qrels, "--metric", "RR")
    for row in (mm("eval", "run", run, *asked[2:]), mm("eval", "search", *asked)):
        assert json.loads(row.out)["measures"] == {"RR": 1.0}


def test_the_method_of_an_eval_is_its_options_as_a_spec(store: str, mm: Mm, queries: Path, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("q1 0 red-shoe 1\n")
    base = ("eval", "search", "--queries", queries, "--qrels", tmp_path / "qrels", "--metric", "RR@5")
    row = json.loads(mm(*base, "--in", "text", "--combine", "rrf(k=5)", "--where", "price < 80").out)
    assert row["method"] == 'search(in=text, combine=rrf(k=5), where="price < 80")'
    assert json.loads(mm(*base, "--method", "mine").out)["method"] == "mine"
    nothing = json.loads(mm(*base, "--where", "colour = 'blue'").out)
    assert nothing["measures"]["RR@5"] == 0


def test_eval_recommend_compares_methods(store: str, mm: Mm) -> None:
    ran = mm("eval", "recommend", "--method", "popular", "--method", "content(decay=1)", "--metric", "HR@5", "--metric", "nDCG@5")
    rows = [json.loads(line) for line in ran.lines]
    assert [row["method"] for row in rows] == ["popular", "content(decay=1)"]
    assert all(list(row["measures"]) == ["HR@5", "nDCG@5"] and row["split"] == "leave-last-out(part=test)" for row in rows)
    assert len(mm("eval", "recommend", "--format", "csv").lines) == 4, "all methods there are"


# -- processes of their own ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "queries"), [("jsonl", 40), ("ids", 150), ("table", 40)])
def test_a_reader_that_stops_early_is_no_error(program: Program, tmp_path: Path, how: str, queries: int) -> None:
    """The output is larger than what a pipe holds."""
    (tmp_path / "many.tsv").write_text("".join(f"q{n}\tred shoe {n}\n" for n in range(queries)))
    ran = program(f"mmsearch search --queries {tmp_path}/many.tsv -k 39 --format {how} --no-understand | head -1; exit ${{PIPESTATUS[0]}}")
    assert (ran.returncode, ran.stderr) == (EXIT_DONE, b"")
    assert ran.stdout.count(b"\n") == 1


def test_streams_and_codes_of_a_real_process(program: Program, store: str) -> None:
    ran = program('printf "red shoe" | mmsearch search - -k 1 --no-understand')
    assert (ran.returncode, ran.stderr) == (EXIT_DONE, b"")
    assert json.loads(ran.stdout)["id"] == "red-shoe"
    wrong = program("mmsearch search --not leather")
    assert (wrong.returncode, wrong.stdout) == (EXIT_USAGE, b"")
    assert wrong.stderr.startswith(b"error: ")


def test_what_a_terminal_cannot_show_is_escaped(program: Program) -> None:
    ran = program(r"mmsearch search $'\xff red 鞋' -k 1 --explain --no-understand", PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (EXIT_DONE, b"")
    assert json.loads(ran.stdout)["explain"][0]["part"] == "text: \udcff red 鞋"


def test_queries_without_judgments_are_told(store: str, mm: Mm, queries: Path, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("q1 0 red-shoe 1\n")
    ran = mm("eval", "search", "--queries", queries, "--qrels", tmp_path / "qrels", "--metric", "RR@5")
    assert ran.err == f"1 queries of {queries} have no judgments and are left out\n"
    assert json.loads(ran.out)["queries"] == 1


def test_standard_input_is_read_once(store: str, mm: Mm) -> None:
    for args in (("eval", "search", "--queries", "-", "--qrels", "-"), ("eval", "run", "-", "-", "--qrels", "q")):
        ran = mm(*args)
        assert (ran.code, ran.out) == (EXIT_USAGE, "")
        assert "standard input can be read once only" in ran.err


def test_the_explanations_of_a_batch_name_their_query(store: str, mm: Mm, queries: Path) -> None:
    shown = mm("search", "--queries", queries, "-k", 1, "--explain", "--format", "table").out
    assert "q1: 1. red-shoe Red shoe: " in shown
    assert "q 2: 1. blue-hat Blue hat: " in shown
