"""The archive's tables, in SQLite and in a real PostgreSQL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import StoreBroken
from edge.monitor.finding import Kind, Phase, Severity
from edge.receive.archive_store import ArchiveStore, Asked, open_sqlite
from edge.receive.record import AlertRecord, PictureRecord, Record, UnreadableRecord, record_of
from edge.transmit.alert import Alert, to_json
from edge.transmit.link import Incoming
from tests.cluster import Cluster, running_cluster
from tests.transmit.make import RECORDED_AT, SEEN_AT, make_alert, make_finding

TOPIC = "edge/v1/pier-7/north-airfield/alert"
PICTURE = "edge/v1/pier-7/north-airfield/evidence/7Q2M5K0C9T4E/0"

Open = Callable[[], ArchiveStore]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra archive)")
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens one empty archive again and again."""
    if request.param == "sqlite":
        return lambda: open_sqlite(tmp_path / "archive.sqlite")
    return _empty_postgres(request.getfixturevalue("cluster"))


def _empty_postgres(cluster: Cluster) -> Open:
    from edge.receive.archive_postgres import Postgres, open_postgres  # noqa: PLC0415 - needs an extra

    with closing(Postgres(cluster.url)) as backend:
        backend.change("TRUNCATE alerts, evidence, unreadable")
    return lambda: open_postgres(cluster.url)


@pytest.fixture
def store(open_store: Open) -> Iterator[ArchiveStore]:
    with closing(open_store()) as store:
        yield store


def incoming(payload: bytes, topic: str = TOPIC) -> Incoming:
    return Incoming(topic, payload, is_retained=False)


def alert(made: Alert, topic: str = TOPIC) -> Record:
    return record_of(incoming(to_json(made), topic))


def shortened(made: Alert) -> Record:
    event = json.loads(to_json(made))
    event["via"] = "sbd"
    event["data"]["properties"]["headline"] = "departure"
    return record_of(incoming(json.dumps(event).encode()))


def headlines(store: ArchiveStore) -> list[str]:
    return [json.loads(kept.body)["data"]["properties"]["headline"] for kept in store.alerts(Asked())]


def test_an_alert_comes_back_as_it_came(store: ArchiveStore) -> None:
    made = make_alert(sequence=7)
    store.put([alert(made)], RECORDED_AT)
    [kept] = store.alerts(Asked())
    assert (kept.device, kept.site, kept.alert_id) == ("pier-7", "north-airfield", made.alert_id)
    assert kept.body == to_json(made)


def test_a_repeat_is_the_same_row(store: ArchiveStore) -> None:
    records = [
        alert(make_alert(sequence=1)),
        record_of(incoming(b"jpeg", PICTURE)),
        record_of(incoming(b"?")),
    ]
    for _ in range(2):
        store.put(records * 2, RECORDED_AT)
    assert store.counts() == {"alerts": 1, "evidence": 1, "unreadable": 1}


def test_each_message_of_a_story_is_kept(store: ArchiveStore) -> None:
    end = make_alert(make_finding(phase=Phase.END), sequence=2)
    store.put([alert(make_alert(sequence=1)), alert(end)], RECORDED_AT)
    assert store.counts()["alerts"] == 2


def test_the_same_alert_of_another_device_is_another_one(store: ArchiveStore) -> None:
    made = make_alert(sequence=1)
    store.put([alert(made), alert(made, "edge/v1/pier-8/north-airfield/alert")], RECORDED_AT)
    assert store.counts()["alerts"] == 2


def test_the_whole_alert_takes_the_place_of_a_shortened_copy(store: ArchiveStore) -> None:
    made = make_alert(sequence=1)
    store.put([shortened(made)], RECORDED_AT)
    assert headlines(store) == ["departure"]
    store.put([alert(made)], RECORDED_AT)
    assert headlines(store) == [made.finding.headline]


def test_a_shortened_copy_never_takes_the_place_of_the_whole_alert(store: ArchiveStore) -> None:
    made = make_alert(sequence=1)
    store.put([alert(made)], RECORDED_AT)
    store.put([shortened(made)], RECORDED_AT)
    assert headlines(store) == [made.finding.headline]


def test_pictures_come_back_in_their_order(store: ArchiveStore) -> None:
    made = make_alert(sequence=1)
    topic = f"edge/v1/pier-7/north-airfield/evidence/{made.alert_id}"
    store.put([alert(made)], RECORDED_AT)
    store.put([record_of(incoming(b"jpeg %d" % n, f"{topic}/{n}")) for n in (10, 2)], RECORDED_AT)
    [kept] = store.alerts(Asked())
    assert store.pictures(kept) == [(2, b"jpeg 2"), (10, b"jpeg 10")]


def test_what_is_asked_for_comes_in_order_of_time(store: ArchiveStore) -> None:
    found = [make_alert(make_finding(opened_by=f"tile-{n}"), sequence=n) for n in range(5)]
    store.put([alert(one) for one in reversed(found)], RECORDED_AT)
    assert [kept.alert_id for kept in store.alerts(Asked(limit=2))] == [one.alert_id for one in found[3:]]


@pytest.mark.parametrize(
    ("asked", "n"),
    [
        (Asked(), 3),
        (Asked(sites=["harbour"]), 1),
        (Asked(sites=["harbour", "north-airfield"]), 3),
        (Asked(devices=["pier-8"]), 0),
        (Asked(kinds=["arrival"]), 1),
        (Asked(severities=["severe", "extreme"]), 1),
        (Asked(kinds=["arrival"], severities=["extreme"]), 0),
        (Asked(since=SEEN_AT), 3),
        (Asked(since=SEEN_AT + timedelta(microseconds=1)), 0),
    ],
)
def test_only_what_is_asked_for_is_given(store: ArchiveStore, asked: Asked, n: int) -> None:
    severe = make_alert(make_finding(opened_by="b", severity=Severity.SEVERE), sequence=2)
    arrival = make_alert(make_finding(opened_by="c", kind=Kind.ARRIVAL), sequence=3)
    elsewhere = alert(make_alert(sequence=1), "edge/v1/pier-7/harbour/alert")
    store.put([elsewhere, alert(severe), alert(arrival)], RECORDED_AT)
    assert len(store.alerts(asked)) == n


def test_what_came_too_long_ago_is_deleted(store: ArchiveStore) -> None:
    store.put([alert(make_alert(sequence=1)), record_of(incoming(b"jpeg", PICTURE))], RECORDED_AT)
    assert store.forget_before(RECORDED_AT) == 0
    assert store.forget_before(RECORDED_AT + timedelta(seconds=1)) == 2


def test_an_archive_opened_again_has_what_it_had(open_store: Open) -> None:
    with closing(open_store()) as store:
        store.put([alert(make_alert(sequence=1))], RECORDED_AT)
    with closing(open_store()) as store:
        assert store.counts()["alerts"] == 1


def test_two_archivers_share_one_archive(open_store: Open) -> None:
    with closing(open_store()) as one, closing(open_store()) as other:
        for store in (one, other):
            store.put([alert(make_alert(sequence=1))], RECORDED_AT)
        assert one.counts() == other.counts() == {"alerts": 1, "evidence": 0, "unreadable": 0}


def test_text_in_every_script_is_kept(store: ArchiveStore) -> None:
    event = json.loads(to_json(make_alert(sequence=1)))
    event["data"]["properties"]["headline"] = "самолёт 飛行機 🛩 'quoted' \"\\ % ? {}"
    store.put([record_of(incoming(json.dumps(event).encode()))], RECORDED_AT)
    assert headlines(store) == ["самолёт 飛行機 🛩 'quoted' \"\\ % ? {}"]


def changed(**changes: object) -> bytes:
    event = json.loads(to_json(make_alert(sequence=1)))
    properties = event["data"]["properties"]
    for key, value in changes.items():
        (properties if key in properties else event)[key] = value
    return json.dumps(event).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        changed(headline="a\0b"),
        changed(id="a\0b"),
        changed(sequence=2**63),
        changed(sequence=-1),
        changed(confidence=2.0),
        changed(time="2024-12-13T08:30:00"),
        changed(time="0001-01-01T00:00:00+14:00"),
    ],
)
def test_what_is_no_alert_is_kept_as_it_came(store: ArchiveStore, payload: bytes) -> None:
    record = record_of(incoming(payload))
    assert isinstance(record, UnreadableRecord)
    store.put([record], RECORDED_AT)
    assert store.counts() == {"alerts": 0, "evidence": 0, "unreadable": 1}


@pytest.mark.parametrize(
    "topic",
    [
        *(
            "edge/v1/pier-7/s/evidence/A/one",
            "edge/v1/pier-7/s/evidence/A/9999999999",
            "edge/v1/pier-7/s/open",
        ),
        *("edge/v1/cmd/s/evidence/A/1", "edge/v1/pier-7//alert", "edge/v1/pier-7/s/evidence/A/²"),
    ],
)
def test_a_topic_that_no_device_has_is_unreadable(topic: str) -> None:
    assert isinstance(record_of(incoming(to_json(make_alert(sequence=1)), topic)), UnreadableRecord)


def test_a_picture_is_known_by_its_hash() -> None:
    record = record_of(incoming(b"jpeg", PICTURE))
    assert isinstance(record, PictureRecord)
    assert (record.n, record.sha256) == (0, hashlib.sha256(b"jpeg").hexdigest())


@given(st.text(), st.binary() | st.text().map(lambda text: changed(headline=text, label=text, via=text)))
def test_whatever_comes_is_kept_in_one_form_or_the_other(topic: str, payload: bytes) -> None:
    record = record_of(incoming(payload, topic))
    assert isinstance(record, AlertRecord | PictureRecord | UnreadableRecord)


def test_a_later_release_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    with closing(open_sqlite(path)) as store:
        store._backend.change("CREATE TABLE of_a_later_release (one INTEGER)")
        store._backend.change("PRAGMA user_version = 99")
    with pytest.raises(StoreBroken, match="a later release of edge"):
        open_sqlite(path)


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match="unable to open database file"):
        open_sqlite(tmp_path / "missing" / "archive.sqlite")
