"""How surely an object was altered, or is another one, from what is measured of its looks. Pure.

Two logistic tables, fitted by `python -m benchmarks.fit_likeness` on rendered airfields, 0.5 m per pixel, a
dozen aircraft each, looked at four times within days or months: noses opened and closed, rotors, tails, wings
or engines off, and others in their place, among aircraft that nobody touched, under other sun, haze, blur and
noise. What they are worth stands in docs/altered.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_Term = tuple[str, float | None, tuple[float, ...]]
"""A measure, the value from which it counts (None: all of it), and its weight in each case."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A sum of terms, with weights for each case.

    Cases: one look before and one after, two before, two after, two on both sides; or there is only one.
    """

    terms: tuple[_Term, ...]
    offsets: tuple[float, ...]

    def log_odds(self, features: Mapping[str, float], case: int) -> float:
        total = self.offsets[case]
        for name, start, weights in self.terms:
            value = features[name]
            total += weights[case] * (value if start is None else max(0.0, value - start))
        return max(-_MOST, min(_MOST, total))


# Beyond this a rendered scene proves nothing.
_MOST = 6.0

# Fitted: altered.
_ALTERED = _Table(
    (
        (
            "joint most",
            None,
            (
                2.297,
                3.058,
                2.433,
                2.851,
            ),
        ),
        (
            "dark appeared most",
            -2.0,
            (
                -1.436,
                -1.685,
                -2.120,
                -2.231,
            ),
        ),
        (
            "bright vanished peak",
            -1.14,
            (
                3.071,
                3.880,
                3.043,
                3.868,
            ),
        ),
        (
            "pattern share",
            None,
            (
                2.611,
                2.453,
                2.497,
                2.445,
            ),
        ),
        (
            "pattern most",
            -1.31,
            (
                -5.208,
                -4.217,
                -5.418,
                -4.448,
            ),
        ),
        (
            "dark vanished peak",
            -0.92,
            (
                -2.367,
                -2.550,
                -2.967,
                -2.805,
            ),
        ),
        (
            "dark appeared peak",
            -0.84,
            (
                2.103,
                2.221,
                3.317,
                3.358,
            ),
        ),
        (
            "pattern mean",
            None,
            (
                7.025,
                4.949,
                5.820,
                5.041,
            ),
        ),
        (
            "bright appeared out",
            None,
            (
                -0.693,
                -0.474,
                -0.227,
                -0.203,
            ),
        ),
        (
            "dark appeared mean",
            None,
            (
                -2.554,
                -2.734,
                -2.257,
                -2.842,
            ),
        ),
        (
            "dark vanished out",
            1.8,
            (
                1.076,
                0.376,
                0.277,
                0.115,
            ),
        ),
        (
            "bright ratio",
            None,
            (
                0.770,
                0.483,
                1.218,
                1.253,
            ),
        ),
        (
            "dark appeared peak",
            -0.11,
            (
                11.323,
                10.555,
                12.324,
                9.437,
            ),
        ),
        (
            "pattern share",
            -1.48,
            (
                -2.049,
                -1.321,
                -0.677,
                -0.988,
            ),
        ),
    ),
    (
        17.820,
        15.336,
        16.722,
        15.826,
    ),
)
# Fitted so far: altered.

# Fitted: other.
_OTHER = _Table(
    (
        ("pattern share", -1.32, (9.969,)),
        ("bright appeared most", -1.74, (3.711,)),
        ("dark vanished most", -0.75, (-4.572,)),
        ("bright ratio", None, (-1.756,)),
        ("bright ratio", -0.02, (1.780,)),
    ),
    (-7.411,),
)
# Fitted so far: other.


def altered_log_odds(features: Mapping[str, float], n_before: int, n_after: int) -> float:
    """Log-odds in [-6, 6] that the object was altered between the looks before and after."""
    return _ALTERED.log_odds(features, (n_before > 1) + 2 * (n_after > 1))


def other_log_odds(features: Mapping[str, float]) -> float:
    """Log-odds in [-6, 6] that another object stands there, and not this one altered."""
    return _OTHER.log_odds(features, 0)
