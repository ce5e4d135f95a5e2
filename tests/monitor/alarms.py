"""A site that alarms far too often, through its alarm budget: what goes out, and whether anything is lost.

Seeded simulations: objects on stands, a calibrated detector, and false detections without end, of which some
flicker at places that stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from edge.acquire.quality import QualitySettings
from edge.acquire.reference import ReferenceSettings
from edge.acquire.registration import RegistrationSettings
from edge.monitor.budget import WEEK, BudgetSettings
from edge.monitor.finding import Finding, Kind, Phase, Severity
from edge.monitor.quiet import NOTHING, Quiet, is_always_said
from edge.monitor.rules import AnyRule, ArrivalRule, CountRule, DepartureRule
from edge.monitor.state import SiteState
from edge.pipeline import WatchedSite
from edge.rationing import Rationed, rationed
from edge.tell import Told
from edge.transmit.alert import alert_id
from tests.monitor.crowd import OBJECT_PX, Crowd
from tests.monitor.guard import Guard
from tests.monitor.scenes import SETTINGS, SIDE_PX, SITE, day, make_sight, seen

DEVICE = "pier-7"
# Places at which something is taken for an object every other look, for each part of the noise.
FLICKERS = 1
FALSE_A_LOOK = 0.5
LOOKS_A_DAY = 4
# What no limit may hide: a known object leaves the apron.
SEVERE = DepartureRule(departure="aircraft", zone="apron", severity=Severity.SEVERE)
RULES: tuple[AnyRule, ...] = (
    ArrivalRule(arrival="aircraft"),
    DepartureRule(departure="aircraft"),
    CountRule(count="aircraft", at_least=7),
    SEVERE,
)


@dataclass(slots=True)
class Desk:
    """Who receives the alerts of one site, with its budget.

    messages  of the budget: new alerts, updates and digests below severe, each when it was told
    """

    settings: BudgetSettings = field(default_factory=BudgetSettings)
    state: SiteState = field(default_factory=lambda: SiteState.empty(SITE))
    told: list[Finding] = field(default_factory=list)
    messages: list[datetime] = field(default_factory=list)
    quiet: Quiet = NOTHING

    def take(self, findings: Sequence[Finding], at: datetime) -> Rationed:
        """What one look found."""
        watched = WatchedSite(
            SITE, (), QualitySettings(), RegistrationSettings(), ReferenceSettings(), SETTINGS, self.settings
        )
        shares = rationed(
            {SITE.site_id: watched}, {SITE.site_id: self.state}, [Told(one, None) for one in findings], at,
            device_id=DEVICE, quiet_of=lambda _: self.quiet,
        )  # fmt: skip
        self.state = shares.states.get(SITE.site_id, self.state)
        for one in shares.told:
            self._hear(one.finding, at)
        return shares

    def _hear(self, finding: Finding, at: datetime) -> None:
        self.told.append(finding)
        if finding.kind is Kind.DIGEST:
            self.messages.append(finding.seen_at)
        elif finding.phase in (Phase.NEW, Phase.UPDATE) and not is_always_said(finding.severity):
            self.messages.append(at)

    @property
    def most_in_a_week(self) -> int:
        """The most messages of the budget within any seven days."""
        return max(
            (sum(one <= other < one + WEEK for other in self.messages) for one in self.messages), default=0
        )

    @property
    def known(self) -> set[str]:
        """The ids that the desk has heard of: of alerts, and in digests."""
        heard = {alert_id(DEVICE, SITE.site_id, one.rule_id, one.opened_by) for one in self.told}
        return heard | {str(line["alert"]) for one in self.told for line in one.why if "alert" in line}


@dataclass(frozen=True, slots=True)
class Month:
    """What became of a month of one site.

    n_unlimited  messages there would be without a budget
    n_severe     severe findings; n_severe_lost: those of them that were not told
    """

    most_in_a_week: int
    n_unlimited: int
    n_told: int
    n_digests: int
    n_severe: int
    n_severe_lost: int


def month(seed: int, *, noise: float, n_days: int = 30, settings: BudgetSettings | None = None) -> Month:
    """A simulated month at so many times the noise."""
    desk, severe = Desk(settings or BudgetSettings()), []
    n_unlimited = 0
    for at, findings in looks(seed, noise=noise, n_days=n_days):
        desk.take(findings, at)
        severe += [one for one in findings if is_always_said(one.severity)]
        n_unlimited += sum(one.phase is not Phase.END for one in findings)
    return Month(
        desk.most_in_a_week,
        n_unlimited,
        len(desk.messages),
        sum(one.kind is Kind.DIGEST for one in desk.told),
        len(severe),
        sum(one not in desk.told for one in severe),
    )


def looks(seed: int, *, noise: float, n_days: int) -> Iterator[tuple[datetime, Sequence[Finding]]]:
    """What the rules find at each look."""
    crowd, guard = Crowd(seed, mean=4.0, leaves_per_day=0.03), Guard(*RULES)
    flickers = crowd.rng.uniform(40, SIDE_PX - 40, (round(FLICKERS * noise), 2))
    for n in range(n_days * LOOKS_A_DAY):
        at = day(1.0 + n / LOOKS_A_DAY)
        sight, shown = crowd.look(at)
        scattered = crowd.rng.uniform(40, SIDE_PX - 40, (int(crowd.rng.poisson(FALSE_A_LOOK * noise)), 2))
        flickering = flickers[crowd.rng.random(len(flickers)) < 0.5]
        wrong = [
            seen(
                make_sight(at),
                float(x),
                float(y),
                score=float(crowd.rng.choice(crowd.wrong)),
                side_px=OBJECT_PX,
            )
            for x, y in (*scattered, *flickering)
        ]
        yield at, guard.show_all(sight, [*shown, *wrong])
        crowd.pass_days(1.0 / LOOKS_A_DAY)
