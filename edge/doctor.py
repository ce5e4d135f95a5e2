"""What on this device would stop the daemon: each check says what it found and what to do about it."""

from __future__ import annotations

import os
import platform
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from serial.tools import list_ports

from edge import clock, health, soundness
from edge.acquire import gnss
from edge.acquire.gnss import GnssSettings, Reception
from edge.clock import BUILT_AFTER, MAX_ERROR_S, Clock, Machine, Timekeeper
from edge.config import Settings
from edge.detect import model
from edge.errors import LinkDown, ModelRefused
from edge.modem_check import ADVICE, examine_modem
from edge.station import DATABASE
from edge.transmit.link import Wake
from edge.transmit.mqtt import open_link
from edge.transmit.mqtt_settings import MqttSettings
from edge.transmit.satmodem_settings import SatmodemSettings
from edge.transmit.sbd import ModemState

# A Raspberry Pi slows down from 80 degrees Celsius on.
HOT_C, TOO_HOT_C = 70.0, 80.0
# The daemon and its model take well below half of it; less, and the system starts to kill.
MIN_AVAILABLE_BYTES = 300_000_000
# Long enough for a receiver that speaks once a second to be believed.
LISTEN_S = 6.0
# Below this the next tiles and alerts may not find room.
MIN_FREE_BYTES = 200_000_000


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    found   what was there
    advice  what to do, empty where all is well
    """

    name: str
    verdict: Verdict
    found: str
    advice: str = ""

    def __str__(self) -> str:
        line = f"{self.verdict:<4}  {self.name}: {self.found}"
        return f"{line}\n      {self.advice}" if self.advice else line


def examine(settings: Settings, now: datetime) -> Iterator[Check]:
    """Every check, the quick ones first, each when it is done."""
    yield _python()
    yield _memory()
    yield of_temperature(health.temperature_c())
    yield _clock(settings.state.folder, now)
    yield _folder("spool", settings.spool.folder)
    yield _folder("state", settings.state.folder)
    yield check_state(settings.state.folder / DATABASE)
    yield _disk(settings)
    yield from _serial_ports()
    if settings.gnss is not None:
        yield check_gnss(settings.gnss)
    yield _model(settings.models.objects)
    if settings.models.change is not None:
        yield _change_model(settings.models.change)
    yield check_broker(settings.transmit.mqtt)
    if settings.transmit.satmodem is not None:
        yield check_satmodem(settings.transmit.satmodem)


def to_json(check: Check) -> bytes:
    """One check as a line of JSON Lines."""
    return msgspec.json.encode(asdict(check))


def _python() -> Check:
    bits = 8 * struct.calcsize("P")
    found = f"Python {platform.python_version()} on {platform.machine()}, {bits}-bit"
    if bits < 64:
        return Check(
            "python", Verdict.FAIL, found, "Install a 64-bit system: ONNX Runtime has no 32-bit build."
        )
    return Check("python", Verdict.OK, found)


def _memory() -> Check:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    found = f"{_megabytes(available)} available"
    if available < MIN_AVAILABLE_BYTES:
        wanted = _megabytes(MIN_AVAILABLE_BYTES)
        return Check("memory", Verdict.WARN, found, f"Stop other programs until {wanted} are available.")
    return Check("memory", Verdict.OK, found)


def of_temperature(hottest_c: float | None) -> Check:
    """Whether the board is cool enough to keep its speed."""
    if hottest_c is None:
        return Check("temperature", Verdict.OK, "no sensor here")
    found = f"{hottest_c:.0f} degrees Celsius"
    if hottest_c >= HOT_C:
        verdict = Verdict.FAIL if hottest_c >= TOO_HOT_C else Verdict.WARN
        return Check(
            "temperature", verdict, found, "Give it air, shade or a heat sink: it slows down from 80 on."
        )
    return Check("temperature", Verdict.OK, found)


def _clock(state: Path, now: datetime) -> Check:
    not_before = _newest_file_at(state, Path(__file__).parent)
    trust = Timekeeper(Machine(wall=lambda: now), not_before).read().clock
    found = f"{now:%Y-%m-%dT%H:%M:%SZ}, {trust}"
    if now < not_before:
        advice = f"It is behind the newest file ({not_before:%Y-%m-%dT%H:%M:%SZ}): set it, TLS fails without."
        return Check("clock", Verdict.FAIL, found, advice)
    if trust is Clock.UNTRUSTED:
        return Check("clock", Verdict.WARN, found, "Let NTP (timesyncd, chrony), GNSS or an RTC keep it.")
    return Check("clock", Verdict.OK, found)


# What to do about what comes from the receiver.
_GNSS_ADVICE = {
    Reception.CLOSED: "Is it plugged in, is gnss.port its path, is the daemon's user in the group dialout?",
    Reception.SILENT: "Nothing came: is it powered, is its TX wired to our RX, is gnss.port the right one?",
    Reception.GARBLED: "Bytes came, but no NMEA: try another gnss.baud (4800, 9600, 38400, 115200).",
    Reception.NO_FIX: "It speaks, but has no fix: give its antenna a free view of the sky, and some minutes.",
    Reception.IMPLAUSIBLE: "Its fixes cannot be right (see the reasons): restart it, or replace it.",
}


def check_gnss(settings: GnssSettings, listen_s: float = LISTEN_S) -> Check:
    """What comes from the receiver, told by listening to it for some seconds."""
    told = gnss.listen(settings, listen_s, not_before=BUILT_AFTER, ticks=clock.ticks)
    if told.fault is not None and "exclusively lock" in told.fault:
        return Check(
            "gnss", Verdict.OK, f"{settings.port} is in use, by the daemon if it runs: see its health"
        )
    refused = ", ".join(f"{n} {reason}" for reason, n in told.n_refused.items())
    words = (told.reception.value, f"refused: {refused}" if refused else "", told.fault or "")
    found = f"{settings.port} at {settings.baud}: {', '.join(filter(None, words))}"
    if told.heard is None:
        return Check("gnss", Verdict.WARN, found, _GNSS_ADVICE[told.reception])
    fix = told.heard.fix
    ahead_s = (datetime.now(UTC) - fix.at).total_seconds()
    found += f", {fix.position.lat:.5f} {fix.position.lng:.5f}, the clock is {ahead_s:+.1f} s ahead of it"
    if abs(ahead_s) > MAX_ERROR_S + 1:
        return Check(
            "gnss", Verdict.WARN, found, "One of the two is wrong: docs/clock-and-gnss.md says which."
        )
    return Check("gnss", Verdict.OK, found)


def _newest_file_at(*folders: Path) -> datetime:
    """When the newest file right in these folders was written: an instant that has surely passed."""
    times = [entry.stat().st_mtime for folder in folders if folder.is_dir() for entry in os.scandir(folder)]
    return datetime.fromtimestamp(max(times, default=0.0), UTC)


def _folder(name: str, folder: Path) -> Check:
    if not folder.exists() and _is_open(_nearest(folder)):
        return Check(f"{name} folder", Verdict.OK, f"{folder} is not there yet, the daemon makes it")
    if not folder.is_dir():
        return Check(f"{name} folder", Verdict.FAIL, f"{folder} is not there", f"mkdir -p {folder}")
    if not _is_open(folder):
        advice = f"Run as the daemon's user, or give it the folder: chown edge {folder}"
        return Check(f"{name} folder", Verdict.FAIL, f"{folder} is closed to this user", advice)
    return Check(f"{name} folder", Verdict.OK, f"{folder}, readable and writable")


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _is_open(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def _disk(settings: Settings) -> Check:
    folder = settings.state.folder
    return of_disk(health.free_bytes(_nearest(folder)), health.used_bytes(folder), settings.state.max_bytes)


def of_disk(free_bytes: int, used_bytes: int, max_bytes: int) -> Check:
    """Whether there is room for what the state may grow to."""
    found = f"{_megabytes(free_bytes)} free, {_megabytes(used_bytes)} used by the state"
    if free_bytes < MIN_FREE_BYTES:
        return Check("disk", Verdict.FAIL, found, "Free some space: tiles and alerts will not find room.")
    if free_bytes + used_bytes < max_bytes:
        advice = f"state.max_bytes allows {_megabytes(max_bytes)}: lower it or free some space."
        return Check("disk", Verdict.WARN, found, advice)
    return Check("disk", Verdict.OK, found)


def check_state(file: Path) -> Check:
    """Whether the state is what was written, told by the CRC of its rows."""
    if not file.exists():
        return Check("state", Verdict.OK, f"{file} is not there yet, the daemon makes it")
    try:
        damaged, aside = soundness.look_at(file)
    except sqlite3.Error as error:
        advice = "Start the daemon: it sets the file aside, saves what can be read, and goes on."
        return Check("state", Verdict.WARN, f"{file}: {error}", advice)
    if damaged:
        advice = "Restart the daemon: it sets them aside. The disk gives back other bits: replace it soon."
        return Check("state", Verdict.WARN, f"rows damaged: {soundness.tell(damaged)}", advice)
    if aside:
        advice = f"The disk gave back other bits: replace it soon. {file}, table damaged, has the rows."
        return Check("state", Verdict.WARN, f"rows were set aside: {soundness.tell(aside)}", advice)
    return Check("state", Verdict.OK, "every row is what was written")


def _serial_ports() -> Iterator[Check]:
    """Every serial port of the device; none is opened: that alone resets some of what hangs on them."""
    for port in sorted(list_ports.comports(), key=lambda port: port.device):
        name = f"serial port {port.device}"
        if os.access(port.device, os.R_OK | os.W_OK):
            yield Check(name, Verdict.OK, "this user may open it")
        else:
            advice = "If it is to be used: adduser edge dialout"
            yield Check(name, Verdict.WARN, "this user may not open it", advice)


def _model(manifest: Path) -> Check:
    try:
        loaded = model.load(manifest)
    except ModelRefused as error:
        return Check(
            "model", Verdict.FAIL, str(error), "Install the model and its manifest from one release."
        )
    labels = ", ".join(loaded.manifest.labels)
    return Check("model", Verdict.OK, f"{model.describe(loaded)}, finds {labels}")


def _change_model(manifest: Path) -> Check:
    try:
        loaded = model.load_change(manifest)
    except ModelRefused as error:
        return Check(
            "change model", Verdict.FAIL, str(error), "Install the model and its manifest from one release."
        )
    return Check("change model", Verdict.OK, model.describe(loaded))


def check_broker(mqtt: MqttSettings | None) -> Check:
    """Whether a broker answers and takes us, told by really connecting."""
    if mqtt is None:
        return Check("broker", Verdict.WARN, "none is configured", "Without transmit.mqtt alerts go nowhere.")
    # An own name: the daemon's connection is not taken away. A broker that goes by the certificate alone
    # takes us for the daemon, which comes back at once; what it keeps for the daemon must outlast this.
    wake = Wake()
    try:
        link = open_link(mqtt, f"edge-doctor-{os.getpid()}", wake)
    except LinkDown as error:
        advice = "Check the address, the network, the credentials and, for TLS, the clock."
        return Check("broker", Verdict.FAIL, f"{mqtt.broker}: {error}", advice)
    else:
        found = f"{mqtt.broker} answers, {'MQTT 5' if link.is_v5 else 'MQTT 3.1.1'}"
        link.close()
        if not link.retains:
            advice = "Who subscribes later does not see how the device is; Mosquitto: retain_available true."
            return Check("broker", Verdict.WARN, f"{found}, keeps no retained messages", advice)
        return Check("broker", Verdict.OK, found)
    finally:
        wake.close()


def check_satmodem(satmodem: SatmodemSettings) -> Check:
    """Whether the modem answers and sees a satellite; the daemon may be using it just now."""
    state, found = examine_modem(satmodem)
    if "exclusively lock" in found:
        in_use = f"{satmodem.port} is in use, by the daemon if it runs: see its health"
        return Check("satellite modem", Verdict.OK, in_use)
    if state is ModemState.IDLE:
        return Check("satellite modem", Verdict.OK, f"{satmodem.port}: {found}")
    # Clouds of trees come and go; what does not answer needs a person.
    verdict = Verdict.WARN if state is ModemState.NO_SIGNAL else Verdict.FAIL
    return Check("satellite modem", verdict, f"{satmodem.port}: {state}: {found}", ADVICE[state])


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1_000_000:,.0f} MB"
