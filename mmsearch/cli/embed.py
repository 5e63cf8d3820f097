"""`mmsearch embed`."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

import typer

from mmsearch.cli.common import STATE, global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table
from mmsearch.cli.report_file import ReportFile
from mmsearch.errors import MMSearchError

if TYPE_CHECKING:
    from mmsearch.encoders.report import Progress

_INTERRUPTED = 130  # as shells count it: 128 + SIGINT
_WINDOW = 30.0  # seconds over which the rate and the time left are measured


@global_options
def command(
    text: str | None = typer.Option(None, "--text", metavar="SPEC", help="Text encoder (default: the store's, else usem)."),
    image: str | None = typer.Option(None, "--image", metavar="SPEC", help="Image encoder (default: the store's, else efficientnet)."),
    audio: str | None = typer.Option(None, "--audio", metavar="SPEC", help="Sound encoder (default: the store's, else acoustic)."),
    video: str | None = typer.Option(None, "--video", metavar="SPEC", help="Clip encoder (default: the store's, else frames)."),
    models: str | None = typer.Option(
        None, "--models", metavar="SET", help="A set of encoders: bundled, clip, multilingual (mmsearch models shows them)."
    ),
    rejects: str | None = typer.Option(
        None, "--rejects", metavar="FILE", help="Where media that cannot be used are listed (default: inside the store)."
    ),
    report: str | None = typer.Option(None, "--report", metavar="FILE", help="Also write what was done to FILE, as JSON."),
    wait: bool = typer.Option(False, "--wait", help="Wait while another embed of the store runs (default: say so and exit 1)."),
    refit: bool = typer.Option(False, "--refit", help="Let encoders that learn from the store's items (word2vec …) learn anew."),
    show_crops: str | None = typer.Option(
        None, "--show-crops", metavar="DIR", help="Write every photo to DIR with the region that is encoded in a frame (crop=auto)."
    ),
    features: list[str] | None = typer.Option(
        None, "--features", metavar="SPEC", help="Also find these facts from now on, as in 'ocr' (repeatable; mmsearch models shows them)."
    ),
    no_features: list[str] | None = typer.Option(
        None, "--no-features", metavar="NAME", help="Find these facts no longer and remove what was found (repeatable; all: none at all)."
    ),
    format: str | None = format_option(ROW_FORMATS[:3]),
) -> int:
    """Make vectors and facts for what is new or changed.

    Nothing is downloaded unless an encoder that needs it is named: the default encoders are bundled, others are shown by `mmsearch
    models`. Changing an encoder embeds anew and then switches at once; the old vectors are searched until then. Ctrl-C keeps what is
    finished; the next embed goes on from there, also after a kill.

    \b
    mmsearch embed
    mmsearch embed --text 'word2vec(dim=100)'
    mmsearch embed --text 'sentence(model="intfloat/e5-small-v2", query_prefix="query: ", passage_prefix="passage: ")'
    mmsearch embed --models clip
    mmsearch embed --image 'openclip(ViT-B-32, laion2b_s34b_b79k)'
    mmsearch embed --image 'efficientnet(crop=auto)' --show-crops crops
    mmsearch embed --features ocr --no-features labels
    mmsearch embed --wait --report embed.json
    """
    from mmsearch.encoders.report import Interrupted

    how = chosen_format(format, ROW_FORMATS[:3])
    file = ReportFile(report) if report else None
    try:
        shown = None if STATE.quiet else _Shown()
        done = shop().embed(
            text=text,
            image=image,
            audio=audio,
            video=video,
            models=models,
            rejects=rejects,
            progress=shown,
            wait=wait,
            refit=refit,
            learning=_learning,
            show_crops=show_crops,
            features=features,
            no_features=no_features,
        )
    except Interrupted as error:
        told = MMSearchError(error.message, hint=error.hint)
        told.exit_code = _INTERRUPTED
        raise told from error
    if file:
        file.write(done.to_json())
    if how == "table":
        rows = [
            {
                "modality": m.modality,
                "encoder": m.encoder,
                "items": m.items,
                "new": m.new,
                "unchanged": m.unchanged,
                "removed": m.removed,
                "failed": m.failed,
                "seconds": f"{m.seconds:.1f}",
                "items/s": f"{m.per_second:.0f}" if m.encoded else "",
            }
            for m in (*done.modalities, *done.features)
        ]
        table(rows, title="embedded")
    else:
        typer.echo(json.dumps(done.to_json(), ensure_ascii=False, indent=2 if how == "json" else None))
    for line in done.notes:
        note(line)
    reasons = sum((m.reasons for m in (*done.modalities, *done.features)), Counter[str]())
    for reason, count in reasons.most_common(10):
        note(f"{count} × {reason}")
    if done.reject_file:
        note(f"the products stay searchable by what is left; reasons in {done.reject_file}")
    return done.exit_code


def _learning(modality: str, spec: str) -> None:
    what = "feature" if modality == "facts" else f"{modality} encoder"
    note(f"the {what} {spec} learns from the store's items")


class _Shown:
    """Rate and time left on stderr: rewritten in place on a terminal, a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self.modality, self.shown = "", 0.0
        self.recent: deque[Progress] = deque()

    def __call__(self, now: Progress) -> None:
        if now.modality != self.modality:
            self.modality, self.shown = now.modality, time.monotonic()
            self.recent.clear()
        self.recent.append(now)
        while now.seconds - self.recent[0].seconds > _WINDOW:
            self.recent.popleft()
        terminal = sys.stderr.isatty()
        if now.done:
            if terminal:
                self._write("\r\x1b[K")
            return
        if time.monotonic() - self.shown < (0.2 if terminal else 10):
            return
        self.shown = time.monotonic()
        if terminal:
            self._write(f"\r\x1b[K{self.line(now)}")
        else:
            note(self.line(now))

    def line(self, now: Progress) -> str:
        """The state in words: the rate counts what was encoded, the time left what is still to be looked at."""
        since = self.recent[0]
        span = max(now.seconds - since.seconds, 1e-6)
        parts = [f"embedding {now.modality}: {now.seen:,} of {now.items:,}"]
        if now.unchanged:
            parts.append(f"{now.unchanged:,} unchanged")
        if now.encoded > since.encoded:
            parts.append(f"{(now.encoded - since.encoded) / span:,.0f}/s")
        if now.seen > since.seen:
            parts.append(f"{_time((now.items - now.seen) * span / (now.seen - since.seen))} left")
        return ", ".join(parts)

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _time(seconds: float) -> str:
    """42 s, 3 min, 2 h 5 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
