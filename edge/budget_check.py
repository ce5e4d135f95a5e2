"""How much of its alarm budget each site has spent, for `edge doctor`: read from the state of the device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from edge.config import Settings, SiteSettings, to_site
from edge.doctor import Check, Verdict
from edge.errors import StoreBroken
from edge.health import BudgetHealth, budget_health
from edge.monitor import state
from edge.station import DATABASE, open_store
from edge.store import Store

_ADVICE = (
    "See its digests, call false what is false (edge feedback), or give it more: budget.alerts_per_week."
)


def examine(settings: Settings) -> Iterator[Check]:
    """One check a site that has a budget; none before the daemon has run here."""
    if not (settings.state.folder / DATABASE).is_file():
        return
    try:
        with closing(open_store(settings)) as store:
            for name, site in settings.sites.items():
                yield from _site(name, site, store)
    except StoreBroken as broken:
        yield Check("alarm budget", Verdict.FAIL, str(broken), "The daemon sets a damaged state aside.")


def _site(name: str, site: SiteSettings, store: Store) -> Iterator[Check]:
    blob = store.site_state(name)
    if blob is None or site.budget is None:
        return
    known = state.from_bytes(blob, to_site(name, site))
    yield of_budget(name, budget_health(known.budget, known.newest_look_at, site.budget))


def of_budget(name: str, budget: BudgetHealth) -> Check:
    """Whether a site finds more than it may tell."""
    found = f"{budget.n_used} of {budget.n_per_week} alerts used within seven days"
    if budget.digest_due_at is None:
        return Check(f"alarm budget of {name}", Verdict.OK, found)
    found += f", {budget.n_waiting} held back for the digest of {budget.digest_due_at:%Y-%m-%dT%H:%MZ}"
    return Check(f"alarm budget of {name}", Verdict.WARN, found, _ADVICE)
