"""`mmsearch` with the fake encoders and `fake-fuser`, as a program: for tests that need a process of its own."""

from __future__ import annotations

from fake_encoders import FakeImage, FakeText
from fake_fuser import FakeFuser

from mmsearch.cli import main
from mmsearch.encoders import ENCODERS
from mmsearch.fusion import FUSERS

if __name__ == "__main__":
    ENCODERS.register("fake-text", FakeText)
    ENCODERS.register("fake-image", FakeImage)
    FUSERS.register("fake-fuser", FakeFuser)
    main()
