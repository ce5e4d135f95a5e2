"""What a look costs the monitor at a site of 200 tracks: all that comes after the model."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from edge.acquire.quality import QualitySettings
from edge.acquire.reference import ReferenceSettings
from edge.acquire.registration import RegistrationSettings
from edge.geo import Site
from edge.monitor import inventory
from edge.monitor import state as site_state
from edge.monitor.inventory import Recall
from edge.monitor.judge import judge
from edge.monitor.rules import ArrivalRule, DepartureRule, TrendRule
from edge.monitor.scene import Scene
from edge.monitor.state import PastLook, SiteState
from edge.pipeline import Counts, WatchedSite
from tests.monitor.crowd import Crowd
from tests.monitor.scenes import APRON, BOUNDS, SETTINGS, day

N_TRACKS = 200
RECALL = Recall({"aircraft": 0.88})
WATCHED = WatchedSite(
    Site("north-airfield", BOUNDS, (APRON,)),
    (
        ArrivalRule(arrival="aircraft"),
        DepartureRule(departure="aircraft", zone="apron"),
        TrendRule(trend="aircraft"),
        TrendRule(trend="aircraft", zone="apron"),
    ),
    QualitySettings(),
    RegistrationSettings(),
    ReferenceSettings(),
    SETTINGS,
)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds a look (median), bytes of growth a look over the second half, bytes at the end."""

    ms: float
    growth_bytes: float
    state_bytes: int


def cost_of_looks(n_looks: int) -> Cost:
    """Daily looks at a crowd of N_TRACKS; the detections are given."""
    crowd = Crowd(1, mean=N_TRACKS, leaves_per_day=0.02)
    state = SiteState.empty(WATCHED.site)
    spent, sizes = [], []
    for n in range(n_looks):
        sight, shown = crowd.look(day(1 + n))
        begun = time.process_time()
        tracks, delta = inventory.update(
            state.inventory, sight, shown, state.coverage, site=WATCHED.site, recall=RECALL, settings=SETTINGS
        )
        state = replace(
            state,
            inventory=tracks,
            coverage=state.coverage.after(sight),
            recent=state.remembering(PastLook(sight, "0" * 64)),
            newest_look_at=sight.seen_at,
        )
        counts = Counts.made(WATCHED, state, RECALL)
        state = replace(state, activity=counts.activity_after(sight))
        scene = Scene(WATCHED.site, sight, tracks, delta, counts.of, activity=state.activity, recall=RECALL)
        verdict = judge(scene, WATCHED.rules, state.stories)
        state = replace(state, inventory=verdict.inventory, stories=verdict.stories)
        spent.append(time.process_time() - begun)
        sizes.append(len(site_state.to_bytes(state)))
        crowd.pass_days(1.0)
    half = n_looks // 2
    growth = (sizes[-1] - sizes[half]) / max(1, n_looks - 1 - half)
    return Cost(sorted(spent)[half] * 1000.0, growth, sizes[-1])
