"""Opening images, audio and video safely: limits, orientation, decoding."""

from __future__ import annotations

from mmsearch.errors import MMSearchError


class MediaError(MMSearchError):
    """One medium (photo, sound, clip) cannot be used: missing, unreadable, too large or of the wrong type. Costs that medium only.

    `kind` is what reports count it under: the message without what differs from file to file.
    """

    def __init__(self, message: str, *, kind: str | None = None, hint: str | None = None):
        super().__init__(message, hint=hint)
        self.kind = kind or message.partition(":")[0]


class NoSound(MediaError):
    """A video without a sound track, or with a silent one: nothing to hear, and for a clip nothing wrong either."""
