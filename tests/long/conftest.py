"""What the long checks share: they tell what they measured, pass or fail."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.broker import Broker, running_broker

Tell = Callable[[str], None]


@pytest.fixture
def tell(capfd: pytest.CaptureFixture[str]) -> Tell:
    """Writes a measured figure to the terminal."""

    def told(text: str) -> None:
        with capfd.disabled():
            sys.stdout.write(f"\nmeasured: {text}\n")

    return told


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    # A subscriber of the tests is slow for a moment; the broker must not drop what waits for it.
    with running_broker(tmp_path, ["allow_anonymous true", "max_queued_messages 0"]) as broker:
        yield broker
