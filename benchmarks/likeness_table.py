"""The logistic table of a likeness as a fit makes it, and the file that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CASES = ("one look before, one after", "two before, one after", "one before, two after", "two on both sides")
FILE = Path(__file__).parents[1] / "edge" / "monitor" / "likeness_weights.py"
_BEGINS, _ENDS = "# The table of benchmarks.fit_likeness begins here.\n", "# The table ends here.\n"


@dataclass(frozen=True, slots=True)
class Term:
    """A measure, and the value from which it counts; None: all of it."""

    measure: str
    start: float | None


def written(terms: Sequence[Term], weights: Sequence[Sequence[float]], offsets: Sequence[float]) -> str:
    """The text of the file with another table in it."""
    lines = [
        f'    ("{term.measure}", {term.start}, ({_numbers(row)})),\n'
        for term, row in zip(terms, weights, strict=True)
    ]
    text = FILE.read_text(encoding="utf-8")
    head, _, rest = text.partition(_BEGINS)
    _, _, tail = rest.partition(_ENDS)
    table = f"_TABLE: tuple[_Term, ...] = (\n{''.join(lines)})\n_OFFSETS = ({_numbers(offsets)})\n"
    return f"{head}{_BEGINS}{table}{_ENDS}{tail}"


def _numbers(row: Sequence[float]) -> str:
    return ", ".join(repr(round(value, 3)) for value in row)
