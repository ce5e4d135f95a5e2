"""What every test from end to end needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker, Subscriber, running_broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as started:
        yield started


@pytest.fixture
def listener(broker: Broker, tmp_path: Path) -> Iterator[Subscriber]:
    subscriber = Subscriber(broker, tmp_path)
    yield subscriber
    subscriber.stop()
