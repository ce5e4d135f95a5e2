"""The steps of a replay, one after another, into a report; holds a few small pictures, never a tile. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.geo import Site
from edge.pipeline import SiteOutcome, WatchedSite
from edge.replay import Step
from edge.report.facts import (
    Picture,
    RefusedFile,
    Report,
    ReportAlert,
    ReportLook,
    SitePicture,
    SiteReport,
    look_of,
    read_event,
)
from edge.report.thumbnail import site_picture
from edge.transmit.alert import Alert, to_json

# All pictures of alerts together; a page of more is slow to open on a telephone. The first ones stay.
MAX_PICTURE_BYTES = 24_000_000
MAX_REFUSED = 100
# A look from which on a newer picture of the site is taken for an older one.
CLEAR_FRACTION = 0.9


@dataclass(slots=True)
class _Gathered:
    """What is known of one site so far."""

    looks: list[ReportLook] = field(default_factory=list)
    alerts: list[ReportAlert] = field(default_factory=list)
    picture: SitePicture | None = None
    picture_fraction: float = 0.0


class Collector:
    """Takes step by step what a report shows.

    watched  the sites by id, as `Replay.watched` has them; looked up when the report is made
    """

    def __init__(
        self, watched: Mapping[str, WatchedSite], *, max_picture_bytes: int = MAX_PICTURE_BYTES
    ) -> None:
        """Begin with nothing."""
        self._watched = watched
        self._gathered: dict[str, _Gathered] = {}
        self._refused: list[RefusedFile] = []
        self._n_refused = 0
        self._bytes_left = max_picture_bytes

    def add(self, step: Step) -> None:
        """One file of the archive and what became of it."""
        if step.refused is not None:
            self._n_refused += 1
            if len(self._refused) < MAX_REFUSED:
                refused = step.refused
                self._refused.append(RefusedFile(step.file.image.name, refused.reason, str(refused)))
        for outcome in step.outcomes:
            self._of(outcome.site_id).looks.append(look_of(outcome.record))
            self._keep_picture(step, outcome)
        for alert in step.alerts:
            self._of(alert.site_id).alerts.append(self._alert(alert))

    def report(self, title: str, *, made_by: str, models: Mapping[str, str]) -> Report:
        """Everything so far; sites that no tile showed are left out."""
        return Report(
            title=title,
            made_by=made_by,
            models=models,
            sites=tuple(self._site(name, self._gathered[name]) for name in sorted(self._gathered)),
            refused=tuple(self._refused),
            n_refused=self._n_refused,
        )

    def _of(self, site_id: str) -> _Gathered:
        return self._gathered.setdefault(site_id, _Gathered())

    def _ground(self, site_id: str) -> Site:
        return self._watched[site_id].site

    def _site(self, site_id: str, gathered: _Gathered) -> SiteReport:
        return SiteReport(
            self._ground(site_id), tuple(gathered.looks), tuple(gathered.alerts), gathered.picture
        )

    def _keep_picture(self, step: Step, outcome: SiteOutcome) -> None:
        gathered = self._of(outcome.site_id)
        look = gathered.looks[-1]
        is_better = look.usable_fraction >= min(CLEAR_FRACTION, gathered.picture_fraction)
        if look.rejected is not None or not is_better or step.tile is None:
            return
        ground = self._ground(outcome.site_id).bounds
        picture = site_picture(step.tile.pixels, step.tile.bounds, ground, look.at)
        if picture is not None:
            gathered.picture, gathered.picture_fraction = picture, look.usable_fraction

    def _alert(self, alert: Alert) -> ReportAlert:
        event = read_event(to_json(alert))
        size = sum(len(shown.jpeg) for shown in alert.evidence)
        if size > self._bytes_left:
            return ReportAlert(event, n_left_out=len(alert.evidence))
        self._bytes_left -= size
        return ReportAlert(event, tuple(Picture(shown.role, shown.jpeg) for shown in alert.evidence))
