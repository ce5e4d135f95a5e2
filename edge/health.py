"""How the device itself is: what systemd is told, and the health message.

The readers each look at one thing of the machine; `to_json` only puts together what it is given.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from edge.acquire.gnss import Receiving
from edge.clock import Clock
from edge.monitor.budget import Budget, BudgetSettings
from edge.monitor.digest import digest_due_at
from edge.transmit.modem_tally import ModemStatistics
from edge.transmit.outbox import OutboxStatistics
from edge.transmit.tally import LinkStatistics

READY = "READY=1"
WATCHDOG = "WATCHDOG=1"
STOPPING = "STOPPING=1"


@dataclass(frozen=True, slots=True)
class QuietHealth:
    """How much of one site is kept quiet.

    n_places  of false alerts
    n_rules   snoozed; a snoozed site is one
    n_hidden  changes and findings that were not told since the start
    """

    n_places: int = 0
    n_rules: int = 0
    n_hidden: int = 0


@dataclass(frozen=True, slots=True)
class BudgetHealth:
    """What one site has spent of its alerts.

    n_used         alerts, updates and digests within the seven days before the newest look
    n_per_week     how many of them there may be
    n_waiting      findings that wait for the next digest
    n_held         findings held back since the state began
    digest_due_at  None where nothing waits
    """

    n_used: int
    n_per_week: int
    n_waiting: int
    n_held: int
    digest_due_at: datetime | None


def budget_health(budget: Budget, newest_look_at: datetime | None, settings: BudgetSettings) -> BudgetHealth:
    """The budget of a site in numbers, as of its newest look or of what was told since."""
    known = (*budget.spent[-1:], *budget.digests[-1:], *(() if newest_look_at is None else (newest_look_at,)))
    return BudgetHealth(
        budget.n_used(max(known)) if known else 0,
        settings.alerts_per_week,
        budget.n_waiting,
        budget.n_held,
        digest_due_at(budget, settings),
    )


@dataclass(frozen=True, slots=True)
class CommandHealth:
    """What became of commands since the start: how many were done, and refused by reason."""

    n_done: int = 0
    n_refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SiteHealth:
    """How well one site is seen.

    newest_look_at    when the newest usable look was seen, or None before the first
    newest_reject     why the newest tile was of no use, or None where it was or where none came
    newest_reject_at  when that tile was seen
    budget            None where every alert is told at once
    """

    newest_look_at: datetime | None = None
    newest_reject: str | None = None
    newest_reject_at: datetime | None = None
    quiet: QuietHealth = QuietHealth()
    budget: BudgetHealth | None = None


@dataclass(frozen=True, slots=True)
class TileCounts:
    """What became of the tiles since the daemon started."""

    n_done: int = 0
    n_rejected: int = 0
    n_quarantined: int = 0


@dataclass(frozen=True, slots=True)
class StateFacts:
    """How well the state is kept.

    in_memory  True while the disk takes no changes: nothing outlives the device's power
    epoch      how often a damaged state was replaced
    trouble    why it is in memory or what was found damaged since the start, or None
    damaged    rows that the disk gave back wrong and that were set aside, in this epoch
    """

    in_memory: bool = False
    epoch: int = 0
    trouble: str | None = None
    damaged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All that the health message says.

    at             when it was put together, by the device's clock
    uptime_s       of the daemon, by the monotonic clock
    sites          by site id
    link           how the way to the broker is, or None where none is configured
    state          how well that is kept what must not be lost
    free_bytes     of the disk that holds the state
    used_bytes     of the state folder
    models         task to "NAME sha256:HEX"
    satmodem       None where none is configured
    gnss           what the receiver says, or None where none is configured
    clock_error_s  by which the system's clock is ahead of GNSS, or None where no fix tells
    """

    device_id: str
    at: datetime
    version: str
    clock: Clock
    uptime_s: float
    sites: Mapping[str, SiteHealth]
    tiles: TileCounts
    outbox: OutboxStatistics
    link: LinkStatistics | None
    state: StateFacts
    free_bytes: int
    used_bytes: int
    memory_bytes: int
    temperature_c: float | None
    models: Mapping[str, str]
    satmodem: ModemStatistics | None = None
    gnss: Receiving | None = None
    clock_error_s: float | None = None
    commands: CommandHealth = CommandHealth()


def to_json(health: Health) -> bytes:
    """The payload of the health topic (edge/schema/health-v1.json)."""
    outbox = health.outbox
    return msgspec.json.encode(
        {
            "device": health.device_id,
            "time": health.at,
            "version": health.version,
            "clock": health.clock,
            "uptime_s": round(health.uptime_s, 1),
            "sites": {name: _site(site, health.at) for name, site in health.sites.items()},
            "tiles": {
                "done": health.tiles.n_done,
                "rejected": health.tiles.n_rejected,
                "quarantined": health.tiles.n_quarantined,
            },
            "outbox": {
                "depth": outbox.n_waiting,
                "bytes": outbox.size_bytes,
                "dead": outbox.n_dead,
                "dropped": dict(outbox.n_dropped),
                "last_ack_age_s": _rounded(health.link.last_ack_age_s if health.link else None),
            },
            "link": None if health.link is None else _link(health.link),
            "state": asdict(health.state),
            "disk": {"free_bytes": health.free_bytes, "used_bytes": health.used_bytes},
            "memory_bytes": health.memory_bytes,
            "temperature_c": _rounded(health.temperature_c),
            "models": dict(health.models),
            "satmodem": None if health.satmodem is None else _satmodem(health.satmodem),
            "gnss": None if health.gnss is None else _gnss(health.gnss, health.clock_error_s),
            "commands": {
                "done": health.commands.n_done,
                "refused": dict(health.commands.n_refused),
            },
        },
    )


def _satmodem(modem: ModemStatistics) -> dict[str, object]:
    return {
        "state": modem.state,
        "detail": modem.detail,
        "signal": modem.signal,
        "sent": modem.n_sent,
        "received": modem.n_received,
        "bytes_today": modem.spent_bytes,
        "last_session_age_s": _rounded(modem.last_session_age_s),
        "restarts": modem.n_restarts,
    }


def _link(link: LinkStatistics) -> dict[str, object]:
    return {
        "mqtt": link.mqtt,
        "delivered": link.n_delivered,
        "unconfirmed": link.n_unconfirmed,
        "refused": dict(link.refused),
        "lost": dict(link.lost),
        "restarts": link.n_restarts,
    }


def _gnss(gnss: Receiving, clock_error_s: float | None) -> dict[str, object]:
    """The receiver: what comes from it, and the newest fix that was believed, however old that is."""
    heard = gnss.heard
    return {
        "reception": gnss.reception,
        "fault": gnss.fault,
        "fix": None if heard is None else heard.fix.to_plain(),
        "clock_error_s": None if clock_error_s is None else round(clock_error_s, 2),
        "refused": dict(gnss.n_refused),
    }


def _site(site: SiteHealth, now: datetime) -> dict[str, object]:
    """One site; a look from the future (a clock that was set back) is of age 0, not of a negative one."""
    newest = site.newest_look_at
    age_s = None if newest is None else max(0.0, (now - newest).total_seconds())
    reject = {"reason": site.newest_reject, "at": site.newest_reject_at} if site.newest_reject else None
    quiet = site.quiet
    return {
        "newest_look_at": newest,
        "newest_look_age_s": _rounded(age_s),
        "newest_reject": reject,
        "quiet": {"places": quiet.n_places, "rules": quiet.n_rules, "hidden": quiet.n_hidden},
        "budget": None if site.budget is None else _budget(site.budget),
    }


def _budget(budget: BudgetHealth) -> dict[str, object]:
    return {
        "used": budget.n_used,
        "per_week": budget.n_per_week,
        "waiting": budget.n_waiting,
        "held": budget.n_held,
        "digest_due_at": budget.digest_due_at,
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)


def temperature_c(root: Path = Path("/sys/class/thermal")) -> float | None:
    """The hottest sensor of the machine in degrees Celsius, or None where it has none."""
    return max(_temperatures(root), default=None)


def _temperatures(root: Path) -> Iterator[float]:
    for sensor in root.glob("thermal_zone*/temp"):
        try:
            yield int(sensor.read_text(encoding="ascii")) / 1000.0
        except (OSError, ValueError):
            continue  # a sensor that is off answers with an error; the others still count


def memory_bytes() -> int:
    """What this process has in memory now (VmRSS)."""
    n_pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(n_pages) * resource.getpagesize()


def free_bytes(folder: Path) -> int:
    """What a process without privileges can still write to the disk of a folder."""
    return shutil.disk_usage(folder).free


def used_bytes(folder: Path) -> int:
    """What the files under a folder take; one that vanishes meanwhile counts as nothing."""
    return sum(_size_bytes(path) for path in folder.rglob("*"))


def _size_bytes(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def notify(message: str, address: str | None) -> None:
    """Tell systemd something (sd_notify(3)): READY, WATCHDOG, STOPPING, `status`, several joined by newlines.

    address  of NOTIFY_SOCKET as the daemon found it; "@" begins an abstract one; None: nobody listens
    """
    if not address:
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address
    # As in sd_notify(3), a failure is ignored: where it matters, the watchdog acts on the silence.
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to_systemd,
    ):
        # A listener that stopped reading must not stop the watch.
        to_systemd.sendto(message.encode(), socket.MSG_DONTWAIT, name)


def status(text: str) -> str:
    """One line for `systemctl status`."""
    return f"STATUS={' '.join(text.split())}"


def reloading(monotonic_s: float) -> str:
    """The settings are being read anew; systemd waits for the next READY."""
    return f"RELOADING=1\nMONOTONIC_USEC={int(monotonic_s * 1_000_000)}"


def notify_address(variables: Mapping[str, str] = os.environ) -> str | None:
    """Where systemd listens: it says so in the environment and nowhere else (no setting of ours)."""
    return variables.get("NOTIFY_SOCKET")


def watchdog_s(variables: Mapping[str, str] = os.environ) -> float | None:
    """How long systemd waits for WATCHDOG before it kills (sd_watchdog_enabled(3)), or None: for ever."""
    usec, pid = variables.get("WATCHDOG_USEC"), variables.get("WATCHDOG_PID")
    if not usec or (pid and int(pid) != os.getpid()):
        return None
    return int(usec) / 1_000_000
