"""`mmsearch embed`: facts, vectors, the table of words and the profiles, one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmsearch.store import Store

if TYPE_CHECKING:
    from mmsearch.encoders.pipeline import Told
    from mmsearch.encoders.report import EmbedReport


def embed(
    store: Store,
    specs: Mapping[str, str],
    *,
    models: str | None = None,
    rejects: str | None = None,
    progress: Told | None = None,
    wait: bool = False,
    refit: bool = False,
    learning: Callable[[str, str], None] | None = None,
    show_crops: str | Path | None = None,
    features: Sequence[str] = (),
    no_features: Sequence[str] = (),
) -> EmbedReport:
    """Make vectors and facts for what is new or changed; see `mmsearch.encoders.pipeline.embed`. Profiles take the new vectors in.

    Media that cannot be used are listed in the reject file as they are found.

    Parameters
    ----------
    specs : modality → encoder's spec, for the modalities whose encoder is to be another than the store's.
    models : a set of encoders (`mmsearch.settings.MODEL_SETS`); `specs` come before it.
    show_crops : a folder for the photos with the regions that are encoded; see `mmsearch.encoders.crops`.
    features : specs of features to turn on beside those that are on or run by themselves; see `mmsearch.features.chosen`.
    no_features : names of features to turn off ('all': every one).

    Raises
    ------
    What `mmsearch.encoders.pipeline.embed` does; Interrupted: Ctrl-C, with what there is to go on with.
    """
    from mmsearch.catalog.report import Rejects, reject_folder
    from mmsearch.encoders.crops import check_crops, draw_crops
    from mmsearch.encoders.listing import model_set
    from mmsearch.encoders.pipeline import NOTHING_TO_REFIT
    from mmsearch.encoders.pipeline import embed as make_vectors
    from mmsearch.encoders.recorded import create_encoder
    from mmsearch.encoders.report import Interrupted
    from mmsearch.features.chosen import choose, turn_off
    from mmsearch.features.pipeline import extract
    from mmsearch.fusion.projecting import refresh
    from mmsearch.lexical.upkeep import refresh_lexical
    from mmsearch.store.lock import EMBED

    store.check()
    chosen = (model_set(store, models) if models else {}) | dict(specs)
    if show_crops is not None:
        check_crops(store, chosen.get("image"), show_crops)
    # The lock first: an embed that is running has the same reject file.
    with store.writing("embed", lock=EMBED, patience=math.inf if wait else 0.0):
        file = Path(rejects) if rejects else reject_folder(store.path) / "embed.jsonl"
        with Rejects(file, named=bool(rejects)) as refused:
            told: set[int] = set()  # hashes: where a disk is missing these are all media of a catalogue

            def failed(modality: str, id: str, part: str, reason: str) -> None:
                # A clip is looked at for its picture and for its sound, a photo by several features: what all say of it is one reject.
                # Of "not a video: it starts like text" and "not a sound: it starts like text" the second half is the reason.
                rejected = hash((id, part, reason.partition(": ")[2] or reason))
                if rejected not in told:
                    told.add(rejected)
                    refused.add(0, reason, {"id": id, "modality": modality, "part": part}, kept=True)

            # What is found first of all are texts, which are embedded, too; before that, a mistyped encoder must not cost an hour.
            for modality, spec in chosen.items():
                create_encoder(spec, modality)
            on = choose(store, features, no_features, refit=refit, learning=learning)
            removed = turn_off(store, no_features, on)
            found, notes = extract(store, [one for one in on if one.feature.searchable], progress=progress, failed=failed)
            report = make_vectors(store, chosen, progress=progress, failed=failed, refit=refit, learning=learning)
            others, more = extract(store, [one for one in on if not one.feature.searchable], progress=progress, failed=failed)
            report.features = [*found, *others]
            if any(one.feature.learns for one in on):
                report.notes = [line for line in report.notes if line != NOTHING_TO_REFIT]
            report.notes += [*removed, *notes, *more]
            report.reject_file = refused.close()
        try:
            refresh_lexical(store)
            report.notes += refresh(store)
        except KeyboardInterrupt as error:
            message = "interrupted; all vectors are written, but the fusion profiles do not have them yet"
            raise Interrupted(message, "go on with: mmsearch embed") from error
    if show_crops is not None:
        report.notes.append(f"{draw_crops(store, show_crops):,} photos with their regions are in {show_crops}")
    return report
