"""python -m benchmarks.fit_likeness [--scenes N] [--terms N] [--rows FILE]: fits the weights of a likeness.

Aircraft of rendered airfields are compared over looks, with known truth, and a logistic table is fitted to
what `edge.monitor.likeness` measures of them; it is written into edge/monitor/likeness_weights.py. The same
seeds give the same weights. The figures that are printed are of scenes that the fit did not see, a fifth of
them in turn; the weights are of all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.likeness_rows import PARTS, Row, rows_of
from benchmarks.likeness_table import CASES, FILE, Term, written

# Seeds of the benchmark are below.
FIRST_SEED = 10_000
# Weight of the squares of the weights: common to all cases, what a case has of its own, and the offsets.
_RIDGE, _RIDGE_OF_CASE, _RIDGE_OF_OFFSET = 3.0, 12.0, 0.5
_FOLDS, _ROUNDS = 5, 8
# Terms that are tried on held-out scenes before the next one is chosen.
_TRIED = 8
# An exchanged object is told from an altered one by so many terms.
_OTHER_TERMS = 5
# Of the unaltered, the quantiles of a measure from which it may begin to count.
_STARTS = (0.5, 0.8, 0.95)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows as arrays; altered: 1.0 where what is asked of a row is true."""

    measures: dict[str, Floats]
    folds: Floats
    parts: NDArray[np.str_]
    altered: Floats
    weight: Floats
    cases: Floats

    @classmethod
    def of_one(cls, rows: Sequence[Row]) -> Sample:
        """Objects that stayed, in each of the cases, and whether they were altered."""
        kept = [row for row in rows if not row.is_other]
        cases = np.array([[row.case == case for case in range(len(CASES))] for row in kept], float)
        weight = np.array([row.weight for row in kept])
        return cls(*_measured(kept), np.array([row.is_altered for row in kept], float), weight, cases)

    @classmethod
    def of_changed(cls, rows: Sequence[Row]) -> Sample:
        """Objects that were altered or exchanged, and whether it is another one."""
        kept = [row for row in rows if row.is_other or row.is_altered]
        ones = np.ones(len(kept))
        return cls(*_measured(kept), np.array([row.is_other for row in kept], float), ones, ones[:, None])

    def column(self, term: Term) -> Floats:
        """What a term is of each row."""
        values = self.measures[term.measure]
        return values if term.start is None else np.maximum(values - term.start, 0.0)

    def candidates(self) -> list[Term]:
        """Every measure, and what of it is beyond the usual."""
        found = []
        for name, values in self.measures.items():
            starts = np.quantile(values[self.altered == 0], _STARTS).round(2).tolist()
            found += [Term(name, None), *(Term(name, start) for start in dict.fromkeys(starts))]
        return found


def _measured(rows: Sequence[Row]) -> tuple[dict[str, Floats], Floats, NDArray[np.str_]]:
    measures = {name: np.array([row.features[name] for row in rows]) for name in rows[0].features}
    return (
        measures,
        np.array([row.seed % _FOLDS for row in rows], float),
        np.array([row.part for row in rows]),
    )


def fitted(design: Floats, sample: Sample, ridge: Floats, used: NDArray[np.bool_]) -> Floats:
    """The weights of a logistic model with a ridge, by Newton's method, from the rows that are used."""
    design, altered, weight = design[used], sample.altered[used], sample.weight[used]
    weights = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = (chance * (1 - chance) + 1e-5) * weight
        pull = design.T @ ((chance - altered) * weight) + ridge * weights
        weights -= np.linalg.solve(design.T @ (design * slope[:, None]) + np.diag(ridge), pull)
    return weights


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A design of some terms: standardised, once for all cases and, where asked, once more for each."""

    terms: tuple[Term, ...]
    n_cases: int
    by_case: bool
    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, terms: Sequence[Term], sample: Sample, *, by_case: bool) -> Model:
        """The design of these terms on a sample."""
        columns = np.column_stack([sample.column(term) for term in terms])
        return cls(tuple(terms), sample.cases.shape[1], by_case, columns.mean(0), columns.std(0) + 1e-9)

    def design(self, sample: Sample) -> Floats:
        """(rows, weights) float64."""
        plain = np.column_stack([sample.column(term) for term in self.terms])
        plain = (plain - self.mean) / self.spread
        own = [plain * sample.cases[:, [case]] for case in range(self.n_cases)] if self.by_case else []
        return np.column_stack([plain, *own, sample.cases])

    @property
    def ridge(self) -> Floats:
        """What holds each weight back."""
        n, n_cases = len(self.terms), self.n_cases
        own = np.full(n * n_cases if self.by_case else 0, _RIDGE_OF_CASE)
        return np.concatenate([np.full(n, _RIDGE), own, np.full(n_cases, _RIDGE_OF_OFFSET)])

    def held_out(self, sample: Sample) -> Floats:
        """The log-odds of each row by a fit that did not see its scene."""
        design, found = self.design(sample), np.zeros_like(sample.altered)
        for number in range(_FOLDS):
            out = sample.folds == number
            found[out] = design[out] @ fitted(design, sample, self.ridge, ~out)
        return found

    def table(self, sample: Sample) -> tuple[list[tuple[float, ...]], tuple[float, ...]]:
        """Weights of each term by case, and the offsets, for measures as they come."""
        everything = np.ones(len(sample.altered), bool)
        weights, n = fitted(self.design(sample), sample, self.ridge, everything), len(self.terms)
        common, own, offsets = (
            weights[:n],
            weights[n : -self.n_cases].reshape(-1, n),
            weights[-self.n_cases :],
        )
        raw = (common + own if self.by_case else common[None]) / self.spread
        shift = offsets - raw @ self.mean
        return [tuple(float(one) for one in row) for row in raw.T], tuple(float(one) for one in shift)


def likelihood(log_odds: Floats, sample: Sample) -> float:
    """Mean logarithm of the chance that was given to what was true."""
    right = np.where(sample.altered == 1, log_odds, -log_odds)
    return -float(np.average(np.logaddexp(0.0, -right), weights=sample.weight))


def chosen(sample: Sample, n_terms: int) -> list[Term]:
    """The terms that, one after the other, make the held-out scenes most likely."""
    terms: list[Term] = []
    while len(terms) < n_terms:
        terms.append(max(_promising(terms, sample), key=partial(_gain, terms, sample)))
        print(f"term {len(terms)}: {terms[-1].measure}, from {terms[-1].start}", file=sys.stderr)
    return terms


def _promising(terms: Sequence[Term], sample: Sample) -> list[Term]:
    """Of all terms that are left, those by whose slope alone the likelihood would rise most."""
    left = [one for one in sample.candidates() if one not in terms]
    design = Model.of(terms, sample, by_case=False).design(sample) if terms else sample.cases
    ridge = np.full(design.shape[1], _RIDGE_OF_OFFSET)
    found = design @ fitted(design, sample, ridge, np.ones(len(design), bool))
    chance = 1 / (1 + np.exp(-found))
    slope = chance * (1 - chance) * sample.weight
    columns = np.column_stack([sample.column(one) for one in left])
    known = np.linalg.solve(design.T @ (design * slope[:, None]) + np.diag(ridge), design.T * slope)
    fresh = columns - design @ (known @ columns)
    rise = np.square(fresh.T @ ((sample.altered - chance) * sample.weight))
    rise /= (np.square(fresh) * slope[:, None]).sum(axis=0) + 1e-6
    return [left[number] for number in np.argsort(-rise)[:_TRIED]]


def _gain(terms: Sequence[Term], sample: Sample, one: Term) -> float:
    model = Model.of([*terms, one], sample, by_case=False)
    return likelihood(model.held_out(sample), sample)


def figures(sample: Sample, log_odds: Floats) -> list[str]:
    """Markdown: for each case, the shares of the unaltered and of the altered that are called altered."""
    head = ["looks", "unaltered", "of them from 0", "from 2", *PARTS]
    lines = [head, ["---"] * len(head)]
    for case, (n_before, n_after) in enumerate(CASES):
        mine = sample.cases[:, case] == 1
        same = log_odds[mine & (sample.altered == 0)]
        shares = [f"{(same >= level).mean():.3f}" for level in (0.0, 2.0)]
        of_parts = [log_odds[mine & (sample.parts == part)] for part in PARTS]
        found = [f"{(one >= 0).mean():.2f} of {len(one)}" if len(one) else "-" for one in of_parts]
        lines.append([f"{n_before} before, {n_after} after", str(len(same)), *shares, *found])
    return [f"| {' | '.join(line)} |" for line in lines]


def figures_of_other(sample: Sample, model: Model) -> list[str]:
    """What is taken for another object."""
    found = model.held_out(sample) >= 0
    return [
        f"{name} taken for another object: {found[sample.altered == truth].mean():.3f} "
        f"of {int((sample.altered == truth).sum())}"
        for name, truth in (("exchanged", 1), ("altered", 0))
    ]


def main() -> None:
    """Render, measure, choose, fit and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_likeness", description=__doc__)
    parser.add_argument("--scenes", type=int, default=100, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--terms", type=int, default=28, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--rows", type=Path, metavar="FILE", help="keeps what was measured, or takes it")
    arguments = parser.parse_args()
    rows = _rows(arguments.scenes, arguments.rows)
    one, changed = Sample.of_one(rows), Sample.of_changed(rows)
    altered = Model.of(chosen(one, arguments.terms), one, by_case=True)
    other = Model.of(chosen(changed, _OTHER_TERMS), changed, by_case=False)
    print("\n".join((*figures(one, altered.held_out(one)), "", *figures_of_other(changed, other))))
    for name, model, sample in (("altered", altered, one), ("other", other, changed)):
        FILE.write_text(written(name, model.terms, *model.table(sample)), encoding="utf-8")


def _rows(n_scenes: int, file: Path | None) -> list[Row]:
    if file is not None and file.exists():
        return msgspec.json.decode(file.read_bytes(), type=list[Row])
    with Pool(initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        seeds = range(FIRST_SEED, FIRST_SEED + n_scenes)
        rows = [row for found in pool.imap(rows_of, seeds) for row in found]
    if file is not None:
        file.write_bytes(msgspec.json.encode(rows))
    return rows


if __name__ == "__main__":
    main()
