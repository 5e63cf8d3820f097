"""Opening images, audio and video safely: limits, orientation, decoding."""

from __future__ import annotations

from mmsearch.errors import MMSearchError


class MediaError(MMSearchError):
    """One medium (photo, sound, clip) cannot be used: missing, unreadable, too large or of the wrong type. Costs that medium only."""
