"""`edge models`: which there are, whether they are sound, how fast here; and an own one taken in."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edge import commands, config
from edge.detect import choice
from edge.detect.choice import Choice
from edge.detect.graph import Activation, Layout
from edge.detect.manifest import Manifest
from edge.detect.model import read_manifest
from edge.errors import ModelRefused
from edge.fitting import add, bench, listing, verify
from edge.fitting.proposal import Said
from edge.fitting.timing import Timing
from edge.progress import progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the four actions; without one it lists."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    _common(actions.add_parser("list", help="say which models there are (default)"))
    _common(actions.add_parser("verify", help="check hashes, shapes, labels, and look at a rendered tile"))
    timed = actions.add_parser("bench", help="measure each model's weights on this device, say which to use")
    _common(timed)
    timed.add_argument(
        "--seconds",
        type=float,
        default=4.0,
        metavar="S",
        help="of measuring for each way (default: %(default)s)",
    )
    timed.add_argument(
        "--write", action="store_true", help="keep the choice in the state folder, for the daemon"
    )
    _add_own(actions.add_parser("add", help="inspect an own ONNX file, try it, write its manifest"))


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "manifests",
        nargs="*",
        type=Path,
        metavar="MANIFEST",
        help="default: the shipped and the configured ones",
    )
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="configuration whose model to take too"
    )
    parser.add_argument("--json", action="store_true", help="JSON Lines")


def _add_own(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the ONNX file; its manifest is written beside it"
    )
    parser.add_argument(
        "--name",
        dest="model_name",
        metavar="NAME",
        help="as it shall stand in alerts (default: that of the file)",
    )
    parser.add_argument(
        "--labels",
        type=_labels,
        metavar="A,B",
        help="in the order of its scores (default: as the file names them)",
    )
    gsd = ("MIN", "WORKING", "MAX")
    parser.add_argument("--gsd", nargs=3, type=float, metavar=gsd, help="metres per pixel that it serves")
    parser.add_argument("--layout", type=Layout, choices=list(Layout), help="where several fit its outputs")
    parser.add_argument(
        "--activation", type=Activation, choices=list(Activation), help="still to be done to scores"
    )
    parser.add_argument("--size", nargs=2, type=int, metavar=("WIDTH", "HEIGHT"), help="where it takes any")
    parser.add_argument(
        "--colour", choices=("rgb", "bgr"), default="rgb", help="order of bands (default: rgb)"
    )
    parser.add_argument("--mean", nargs=3, type=float, metavar="M", help="of each band, in [0, 1]")
    parser.add_argument("--std", nargs=3, type=float, metavar="S", help="of each band, in [0, 1]")
    parser.add_argument(
        "--max-object-px", type=int, metavar="N", help="longest object (default: a quarter window)"
    )
    parser.add_argument(
        "--threshold", type=float, default=0.5, metavar="T", help="of all labels (default: 0.5)"
    )


def _labels(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; 1 where a model is not sound."""
    actions: Mapping[str, Callable[[argparse.Namespace], int]] = {
        "list": _list, "verify": _verify, "bench": _bench, "add": _add,
    }  # fmt: skip
    if arguments.action is None:
        vars(arguments).update(action="list", manifests=[], config=None, json=False)
    return actions[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    rows = list(listing.rows(listing.manifests(arguments.manifests, arguments.config)))
    for row in rows:
        print(msgspec.json.encode(row).decode() if arguments.json else listing.said(row))
    return int(any("fault" in row for row in rows))


def _verify(arguments: argparse.Namespace) -> int:
    is_sound = True
    for path in listing.manifests(arguments.manifests, arguments.config):
        for one in verify.verify(path):
            print(msgspec.json.encode(asdict(one)).decode() if arguments.json else one, flush=True)
            is_sound &= one.ok
    return int(not is_sound)


def _bench(arguments: argparse.Namespace) -> int:
    where = arguments.config or (commands.DEFAULT_CONFIG if arguments.write else None)
    folder = None if where is None else config.load(where).state.folder
    for path in listing.manifests(arguments.manifests, where):
        manifest = read_manifest(path)
        ways = bench.N_ROUNDS * len(bench.ways(manifest))
        rounds = progress(bench.measure(path, manifest, arguments.seconds), ways, manifest.name, sys.stderr)
        timings = bench.together(list(rounds))
        best = bench.best(timings, manifest)
        _say_timings(arguments, manifest, timings, best)
        if arguments.write and folder is not None and manifest.kind == "objects":
            written = choice.record(folder, manifest, _choice(manifest, best.timing))
            print(f"{written}: {manifest.name} runs so from the next start on", file=sys.stderr)
    return 0


def _choice(manifest: Manifest, timing: Timing) -> Choice:
    return Choice(
        name=manifest.name,
        variant=timing.variant,
        threads=timing.threads,
        measured_at=datetime.now(UTC).replace(microsecond=0),
        ms_per_window=round(timing.ms_per_window, 2),
    )


def _say_timings(
    arguments: argparse.Namespace, manifest: Manifest, timings: list[Timing], best: bench.Best
) -> None:
    if arguments.json:
        for timing in timings:
            record = {"model": manifest.name, **msgspec.structs.asdict(timing), "use": timing == best.timing}
            print(msgspec.json.encode(record).decode())
        return
    size = f"{manifest.input.width} x {manifest.input.height} px"
    print(f"{manifest.name} on {platform.machine()}, windows of {size}")
    print("weights           threads  ms/window  CPU ms/window  ms/megapixel  peak MB  windows")
    for one in timings:
        print(
            f"{one.variant:16s}  {one.threads:7d}  {one.ms_per_window:9.1f}  {one.cpu_ms_per_window:13.1f}  "
            f"{one.ms_per_megapixel:12.1f}  {one.peak_memory_bytes / 1e6:7.0f}  {one.n_windows:7d}"
        )
    threads = f"{best.timing.threads} thread{'s' if best.timing.threads > 1 else ''}"
    print(f"use {best.timing.variant} on {threads}: {best.reason}")


def _add(arguments: argparse.Namespace) -> int:
    said = Said(
        ask=_asker(arguments.file),
        labels=arguments.labels,
        gsd_m=None if arguments.gsd is None else (arguments.gsd[0], arguments.gsd[1], arguments.gsd[2]),
        layout=arguments.layout,
        activation=arguments.activation,
        size=None if arguments.size is None else (arguments.size[0], arguments.size[1]),
        colour=arguments.colour,
        mean=arguments.mean,
        std=arguments.std,
        max_object_px=arguments.max_object_px,
        threshold=arguments.threshold,
    )
    added = add.add(arguments.file, said, name=arguments.model_name)
    print(added.path)
    output = added.manifest.output
    print(f"opset {added.facts.opset}, layout {output.layout}; dry run: {added.seen}", file=sys.stderr)
    for sentence in add.assumed(added, said):
        print(f"assumed: {sentence}", file=sys.stderr)
    print(f"Measure it, then in the configuration: models: {{objects: {added.path}}}", file=sys.stderr)
    return 0


def _asker(file: Path) -> Callable[[str, str], str]:
    """Asks on a terminal; elsewhere what is missing is a fault."""

    def ask(option: str, what: str) -> str:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise ModelRefused(f"{file}: expected {option}: {what}; the file does not say it")
        print(f"{what}: ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()

    return ask
