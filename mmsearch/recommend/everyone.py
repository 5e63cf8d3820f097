"""Recommendations for every shopper into a file: in parts, so that who is interrupted goes on where it stopped."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.catalog.behaviour import event_weights
from mmsearch.errors import InputError, UsageError
from mmsearch.recommend.base import History, top
from mmsearch.recommend.candidates import Policy, allowed, for_history
from mmsearch.recommend.evidence import read_evidence
from mmsearch.recommend.interactions import histories
from mmsearch.recommend.made_of import files_of
from mmsearch.recommend.segments import Attributes, Segments, read_attributes
from mmsearch.recommend.serve import FALLBACK, ready, summed
from mmsearch.recommend.trained import Fitted
from mmsearch.recommend.untaken import UNTAKEN, untaken
from mmsearch.store import USERS, Store

FORMATS = (".parquet", ".csv", ".jsonl")
_SCHEMA = pa.schema(
    [("user", pa.string()), ("rank", pa.int32()), ("product", pa.string()), ("score", pa.float64()), ("method", pa.string())]
)
_AT_ONCE = 2_048  # users a part


@dataclass(frozen=True)
class Everyone:
    """What was written: for how many users, of how many of them nothing is known, how many rows."""

    path: Path
    users: int
    strangers: int
    rows: int
    method: str
    resumed: int  # users whose part was there already
    untaken: int  # rows of products that nobody took yet
    nothing: int  # users for whom nothing is left to show
    notes: list[str]


def recommend_everyone(
    store: Store,
    out: str | Path,
    policy: Policy | None = None,
    *,
    method: str | None = None,
    model: str | None = None,
    k: int = 10,
    told: Callable[[int, int], None] | None = None,
) -> Everyone:
    """The k best products of every user with events, reviews or a row among the users, into a file with one row a product.

    Finished parts lie in a folder beside the file until all are there; the same command goes on with them if nothing has changed in
    between. The file comes at once and whole. A user with too little evidence gets what is popular in the places that are left,
    then what nobody took yet.

    Parameters
    ----------
    out : a file that ends in .parquet, .csv or .jsonl; an earlier one is replaced.
    told : hears how many users of how many are done.

    Raises
    ------
    UsageError : an ending or an option that is not one. InputError : the file cannot be written, nothing to learn from.
    """
    policy = policy or Policy()
    path = Path(out)
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"--out {path}: the name must end in {', '.join(FORMATS)}")
    if policy.explore:
        raise UsageError("--explore does not go with --all-users", hint="a file is made once, and a lot must be drawn at each visit")
    if k < 1:
        raise UsageError(f"-k must be at least 1, not {k}")
    fitted = ready(store, method, model)
    evidence = read_evidence(store, fitted.product_ids, scale=fitted.scale)
    mask, notes = allowed(store, fitted.product_ids, policy)
    known = dict(zip(evidence.interactions.user_ids, histories(evidence.interactions), strict=True))
    if store.has(USERS):
        nothing = History(np.empty(0, np.int64), np.empty(0), np.empty(0))
        known |= {id: nothing for id in store.read(USERS, ["id"]).column("id").to_pylist() if id not in known}
    users = sorted(known)
    if not users:
        raise InputError("there is nobody to recommend for", hint="bring events or users: mmsearch ingest events.csv")
    attributes, segments = read_attributes(store), Segments()
    segments.fit(evidence.interactions, attributes)
    strangers = {user: attributes.get(user, {}) for user in users if not len(known[user].products)}
    free = untaken(evidence.interactions)
    made = _Made(fitted, mask, policy.already, segments, strangers, free, k)
    plan = {"method": fitted.spec, "k": k, "policy": dataclasses.asdict(policy), "users": len(users), "model": model}
    plan["inputs"] = files_of(store, fitted.recommender) | {USERS: store.identity(USERS)}
    plan["weights"] = dict(event_weights())
    starts = range(0, len(users), _AT_ONCE)
    try:
        folder, there = _parts_folder(path, plan)
        missing = [start for start in starts if start not in there]
        done = len(users) - sum(len(users[start : start + _AT_ONCE]) for start in missing)
        resumed = done
        with ThreadPoolExecutor(settings.threads()) as pool:
            jobs = [pool.submit(_write_part, folder, start, made, users[start : start + _AT_ONCE], known) for start in missing]
            try:
                for start, job in zip(missing, jobs, strict=True):
                    job.result()
                    done += len(users[start : start + _AT_ONCE])
                    if told is not None:
                        told(done, len(users))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        rows = _join(folder, starts, path)
        untaken_rows, served = _counted(folder, starts)
        shutil.rmtree(folder)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}", hint="choose another file with --out") from error
    told_once = list(dict.fromkeys([*fitted.notes, *notes, *evidence.notes]))
    return Everyone(path, len(users), len(strangers), rows, fitted.spec, resumed, untaken_rows, len(users) - served, told_once)


@dataclass(frozen=True)
class _Made:
    """How lists are made."""

    fitted: Fitted
    mask: NDArray[np.bool_]  # (n,)
    already: str
    segments: Segments
    strangers: Mapping[str, Attributes]  # of whom nothing else is known
    untaken: NDArray[np.int64]  # products that nobody took, in the order in which they take places
    k: int

    def lists(self, users: list[str], histories: list[History]) -> Iterator[list[tuple[str, float, str]]]:
        """(product, score, method) of each user, best first."""
        everybody = summed(self.segments.score({}))
        may = [for_history(self.mask, history.products, self.already) for history in histories]
        recommender, ids = self.fitted.recommender, self.fitted.product_ids
        banned = [np.flatnonzero(~one) for one in may]
        found = recommender.recommend(histories, self.k, banned)
        for user, best, mine in zip(users, found, may, strict=True):
            rows = [(ids[i], score, self.fitted.spec) for i, score in zip(best.products.tolist(), best.scores.tolist(), strict=True)]
            if recommender.personal and len(rows) < self.k:
                free = mine.copy()
                free[best.products] = False
                takes = summed(self.segments.score(self.strangers[user])) if user in self.strangers else everybody
                rest = top(np.where(free, takes, 0.0), self.k - len(rows))
                scale = (float(best.scores.min()) / 2 if len(rows) else 1.0) / float(rest.scores[0]) if len(rest.scores) else 0.0
                rows += [(ids[i], score * scale, FALLBACK) for i, score in zip(rest.products.tolist(), rest.scores.tolist(), strict=True)]
            if len(rows) < self.k:
                new = self.untaken[mine[self.untaken]]
                if rows:
                    new = new[~np.isin(new, best.products)]
                rows += [(ids[i], 0.0, UNTAKEN) for i in new[: self.k - len(rows)].tolist()]
            yield rows


def _write_part(folder: Path, start: int, made: _Made, users: list[str], known: dict[str, History]) -> None:
    import pyarrow.parquet as pq

    columns: tuple[list[Any], ...] = ([], [], [], [], [])
    for user, rows in zip(users, made.lists(users, [known[user] for user in users]), strict=True):
        for rank, (product, score, method) in enumerate(rows, 1):
            for column, value in zip(columns, (user, rank, product, score, method), strict=True):
                column.append(value)
    draft = folder / f".{start}.part"
    pq.write_table(pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA), draft)
    draft.replace(folder / f"{start}.parquet")


def _parts_folder(path: Path, plan: dict[str, Any]) -> tuple[Path, set[int]]:
    """The folder of the parts, and the first users of those that are there from a run with just this plan."""
    folder = path.with_name(f".{path.name}.parts")
    wanted = hashlib.blake2b(json.dumps(plan, sort_keys=True).encode(), digest_size=16).hexdigest()
    note = folder / "plan"
    if folder.is_dir() and note.is_file() and note.read_text(encoding="utf-8") == wanted:
        return folder, {int(part.stem) for part in folder.glob("*.parquet")}
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    note.write_text(wanted, encoding="utf-8")
    return folder, set()


def _counted(folder: Path, starts: range) -> tuple[int, int]:
    """Of the rows of all parts, how many are of products that nobody took; and how many users have any."""
    import pyarrow.parquet as pq

    untaken_rows = served = 0
    for start in starts:
        part = pq.read_table(folder / f"{start}.parquet", columns=["rank", "method"])
        untaken_rows += pc.sum(pc.equal(part.column("method"), UNTAKEN)).as_py() or 0
        served += pc.sum(pc.equal(part.column("rank"), 1)).as_py() or 0
    return untaken_rows, served


def _join(folder: Path, starts: range, path: Path) -> int:
    """Write the file of the parts, at once and whole; how many rows it has."""
    import pyarrow.parquet as pq

    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    parts = (pq.read_table(folder / f"{start}.parquet") for start in starts)
    rows = 0
    try:
        if path.suffix.lower() == ".parquet":
            with pq.ParquetWriter(draft, _SCHEMA) as writer:
                for part in parts:
                    writer.write_table(part)
                    rows += part.num_rows
        else:
            with draft.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                table = csv.writer(file, lineterminator="\n") if path.suffix.lower() == ".csv" else None
                if table is not None:
                    table.writerow(_SCHEMA.names)
                for part in parts:
                    rows += part.num_rows
                    if table is not None:
                        table.writerows(zip(*(column.to_pylist() for column in part.columns), strict=True))
                    else:
                        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in part.to_pylist())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return rows
