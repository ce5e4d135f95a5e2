"""The subscriber behind `edge watch`: live, and back after every loss of the broker."""

from __future__ import annotations

import logging
import random
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edge.errors import LinkDown
from edge.receive.feed import EVERYTHING, Feed, Wanted
from edge.receive.pictures import save_picture
from edge.transmit.link import Incoming, Wake
from edge.transmit.mqtt import MqttLink, open_link
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.topics import PREFIX, checked_name
from edge.transmit.uplink import UplinkSettings, backoff_s

log = logging.getLogger(__name__)

# A person waits in front of it: come back sooner than a device would.
_RETRY = UplinkSettings(retry_first_s=0.5, retry_max_s=15.0)

# How soon a stop is noticed.
_STEP_S = 0.25


def run_watch(
    settings: MqttSettings,
    *,
    out: TextIO,
    stop: threading.Event,
    json_lines: bool = False,
    devices: Sequence[str] = (),
    sites: Sequence[str] = (),
    wanted: Wanted = EVERYTHING,
    pictures: Path | None = None,
    draw: Callable[[], float] = random.random,
) -> None:
    """Print alerts and the state of devices until stop is set.

    json_lines  JSON Lines: each alert as it came, each change of a device as {"device", "status"}
    devices     only these; empty for all
    sites       only these; empty for all
    wanted      only these alerts, and their pictures
    pictures    a folder that the evidence is saved in, or None to leave it
    """
    topics = watched_topics(devices, sites, with_pictures=pictures is not None)
    feed = Feed(json_lines=json_lines, wanted=wanted)
    # One name for all connections: the broker keeps what comes while this one is away.
    client_id = f"edge-watch-{secrets.token_hex(4)}"
    n_failures = 0
    while not stop.is_set():
        try:
            with _subscribed(settings, client_id, topics) as link:
                log.info("watching: broker=%s", settings.broker)
                n_failures = 0
                while not stop.is_set():
                    for incoming in link.step(_STEP_S).messages:
                        _show(feed, incoming, out)
                        if pictures is not None and feed.wants_picture(incoming.topic):
                            _save(pictures, incoming)
        except LinkDown as fault:
            n_failures += 1
            log.log(logging.WARNING if n_failures == 1 else logging.DEBUG, "broker lost: reason=%s", fault)
            stop.wait(backoff_s(n_failures, draw(), _RETRY))


def watched_topics(devices: Sequence[str], sites: Sequence[str], *, with_pictures: bool) -> list[str]:
    """What to subscribe to."""
    last = ("alert", "open", *(("evidence/#",) if with_pictures else ()))
    found = []
    for device in [checked_name(device, "device id") for device in devices] or ["+"]:
        found.append(f"{PREFIX}/{device}/status")
        for site in [checked_name(site, "site id") for site in sites] or ["+"]:
            found += [f"{PREFIX}/{device}/{site}/{one}" for one in last]
    return found


@contextmanager
def _subscribed(settings: MqttSettings, client_id: str, topics: Sequence[str]) -> Iterator[MqttLink]:
    wake = Wake()
    try:
        link = open_link(settings, client_id, wake)
        try:
            link.subscribe(topics)
            yield link
            link.close(is_final=True)
        finally:
            link.abort()
    finally:
        wake.close()


def _save(folder: Path, incoming: Incoming) -> None:
    """A full disk, or a name that no disk takes, costs the picture and not the watch."""
    try:
        save_picture(folder, incoming.topic, incoming.payload)
    except OSError as fault:
        log.warning("picture not saved: topic=%s reason=%s", ascii(incoming.topic)[:200], fault.strerror)


def _show(feed: Feed, incoming: Incoming, out: TextIO) -> None:
    try:
        lines = feed.lines(incoming)
    except ValueError as fault:
        log.warning("message not understood: topic=%s reason=%s", ascii(incoming.topic), fault)
        return
    out.writelines(f"{line}\n" for line in lines)
    out.flush()
