"""Indicators over several sites: what is said at one is heard at the other."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from edge.schema import schema_text
from tests.e2e.archive import FIRST_AT, SIDE_PX, A, B, bounds_of, picture, put, site, write_config
from tests.e2e.program import run_edge

EAST = bounds_of(east_px=4 * SIDE_PX)
INDICATOR = {
    "indicator": "moving over",
    "of": [{"kind": "departure", "label": "aircraft"}, {"kind": "arrival", "site": "harbour"}],
    "severity": "severe",
}
SITES = {
    "airfield": site(rules=({"departure": "aircraft"}, INDICATOR)),
    "harbour": site(EAST, ({"arrival": "aircraft"},)),
}


def alerts_of(folder: Path) -> list[dict[str, object]]:
    """One leaves the airfield on the second day, one comes to the harbour on the third."""
    for day, here, there in ((1, (A, B), (A,)), (2, (A,), (A,)), (3, (A,), (A, B))):
        at = FIRST_AT.replace(day=day)
        put(folder / "tiles", f"airfield-{day}", picture(here, day), at)
        put(folder / "tiles", f"harbour-{day}", picture(there, day + 10), at.replace(hour=10), EAST)
    config = write_config(folder / "device", sites=SITES)
    run = run_edge("replay", folder / "tiles", "-c", config)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_a_finding_at_another_site_completes_an_indicator(
    tmp_path: Path,
) -> None:
    alerts = alerts_of(tmp_path)
    assert [(one["source"], one["type"]) for one in alerts] == [
        ("edge/pier-7/airfield", "edge.alert.departure.v1"),
        ("edge/pier-7/harbour", "edge.alert.arrival.v1"),
        ("edge/pier-7/airfield", "edge.alert.indicator.v1"),
    ]
    told = alerts[-1]["data"]["properties"]  # type: ignore[index]
    assert told["headline"] == "moving over: 2 of 2 signs since 2 Mar"
    assert [step["site"] for step in told["why"]] == ["airfield", "harbour"]
    Draft202012Validator(json.loads(schema_text("alert"))).validate(alerts[-1])
