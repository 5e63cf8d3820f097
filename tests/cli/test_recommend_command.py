"""`mmsearch recommend` beside one shopper: for products, for everybody, and the models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mmsearch.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_products_for_a_product(store: str, mm: Mm) -> None:
    ran = mm("recommend", "--similar", "twin-a", "-k", 1, "--format", "jsonl", "--why")
    assert json.loads(ran.out)["why"][0]["relation"] == "is similar to"
    assert json.loads(ran.out)["id"] == "twin-b"
    assert mm("recommend", "--goes-with", "red-shoe", "-k", 1, "--sold-out", "--format", "ids").out == "red-lamp\n"
    assert mm("recommend", "--basket", "red-shoe, red-hat", "-k", 1, "--format", "ids").out.startswith("red-")


def test_everybody_into_a_file(store: str, mm: Mm, tmp_path: Path) -> None:
    ran = mm("recommend", "--all-users", "--out", tmp_path / "recs.csv", "-k", 1)
    assert (ran.code, ran.out) == (EXIT_DONE, "")
    assert "rows for 24 users by cold(base=itemcf)" in ran.err
    header, *rows = (tmp_path / "recs.csv").read_text(encoding="utf-8").splitlines()
    assert header == "user,rank,product,score,method"
    assert next(row for row in rows if row.startswith("red-fan0")).startswith("red-fan0,1,red-chair,")


def test_models_are_trained_listed_chosen_and_dropped(own: Shop, mm: Mm) -> None:
    ran = mm("recommend", "train", "--method", "itemcf(directed=true)", "--name", "next")
    assert ran.code == EXIT_DONE
    assert ran.err.splitlines()[-1].startswith("trained next, version 1: itemcf(directed=true) on 138 events of 24 users, 40 products")
    assert "next answers from now on where neither --method nor --model is given\n" in ran.err
    assert "from now on" not in mm("recommend", "train", "--method", "popular", "--no-default").err
    assert "from now on" not in mm("recommend", "train", "--method", "itemcf(directed=true)", "--name", "next").err, "it did before"
    listed = [json.loads(line) for line in mm("recommend", "models").lines]
    assert [(row["model"], row["default"], row["state"]) for row in listed] == [("next", True, "fresh"), ("popular", False, "fresh")]
    assert json.loads(mm("recommend", "--user", "red-fan0", "-k", 1, "--why").out)["why"][0]["relation"] == "taken after"
    assert "nothing has changed" in mm("recommend", "train").err
    assert "trained popular, version 2" in mm("recommend", "train", "--force").err
    value = own.store.record.get("model/next")
    own.store.record.put("model/next", {**value, "spec": "gone"}, own.store.record.blob("model/next"))
    ran = mm("recommend", "train", "--force")
    assert ran.code == EXIT_FAILED and "trained popular, version 3" in ran.err
    assert "not trained: next: unknown recommender 'gone'" in ran.err and "Traceback" not in ran.err
    ran = mm("recommend", "models", "--drop", "next")
    assert ran.err == "next is gone; popular answers by default\n"
    mm("recommend", "models", "--drop", "popular")
    assert mm("recommend", "models").err == "no model is trained: mmsearch recommend train --method itemcf\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--user", "u", "--similar", "red-hat"], "error: --user and --similar ask for different things"),
        (["--like", "a", "--basket", "b", "--goes-with", "red-hat"], "--like/--basket and --goes-with ask for different things"),
        (["--user", ""], "--user names nobody"),
        (["--all-users"], "--all-users and --out go together"),
        (["--user", "u", "--out", "f.csv"], "--all-users and --out go together"),
        (["--similar", "red-hat", "--rerank", "mmr"], "--rerank and --mood are for one shopper"),
        (["--all-users", "--out", "f.csv", "--mood", "joyful"], "--rerank and --mood are for one shopper"),
        (["--user", "red-fan0", "--mood", "jolyful"], "there is no mood 'jolyful'; did you mean joyful"),
        (["--user", "red-fan0", "--mood", "heard"], "listens to a spoken query, and there is none"),
        (["--similar", "red-ha"], "there is no product red-ha; did you mean"),
        (["train", "--name", "x"], "--name goes with --method"),
        (["train"], "there is no model to bring up to date"),
        (["models", "--default", "x"], "there is no model 'x'"),
        (["--basket", ""], "nobody to recommend for"),
        (["--method", "itemcf(k=", "--user", "red-fan0"], "bad recommender"),
    ],
)
def test_wrong_requests(store: str, mm: Mm, args: list[str], message: str) -> None:
    ran = mm("recommend", *args)
    assert (ran.code, ran.out) == (EXIT_USAGE, "")
    assert message in ran.err
