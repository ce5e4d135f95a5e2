"""One alert explained, message by message: what was told beside what follows from what the device keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from edge import grounds as kept_grounds
from edge.errors import UnknownAlert
from edge.explain.again import Told, count_of, decided_again, is_kept
from edge.explain.chain import Chain, chain_of
from edge.explain.ledger import Looked, looked
from edge.explain.levels import Case, Level, levels
from edge.explain.message import Event, Properties, event_of
from edge.grounds import Grounds, SceneGrounds
from edge.monitor.finding import Finding, Kind
from edge.monitor.ledger import SITE
from edge.store import Store, StoredAlert
from edge.transmit.alert import BASE32, ID_CHARACTERS

# As git does: fewer characters are a slip of the finger.
MIN_PREFIX = 4
_MAX_NAMED = 10
# Confidence is told to three digits.
_LAST_DIGIT = 0.0015
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was told, and what follows from what is kept."""

    what: str
    told: object
    derived: object

    @property
    def agrees(self) -> bool:
        """True if they are the same, figures but for the last digit that is told."""
        if isinstance(self.told, float) and isinstance(self.derived, float):
            return abs(self.told - self.derived) < _LAST_DIGIT
        return self.told == self.derived


@dataclass(frozen=True, slots=True)
class Explained:
    """One message of an alert.

    rule     as it stood in the configuration; None where it is not kept, or where there is none (digest)
    coverage what the ledger says of its look and zone; None where that is not kept or where there is no look
    missing  what cannot be worked out any more and why; empty where all can
    """

    sequence: int
    is_held: bool
    seen_at: datetime
    said: Properties
    rule: Mapping[str, object] | None
    scene: SceneGrounds | None
    chains: tuple[Chain, ...]
    levels: tuple[Level, ...]
    checks: tuple[Check, ...]
    coverage: Mapping[str, object] | None
    again: Finding | None
    missing: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """True if nothing that was told differs from what follows."""
        return all(one.agrees for one in self.checks) and all(one.agrees for one in self.chains)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One alert: its messages in order."""

    alert_id: str
    site_id: str
    messages: tuple[Explained, ...]

    @property
    def agrees(self) -> bool:
        """True if nothing that was told differs from what follows."""
        return all(one.agrees for one in self.messages)


def the_alert(store: Store, text: str) -> str:
    """The id that a text means: an id, or its beginning; UnknownAlert where it means none or several."""
    prefix = text.strip().upper()
    if not MIN_PREFIX <= len(prefix) <= ID_CHARACTERS or set(prefix) - set(BASE32):
        raise UnknownAlert(
            f"{text}: expected {MIN_PREFIX} to {ID_CHARACTERS} characters of an alert's id "
            "(0-9, A-Z without I, L, O, U)"
        )
    found = store.alert_ids(prefix)
    if not found:
        raise UnknownAlert(f"{text}: expected an alert that this device keeps, got none that begins so")
    if len(found) > 1:
        named = "\n".join(f"  {one}  {_newest_headline(store, one)}" for one in found[:_MAX_NAMED])
        more = f"\n  and {len(found) - _MAX_NAMED} more" if len(found) > _MAX_NAMED else ""
        raise UnknownAlert(f"{text}: expected one alert, got {len(found)} that begin so:\n{named}{more}")
    return found[0]


def _newest_headline(store: Store, alert_id: str) -> str:
    return event_of(store.alert(alert_id)[-1]).data.properties.headline


def explain(store: Store, alert_id: str) -> Explanation:
    """Every message of an alert that the store keeps."""
    messages = store.alert(alert_id)
    site_id = messages[0].site_id
    looks = [look for record in store.looks(site_id, _EVER) if (look := looked(record)) is not None]
    return Explanation(alert_id, site_id, tuple(_explained(store, one, looks) for one in messages))


def _explained(store: Store, stored: StoredAlert, looks: Sequence[Looked]) -> Explained:
    event = event_of(stored)
    said = event.data.properties
    # A correction repeats a message with the right time: it was decided on the same.
    sequence = said.corrects or stored.sequence
    blob = store.grounds(sequence)
    grounds = None if blob is None else kept_grounds.from_bytes(blob)
    told = _told(event, stored, looks)
    scene = None if grounds is None else grounds.scene
    chains = _chains(said, scene, looks)
    can_decide = grounds is not None and is_kept(told, grounds)
    again = (
        decided_again(told, _with_derived(grounds, chains)) if grounds is not None and can_decide else None
    )
    rule = None if grounds is None else grounds.the_rule()
    return Explained(
        sequence=stored.sequence,
        is_held=stored.is_held,
        seen_at=event.time,
        said=said,
        rule=None if grounds is None else grounds.rule,
        scene=scene,
        chains=chains,
        levels=tuple(levels(Case(rule, again, scene, chains))) if rule and again else (),
        checks=tuple(_checks(store, said, scene, again, can_decide)),
        coverage=_coverage(said, looks),
        again=again,
        missing=tuple(_missing(said, grounds, told, looks, chains)),
    )


def _with_derived(grounds: Grounds, chains: Sequence[Chain]) -> Grounds:
    """The grounds with the presence of its objects as it was worked out, not as it was kept."""
    scene = grounds.scene
    if scene is None:
        return grounds
    derived = {one.track.track_id: one.derived_track() for one in chains}
    tracks = tuple(derived.get(track.track_id, track) for track in scene.tracks)
    return msgspec.structs.replace(grounds, scene=msgspec.structs.replace(scene, tracks=tracks))


def _told(event: Event, stored: StoredAlert, looks: Sequence[Looked]) -> Told:
    said = event.data.properties
    reason = said.why[0].get("reason") if said.why else None
    usable = sorted(look.time for look in looks if look.rejected is None)
    return Told(
        event.id,
        event.device_id,
        stored.site_id,
        said.kind,
        said.phase,
        event.time,
        tuple(usable),
        None if reason in (None, "no tile") else str(reason),
    )


def _chains(said: Properties, scene: SceneGrounds | None, looks: Sequence[Looked]) -> tuple[Chain, ...]:
    if scene is None:
        return ()
    told = {str(one["track"]) for one in said.objects}
    by_tile = {look.tile: look for look in looks}
    return tuple(
        chain_of(track, scene.settings, scene.recall, by_tile)
        for track in scene.tracks
        if track.track_id in told
    )


def _checks(
    store: Store,
    said: Properties,
    scene: SceneGrounds | None,
    again: Finding | None,
    can_decide: bool,  # noqa: FBT001
) -> list[Check]:
    if not can_decide:
        return []
    if again is None:
        return [Check("the rule comes true", told=True, derived=False)]
    found = [
        Check("headline", said.bare_headline, again.headline),
        Check("confidence", said.confidence, round(again.confidence, 3)),
        Check("count", said.count, again.count),
        Check("objects", [one["track"] for one in said.objects], [one.track_id for one in again.objects]),
        Check("why", said.bare_why, _plain(again.why)),
    ]
    if scene is not None and said.label is not None and said.remaining is not None:
        number = count_of(scene, said.label, said.zone)
        derived = {"value": number.value, "low": number.low, "high": number.high}
        found.append(Check("remaining", said.remaining, derived))
    if said.kind is Kind.DIGEST:
        listed = [str(line["alert"]) for line in said.why if "alert" in line]
        kept = [one for one in listed if any(row.is_held for row in store.alert(one))]
        found.append(Check("alerts listed, alerts kept as held back", listed, kept))
    return found


def _plain(value: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(value))


def _coverage(said: Properties, looks: Sequence[Looked]) -> Mapping[str, object] | None:
    if said.look is None:
        return None
    look = next((one for one in looks if one.tile == said.look["tile"]), None)
    if look is None:
        return None
    zone = look.zones.get(said.zone or SITE)
    return {
        "tile": look.tile,
        "usable_fraction": look.usable_fraction,
        "zone": said.zone or SITE,
        "state": None if zone is None else zone.state,
        "seen_fraction": None if zone is None else zone.seen_fraction,
    }


def _missing(
    said: Properties, grounds: Grounds | None, told: Told, looks: Sequence[Looked], chains: Sequence[Chain]
) -> list[str]:
    found = []
    if grounds is None:
        found.append("what it was decided on is not kept: it is older than that, or it gave way to room")
    elif not is_kept(told, grounds):
        found.append("the rule behind it was not kept")
    if said.look is not None and said.look["tile"] not in {look.tile for look in looks}:
        found.append("its look is not in the ledger (any more)")
    n_lost = sum(step.in_ledger is None for one in chains for step in one.steps)
    if n_lost:
        found.append(f"{n_lost} looks of its objects are not in the ledger (any more)")
    return found
