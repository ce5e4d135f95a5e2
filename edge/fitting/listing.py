"""Which models there are: those that shipped, those of a configuration, those that are named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from edge import config, shipped
from edge.detect.manifest import Manifest
from edge.detect.model import read_manifest
from edge.errors import ModelRefused


def manifests(named: Iterable[Path], configuration: Path | None) -> list[Path]:
    """Paths of manifests, each once: the named ones, or else the shipped ones and the configured one.

    A file of weights means the manifest beside it.
    """
    chosen = [path.with_suffix(".yaml") if path.suffix == ".onnx" else path for path in named]
    if not chosen:
        chosen = [shipped.model(name) for name in shipped.models()]
        if configuration is not None:
            chosen.append(config.load(configuration).models.objects)
    return list(dict.fromkeys(path.resolve() for path in chosen))


def rows(paths: Iterable[Path]) -> Iterator[dict[str, object]]:
    """One plain record a model, ready for JSON; a manifest that cannot be read says so in its own."""
    for path in paths:
        try:
            yield _row(path, read_manifest(path))
        except ModelRefused as refused:
            yield {"manifest": str(path), "fault": str(refused)}


def _row(path: Path, manifest: Manifest) -> dict[str, object]:
    card, served = path.with_suffix(".md"), manifest.gsd_m
    return {
        "manifest": str(path),
        "name": manifest.name,
        "kind": manifest.kind,
        "labels": list(manifest.labels),
        "window_px": [manifest.input.width, manifest.input.height],
        "gsd_m": {
            "min": served.min,
            "working": served.working,
            "max": served.max,
            "by_label": served.by_label,
            "long": {label: msgspec.structs.asdict(one) for label, one in served.long.items()},
        },
        "weights": {name: _bytes(path.parent / manifest.of(name).file) for name in manifest.names},
        "sha256": manifest.sha256,
        "card": str(card) if card.is_file() else None,
    }


def _bytes(weights: Path) -> int | None:
    """None where they are missing; `edge models verify` says more."""
    try:
        return weights.stat().st_size
    except OSError:
        return None


def said(row: dict[str, object]) -> str:
    """A record in lines for a person."""
    if "fault" in row:
        return f"{row['manifest']}: {row['fault']}"
    labels, window, gsd_m, weights = row["labels"], row["window_px"], row["gsd_m"], row["weights"]
    assert isinstance(labels, list)
    assert isinstance(window, list)
    assert isinstance(gsd_m, dict)
    assert isinstance(weights, dict)
    finer = "".join(f", {label} at {at:g}" for label, at in gsd_m["by_label"].items())
    long = "".join(
        f", {label} from {one['from_m']:g} m also at {one['working']:g}"
        for label, one in gsd_m["long"].items()
    )
    sizes = ", ".join(
        f"{name} {'missing' if size is None else f'{size / 1e6:.2f} MB'}" for name, size in weights.items()
    )
    return (
        f"{row['name']}  ({row['kind']})\n"
        f"  labels    {', '.join(labels)}\n"
        f"  window    {window[0]} x {window[1]} px\n"
        f"  gsd       {gsd_m['min']:g} to {gsd_m['max']:g} m, searched at {gsd_m['working']:g}{finer}{long}\n"
        f"  weights   {sizes}\n"
        f"  card      {row['card'] or 'none'}\n"
        f"  manifest  {row['manifest']}"
    )
