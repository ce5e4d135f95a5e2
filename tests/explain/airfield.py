"""A month at an airfield, looked at by the real program, in which every kind of rule has something to say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.e2e.archive import FIRST_AT, bounds_of, drop, picture, put, site, write_config
from tests.e2e.program import Daemon, running

FLEET = tuple((x, y) for y in (32, 112, 192) for x in (40, 136, 232, 328))
# The road runs along the lower edge; six drive in line on one day.
ROAD_Y = 448
COLUMN = tuple((48 + 64 * n, ROAD_Y) for n in range(6))
SHIFTED = (FLEET[0][0] + 12, FLEET[0][1])
PARKED = (424, 320)
N_DAYS = 26
BLIND_DAYS = {10, 11}

RULES = (
    {"arrival": "aircraft", "zone": "apron"},
    {"departure": "aircraft", "zone": "apron", "severity": "severe"},
    {"moved": "aircraft", "at_least_m": 4},
    {"count": "aircraft", "zone": "apron", "at_most": 6},
    {"dwell": "aircraft", "zone": "apron", "hours": 200},
    {"convoy": "aircraft", "zone": "road", "at_least": 5},
    {"trend": "aircraft", "zone": "apron", "over_days": 7},
    {
        "indicator": "leaving",
        "of": [{"kind": "departure", "label": "aircraft"}, {"kind": "trend"}],
        "within_days": 7,
    },
    {"blind_hours": 40},
)


def places(day: int) -> list[tuple[int, int]]:
    """Who stands where."""
    fleet = list(FLEET if day < 18 else FLEET[:3])
    if day >= 6:
        fleet[0] = SHIFTED
    return [*fleet, *([PARKED] if day >= 4 else []), *(COLUMN if day == 8 else [])]


def watched_month(folder: Path) -> Daemon:
    """The program after that month."""
    field = {**site(rules=RULES), "inventory": {"min_move_m": 4.0}}
    ground = bounds_of()

    def at(x_px: float, y_px: float) -> list[float]:
        return [
            ground.west + (ground.east - ground.west) * x_px / 512,
            ground.north - (ground.north - ground.south) * y_px / 512,
        ]

    field["zones"] = {
        "apron": {"kind": "parking", "polygon": [at(0, 0), at(512, 0), at(512, 400), at(0, 400)]},
        "road": {"kind": "road", "line": [at(0, ROAD_Y + 12), at(512, ROAD_Y + 12)], "width_m": 20},
    }
    with running(write_config(folder, sites={"field": field})) as daemon:
        days = [day for day in range(1, N_DAYS + 1) if day not in BLIND_DAYS]
        for n, day in enumerate(days, 1):
            when = FIRST_AT + timedelta(days=day - 1)
            drop(daemon.spool, put(folder / "tiles", f"day-{day:02}", picture(places(day), day), when))
            daemon.wait_until_done(n)
        assert daemon.stop() == 0
    return daemon
