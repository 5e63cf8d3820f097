"""Who speaks: a speaker embedding. Never chosen unless it is named, because a voiceprint identifies a person."""

from __future__ import annotations

import functools
import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from mmsearch.encoders.base import Encoder, Matrix, Pieces
from mmsearch.encoders.hearing import load_librosa
from mmsearch.encoders.weights import file_hash, fingerprint
from mmsearch.media import NoSound
from mmsearch.media.audio import Samples
from mmsearch.media.windows import sound_windows, without_pauses

RATE = 16_000
_LEAST = 0.1  # seconds of voice in a window that are enough
_RECIPE = "voiceprint 1"


class Voiceprint(Encoder):
    """Sound → 256 dimensions: whose voice it is, whatever is said.

    Wan et al., "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018, as trained for Jia et al., NeurIPS 2018; weights and
    network from the package resemblyzer, which is installed on request only. A sound longer than `window` has a vector for each window.

    Biometric data: whoever holds the store can tell the people in it by their voices. The law of many places (in the EU, Art. 9 GDPR)
    asks for their explicit consent. So no default, no set and no fallback ever chooses this encoder.
    """

    modality: ClassVar[str] = "audio"
    dim = 256
    space = "voiceprint"
    pieces: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("resemblyzer", "librosa", "soundfile", "soxr", "torch")

    def __init__(self, window: float = 10.0):
        """
        Parameters
        ----------
        window : seconds of a window, 2 to 60.
        """
        if not (math.isfinite(window) and 2 <= window <= 60):
            raise ValueError(f"window must be 2 to 60 seconds, not {window:g}")
        package = importlib.util.find_spec("resemblyzer")  # finding them does not import them
        if package is None or package.origin is None or importlib.util.find_spec("webrtcvad") is None:
            raise ModuleNotFoundError("No module named 'resemblyzer' or 'webrtcvad'", name="resemblyzer")
        self._weights = Path(package.origin).parent / "pretrained.pt"
        self._window = round(window, 1)

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        parameters = {"recipe": _RECIPE, "window": self._window}
        return fingerprint("voiceprint", parameters, {self._weights.name: file_hash(self._weights)})

    def prepare(self, item: Any) -> Pieces:
        """A sound (path or bytes) → the vector of each window in which someone speaks. Raises MediaError.

        The network runs here, not in `encode_batch`: its input for an hour of speech would be 60 MB to hold.
        """
        windows = []
        for window in sound_windows(item, RATE, self._window):
            self.go_on()
            voice = self._spoken(window.samples)
            if len(voice) >= _LEAST * RATE:
                windows.append((window.second, window.level, self._embedded(voice)))
        if not windows:
            raise NoSound("no voice is heard in it")
        kept = [windows[i] for i in without_pauses([level for _, level, _ in windows])]
        return Pieces(tuple(second for second, _, _ in kept), [vector for _, _, vector in kept])

    def encode_batch(self, prepared: Sequence[Matrix]) -> Matrix:
        """Vectors (n) of (256,) → (n, 256)."""
        return np.stack(prepared)

    def _spoken(self, samples: Samples) -> Samples:
        """Without what is no speech (WebRTC's voice activity detection)."""
        load_librosa()  # which resemblyzer imports
        from resemblyzer.audio import trim_long_silences

        if len(samples) < 480:  # it looks at 30 ms at a time
            return samples[:0]
        kept: Samples = trim_long_silences(np.clip(samples, -1, 1))
        return kept

    def _embedded(self, voice: Samples) -> Matrix:
        # In one thread: the steps of an LSTM are too small to share, and several sounds are opened at a time.
        with self._threads.limit(limits=1, user_api="openmp"):
            return self._network.embed_utterance(voice).astype(np.float32)  # type: ignore[no-any-return]

    @functools.cached_property
    def _threads(self) -> ThreadpoolController:
        _ = self._network  # which loads what is to be limited
        return ThreadpoolController()

    @functools.cached_property
    def _network(self) -> Any:
        load_librosa()
        from resemblyzer import VoiceEncoder

        return VoiceEncoder("cpu", verbose=False).eval()  # torch.load of the checkpoint unpickles tensors only, since torch 2.6
