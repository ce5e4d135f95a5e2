"""What an operator's word on an alert does to the store: read, false, true after all, not now.

`edge feedback` on the device and a command over any link come here, so both do the same. Each function runs
inside the caller's transaction and returns what to tell the operator, or why nothing was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from edge.geo import distance_m
from edge.monitor.finding import Kind
from edge.monitor.kinds import USUAL, widest
from edge.monitor.quiet import QuietPlace, QuietSettings, Snooze, is_always_said, is_same_thing
from edge.quietbook import Place, Subject
from edge.store import Store
from edge.transmit.command import Refusal, Refused

# Quiet places of one site: more than anyone can oversee, and few enough to ask at each look.
MAX_PLACES = 500

# About the device's own sight, or a list of others: no place to keep quiet, and no count that could be wrong.
_WITHOUT_SUBJECT = frozenset({Kind.BLIND, Kind.DEVICE, Kind.DIGEST})

Result = Mapping[str, object] | Refusal


def acknowledge(store: Store, device_id: str, alert_id: str, now: datetime) -> Result:
    """Mark an alert as read: what follows under its id is told as an update, marked as acked."""
    subject = store.quiet.subject(alert_id)
    if subject is None:
        return _unknown(alert_id)
    is_first = store.quiet.ack(alert_id, now)
    store.put_open(device_id, subject.site_id, now)
    return {"alert": alert_id, "already": not is_first}


def snooze(
    store: Store,
    alert_id: str,
    until_at: datetime,
    *,
    is_whole_site: bool,
    now: datetime,
    settings: QuietSettings,
) -> Result:
    """Let the rule behind an alert, or its site, be quiet until an instant; one that has passed ends it."""
    subject = store.quiet.subject(alert_id)
    if subject is None:
        return _unknown(alert_id)
    if not is_whole_site and is_always_said(subject.severity):
        return Refusal(
            Refused.ALWAYS_SAID, f"{alert_id} is {subject.severity}: severe alerts are always told"
        )
    rule_id = None if is_whole_site else subject.rule_id
    told = {"site": subject.site_id, "rule": rule_id}
    if until_at <= now:
        n_ended = store.quiet.lift_snooze(subject.site_id, rule_id, is_feedback=False)
        return {**told, "until_at": None, "ended": n_ended}
    latest = now + timedelta(days=settings.max_snooze_days)
    if until_at > latest:
        return Refusal(Refused.TOO_LONG, f"until_at: expected at most {latest:%Y-%m-%dT%H:%M:%SZ}")
    store.quiet.put_snooze(subject.site_id, Snooze(alert_id, rule_id, until_at.astimezone(UTC)))
    return {**told, "until_at": until_at.astimezone(UTC)}


def feedback(
    store: Store, device_id: str, alert_id: str, *, is_true: bool, now: datetime, settings: QuietSettings
) -> Result:
    """Keep the things of a false alert quiet at their places for a time, or tell of them again.

    A false alert is not open any more.
    """
    subject = store.quiet.subject(alert_id)
    if subject is None:
        return _unknown(alert_id)
    if is_true:
        return _lift(store, subject)
    if subject.kind in _WITHOUT_SUBJECT:
        return Refusal(Refused.NO_PLACE, f"{alert_id} is {subject.kind}: it is about no place; snooze it")
    # The ground may have been seen after what an untrusted clock says.
    until_at = max(now, subject.seen_at) + timedelta(days=settings.feedback_days)
    result = (
        _quiet_places(store, subject, until_at, settings)
        if subject.places
        else _quiet_rule(store, subject, until_at)
    )
    if not isinstance(result, Refusal):
        store.close_alert(alert_id)
        store.put_open(device_id, subject.site_id, now)
    return result


def _quiet_places(store: Store, subject: Subject, until_at: datetime, settings: QuietSettings) -> Result:
    known = [place for place in store.quiet.at(subject.site_id).places if place.alert_id != subject.alert_id]
    if len(known) + len(subject.places) > MAX_PLACES:
        return Refusal(
            Refused.TOO_MANY,
            f"{subject.site_id}: expected at most {MAX_PLACES} quiet places, are {len(known)}",
        )
    store.quiet.add_places(
        subject.site_id, [_quiet_place(subject, place, until_at, settings) for place in subject.places]
    )
    return {"site": subject.site_id, "quiet_places": len(subject.places), "until_at": until_at}


def _quiet_place(subject: Subject, place: Place, until_at: datetime, settings: QuietSettings) -> QuietPlace:
    radius_m = settings.radius_lengths * place.length_m
    return QuietPlace(subject.alert_id, subject.kind, place.label, place.position, radius_m, until_at)


def _quiet_rule(store: Store, subject: Subject, until_at: datetime) -> Result:
    """A false count has no place: its rule is quiet instead."""
    if is_always_said(subject.severity):
        return Refusal(
            Refused.ALWAYS_SAID,
            f"{subject.alert_id} is {subject.severity} and about no place: it is always told",
        )
    store.quiet.put_snooze(
        subject.site_id, Snooze(subject.alert_id, subject.rule_id, until_at, is_feedback=True)
    )
    return {"site": subject.site_id, "rule": subject.rule_id, "until_at": until_at}


def _lift(store: Store, subject: Subject) -> Result:
    """Tell again of the things of an alert, by whichever alert they were called false."""
    lifted = [place for place in store.quiet.at(subject.site_id).places if _is_of(place, subject)]
    store.quiet.lift_places(subject.site_id, {place.alert_id for place in lifted})
    n_rules = store.quiet.lift_snooze(subject.site_id, subject.rule_id, is_feedback=True)
    return {"site": subject.site_id, "lifted_places": len(lifted), "lifted_rules": n_rules}


def _is_of(quiet: QuietPlace, subject: Subject) -> bool:
    return quiet.alert_id == subject.alert_id or any(
        widest(place.label, USUAL) == widest(quiet.label, USUAL)
        and is_same_thing(subject.kind, quiet.kind)
        and distance_m(place.position, quiet.position) <= quiet.radius_m
        for place in subject.places
    )


def _unknown(alert_id: str) -> Refusal:
    return Refusal(Refused.UNKNOWN_ALERT, f"{alert_id}: expected an alert that this device keeps")
