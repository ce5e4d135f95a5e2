"""What lies in the spool: bad files among good ones, and the same bytes twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker, Subscriber
from tests.e2e.archive import STORY, drop, write_archive, write_config
from tests.e2e.program import Daemon, alerts_heard, running


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_archive(tmp_path_factory.mktemp("tiles"), STORY[:2])


@pytest.fixture
def daemon(tmp_path: Path, broker: Broker) -> Iterator[Daemon]:
    with running(write_config(tmp_path / "device", broker.url)) as started:
        yield started


def test_a_bad_file_among_good_ones_is_set_aside_with_its_reason(
    daemon: Daemon, listener: Subscriber, images: list[Path]
) -> None:
    drop(daemon.spool, images[0])
    drop(daemon.spool, truncated(images[1]))
    drop(daemon.spool, images[1])
    daemon.wait_for("tile refused: file=cut.png")
    daemon.wait_until_done(2)
    [alert] = alerts_heard(listener, 1)
    assert alert["data"]["properties"]["kind"] == "arrival"
    aside = daemon.spool / "quarantine"
    assert sorted(path.name for path in aside.iterdir()) == ["cut.json", "cut.png", "cut.png.reason.txt"]
    assert "cut.png" in (aside / "cut.png.reason.txt").read_text()
    assert daemon.stop() == 0


def truncated(image: Path) -> Path:
    """The first half of a tile, with a sidecar of its own."""
    cut = image.with_name("cut.png")
    cut.write_bytes(image.read_bytes()[: image.stat().st_size // 2])
    cut.with_suffix(".json").write_text(image.with_suffix(".json").read_text().replace(image.stem, cut.stem))
    return cut


def test_the_same_bytes_under_another_name_are_one_tile(daemon: Daemon, images: list[Path]) -> None:
    drop(daemon.spool, images[0])
    daemon.wait_for("tile done", 1)
    (daemon.spool / "again.png").write_bytes(images[0].read_bytes())
    daemon.wait_for("outcome=repeated")
    assert len(daemon.rows("SELECT * FROM tiles")) == len(daemon.rows("SELECT * FROM looks")) == 1
    assert daemon.waiting() == []
