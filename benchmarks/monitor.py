"""python -m benchmarks.monitor [--quick]: the monitor beside simulated truth, and what a look costs.

Every figure is of seeded simulations (tests/monitor): objects on stands, vehicles on a road, counts of a site
over years. No image and no model are in it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from benchmarks.table import Row, machine, table
from edge.geo import PixelBox
from edge.monitor.budget import BudgetSettings
from tests.monitor.alarms import month
from tests.monitor.cost import Cost, cost_of_looks
from tests.monitor.crowd import Crowd, Detector, Tally
from tests.monitor.roads import NEGATIVES, Roadside, Score
from tests.monitor.sites import RATE, SimulatedSite, outcome_of

WEST_HALF = PixelBox(0, 0, 512, 1024)
ONE_SIDE: Sequence[PixelBox | None] = (WEST_HALF, None)
QUIET = {
    "4 objects": partial(SimulatedSite, mean=4.0),
    "12 objects": partial(SimulatedSite, mean=12.0),
    "30 objects": partial(SimulatedSite, mean=30.0),
    "12, that stay for weeks": partial(SimulatedSite, mean=12.0, leaves_per_day=0.05),
    "12, that come in threes": partial(SimulatedSite, mean=12.0, group=3),
    "12, a fixed fleet": partial(SimulatedSite, mean=12.0, base=True),
}
BEFORE_DAYS, AFTER_DAYS = 42, 28


def counts(scale: int) -> Iterator[Row]:
    """How often the 90 % interval of a count holds the truth."""
    cases: dict[str, tuple[float, Detector, Sequence[PixelBox | None]]] = {
        "4 objects": (4.0, Detector(), (None,)),
        "12 objects": (12.0, Detector(), (None,)),
        "12 objects, recall 0.7": (12.0, Detector(recall=0.7), (None,)),
        "12 objects, half hidden every other look": (12.0, Detector(), ONE_SIDE),
        "40 objects": (40.0, Detector(), (None,)),
    }
    for name, (mean, detector, hidden) in cases.items():
        tallies = [
            Tally.of(Crowd(seed, mean=mean, detector=detector), n_looks=25, hidden=hidden)
            for seed in range(8 * scale)
        ]
        held = float(np.mean([one.held_fraction for one in tallies]))
        width = float(np.mean([one.width for one in tallies]))
        yield Row(f"90 % interval of a count, {name}", f"{held:.3f}, {width:.1f} wide", "0.85 to 0.95")


def columns(scale: int) -> Iterator[Row]:
    """Columns of 6 to 20 vehicles against traffic, queues and car parks."""
    for recall in (0.85, 0.7):
        for pair, looks in ((False, "one look a day"), (True, "two looks within a minute")):
            score = Score.of(partial(Roadside, recall=recall), n_each=20 * scale, pair=pair)
            wrong = ", ".join(f"{kind} {score.false_by_kind[kind]}" for kind in NEGATIVES)
            speed = "" if score.speed_right is None else f"; speed right in {score.speed_right:.2f}"
            said = f"F1 {score.f1:.3f}; false of {20 * scale} each: {wrong}{speed}"
            yield Row(f"Columns, recall {recall:g}, {looks}", said, ">= 0.9")


def trends(scale: int) -> Iterator[Row]:
    """False alarms a year where nothing changes, and the delay of a change."""
    for name, site in QUIET.items():
        n_false = sum(outcome_of(site(seed), n_days=365).n_false for seed in range(8 * scale))
        said = f"{n_false / (8 * scale):.2f} in {8 * scale} site-years"
        yield Row(f"Trend, false alarms a site-year, {name}", said, f"<= {RATE}")
    for name, mean, share in (("14 to 1", 14.0, 0.1), ("20 to 8", 20.0, 0.4), ("10 to 25", 10.0, 2.5)):
        outcomes = [
            outcome_of(
                SimulatedSite(seed, mean=mean), n_days=BEFORE_DAYS + AFTER_DAYS, change=(BEFORE_DAYS, share)
            )
            for seed in range(10 * scale)
        ]
        seen = [one for one in outcomes if one.visible_after is not None]
        prompt = float(np.mean([one.is_prompt for one in seen])) if seen else 0.0
        late = [one.named_after for one in seen if one.named_after is not None]
        middle = float(np.median(late)) + 1 if late else float("nan")
        said = f"{prompt:.2f} of {len(seen)} visible ones; median: at look {middle:.0f} after the change"
        yield Row(f"Trend, {name}: named within 3 looks of being visible", said, "")


def alarms(scale: int) -> Iterator[Row]:
    """What goes out of a month of a site at once and at ten times the noise, with its budget."""
    n, limit = 5 * scale, BudgetSettings().alerts_per_week
    for noise in (1.0, 10.0):
        months = [month(seed, noise=noise) for seed in range(n)]
        found = float(np.mean([one.n_unlimited for one in months]))
        told = float(np.mean([one.n_told for one in months]))
        n_severe = sum(one.n_severe for one in months)
        said = (
            f"at most {max(one.most_in_a_week for one in months)} in any week of {n} months; {told:.0f} of "
            f"{found:.0f} a month; of {n_severe} severe ones lost {sum(one.n_severe_lost for one in months)}"
        )
        yield Row(f"Alarm budget, {noise:g} times the noise", said, f"<= {limit + 1} a week, 0 lost")


def costs(n_looks: int) -> Iterator[Row]:
    """Time and bytes of a look at a site of 200 tracks."""
    cost: Cost = cost_of_looks(n_looks)
    yield Row("Monitor, CPU per look, 200 tracks", f"{cost.ms:.1f} ms", "< 5 ms")
    yield Row("Monitor, growth of the state per look", f"{cost.growth_bytes:.0f} bytes", "< 4096")
    yield Row("Monitor, state on disk after them", f"{cost.state_bytes / 1024:.0f} KiB", "")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitor", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a quarter of the simulations")
    scale = 1 if parser.parse_args().quick else 4
    begun = time.monotonic()
    found: list[Row] = []
    for part in (counts(scale), columns(scale), trends(scale), alarms(scale), costs(30)):
        for row in part:
            print(f"{time.monotonic() - begun:6.0f} s  {row.what}: {row.measured}", file=sys.stderr)
            found.append(row)
    print(machine())
    print(table(found))


if __name__ == "__main__":
    main()
