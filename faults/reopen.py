"""A fresh process opens a store after a fault and looks at everything; prints what is wrong as a JSON list.

python -m faults.reopen STORE BEFORE AFTER        # a kill: every row as in one of the two, nothing lost, a search answers
python -m faults.reopen STORE --as AFTER          # a resume: equal to the undisturbed run
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from faults.catalogue import search_text
from faults.program import here, say
from faults.runner import register_encoders
from faults.state import State, broken_vectors, differences, lost, neither, state_of, unlike_encoder
from mmsearch.errors import MMSearchError
from mmsearch.store import Store


def after_kill(store: Path, base: State, final: State) -> list[str]:
    """What is wrong in a store whose writer was killed between `base` and `final`."""
    try:
        Store(store).check()
    except MMSearchError as error:
        return [] if not base and "there is no store" in error.message else [f"does not open: {error}"]
    found = state_of(store)
    problems = neither(found, [base, final]) + lost(found, base, final) + broken_vectors(found)
    return problems + search_problems(store, found)


def after_resume(store: Path, final: State, *, fakes: bool = True) -> list[str]:
    """What differs from the undisturbed run, and (with fake encoders) vectors that are not of their content."""
    found = state_of(store)
    return (
        differences(found, final) + broken_vectors(found) + (unlike_encoder(store, found) if fakes else []) + search_problems(store, found)
    )


def search_problems(store: Path, found: State) -> list[str]:
    """A text search must answer with products that exist, or say that there are none (no vectors) yet."""
    ran = here(store, "search", search_text(), "-k", "5", "--where", "price > 0", "--format", "ids")
    code, ids, said = ran.code, ran.out.split(), ran.err
    if "unexpected" in said or "Traceback" in said:
        return [f"search: {said.strip()[:400]}"]
    record = found.get("mmsearch_record")
    embedded = record is not None and "encoder/text" in record.values and "products" in found
    if not embedded:
        if code == 1 and said.startswith("error: "):
            return []
        return [f"search in a store without vectors: exit code {code}, {said.strip()[:300]}"]
    if code != 0 or not ids:
        return [f"search: exit code {code}, {len(ids)} hits, {said.strip()[:300]}"]
    strange = [id for id in ids if id not in found["products"].values]
    return [f"search finds products that do not exist: {strange}"] if strange else []


def main(arguments: list[str]) -> int:
    register_encoders()
    store = Path(arguments[0])
    if arguments[1] == "--as":
        problems = after_resume(store, state_of(Path(arguments[2])), fakes="--not-encoded-again" not in arguments)
    else:
        before = {} if arguments[1] == "-" else state_of(Path(arguments[1]))
        problems = after_kill(store, before, state_of(Path(arguments[2])))
    say(json.dumps(problems, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
