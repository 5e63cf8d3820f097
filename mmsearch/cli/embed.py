"""`mmsearch embed`."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter

import typer

from mmsearch.cli.common import STATE, global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table


@global_options
def command(
    text: str | None = typer.Option(None, "--text", metavar="SPEC", help="Text encoder (default: the store's, else usem)."),
    image: str | None = typer.Option(None, "--image", metavar="SPEC", help="Image encoder (default: the store's, else efficientnet)."),
    rejects: str | None = typer.Option(
        None, "--rejects", metavar="FILE", help="Where media that cannot be used are listed (default: inside the store)."
    ),
    format: str | None = format_option(ROW_FORMATS[:3]),
) -> int:
    """Make vectors for what is new or changed.

    Nothing is downloaded: the default encoders are bundled. Changing an encoder embeds anew and then switches at once.

    \b
    mmsearch embed
    mmsearch embed --image 'efficientnet'
    """
    how = chosen_format(format, ROW_FORMATS[:3])
    report = shop().embed(text=text, image=image, rejects=rejects, progress=None if STATE.quiet else _Progress())
    if how == "table":
        rows = [
            {
                "modality": m.modality,
                "encoder": m.encoder,
                "items": m.total,
                "new": m.new,
                "unchanged": m.unchanged,
                "removed": m.removed,
                "failed": len(m.failures),
            }
            for m in report.modalities
        ]
        table(rows, title="embedded")
    else:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2 if how == "json" else None))
    for line in report.notes:
        note(line)
    reasons = Counter(reason for m in report.modalities for _, _, reason in m.failures)
    for reason, count in reasons.most_common(10):
        note(f"{count} × {reason}")
    if report.reject_file:
        note(f"the products stay searchable by what is left; reasons in {report.reject_file}")
    return report.exit_code


class _Progress:
    """Rate and time left on stderr: rewritten in place on a terminal, a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self.modality, self.started, self.shown = "", 0.0, 0.0

    def __call__(self, modality: str, done: int, total: int) -> None:
        now = time.monotonic()
        if modality != self.modality:
            self.modality, self.started, self.shown = modality, now, now
            return
        terminal = sys.stderr.isatty()
        if now - self.shown < (0.2 if terminal else 10) and done < total:
            return
        self.shown = now
        rate = done / max(now - self.started, 1e-6)
        line = f"embedding {modality}: {done}/{total}, {rate:.0f}/s, {(total - done) / max(rate, 1e-6):.0f} s left"
        if terminal:
            sys.stderr.write(f"\r\x1b[K{line}" + ("\r\x1b[K" if done >= total else ""))
            sys.stderr.flush()
        else:
            note(line)
