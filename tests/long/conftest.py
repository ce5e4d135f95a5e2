"""What the long checks share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker, running_broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    # A subscriber of the tests is slow for a moment; the broker must not drop what waits for it.
    with running_broker(tmp_path, ["allow_anonymous true", "max_queued_messages 0"]) as broker:
        yield broker
