"""The daemon as a service: how it starts, ends, reloads and talks to systemd."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edge.config import load
from edge.daemon import Asked, Daemon
from edge.detect.choice import load_chosen
from edge.health import TileCounts
from edge.shelter import State
from edge.station import open_store
from tests.broker import Broker, Subscriber, running_broker
from tests.e2e.archive import FIRST_AT, STORY, drop, put, put_look, site, write_archive, write_config
from tests.e2e.program import alerts_heard, run_edge, running, until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as started:
        yield started


def edit(config: Path, **changed: Any) -> None:
    """Replace whole keys of a configuration."""
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), **changed}, sort_keys=False))


def test_sigterm_ends_it_well_and_leaves_stopped_behind(tmp_path: Path, broker: Broker) -> None:
    listener = Subscriber(broker, tmp_path, "+/+/+/status")
    with running(write_config(tmp_path / "device", broker.url)) as daemon:
        listener.wait_for_payload(b"online")
        assert daemon.stop() == 0
    late = Subscriber(broker, tmp_path, "+/+/+/status")
    assert late.wait_for(1) == [("edge/v1/pier-7/status", b"stopped")]
    listener.stop()
    late.stop()


def test_sigterm_between_two_windows_of_a_tile_leaves_the_tile_for_the_next_start(tmp_path: Path) -> None:
    config = write_config(tmp_path / "device")
    [image] = write_archive(tmp_path / "tiles", STORY[:1])
    with running(config) as daemon:
        drop(daemon.spool, image)
        while daemon.spool.joinpath(image.name).exists():
            time.sleep(0.001)
        assert daemon.stop() == 0
        daemon.start()
        daemon.wait_until_done(1)
        assert daemon.stop() == 0
    assert len(daemon.rows("SELECT * FROM looks")) == 1


def test_a_killed_daemon_is_offline_to_those_who_listen(tmp_path: Path, broker: Broker) -> None:
    listener = Subscriber(broker, tmp_path, "+/+/+/status")
    with running(write_config(tmp_path / "device", broker.url)) as daemon:
        listener.wait_for_payload(b"online")
        daemon.kill()
        listener.wait_for_payload(b"offline")
    listener.stop()


def test_a_rule_that_was_edited_takes_effect_with_sighup(tmp_path: Path, broker: Broker) -> None:
    first, second = write_archive(tmp_path / "tiles", STORY[:2])
    listener = Subscriber(broker, tmp_path)
    config = write_config(tmp_path / "device", broker.url, sites={"field": site(rules=())})
    with running(config) as daemon:
        drop(daemon.spool, first)
        daemon.wait_until_done(1)
        edit(config, sites={"field": site(rules=[{"arrival": "aircraft", "severity": "extreme"}])})
        daemon.ask_to_reload()
        daemon.wait_for("settings reloaded")
        drop(daemon.spool, second)
        [alert] = alerts_heard(listener, 1)
    assert alert["data"]["properties"]["severity"] == "extreme"
    listener.stop()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sites": {}}, "edge.yaml:"),
        ({"device": {"id": "pier-8"}}, "restart to change them"),
        ({"models": {"objects": "none.yaml"}}, "none.yaml"),
    ],
    ids=["a fault", "another device", "a model that is not there"],
)
def test_settings_that_cannot_be_taken_leave_the_old_ones_in_force(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    config = write_config(tmp_path / "device")
    [image] = write_archive(tmp_path / "tiles", STORY[:1])
    with running(config) as daemon:
        edit(config, **changed)
        daemon.ask_to_reload()
        daemon.wait_for("reload refused, the old settings stay")
        drop(daemon.spool, image)
        daemon.wait_for("outcome=looked")
        assert said in daemon.log_text()
        assert daemon.stop() == 0


def test_a_faulty_configuration_is_refused_at_the_start_with_its_line(tmp_path: Path) -> None:
    config = write_config(tmp_path / "device", decode={"max_side_px": -1})
    run = run_edge("run", "-c", config)
    line = config.read_text().splitlines().index("  max_side_px: -1") + 1
    assert run.returncode == 78
    assert f"{config}:{line}: decode.max_side_px" in run.stderr


def test_a_model_unlike_its_manifest_stops_the_start(tmp_path: Path) -> None:
    config = write_config(tmp_path / "device")
    with config.with_name("blobs.onnx").open("ab") as weights:
        weights.write(b"\0")
    run = run_edge("run", "-c", config)
    assert run.returncode == 1
    assert "blobs.onnx" in run.stderr
    assert "sha256" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_state_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    config = write_config(tmp_path / "device")
    config.with_name("state").write_text("a file where a folder should be")
    run = run_edge("run", "-c", config)
    assert run.returncode == 1
    assert str(config.with_name("state")) in run.stderr
    assert "Traceback" not in run.stderr


class Systemd:
    """What listens on NOTIFY_SOCKET, and reads at once, as systemd does."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def wait_for(self, line: str) -> None:
        """Until it is told this."""
        until(lambda: line in self.heard, lambda: f"expected {line}, heard {self.heard}")

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while message := self._socket.recv(4096):
            self.heard += message.decode().splitlines()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    listening = Systemd(tmp_path)
    yield listening
    listening.close()


def test_systemd_is_told_of_the_start_of_life_and_of_the_end(tmp_path: Path, systemd: Systemd) -> None:
    with running(write_config(tmp_path / "device"), {"NOTIFY_SOCKET": systemd.address}) as daemon:
        systemd.wait_for("WATCHDOG=1")
        assert daemon.stop() == 0
        systemd.wait_for("STOPPING=1")
    assert systemd.heard[0] == "READY=1"
    assert systemd.heard[-1] == "STOPPING=1"


def test_systemd_is_told_of_a_reload_and_of_its_end(tmp_path: Path, systemd: Systemd) -> None:
    with running(write_config(tmp_path / "device"), {"NOTIFY_SOCKET": systemd.address}) as daemon:
        systemd.wait_for("READY=1")
        systemd.heard.clear()
        daemon.ask_to_reload()
        systemd.wait_for("READY=1")
    assert "RELOADING=1" in systemd.heard[: systemd.heard.index("READY=1")]


def test_the_windows_of_a_tile_feed_the_watchdog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_config(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    settings = load(config)
    with (
        closing(open_store(settings)) as store,
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening,
    ):
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        asked = Asked(threading.Event(), threading.Event())
        daemon = Daemon(config, settings, State(store, settings), asked)
        model = daemon._interruptible(load_chosen(settings.models.objects, settings.state.folder))
        wanted = model.manifest.input
        window = np.zeros((wanted.height, wanted.width, 3), np.uint8)

        def is_fed() -> bool:
            model.infer(window)
            with suppress(BlockingIOError):
                return listening.recv(100) == b"WATCHDOG=1"
            return False

        for _ in range(3):
            until(is_fed, lambda: "expected WATCHDOG=1 again, heard nothing more")


def test_a_kept_tile_that_is_damaged_costs_a_picture_and_not_the_alert(
    tmp_path: Path, broker: Broker
) -> None:
    first, second = write_archive(tmp_path / "tiles", STORY[:2])
    listener = Subscriber(broker, tmp_path)
    config = write_config(tmp_path / "device", broker.url)
    with running(config) as daemon:
        drop(daemon.spool, first)
        daemon.wait_until_done(1)
        daemon.stop()  # until then its pixels are in memory
        [kept] = (config.parent / "state" / "tiles").iterdir()
        kept.write_bytes(b"\0")
        daemon.start()
        drop(daemon.spool, second)
        [alert] = alerts_heard(listener, 1)
    assert [shown["role"] for shown in alert["data"]["properties"]["evidence"]] == ["after"]
    listener.stop()


def test_the_sequence_of_alerts_goes_on_after_a_restart(tmp_path: Path, broker: Broker) -> None:
    listener = Subscriber(broker, tmp_path)
    images = write_archive(tmp_path / "tiles", STORY[:4])
    with running(write_config(tmp_path / "device", broker.url)) as daemon:
        for image in images[:2]:
            drop(daemon.spool, image)
        daemon.wait_until_done(2)
        daemon.stop()
        daemon.start()
        for image in images[2:]:
            drop(daemon.spool, image)
        heard = alerts_heard(listener, 3)
    kinds = [(one["sequence"], one["data"]["properties"]["kind"]) for one in heard]
    assert kinds[:3] == [(1, "arrival"), (2, "count"), (3, "departure")]
    listener.stop()


def test_every_tile_is_counted_as_what_became_of_it(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    spool = config.with_name("spool")
    put_look(spool, 1, STORY[0])
    put(spool, "day-02", np.zeros((512, 512, 3), np.uint8), FIRST_AT)
    (spool / "day-03.png").write_bytes(b"no image")
    (spool / "day-04.png").write_bytes((spool / "day-01.png").read_bytes())
    settings = load(config)
    with closing(open_store(settings)) as store:
        asked = Asked(threading.Event(), threading.Event())
        daemon = Daemon(config, settings, State(store, settings), asked)
        for _ in range(4):
            daemon._step()
    assert daemon._tiles == TileCounts(n_done=1, n_rejected=1, n_quarantined=1)


def test_sigint_ends_it_as_sigterm_does(tmp_path: Path) -> None:
    with running(write_config(tmp_path / "device")) as daemon:
        assert daemon.stop(signal.SIGINT) == 0
