"""The order of the files: each imports only from files above it, so there are no cycles."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import edge

PACKAGE = Path(edge.__file__).parent

# From bottom to top of the program. A folder that stands here as a whole
# (report, receive, drill, fitting, demo, commands) has no order inside, and serves only what stands below it.
# A new file is placed on purpose.
ORDER = [
    "errors",
    "geo",
    "yamltree",
    "conform",
    "shipped",
    "progress",
    "schema/",
    "acquire/refusal",
    "acquire/tile_name",
    "acquire/regular_file",
    "acquire/shelf",
    "acquire/arrivals",
    "acquire/spool",
    "acquire/tile",
    "acquire/kept",
    "acquire/sidecar",
    "acquire/tiff_header",
    "acquire/image_header",
    "acquire/geotiff",
    "acquire/decode",
    "acquire/quality",
    "acquire/orientation",
    "acquire/registration",
    "acquire/overlay",
    "acquire/reference",
    "acquire/nmea",
    "acquire/fix",
    "acquire/plausible",
    "acquire/gnss",
    "heap",
    "clock",
    "detect/detection",
    "detect/graph",
    "detect/manifest",
    "detect/prepare",
    "detect/onnx_file",
    "detect/layouts",
    "detect/layouts_change",
    "detect/fit",
    "detect/session",
    "detect/model",
    "detect/windows",
    "detect/change",
    "detect/passes",
    "detect/size",
    "detect/objects",
    "detect/choice",
    "detect/record",
    "compare",
    "monitor/finding",
    "monitor/track",
    "monitor/places",
    "monitor/coverage",
    "monitor/presence",
    "monitor/kinds",
    "monitor/match",
    "monitor/inventory",
    "monitor/count",
    "monitor/activity",
    "monitor/trend",
    "monitor/chain",
    "monitor/column",
    "monitor/ledger",
    "monitor/rules",
    "monitor/quiet",
    "monitor/headline",
    "monitor/budget",
    "monitor/digest",
    "monitor/changed_ground",
    "monitor/scene",
    "monitor/judge_altered",
    "monitor/judge_convoy",
    "monitor/judge_ground",
    "monitor/judge_trend",
    "monitor/judge",
    "monitor/blind",
    "monitor/indicator",
    "monitor/state",
    "monitor/symmetry",
    "monitor/unlikeness",
    "monitor/likeness",
    "monitor/likeness_weights",
    "monitor/album",
    "monitor/alteration",
    "monitor/witness",
    "monitor/survey",
    "monitor/observation",
    "ballast",
    "row_crc",
    "database",
    "transmit/topics",
    "transmit/alert",
    "transmit/brief",
    "transmit/packed",
    "transmit/device_key",
    "transmit/pictures",
    "transmit/state",
    "transmit/uplink",
    "transmit/receipt",
    "transmit/desk",
    "transmit/outbox",
    "transmit/untimed",
    "transmit/correction",
    "transmit/command",
    "transmit/compact",
    "transmit/reply",
    "transmit/inbox",
    "transmit/mqtt_settings",
    "transmit/tls_fault",
    "transmit/home_assistant",
    "transmit/link",
    "transmit/mqtt",
    "transmit/reception",
    "transmit/sbd",
    "transmit/satmodem_settings",
    "transmit/satmodem",
    "transmit/satmodem_ledger",
    "transmit/modem_tally",
    "transmit/satmodem_sender",
    "quietbook",
    "transmit/tally",
    "transmit/session",
    "transmit/sender",
    "transmit/supervisor",
    "soundness",
    "salvage",
    "store",
    "opinions",
    "closeup",
    "tell",
    "pipeline",
    "together",
    "rationing",
    "grounds",
    "config",
    "config_schema",
    "announce",
    "doubts",
    "time_file",
    "health",
    "modem_check",
    "station",
    "doctor",
    "budget_check",
    "orders",
    "shelter",
    "daemon",
    "replay",
    "explain/",
    "report/",
    "receive/",
    "drill/",
    "fitting/",
    "demo/",
    "commands/",
    "cli",
    "__main__",
]


def files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def place(module: str) -> int | None:
    """Where a module stands, by its path below edge/, or None where the list does not name it."""
    if module in ORDER:
        return ORDER.index(module)
    folder = f"{module.partition('/')[0]}/"
    return ORDER.index(folder) if folder in ORDER else None


def imported(path: Path) -> Iterator[str]:
    """The modules of edge that a file imports anywhere in it, by their path below edge/."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (found for name in names if (found := module_of(name)))


def module_of(name: str) -> str | None:
    """The module that a dotted name of edge means: edge.geo.Site is geo."""
    head, *parts = name.split(".")
    if head != "edge":
        return None
    while parts:
        candidate = PACKAGE.joinpath(*parts)
        if candidate.with_suffix(".py").is_file() or candidate.is_dir():
            return "/".join(parts)
        parts.pop()
    return None


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_a_file_imports_only_from_files_above_it(path: Path) -> None:
    own = place(name_of(path))
    assert own is not None, f"edge/{name_of(path)}.py: expected a place in ORDER, got none"
    folder = ORDER[own].endswith("/")
    wrong = {
        module
        for module in imported(path)
        if (other := place(module)) is None or (other >= own and not (folder and other == own))
    }
    assert not wrong


def test_every_place_in_the_order_is_a_file() -> None:
    missing = [module for module in ORDER if not (PACKAGE / module).is_dir()]
    missing = [module for module in missing if not (PACKAGE / module).with_suffix(".py").is_file()]
    assert not missing


def test_relative_imports_are_not_used() -> None:
    nodes = [
        (path, node) for path in files() for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not [path for path, node in nodes if isinstance(node, ast.ImportFrom) and node.level]


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_only_what_is_slow_or_an_extra_is_imported_inside_a_function(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    inner = [
        node for one in functions for node in ast.walk(one) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inner or name_of(path) in {"acquire/geotiff", "detect/session"}


def test_the_only_except_exception_stands_in_the_daemon() -> None:
    assert {name_of(path) for path in files() if "except Exception" in path.read_text(encoding="utf-8")} <= {
        "daemon"
    }
