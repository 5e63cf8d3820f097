"""The small shops that most tests of searching read: made once a session. Tests that write make one of their own."""

from __future__ import annotations

import pytest
import small_shop

from mmsearch.shop import Shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Read only."""
    return small_shop.make(tmp_path_factory.mktemp("shop"), events=False)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Without a fusion profile. Read only, too."""
    return small_shop.make(tmp_path_factory.mktemp("plain"), fuse=False, events=False)
