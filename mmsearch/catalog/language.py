"""The language of a text: by its script where that decides, else by py3langid's model, in batches; None rather than a guess."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings

#: Languages in Latin script that are told apart: those that the bundled text encoder reads, and neighbours they would be taken for.
LATIN = ("cs", "da", "de", "en", "es", "fi", "fr", "hu", "id", "it", "nl", "no", "pl", "pt", "ro", "sv", "tr", "vi")

# How probable the best language must be. Chosen on real titles: of 19,406 electronics titles, nearly all English ("Canon PG-50 Original
# Black"), 6.6 % get another language from .25 on, 0.6 % from .5 and 0.3 % from .6, and a part of those are in another one. English needs
# less, since a title that looks most like it rarely is in another language.
_SURE = 0.6
_SURE_ENGLISH = 0.3
_VERSION = 1  # of how the tables are kept; raised with `LATIN`
_MOST_BYTES = 200  # of a text: enough to know, and a bound on the time
_BATCH = 4096

# A letter of the other scripts counts more than a Latin one (a Chinese character is a syllable or a word), and Latin letters in such
# titles are brands and models. From this share of the weight on, the other script names the language.
_SHARE = 0.25
_SCRIPTS = (
    ("ko", 2, re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")),
    ("zh", 3, re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")),
    ("ru", 1, re.compile("[\u0400-\u052f]")),
    ("ar", 1, re.compile("[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff]")),
    ("th", 1, re.compile("[\u0e01-\u0e3a\u0e40-\u0e4e]")),
    ("el", 1, re.compile("[\u0370-\u03ff\u1f00-\u1fff]")),
    ("he", 1, re.compile("[\u05d0-\u05ea]")),
    ("hi", 1, re.compile("[\u0904-\u0963]")),
    ("bn", 1, re.compile("[\u0985-\u09e3]")),
    ("pa", 1, re.compile("[\u0a05-\u0a74]")),
    ("gu", 1, re.compile("[\u0a85-\u0ae3]")),
    ("ta", 1, re.compile("[\u0b85-\u0bd7]")),
    ("te", 1, re.compile("[\u0c05-\u0c63]")),
    ("kn", 1, re.compile("[\u0c85-\u0ce3]")),
    ("ml", 1, re.compile("[\u0d05-\u0d63]")),
    ("ka", 1, re.compile("[\u10a0-\u10ff]")),
    ("hy", 1, re.compile("[\u0531-\u0587]")),
    ("lo", 1, re.compile("[\u0e81-\u0edf]")),
    ("km", 1, re.compile("[\u1780-\u17d3]")),
    ("my", 1, re.compile("[\u1000-\u104f]")),
)
_CHINESE = _SCRIPTS[1:2]
_RARE = re.compile("[^\x00-\u024f\u1e00-\u1eff\u2000-\u2bff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003134f]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_OTHER = re.compile("[^\x00-\u024f\u1e00-\u1eff\u2000-\u2bff\u3000-\u303f\uff00-\uff60]")
_LATIN_LETTER = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
# Letters that only one of the languages of a script has.
_TELLING = {
    "ru": (
        ("uk", re.compile("[іїєґ]", re.IGNORECASE)),
        ("be", re.compile("ў", re.IGNORECASE)),
        ("sr", re.compile("[ђјљњћџ]", re.IGNORECASE)),
    ),
    "ar": (("ur", re.compile("[ٹڈڑےں]")), ("fa", re.compile("[پچژگ]"))),
}
_WORDS = re.compile(r"(?<![\w.-])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![\w-])")  # no codes: M9050, DB9, CB-2LSE


def detect(text: str) -> str | None:
    """The language (ISO 639-1) of a text, None where it is too short or too mixed to tell. For many texts use `detect_many`.

    A text in two scripts is in the language of the other script where that makes a quarter of it: `Trail running shoes 越野跑鞋` is
    'zh', for Latin letters in a Chinese title are mostly brands. Cyrillic is Russian and Arabic script Arabic unless a letter says
    otherwise (so Bulgarian comes out as 'ru').

    >>> detect("无印良品 MUJI 基础润肤化妆水"), detect("ランニングシューズ 赤"), detect("кроссовки мужские"), detect("007-B")
    ('zh', 'ja', 'ru', None)
    """
    return detect_many([text])[0]


def detect_many(texts: Sequence[str]) -> list[str | None]:
    """`detect` of each text: Latin ones are walked through the model side by side."""
    languages: list[str | None] = [None] * len(texts)
    latin: list[int] = []
    prepared: list[bytes] = []
    for at, text in enumerate(texts):
        text = text[:_MOST_BYTES]
        if not text.isascii() and _OTHER.search(text):
            language, decided = _by_script(text)
            if decided:
                languages[at] = language
                continue
        words = " ".join(_WORDS.findall(text))
        if len(words) >= 4:
            latin.append(at)
            prepared.append((words.lower() if words.isupper() else words).encode("utf-8")[:_MOST_BYTES])
    for start in range(0, len(latin), _BATCH):
        found = _classify(prepared[start : start + _BATCH])
        for at, language in zip(latin[start : start + _BATCH], found, strict=True):
            languages[at] = language
    return languages


def _by_script(text: str) -> tuple[str | None, bool]:
    """The language that the script says, and whether it decides."""
    kana = len(_KANA.findall(text))
    scripts = _SCRIPTS if _RARE.search(text) else _CHINESE  # nearly every text in another script is Chinese
    weights = {language: weight * len(letters.findall(text)) for language, weight, letters in scripts}
    best = max(weights, key=lambda language: weights[language])
    if kana >= 2 and 2 * kana >= weights["zh"] / 3 * 0.2:  # の alone stands on Chinese packages too
        best, weights["ja"] = "ja", weights["zh"] + 2 * kana
    latin = len(text)  # at most; counted where that could matter
    if weights[best] < _SHARE * (weights[best] + latin):
        latin = len(_LATIN_LETTER.findall(text))
    if weights[best] < 2 or weights[best] < _SHARE * (weights[best] + latin):
        return None, latin == 0
    for language, letters in _TELLING.get(best, ()):
        if letters.search(text):
            return language, True
    return best, True


class _Model(NamedTuple):
    next_state: NDArray[np.int32]  # (rows × 256,)
    row_base: NDArray[np.int64]  # (states,): where a state's row starts
    feature: NDArray[np.int32]  # (states,): the feature that a state ends, or -1
    weights: NDArray[np.float32]  # (features, languages)
    prior: NDArray[np.float32]  # (languages,)
    languages: list[str]


@functools.cache
def _model() -> _Model:
    """py3langid's tables as arrays: mapped from `MMSEARCH_HOME`, where they are kept; making them takes a second, once a machine."""
    folder = settings.home() / f"langid-{_VERSION}-{importlib.metadata.version('py3langid')}"
    try:
        return _mapped(folder)
    except (OSError, ValueError, KeyError):  # not there yet, or half of it: it is made
        model = _made()
    with contextlib.suppress(OSError):  # a home that cannot be written costs this second each time, and nothing else
        _keep(model, folder)
    return model


def _mapped(folder: Path) -> _Model:
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _Model._fields[:-1]}
    return _Model(**arrays, languages=json.loads((folder / "languages.json").read_text(encoding="utf-8")))


def _keep(model: _Model, folder: Path) -> None:
    """Write tables, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="langid-") as name:
        made = Path(name) / "made"
        made.mkdir()
        for field in _Model._fields[:-1]:
            np.save(made / f"{field}.npy", getattr(model, field), allow_pickle=False)
        (made / "languages.json").write_text(json.dumps(model.languages), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # what could not be read
        made.rename(folder)  # fails where another process was first, which is as good


def _made() -> _Model:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(LATIN)
    return _Model(
        np.asarray(identifier.tk_nextmove, dtype=np.int32),
        np.asarray(identifier.tk_row, dtype=np.int64) << 8,
        np.asarray(identifier.tk_output, dtype=np.int32),
        np.ascontiguousarray(identifier.nb_ptc, dtype=np.float32),
        np.asarray(identifier.nb_pc, dtype=np.float32),
        list(identifier.nb_classes),
    )


def _classify(texts: Sequence[bytes]) -> list[str | None]:
    """What `LanguageIdentifier(norm_probs=True).classify` says of each text, None below the threshold.

    py3langid walks one text at a time in Python, some 60 µs a title; here all texts take each step together.
    """
    model = _model()
    lengths = np.array([len(text) for text in texts])
    order = np.argsort(-lengths, kind="stable")
    letters = np.zeros((int(lengths.max()), len(texts)), dtype=np.uint8)  # (steps, texts), longest first
    for column, at in enumerate(order.tolist()):
        letters[: lengths[at], column] = np.frombuffer(texts[at], dtype=np.uint8)
    active = np.searchsorted(-lengths[order], -np.arange(len(letters)), side="left")  # texts that are longer than the step
    states = np.zeros(len(texts), dtype=np.int64)
    keys = []
    width = np.int64(len(model.weights))
    for step, count in enumerate(active.tolist()):
        states[:count] = model.next_state[model.row_base[states[:count]] + letters[step, :count]]
        features = model.feature[states[:count]]
        seen = np.flatnonzero(features >= 0)
        keys.append(seen * width + features[seen])
    pairs, counts = np.unique(np.concatenate(keys), return_counts=True)  # (text, feature) pairs, in order of texts
    scores = np.tile(model.prior, (len(texts), 1))
    if len(pairs):
        rows = pairs // width
        terms = np.log1p(counts).astype(np.float32)[:, None] * model.weights[pairs % width]
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        scores[rows[starts]] += np.add.reduceat(terms, starts)
        told = np.isin(np.arange(len(texts)), rows[starts])
    else:
        told = np.zeros(len(texts), dtype=bool)
    scores /= np.sqrt(np.maximum(lengths[order], 1))[:, None]
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    best = scores.argmax(axis=1)
    sure = scores.max(axis=1) / scores.sum(axis=1)
    found: list[str | None] = [None] * len(texts)
    for column, at in enumerate(order.tolist()):
        language = model.languages[best[column]]
        if told[column] and sure[column] >= (_SURE_ENGLISH if language == "en" else _SURE):
            found[at] = language
    return found
