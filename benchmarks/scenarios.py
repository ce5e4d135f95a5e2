"""python -m benchmarks.scenarios [NAME ...] [--seeds N] [--jobs N]: the library, rendered and scored.

Each scenario is rendered with each seed and goes through the code of the field, as in `edge replay`; what was
told is held against the truth of the renderer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
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
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="stories at once (default: %(default)s)"
    )
    arguments = parser.parse_args()
    names = arguments.names or library.names()
    scores = {name: Score() for name in names}
    for name, score in all_measured(names, arguments.seeds, arguments.jobs):
        scores[name].add(score)
    print("\n".join(table([Line(name, score) for name, score in scores.items()])))


def all_measured(names: Sequence[str], n_seeds: int, n_jobs: int) -> Iterator[tuple[str, Score]]:
    """Every scenario with every seed, in this order however many run at once: each has a process."""
    tasks = [(name, seed) for name in names for seed in range(1, n_seeds + 1)]
    with ProcessPoolExecutor(n_jobs, mp_context=get_context("spawn")) as pool:
        for (name, seed), score in zip(tasks, pool.map(_measured_by_name, tasks), strict=True):
            print(f"measured: {name}, seed {seed} of {n_seeds}", file=sys.stderr)
            yield name, score


def _measured_by_name(task: tuple[str, int]) -> Score:
    name, seed = task
    return measured(library.varied(library.story(name), seed))


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
