"""How good the sound encoders are, on real recordings: the figures of docs/models.md, section Sound.

    python -m bench.sound_quality DATA_FOLDER             # test parts
    python -m bench.sound_quality DATA_FOLDER --choose    # validation parts: what the defaults were chosen by

Spoken digits (ten words, six speakers): clips 0 to 3 of each word and speaker validate, 4 to 7 test. A clip asks for its nearest
neighbour among the others of its part; the harder questions leave out the clips of its own speaker, or of its own word.
Long recordings: clips in a row, of which a cut is asked for after it went through a telephone-grade MP3.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from bench.tables import print_table
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder
from mmsearch.media.audio import sound_blocks

RATE = 16_000
Clips = list[tuple[Path, str, str]]  # file, word, speaker


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--choose", action="store_true", help="the validation parts, with what was tried")
    given = parser.parse_args()
    clips = digits(given.data, validation=given.choose)
    specs = ["acoustic", "voiceprint"]
    if given.choose:
        specs = ["acoustic", *(f"acoustic(whiten={w})" for w in (0, 0.02, 0.1, 0.3)), "acoustic(denoise=true)"]
    print_table("spoken digits: nearest neighbour", [chance(clips), *(words_and_voices(spec, clips) for spec in specs)])
    noisy = ["acoustic", "acoustic(denoise=true)"]
    rows = [{"encoder": spec, **heard_through_noise(spec, clips)} for spec in noisy]
    print_table("a clip with noise at 10 dB finds itself without, R@1", rows)
    windows = (2, 3, 5, 8, 10, 15, 20) if given.choose else (5,)
    rows = [found_in_long(f"acoustic(window={window})", given.data, validation=given.choose) for window in windows]
    print_table("a cut finds its place in long recordings", rows)
    print_table("kinds learned from labelled examples: accuracy", classes_learned(given.data, validation=given.choose))
    return 0


def classes_learned(data: Path, *, validation: bool) -> list[dict[str, Any]]:
    """`sound-class` told the words (and the speakers) of some clips, asked for those of others."""
    import json
    import tempfile

    import mmsearch

    everyone = digits(data, validation=True) + ([] if validation else digits(data, validation=False))
    asked = {file for file, *_ in everyone if (int(file.stem.split("_")[2]) >= 2 if validation else int(file.stem.split("_")[2]) >= 4)}
    speakers = sorted({speaker for _, _, speaker in everyone})
    heard = set(speakers[:3])
    rows = []
    for what, kind, hidden in (
        ("word", 1, asked),
        ("word, of three speakers who were never heard", 1, {file for file, _, speaker in everyone if speaker not in heard}),
        ("speaker", 2, asked),
    ):
        with tempfile.TemporaryDirectory() as folder:
            clips = [
                {"id": clip[0].stem, "title": "x", "audio": [str(clip[0])]} | ({} if clip[0] in hidden else {"kind": f"k{clip[kind]}"})
                for clip in everyone
            ]
            (Path(folder) / "p.jsonl").write_text("\n".join(map(json.dumps, clips)))
            shop = mmsearch.open(Path(folder) / "store")
            shop.ingest(Path(folder) / "p.jsonl", allow_outside=True)
            shop.embed(features=["sound-class(by=kind)"])
            wanted = {clip[0].stem: f"k{clip[kind]}" for clip in everyone if clip[0] in hidden & asked}
            facts = {id: one["facts"].get("sound_class") for id, one in shop.show(list(wanted)).items()}
            right = sum(facts[id] == name for id, name in wanted.items()) / len(wanted)
            commonest = max(sum(v == name for v in wanted.values()) for name in wanted.values()) / len(wanted)
            rows.append(
                {"kind": what, "learned from": len(everyone) - len(hidden), "asked": len(wanted), "right": right, "chance": commonest}
            )
    return rows


def digits(data: Path, *, validation: bool) -> Clips:
    found = []
    for file in sorted((data / "spoken_digits" / "clips").glob("*.wav")):
        word, speaker, take = file.stem.split("_")
        if (int(take) < 4) == validation:
            found.append((file, word, speaker))
    return found


def fitted(spec: str, items: Sequence[Any]) -> Encoder:
    encoder: Encoder = ENCODERS.create(spec)
    if encoder.learns:
        encoder.fit(items)
    return encoder


def words_and_voices(spec: str, clips: Clips) -> dict[str, Any]:
    """R@1 of the four questions. A clip without a vector has found nothing."""
    files = [file for file, _, _ in clips]
    encoder = fitted(spec, files)
    encoded = encoder.encode(files)
    X = np.zeros((len(files), encoder.dim), np.float32)
    X[encoded.kept] = encoded.vectors
    return {
        "encoder": spec,
        **questions(X @ X.T, clips, np.isin(np.arange(len(files)), encoded.kept)),
        "without a vector": len(encoded.failures),
    }


def questions(S: np.ndarray, clips: Clips, usable: np.ndarray) -> dict[str, float]:
    words, speakers = (np.array([clip[i] for clip in clips]) for i in (1, 2))
    word, speaker = words[:, None] == words, speakers[:, None] == speakers
    S = np.where(np.eye(len(S), dtype=bool) | ~usable, -np.inf, S)

    def right(same: np.ndarray, left_out: np.ndarray | bool) -> float:
        best = np.where(left_out, -np.inf, S).argmax(axis=1)
        return float((same[np.arange(len(S)), best] & usable).mean())

    return {
        "same word": right(word, False),
        "same word, another speaker": right(word, speaker),
        "same speaker": right(speaker, False),
        "same speaker, another word": right(speaker, word),
    }


def chance(clips: Clips) -> dict[str, Any]:
    words, speakers = (np.array([clip[i] for clip in clips]) for i in (1, 2))
    word, speaker, other = words[:, None] == words, speakers[:, None] == speakers, ~np.eye(len(clips), dtype=bool)

    def share(same: np.ndarray, among: np.ndarray) -> float:
        return float(((same & among).sum(1) / among.sum(1)).mean())

    return {
        "encoder": "chance",
        "same word": share(word, other),
        "same word, another speaker": share(word, ~speaker),
        "same speaker": share(speaker, other),
        "same speaker, another word": share(speaker, ~word),
        "without a vector": 0,
    }


def heard_through_noise(spec: str, clips: Clips) -> dict[str, float]:
    """How often a clip with noise finds the same clip without, among all of its part."""
    files = [file for file, _, _ in clips]
    encoder = fitted(spec, files)
    clean = encoder.encode(files)
    rng = np.random.default_rng(0)
    found = {}
    for name in ("white", "pink", "hum"):
        queries = [wav(with_noise(samples(files[i]), name, rng)) for i in clean.kept]
        asked = encoder.encode(queries, query=True)
        best = (asked.vectors @ clean.vectors.T).argmax(axis=1)
        found[name] = float((best == np.array(asked.kept)).sum() / len(files))
    return found


def with_noise(x: np.ndarray, name: str, rng: np.random.Generator) -> np.ndarray:
    x = np.concatenate([np.zeros(RATE // 4), x, np.zeros(RATE // 4)])  # recordings are noisy before and after, too
    if name == "hum":
        noise = sum(np.sin(2 * np.pi * 50 * k * np.arange(len(x)) / RATE) / k for k in (1, 2, 3, 5))
    else:
        spectrum = np.fft.rfft(rng.standard_normal(len(x)))
        if name == "pink":
            spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
        noise = np.fft.irfft(spectrum, len(x))
    heard = x[np.abs(x) > 0.1 * np.abs(x).max()]
    mixed: np.ndarray = (x + noise * np.sqrt(np.square(heard).mean() / np.square(noise).mean()) * 10 ** (-10 / 20)).astype(np.float32)
    return mixed


def found_in_long(spec: str, data: Path, *, validation: bool) -> dict[str, Any]:
    """Recordings of two minutes; 3-second cuts of them, off the windows' grid, as MP3 of 32 kbit/s: is the best window the right one?"""
    rng = np.random.default_rng(0)
    files = [file for file, _, _ in digits(data, validation=validation)]
    files += sorted((data / "speech").rglob("*.wav"))[int(validation) :: 2]
    order = rng.permutation(len(files))
    pieces = [np.concatenate([samples(files[i]), np.zeros(RATE // 5, np.float32)]) for i in order]
    whole = np.concatenate(pieces)
    recordings = list(np.array_split(whole, max(1, round(len(whole) / (120 * RATE)))))
    sounds = [wav(part) for part in recordings]
    encoder = fitted(spec, sounds)
    vectors, places = [], []
    for at, sound in enumerate(sounds):
        prepared = encoder.prepare(sound)
        encoded = encoder.finish(prepared.values, list(range(len(prepared.values))), [])
        vectors.append(encoded.vectors)
        places += [(at, prepared.seconds[i]) for i in encoded.kept]
    X = np.concatenate(vectors)
    right, cuts, off = 0, 0, []
    for at, part in enumerate(recordings):
        for start in np.arange(1.3, len(part) / RATE - 5, 4.7):
            cut = part[int(start * RATE) : int((start + 3) * RATE)]
            asked = encoder.encode([mp3(cut)], query=True)
            if not asked.kept:
                continue
            recording, second = places[int((X @ asked.vectors[0]).argmax())]
            width = float(spec.partition("window=")[2].rstrip(")"))
            cuts += 1
            if recording == at and second < start + 3 and second + 1.5 * width > start:
                right += 1
                off.append(abs(second + width / 2 - (start + 1.5)))
    seconds = len(whole) / RATE
    return {
        "encoder": spec,
        "recordings": len(recordings),
        "vectors": len(X),
        "cuts": cuts,
        "right place": right / cuts,
        "chance": float((3 + 1.25 * float(spec.partition("window=")[2].rstrip(")"))) / seconds),
        "seconds off": float(np.mean(off)) if off else float("nan"),
    }


def samples(file: Path) -> np.ndarray:
    return np.concatenate(list(sound_blocks(file, RATE)))


def wav(x: np.ndarray) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, x, RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()


def mp3(x: np.ndarray) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, x, RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=0.9)
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(main())
