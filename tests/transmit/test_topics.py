from __future__ import annotations

import pytest

from edge.transmit.topics import Topics


def test_every_topic_lies_under_the_device() -> None:
    topics = Topics("pier-7")
    assert [
        topics.status,
        topics.health,
        topics.alert("s"),
        topics.open("s"),
        topics.inventory("s"),
        topics.observation("s"),
        topics.evidence("s", "7Q2M5K0C9T4E", 1),
    ] == [
        "edge/v1/pier-7/status",
        "edge/v1/pier-7/health",
        "edge/v1/pier-7/s/alert",
        "edge/v1/pier-7/s/open",
        "edge/v1/pier-7/s/inventory",
        "edge/v1/pier-7/s/observation",
        "edge/v1/pier-7/s/evidence/7Q2M5K0C9T4E/1",
    ]


@pytest.mark.parametrize("name", ["", "a/b", "a+", "#", "a\0b", "line\nend", "cmd"])
def test_a_name_that_would_break_the_topics_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="site id: expected a printable name"):
        Topics("pier-7").alert(name)


def test_a_device_with_a_wildcard_in_its_name_is_refused() -> None:
    with pytest.raises(ValueError, match="device id: expected a printable name"):
        Topics("pier+")
