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
