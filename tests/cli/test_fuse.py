"""`mmsearch fuse`: fitting, refitting, and looking after profiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_shop

from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Run = Callable[..., "Ran"]


def test_fitting_again_what_has_not_changed(own: Shop, mm: Run) -> None:
    ran = mm("fuse", "--name", "fake-fuser")
    assert ran.code == 0 and json.loads(ran.out)["version"] == 1
    assert ran.err.splitlines()[0] == "fake-fuser: nothing has changed since version 1 was fitted; --force fits it anew"
    assert json.loads(mm("fuse", "--name", "fake-fuser", "--force").out)["version"] == 2


def test_what_has_changed_is_said(own: Shop, mm: Run) -> None:
    folder = Path(own.store.path).parent
    own.ingest(small_shop.write_jsonl(folder / "more.jsonl", [{"id": "more", "title": "Green kettle"}]))
    own.embed()
    (row,) = [json.loads(line) for line in mm("fuse", "--list").lines]
    assert (row["profile"], row["state"], row["changes"]) == ("fake-fuser", "stale", ["text vectors: 1 new"])
    ran = mm("fuse", "--refit")
    assert json.loads(ran.out)["version"] == 2
    assert ran.err == "fake-fuser: fitted anew, because text vectors: 1 new\n"
    assert json.loads(mm("fuse", "--list", "--format", "json").out)[0]["state"] == "fresh"


def test_list_show_default_and_drop(own: Shop, mm: Run) -> None:
    mm("fuse", "--method", "concat", "--name", "plain", "--keep-default")
    shown = mm("fuse", "--list", "--format", "table").out
    assert "plain" in shown and "concatenated with weights" in shown and "fresh" in shown
    assert "calibration" not in json.loads(mm("fuse", "--name", "plain").out)
    one = json.loads(mm("fuse", "--show", "fake-fuser").out)
    assert one["default"] and one["calibration"]["kinds"]
    table = mm("fuse", "--show", "fake-fuser", "--format", "table").out
    assert "training_hash" in table and "text>image" in table
    ran = mm("fuse", "--default", "plain")
    assert (ran.code, ran.out, ran.err) == (0, "", "queries are mapped by plain from now on\n")
    ran = mm("fuse", "--drop", "plain")
    assert ran.err == "the profile plain is gone\nqueries are mapped by fake-fuser from now on\n"
    ran = mm("fuse", "--drop", "fake-fuser")
    assert ran.err == "the profile fake-fuser is gone\nno profile is left: queries are compared with the same modality alone\n"
    ran = mm("fuse", "--list")
    assert (ran.code, ran.out, ran.err) == (0, "", "there are no fusion profiles; make one: mmsearch fuse\n")


def test_a_taken_name(own: Shop, mm: Run) -> None:
    ran = mm("fuse", "--method", "concat", "--name", "fake-fuser")
    assert ran.code == 2
    assert ran.err == (
        "error: the name fake-fuser is taken: that profile was made by the method fake-fuser, not concat\n"
        "  give this one another name: mmsearch fuse --name OTHER --method 'concat'; or give that one up: --replace\n"
    )
    assert json.loads(mm("fuse", "--method", "concat", "--name", "fake-fuser", "--replace").out)["spec"] == "concat"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--list", "--drop", "x"], "--list and --drop do not go together"),
        (["--drop", "x", "--name", "y"], "--name is for fitting"),
        (["--default", "x", "--method", "concat"], "--method is for fitting"),
        (["--show", "nope"], "there is no fusion profile 'nope'"),
        (["--default", "fake-fusr"], "did you mean fake-fuser?"),
        (["--drop", ""], "there is no fusion profile ''"),
    ],
)
def test_wrong_requests(store: str, mm: Run, options: list[str], message: str) -> None:
    ran = mm("fuse", *options)
    assert ran.code == 2 and message in ran.err and ran.out == ""


# -- tuning ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def judged(own: Shop) -> tuple[Path, Path]:
    """Every photo as a query, all products of its colour relevant."""
    folder = Path(own.store.path).parent
    products = [(c, k) for c in small_shop.COLOURS for k in small_shop.KINDS if (folder / f"photos/{c}-{k}.png").exists()]
    queries, qrels = folder / "photos.csv", folder / "photos.qrels"
    queries.write_text("id,image\n" + "".join(f"{c}-{k},photos/{c}-{k}.png\n" for c, k in products), encoding="utf-8")
    lines = [f"{c}-{k} 0 {c}-{other} 1\n" for c, k in products for other in small_shop.KINDS]
    qrels.write_text("".join(lines), encoding="utf-8")
    return queries, qrels


def test_tuning_reports_on_held_out_queries_and_keeps_the_weights(own: Shop, mm: Run, judged: tuple[Path, Path]) -> None:
    queries, qrels = judged
    ran = mm("fuse", "--tune", qrels, "--queries", queries, "--metric", "P@5", "--metric", "RR", "--accept", "--seed", "3")
    found = json.loads(ran.out)
    assert ran.code == 0 and found["saved"] and found["measure"] == "P@5" and found["split"] == "half at random, seed 3"
    assert (found["train"], found["held_out"]) == (18, 18)
    assert [row["measure"] for row in found["rows"]] == ["P@5", "RR"]
    for row in found["rows"]:
        assert all(row[name]["low"] <= row[name]["mean"] <= row[name]["high"] for name in ("before", "after", "difference"))
    assert ran.err.splitlines()[-1] == "searches that the profile fake-fuser maps use these weights from now on"
    assert json.loads(mm("fuse", "--show", "fake-fuser").out)["weights"] == {k: w for k, w in found["weights"].items() if w != 1}
    assert json.loads(mm("fuse", "--list").lines[0])["version"] == 1
    shown = mm("fuse", "--tune", qrels, "--queries", queries, "--format", "table").out
    assert "held out difference" in shown and "18 queries to choose on, 18 held out (half at random, seed 0)" in shown
    assert "image>text" in shown


def test_tuning_with_a_part_that_is_given(own: Shop, mm: Run, judged: tuple[Path, Path], tmp_path: Path) -> None:
    queries, qrels = judged
    lines = qrels.read_text(encoding="utf-8").splitlines(keepends=True)
    for name, part in (("some", lines[:108]), ("others", lines[108:])):
        (tmp_path / name).write_text("".join(part), encoding="utf-8")
    ran = mm("fuse", "--tune", tmp_path / "some", "--held-out", tmp_path / "others", "--queries", queries)
    found = json.loads(ran.out)
    assert (found["train"], found["held_out"], found["split"]) == (18, 18, "as given")


def test_tuning_another_method_fits_it_first(own: Shop, mm: Run, judged: tuple[Path, Path]) -> None:
    queries, qrels = judged
    ran = mm("fuse", "--tune", qrels, "--queries", queries, "--name", "other", "--method", "fake-fuser(ridge=5)", "--keep-default")
    assert json.loads(ran.out)["profile"] == "other"
    rows = {row["profile"]: row for row in map(json.loads, mm("fuse", "--list").lines)}
    assert rows["other"]["method"] == "fake-fuser(ridge=5)" and rows["fake-fuser"]["default"]


def test_what_tuning_refuses(own: Shop, mm: Run, judged: tuple[Path, Path], tmp_path: Path) -> None:
    queries, qrels = judged
    few = tmp_path / "few.qrels"
    few.write_text("".join(qrels.read_text(encoding="utf-8").splitlines(keepends=True)[:30]), encoding="utf-8")
    for options, error in (
        (
            ["--tune", few, "--queries", queries],
            "error: too few queries to tune by: of those judged 5 have a relevant product, 3 to choose on and 2 held out; "
            "10 of each are needed\n  judge more queries; until then the weights stay as they are\n",
        ),
        (["--tune", qrels], "error: --tune needs the queries that were judged\n  name their file: --queries FILE\n"),
        (
            ["--queries", queries],
            "error: --queries is for --tune\n  for example: mmsearch fuse --tune judged.qrels --queries queries.tsv\n",
        ),
        (
            ["--tune", qrels, "--queries", queries, "--list"],
            "error: --tune is for fitting, and --list fits nothing by name\n  one at a time\n",
        ),
        (["--tune", "nope.qrels", "--queries", queries], "error: there is no file nope.qrels\n"),
        (["--tune", qrels, "--queries", queries, "--name", "other", "--method", "concat", "--keep-default"], "there is nothing to weigh"),
    ):
        ran = mm("fuse", *options)
        assert ran.code in (1, 2) and error in ran.err and ran.out == "", options


def test_a_label_is_what_mm_model_foretells(own: Shop, mm: Run) -> None:
    ran = mm("fuse", "--label", "nothing-like-it", "--name", "liked")
    assert ran.code in (1, 2) and "nothing-like-it" in ran.err and ran.out == ""
    for options, error in (
        (
            ["--method", "concat"],
            "error: --label is for mm-model, not concat\n  for example: mmsearch fuse --method mm-model --label liked\n",
        ),
        (["--method", "mm-model(label=x)"], "error: the method mm-model(label=x) names a label already\n  leave --label out\n"),
    ):
        ran = mm("fuse", "--label", "liked", *options)
        assert ran.code == 2 and error in ran.err, options
