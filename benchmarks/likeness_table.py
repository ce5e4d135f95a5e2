"""The logistic table of a likeness as a fit makes it, and the file that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Looks before and after: the columns of the table.
CASES = tuple((n_before, n_after) for n_after in (1, 2, 3) for n_before in (1, 2, 3))
FILE = Path(__file__).parents[1] / "edge" / "monitor" / "likeness_weights.py"


@dataclass(frozen=True, slots=True)
class Term:
    """A measure, and the value from which it counts; None: all of it."""

    measure: str
    start: float | None


def written(
    name: str, terms: Sequence[Term], weights: Sequence[Sequence[float]], offsets: Sequence[float]
) -> str:
    """The text of the file with one of its tables fitted anew."""
    begins, ends = f"# Fitted: {name}.\n", f"# Fitted so far: {name}.\n"
    lines = [
        f'        ("{term.measure}", {term.start}, ({_numbers(row)})),\n'
        for term, row in zip(terms, weights, strict=True)
    ]
    text = FILE.read_text(encoding="utf-8")
    head, _, rest = text.partition(begins)
    _, _, tail = rest.partition(ends)
    table = f"_{name.upper()} = _Table(\n    (\n{''.join(lines)}    ),\n    ({_numbers(offsets)}),\n)\n"
    return f"{head}{begins}{table}{ends}{tail}"


def _numbers(row: Sequence[float]) -> str:
    return "".join(f"{value:.3f}, " for value in row)
