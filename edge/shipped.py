"""Where the files lie that ship with the program: models, configurations, units.

In a checkout they stand beside the package; a wheel has them inside as _models, _config and _systemd.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The shipped folder of that name: models, config or systemd."""
    packed = _PACKAGE / f"_{name}"
    return packed if packed.is_dir() else _PACKAGE.parent / name


def models() -> tuple[str, ...]:
    """Names of the shipped models, sorted."""
    return tuple(sorted(path.stem for path in folder("models").glob("*.yaml")))


def model(name: str) -> Path:
    """The manifest of a shipped model; ValueError where there is none of that name."""
    if name not in models():
        raise ValueError(f"expected a shipped model ({', '.join(models()) or 'none'}), got {name}")
    return folder("models") / f"{name}.yaml"


def examples() -> tuple[str, ...]:
    """Names of the short example configurations, sorted."""
    return tuple(sorted(path.stem for path in (folder("config") / "examples").glob("*.yaml")))


def configuration(example: str | None = None) -> str:
    """The text of an example, or of the configuration that explains every key."""
    path = folder("config") / ("edge.yaml" if example is None else f"examples/{example}.yaml")
    return path.read_text(encoding="utf-8")
