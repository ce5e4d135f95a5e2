"""How surely an object was altered, from what is measured of its looks: a logistic table. Pure.

Fitted by `python -m benchmarks.fit_likeness` on rendered airfields, 0.5 m per pixel, a dozen aircraft each,
looked at four times within days or months: noses opened and closed, rotors, tails, wings or engines off, among
aircraft that nobody touched, under other sun, haze, blur and noise. What it is worth: benchmarks/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping

_Term = tuple[str, float | None, tuple[float, float, float, float]]
"""A measure, the value from which it counts (None: all of it), and its weights: with one look before and one
after, two before, two after, and two on both sides."""

# The table of benchmarks.fit_likeness begins here.
_TABLE: tuple[_Term, ...] = (
    ("pattern mean", None, (1.697, 2.198, 1.434, 1.885)),
    ("bright vanished peak", -1.26, (4.417, 5.822, 3.714, 5.741)),
    ("dark vanished mean", -2.74, (5.028, 6.708, 5.798, 6.846)),
    ("thin bright appeared peak", -2.14, (-0.689, -0.45, 0.398, 0.375)),
    ("bright vanished most", -1.68, (8.027, 7.105, 7.848, 7.468)),
    ("bright vanished most", -2.52, (-3.73, -3.338, -3.621, -3.158)),
    ("bright appeared peak", -0.35, (14.626, 14.94, 23.433, 19.451)),
    ("pattern share", None, (1.628, 2.001, 1.624, 1.926)),
    ("dark appeared most", None, (-0.055, -0.254, -0.11, -0.278)),
    ("dark appeared peak", -0.03, (47.48, 47.847, 62.391, 54.724)),
    ("bright ratio", None, (0.927, 0.488, 0.669, 0.431)),
    ("dark appeared mean", None, (-2.09, -2.617, -2.057, -2.501)),
    ("dark ratio", None, (1.422, 0.914, 1.718, 0.94)),
    ("bright appeared peak", -1.1, (-1.761, -0.387, -1.228, 0.674)),
)
_OFFSETS = (-3.092, -2.987, -3.601, -3.187)
# The table ends here.

# Beyond this a rendered scene proves nothing.
_MOST = 6.0

FEATURES = frozenset(name for name, _, _ in _TABLE)
"""The measures that are asked for."""


def log_odds_of(features: Mapping[str, float], n_before: int, n_after: int) -> float:
    """Log-odds in [-6, 6] that the object was altered between the looks before and after."""
    case = (n_before > 1) + 2 * (n_after > 1)
    total = _OFFSETS[case]
    for name, start, weights in _TABLE:
        value = features[name]
        total += weights[case] * (value if start is None else max(0.0, value - start))
    return max(-_MOST, min(_MOST, total))
