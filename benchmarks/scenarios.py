"""python -m benchmarks.scenarios [NAME ...] [--seeds N]: the library rendered, replayed and scored.

Each scenario is rendered with each seed and goes through the code of the field, as in `edge replay`; what was
told is held against the truth of the renderer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.scenario_score import Score, scored
from edge import config
from edge.detect.model import Models, load, load_change
from edge.drill import library
from edge.drill.events import scene_of
from edge.drill.scenario import Story
from edge.drill.watch import rules_of
from edge.drill.write import CONFIG, write_story
from edge.monitor.finding import Finding
from edge.monitor.rules import RULES
from edge.replay import Replay, archive

_KINDS = ("arrival", "departure", "altered", "convoy", "trend")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    name: str
    score: Score


def main() -> None:
    """Measure the scenarios that were named, or all of them, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(library.names())}")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="1 to N (default: %(default)s)")
    arguments = parser.parse_args()
    lines = []
    for name in arguments.names or library.names():
        score = Score()
        for seed in range(1, arguments.seeds + 1):
            print(f"measuring: {name}, seed {seed} of {arguments.seeds}", file=sys.stderr)
            score.add(measured(library.varied(library.story(name), seed)))
        lines.append(Line(name, score))
    print("\n".join(table(lines)))


def measured(story: Story) -> Score:
    """One story, rendered into a folder that is gone afterwards, replayed and scored."""
    with tempfile.TemporaryDirectory(prefix="edge-scenario-") as name:
        folder = Path(name)
        for _ in write_story(folder, story):
            pass
        findings = list(_findings(folder))
        score = Score()
        for site in story.sites:
            truth = json.loads((folder / site.site / "truth.json").read_text(encoding="utf-8"))
            told = [finding for finding in findings if finding.site_id == site.site]
            score.add(scored(truth, told, rules_of(scene_of(site))))
        return score


def _findings(folder: Path) -> Iterator[Finding]:
    settings = config.load(folder / CONFIG)
    # The rules are measured, whatever the alarm budget makes of them: benchmarks.monitor measures that.
    sites = {name: msgspec.structs.replace(site, budget=None) for name, site in settings.sites.items()}
    settings = msgspec.structs.replace(settings, sites=sites)
    replay = Replay(_models(settings), settings)
    for step in replay.run(archive(folder, settings.decode).tiles):
        yield from (alert.finding for alert in step.alerts)


def _models(settings: config.Settings) -> Models:
    change = settings.models.change
    return Models(load(settings.models.objects), None if change is None else load_change(change))


def table(lines: list[Line]) -> list[str]:
    """Markdown: for each scenario its events, then recall, precision and F1 of each kind that has any."""
    kinds = [kind for kind in _KINDS if kind in RULES]
    head = ["scenario", "found of all", "recall", "precision", *(f"{kind} F1" for kind in kinds),
            "alerts", "false a site and month"]  # fmt: skip
    rows = [_row(line, kinds) for line in lines]
    return [_joined(head), _joined(["---"] * len(head)), *(_joined(row) for row in rows)]


def _row(line: Line, kinds: list[str]) -> list[str]:
    score = line.score
    found, missed, false = (sum(counter.values()) for counter in (score.found, score.missed, score.false))
    by_kind = [_f1(score.found[kind], score.missed[kind], score.false[kind]) for kind in kinds]
    return [
        line.name,
        f"{found} of {found + missed}",
        _share(found, missed),
        _share(found, false),
        *by_kind,
        str(score.n_alerts),
        f"{score.n_false / score.site_months:.1f}",
    ]


def _share(right: int, wrong: int) -> str:
    return f"{right / (right + wrong):.2f}" if right + wrong else "-"


def _f1(found: int, missed: int, false: int) -> str:
    wrong = missed + false
    return f"{2 * found / (2 * found + wrong):.2f}" if found + wrong else "-"


def _joined(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
