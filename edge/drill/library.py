"""Scenario files -> stories: the library that ships with the package, and files of one's own.

A fault names file, line, key, wanted and got; every look is played through before a story is handed out.
"""

from __future__ import annotations

from datetime import timedelta
from importlib import resources
from pathlib import Path

import msgspec

from edge import yamltree
from edge.conform import conform
from edge.drill.events import Impossible, moments
from edge.drill.noise import generator
from edge.drill.scenario import Scenario, ScenarioFault, Story
from edge.yamltree import Fault, Node, join

SUFFIX = ".yaml"
# The sun of another hour, and still the day that the story is about.
_MAX_LATER = timedelta(minutes=75)


def names() -> tuple[str, ...]:
    """The scenarios that ship with the package."""
    folder = resources.files("edge.drill").joinpath("scenarios")
    found = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX)))


def story(name: str) -> Story:
    """A scenario of the library by its name, or one in a file by its path."""
    if name in names():
        entry = resources.files("edge.drill").joinpath("scenarios", f"{name}{SUFFIX}")
        return parse(entry.read_text(encoding="utf-8"), f"{name}{SUFFIX}")
    if not name.endswith((SUFFIX, ".yml")):
        raise ScenarioFault(f"scenario: expected one of {', '.join(names())}, or a YAML file, got {name}")
    try:
        return parse(Path(name).read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioFault(f"{name}: expected a readable YAML file, got: {error}") from error


def built_in(name: str) -> Scenario:
    """The only site of a scenario of the library."""
    (site,) = story(name).sites
    return site


def parse(text: str, name: str) -> Story:
    """Read a story and play it through; `name` stands in the messages."""
    tree, faults = yamltree.parse(text)
    read: Scenario | Story | None = None
    if tree is not None and not faults:
        read, faults = conform(tree, Story if _has_sites(tree) else Scenario)
    if read is None or faults or tree is None:
        raise ScenarioFault("\n".join(fault.said_of(name) for fault in sorted(faults, key=lambda f: f.line)))
    told = read if isinstance(read, Story) else Story(sites=(read,))
    _rehearse(told, tree, name)
    return told


def varied(told: Story, seed: int) -> Story:
    """The same story at another hour, on other stands, over other ground, in other air."""
    return msgspec.structs.replace(told, sites=tuple(_varied(site, seed) for site in told.sites))


def _varied(site: Scenario, seed: int) -> Scenario:
    """Looks of one day move by the same time, so that minutes between two of them stay minutes."""
    looks = []
    for look in site.looks:
        rng = generator(seed, "hour", site.site, look.at.date().isoformat())
        later = timedelta(minutes=round(float(rng.uniform(-1, 1)) * _MAX_LATER.total_seconds() / 60))
        looks.append(msgspec.structs.replace(look, at=look.at + later))
    return msgspec.structs.replace(site, looks=tuple(looks), seed=seed, shuffled=True)


def _has_sites(tree: Node) -> bool:
    return isinstance(tree.value, dict) and "sites" in tree.value


def _rehearse(told: Story, tree: Node, name: str) -> None:
    """Refuse what cannot happen, with its line."""
    for index, site in enumerate(told.sites):
        start: tuple[str | int, ...] = ("sites", index) if _has_sites(tree) else ()
        fault = _impossible(site, {one.site for one in told.sites[:index]})
        if fault is not None:
            raise ScenarioFault(_fault(tree, (*start, *fault.path), fault.text).said_of(name))


def _impossible(site: Scenario, taken: set[str]) -> Impossible | None:
    """Why a site cannot be played, or None where it can."""
    if site.site in taken:
        return Impossible(("site",), f"expected each site once, got {site.site} again")
    try:
        for _ in moments(site):
            pass
    except Impossible as error:
        return error
    return None


def _fault(tree: Node, keys: tuple[str | int, ...], text: str) -> Fault:
    """The fault at the deepest of the keys that the file holds: a default has no line of its own."""
    node, path = tree, ""
    for key in keys:
        path = join(path, key)
        try:
            node = node.child(key)
        except (LookupError, TypeError):
            break
    return Fault(node.line, path, text)
