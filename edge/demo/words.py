"""What the demo says while it goes and in the end; every figure is from this run. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from edge.demo.stagecraft import sky
from edge.demo.verdict import Happening, Verdict
from edge.drill.events import Moment
from edge.monitor.headline import number
from edge.report.facts import Event


def day_line(moment: Moment, record: Mapping[str, Any], events: Sequence[Event]) -> str:
    """One look in one line: when, the air, and what the daemon said of it."""
    when = f"day {moment.number}  {moment.at.day:2} {moment.at:%b %H:%M}  {sky(moment):8}"
    return f"{when}  -> {'; '.join(_said(record, events))}"


def _said(record: Mapping[str, Any], events: Sequence[Event]) -> Iterator[str]:
    if record["rejected"] is not None:
        yield f"look rejected: {str(record['rejected']).replace('_', ' ')}"
    for event in events:
        said = event.data.properties
        yield f"{said.headline.partition(';')[0]} ({said.confidence:.2f})"
    if record["rejected"] is None and not events:
        aircraft = record["counts"].get("aircraft", {}).get("value", 0)
        yield f"nothing new, {aircraft} aircraft on the site"


def summary(
    result: Verdict,
    records: Sequence[Mapping[str, Any]],
    events: Sequence[Event],
    n_pictures: int,
    delays_s: Sequence[float],
) -> list[str]:
    """The run in a few lines.

    n_pictures  that came and whose hash is the one in an alert
    delays_s    from each tile dropped to each of its alerts received
    """
    reasons = [record["rejected"] for record in records if record["rejected"] is not None]
    rejected = [str(reason).replace("_", " ") for reason in reasons]
    refused = f", {len(rejected)} rejected: {', '.join(rejected)}" if rejected else ""
    kinds = _tally(event.data.properties.kind for event in events)
    happenings = (*result.found, *result.missed)
    lines = [
        f"rendered   {len(happenings)} events on the apron ({_tally(one.kind for one in happenings)})",
        f"found      {len(result.found)} of {result.n_true}{_listed('missed', result.missed)}",
        f"false      {len(result.false)}{_listed('told', result.false)}",
        f"looks      {len(records) - len(rejected)} of use{refused}",
        f"received   {number(len(events), 'alert')} over MQTT ({kinds or 'none'})",
        f"pictures   {n_pictures} over MQTT, each with the SHA-256 that its alert names",
    ]
    if delays_s:
        p50, longest = statistics.median(delays_s), max(delays_s)
        lines.append(
            f"delay      {p50:.1f} s from tile dropped to alert received (median), {longest:.1f} s at most"
        )
    return lines


def _listed(word: str, happenings: Iterable[Happening]) -> str:
    each = ", ".join(f"{one.kind} on day {one.number}" for one in happenings)
    return f" ({word}: {each})" if each else ""


def _tally(words: Iterable[str]) -> str:
    return ", ".join(f"{word} {n}" for word, n in Counter(words).most_common())
