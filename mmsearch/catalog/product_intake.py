"""Rows of a catalogue → the store's products: only those that changed are looked at, and only those that differ are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mmsearch import settings
from mmsearch.catalog import feed as feeds
from mmsearch.catalog.dedupe import Dedupe
from mmsearch.catalog.feed import Digested, Feed
from mmsearch.catalog.intake import Counts, Intake, Taken, Work
from mmsearch.catalog.making import Made, Maker, MakerBeside, Meaning
from mmsearch.catalog.media_check import Fetch
from mmsearch.catalog.problems import BadRow
from mmsearch.catalog.product_table import ProductTable
from mmsearch.catalog.readers import Row
from mmsearch.catalog.records import Product, record_id
from mmsearch.catalog.report import IngestReport, Rejects
from mmsearch.store import Store

_EXAMPLES = 5


@dataclass
class _Batch:
    """Rows that are cleaned and written together."""

    meaning: Meaning
    characters: int = 0
    rows: list[tuple[Row, bytes, str, bool]] = field(default_factory=list)  # row, digest, id, whether the store has it
    refused: list[tuple[Row, BadRow]] = field(default_factory=list)
    kept: list[tuple[Row, Product]] = field(default_factory=list)  # with problems

    def __len__(self) -> int:
        return len(self.rows) + len(self.refused)


class ProductIntake(Intake):
    """Products, upserted by id.

    A row whose digest the store knows is passed over without cleaning it. A row with problems has no digest, so that it is looked
    at, and its problems are told, every time. Full batches are cleaned by a process of their own where there is a core for it.
    """

    def __init__(
        self,
        store: Store,
        feed: Feed,
        report: IngestReport,
        rejects: Rejects,
        *,
        dedupe: Dedupe | None = None,
        fetch: Fetch | None = None,
    ):
        super().__init__(store, feed, report, rejects)
        self._dedupe = dedupe
        self.table = ProductTable(store)
        self._maker = Maker(self._meaning(), allow_outside=feed.allow_outside, fetch=fetch)
        self._beside: MakerBeside | None = None
        self._alone = fetch is not None or settings.threads() == 1
        # id → the digest of its row, if the store has it and the file did not yet; else the line that it stands on.
        self._ids: dict[str, bytes | int] = dict(self.table.known())
        self._total = len(self._ids)
        self._batch = _Batch(self._meaning())
        self._done: list[tuple[_Batch, Made]] = []
        self._new = False

    def take(self, chunk: Sequence[Digested]) -> Taken:
        """See `Intake.take`."""
        unchanged = 0
        column = self.feed.mapping["id"][0]
        # Rows of a batch are of one meaning of the columns, which a JSON row may change.
        work = self.rest() if len(self._batch) and self._batch.meaning != self._meaning() else None
        self._batch.meaning = self._meaning()
        self._batch.characters += self.feed.characters
        ids, passes = self._ids, None if self._dedupe is None else self._dedupe.passes
        for row, digest in chunk:
            try:
                if row[2] is not None:
                    raise BadRow(*row[2])
                id = record_id(row[1].get(column), "id", column)
                known = ids.get(id)
                if type(known) is int:
                    raise BadRow("duplicate id", f"{id}, given on line {known} already")
            except BadRow as error:
                self.lost += error.problem.kind != "duplicate id"
                self._batch.refused.append((row, error))
                continue
            ids[id] = row[0]
            if known == digest and (passes is None or passes(id)):
                unchanged += 1
                continue
            self._batch.rows.append((row, digest, id, known is not None))
        self.report.rows += len(chunk)
        # A write costs the same for few rows as for many where the store has to look for them: those of several chunks go together.
        full = len(self._batch) >= feeds.CHUNK_ROWS or self._batch.characters > feeds.CHUNK_CHARACTERS
        return Counts(unchanged=unchanged), work if work or not full else self._full()

    def _full(self) -> Work | None:
        if self._beside is None and not self._alone and 2 * len(self._batch.rows) >= feeds.CHUNK_ROWS:  # others are refused already
            self._beside = MakerBeside(self._meaning(), allow_outside=self.feed.allow_outside)
        return self.rest()

    def rest(self) -> Work | None:
        """See `Intake.rest`."""
        batch, self._batch = self._batch, _Batch(self._meaning())
        if not len(batch):
            return None
        self._new |= any(not known for *_, known in batch.rows)
        raw = [(id, row.values, self.feed.typed(row), self.feed.media_folder(row)) for row, _, id, _ in batch.rows]
        meaning = batch.meaning
        make: Callable[[], Made] = lambda: self._maker.make(meaning, raw)  # noqa: E731
        if self._beside is not None and raw:
            self._beside.send(meaning, raw)
            make = self._beside.receive
        return lambda write: self._write(batch, make, write)

    def _meaning(self) -> Meaning:
        return Meaning(self.feed.mapping, self.feed.languages)

    def _write(self, batch: _Batch, make: Callable[[], Made], write: bool) -> Counts:
        made = make() if batch.rows else Made([], Counter(), {})
        products, existing = [], set()
        for (row, digest, id, known), product in zip(batch.rows, made.products, strict=True):
            if self._dedupe is not None and self._dedupe.takes(product, new=not known):
                self._left_out(batch, row)
                continue
            if product.problems:
                batch.kept.append((row, product))
            else:
                product.row_digest = digest
            products.append(product)
            if known:
                existing.add(id)
        self._done.append((batch, made))
        return Counts(*self.table.write(products, existing, dry_run=not write))

    def _left_out(self, batch: _Batch, row: Row) -> None:
        """A row that says what an earlier product says."""
        assert self._dedupe is not None
        if self._dedupe.mode == "merge":
            self.report.merged += 1
        else:
            match = self._dedupe.found[-1][1]
            told = f"of {match.id}, similarity {match.similarity:.2f}"
            batch.refused.append((row, BadRow(f"near-duplicate by {match.by}", told)))

    def settle(self) -> None:
        """See `Intake.settle`."""
        for batch, made in self._done:
            told: list[tuple[Row, BadRow | Product]] = [*batch.refused, *batch.kept]
            for row, what in sorted(told, key=lambda entry: entry[0].line):
                if isinstance(what, BadRow):
                    self.refuse(row, what)
                else:
                    self.report.count(what.problems, kept=True)
                    self.rejects.add(row.line, "; ".join(map(str, what.problems)), self.feed.rejected(row), kept=True)
            self.cleaner.counts.update(made.cleaned)
            for name, outcomes in made.media.items():
                self.media.setdefault(name, Counter()).update(outcomes)
        self._done.clear()

    def close(self) -> None:
        """See `Intake.close`."""
        if self._beside is not None:
            self._beside.close()

    def total(self) -> int:
        """See `Intake.total`."""
        return self._total

    def gone(self) -> list[str]:
        """See `Intake.gone`: but for those that stand for a row that was left out or merged."""
        keepers = set() if self._dedupe is None else self._dedupe.keepers
        return [id for id, known in self._ids.items() if type(known) is bytes and id not in keepers]

    def delete(self, ids: Sequence[str]) -> None:
        """See `Intake.delete`: their vectors go with the next embed."""
        self.table.delete(list(ids))
        if self._dedupe is not None:
            self._dedupe.forget(ids)  # in memory, too

    def finish(self, *, write: bool) -> None:
        """See `Intake.finish`."""
        if self._dedupe is not None:
            self._dedupe.finish(self.table, write=write)
            self.report.merged -= self._dedupe.own
            self.report.new += self._dedupe.own
            self.report.near_duplicates = self._dedupe.pairs(self._ids)
        if write:
            self.table.finish()

    def notes(self) -> list[str]:
        """See `Intake.notes`."""
        alike = [ids for ids in _alike(self._ids) if any(type(self._ids[id]) is int for id in ids)] if self._new else []
        if not alike:
            return []
        examples = "; ".join(" and ".join(map(repr, ids)) for ids in alike[:_EXAMPLES])
        return [f"{len(alike):,} × ids that differ only in case or spaces, and are products of their own: {examples}"]


def _alike(ids: Iterable[str]) -> list[list[str]]:
    """Groups of ids that are the same but for case and spaces: more often than not they should be one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pa.array(ids, pa.string())
    folded = pc.replace_substring_regex(pc.utf8_lower(plain), r"\s+", "")
    counts = pc.value_counts(folded)
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    found: dict[str, list[str]] = {}
    inside = pc.is_in(folded, value_set=several)
    for key, id in zip(folded.filter(inside).to_pylist(), plain.filter(inside).to_pylist(), strict=True):
        found.setdefault(key, []).append(id)
    return list(found.values())
