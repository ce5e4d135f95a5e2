"""NMEA off the line: what is read of a sentence, and that nothing else is."""

from __future__ import annotations

import gc
import random
import tracemalloc
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.acquire import nmea
from edge.acquire.gnss import Ear, GnssSettings
from edge.acquire.nmea import MAX_SENTENCE_BYTES, Framer, Gga, Mode, Rmc, Sentence, Zda
from edge.geo import LngLat, distance_m
from tests.acquire.sky import HERE, NOW, gga, rmc, sentence, zda
from tests.figures import Tell


def read(line: bytes) -> Sentence | None:
    fields = nmea.checked(line)
    return None if fields is None else nmea.read(fields)


def test_rmc_tells_date_time_and_place() -> None:
    found = read(b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r")
    assert isinstance(found, Rmc)
    assert (found.time_s, found.date, found.mode) == (45319.0, date(1994, 3, 23), Mode.AUTONOMOUS)
    assert found.position is not None
    assert distance_m(found.position, LngLat(11.516667, 48.1173)) < 0.1


def test_gga_tells_how_good_a_place_is() -> None:
    found = read(b"$GPGGA,123519,4807.038,N,01131.000,E,2,08,0.9,545.4,M,46.9,M,,*44")
    assert isinstance(found, Gga)
    assert (found.mode, found.n_satellites, found.hdop, found.altitude_m) == (
        Mode.DIFFERENTIAL,
        8,
        0.9,
        545.4,
    )


def test_zda_tells_the_whole_year() -> None:
    assert read(b"$GPZDA,201530.00,04,07,2002,00,00*60") == Zda(72930.0, date(2002, 7, 4))


def test_south_and_west_are_negative() -> None:
    found = read(rmc(place=LngLat(-70.5, -33.25)))
    assert isinstance(found, Rmc)
    assert found.position is not None
    assert distance_m(found.position, LngLat(-70.5, -33.25)) < 0.1


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "GA", "GB", "BD", "QZ", "XX"])
def test_any_talker_is_heard(talker: str) -> None:
    assert isinstance(read(rmc(talker=talker)), Rmc)


@pytest.mark.parametrize(
    "line",
    [
        b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6B",
        b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W",
        b"$GPRMC,123519,A,4807.039,N,01131.000,E,022.4,084.4,230394,003.1,W*6A",
    ],
    ids=["another checksum", "none", "another digit"],
)
def test_a_sentence_without_its_checksum_is_none(line: bytes) -> None:
    assert nmea.checked(line) is None


def test_other_sentences_pass_by() -> None:
    for body in ("GPGSV,1,1,00", "PUBX,00,1", "AIVDM,1,1,,A,x,0", "GPRMC", "RMC,1", ""):
        assert read(sentence(body)) is None, body


def test_a_receiver_without_a_fix_has_no_place_and_may_know_the_time() -> None:
    found = read(rmc(place=None, mode="N"))
    assert isinstance(found, Rmc)
    assert (found.position, found.mode, found.date) == (None, None, NOW.date())


@pytest.mark.parametrize(("letter", "mode"), [("E", "estimated"), ("M", "manual"), ("S", "simulated")])
def test_a_place_that_the_receiver_made_up_says_so(letter: str, mode: str) -> None:
    found = read(rmc(mode=letter))
    assert isinstance(found, Rmc)
    assert found.mode == mode


@pytest.mark.parametrize(
    "place",
    ["9000.001,N,00000.0,E", "4860.0,N,00000.0,E", "4807.0,N,18000.001,E", "nan,N,00000.0,E", "4_0.0,N,0,E",
     "4807.0,X,01131.0,E", "-4807.0,N,01131.0,E", "807.0,N,01131.0,E", ",,,"],
)  # fmt: skip
def test_a_place_that_is_none_is_not_read(place: str) -> None:
    found = read(sentence(f"GPRMC,120000,A,{place},0,0,010526,,,A"))
    assert isinstance(found, Rmc)
    assert found.position is None


@pytest.mark.parametrize(
    "when", ["240000,010526", "126000,010526", "120061,010526", "12000,0105265", ",", "x,y"]
)
def test_a_time_that_is_none_is_not_read(when: str) -> None:
    time, day = when.split(",")
    found = read(sentence(f"GPRMC,{time},A,4807.0,N,01131.0,E,0,0,{day},,,A"))
    assert isinstance(found, Rmc)
    assert found.time_s is None


@pytest.mark.parametrize("day", ["310226", "000526", "011326", "1526"])
def test_a_day_that_is_none_is_not_read(day: str) -> None:
    found = read(sentence(f"GPRMC,120000,A,4807.0,N,01131.0,E,0,0,{day},,,A"))
    assert isinstance(found, Rmc)
    assert found.date is None


@pytest.mark.parametrize(
    ("year", "meant"), [("80", 1980), ("99", 1999), ("00", 2000), ("26", 2026), ("79", 2079)]
)
def test_a_year_of_two_digits_is_one_in_which_gps_runs(year: str, meant: int) -> None:
    found = read(sentence(f"GPRMC,120000,A,4807.0,N,01131.0,E,0,0,0105{year},,,A"))
    assert isinstance(found, Rmc)
    assert found.date == date(meant, 5, 1)


def test_a_leap_second_is_the_first_of_the_next_day() -> None:
    found = read(sentence("GPZDA,235960.50,31,12,2028,00,00"))
    assert isinstance(found, Zda)
    assert found.date is not None
    assert found.time_s is not None
    assert nmea.instant(found.date, found.time_s) == datetime(2029, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)


def test_the_last_year_there_is_does_not_overflow() -> None:
    assert read(sentence("GPZDA,235960.00,31,12,9999,00,00")) == Zda(86_400.0, None)


def test_a_sentence_comes_whole_however_it_was_cut() -> None:
    data, framer = rmc() + gga() + zda(), Framer()
    lines = [line for n in range(0, len(data), 7) for line in framer.feed(data[n : n + 7])]
    assert b"\r\n".join(lines) + b"\r\n" == data


def test_noise_before_a_sentence_and_a_sentence_cut_short_cost_nothing() -> None:
    assert Framer().feed(b"\xff\x00 $GPRMC,1200$GP\xfe" + zda()) == [zda().strip()]


def test_without_a_line_end_nothing_is_kept_beyond_the_longest_sentence() -> None:
    framer = Framer()
    for _ in range(1000):
        framer.feed(b"$" + b"A" * 500)
    assert len(framer._kept) <= MAX_SENTENCE_BYTES
    assert framer.feed(b"\n" + zda()) == [zda().strip()]


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_how_bytes_are_cut_does_not_change_what_is_read(data: bytes, size: int) -> None:
    noisy = data[:1000] + b"\n" + rmc() + data[1000:]
    framer = Framer()
    pieces = [line for n in range(0, len(noisy), size) for line in framer.feed(noisy[n : n + size])]
    assert rmc().strip() in pieces


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="$*"), max_size=90))
def test_any_fields_under_a_right_checksum_are_read_or_left(rest: str) -> None:
    for kind in ("RMC", "GGA", "ZDA"):
        read(sentence(f"GP{kind},{rest}"))


def fuzz(n_bytes: int, seed: int) -> bytes:
    """Noise, and real sentences with some of their bytes changed, some of those under a right checksum."""
    draw, parts, size = random.Random(seed), [], 0
    while size < n_bytes:
        line = bytearray(draw.choice((rmc(), gga(), zda())))
        for _ in range(draw.randrange(4)):
            line[draw.randrange(len(line))] = draw.randrange(256)
        body = bytes(line[1:-5]).replace(b"$", b"").replace(b"*", b"").decode("ascii", "ignore")
        parts.append(draw.choice((bytes(line), sentence(body), draw.randbytes(draw.randrange(200)))))
        size += len(parts[-1])
    return b"".join(parts)[:n_bytes]


def hear(data: bytes, seed: int) -> Ear:
    """All of it, in pieces of any size."""
    ear, draw, at = Ear(GnssSettings(port="/dev/null"), NOW), random.Random(seed), 0  # type: ignore[arg-type]
    while at < len(data):
        size = draw.randrange(1, 300)
        ear.hear(data[at : at + size], at / 500)
        at += size
    return ear


def test_fuzzed_bytes_escape_nowhere() -> None:
    assert hear(fuzz(50_000, 1), 1).receiving(100.0).reception


@pytest.mark.long
def test_a_million_fuzzed_bytes_escape_nowhere_and_leave_nothing_behind(tell: Tell) -> None:
    data = fuzz(1_000_000, 2)
    hear(data[:100_000], 2)
    tracemalloc.start()
    ear = hear(data, 3)
    gc.collect()
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    tell(f"1,000,000 fuzzed bytes of NMEA: no exception, {kept_bytes} bytes kept")
    assert kept_bytes < 50_000
    assert len(ear._framer._kept) <= MAX_SENTENCE_BYTES


def test_the_place_that_was_meant_is_the_place_that_is_read() -> None:
    found = read(gga())
    assert isinstance(found, Gga)
    assert found.position is not None
    assert distance_m(found.position, HERE) < 0.1
