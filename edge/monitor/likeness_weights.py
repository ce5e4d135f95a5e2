"""How surely an object was altered, or is another one, from what is measured of its looks. Pure.

Two logistic tables, fitted by `python -m benchmarks.fit_likeness` on rendered airfields, 0.5 m per pixel, a
dozen aircraft each, looked at six times within days or months: noses opened and closed, rotors, tails, wings
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

    Cases: one to three looks before with one after, then with two, then with three; or there is only one.
    """

    terms: tuple[_Term, ...]
    offsets: tuple[float, ...]

    def log_odds(self, features: Mapping[str, float], case: int) -> float:
        total = self.offsets[case]
        for name, start, weights in self.terms:
            value = features[name]
            total += weights[case] * (value if start is None else max(0.0, value - start))
        return max(-_MOST, min(_MOST, total))


# Looks on a side that the table knows.
_SIDE = 3
# Beyond this a rendered scene proves nothing.
_MOST = 6.0

# Fitted: altered.
_ALTERED = _Table(
    (
        (
            "axial joint peak",
            None,
            (
                0.700,
                0.752,
                0.616,
                0.591,
                0.604,
                0.739,
                0.431,
                0.611,
                0.702,
            ),
        ),
        (
            "bright vanished peak",
            -0.43,
            (
                8.767,
                9.548,
                11.940,
                8.391,
                12.072,
                13.546,
                7.258,
                13.208,
                12.454,
            ),
        ),
        (
            "dark appeared mean",
            -3.83,
            (
                -3.795,
                -3.968,
                -4.549,
                -4.177,
                -3.851,
                -4.022,
                -3.975,
                -4.384,
                -4.056,
            ),
        ),
        (
            "joint most",
            None,
            (
                2.696,
                2.757,
                2.820,
                2.676,
                2.930,
                3.059,
                2.661,
                2.975,
                3.039,
            ),
        ),
        (
            "axial mirrored bright vanished peak",
            -2.12,
            (
                1.783,
                3.183,
                3.509,
                1.369,
                2.760,
                2.871,
                1.366,
                2.850,
                2.762,
            ),
        ),
        (
            "pattern share",
            None,
            (
                1.871,
                2.483,
                2.595,
                2.248,
                2.589,
                2.361,
                2.617,
                2.717,
                2.439,
            ),
        ),
        (
            "pattern most",
            -1.84,
            (
                -4.592,
                -4.614,
                -4.329,
                -4.758,
                -4.588,
                -4.507,
                -4.682,
                -4.150,
                -4.620,
            ),
        ),
        (
            "dark vanished peak",
            -0.29,
            (
                -1.768,
                -0.597,
                -0.976,
                -2.297,
                -0.870,
                0.926,
                -2.515,
                -0.343,
                1.712,
            ),
        ),
        (
            "dark appeared out",
            3.46,
            (
                -0.133,
                1.262,
                1.521,
                4.118,
                4.229,
                5.288,
                4.639,
                5.805,
                3.215,
            ),
        ),
        (
            "axial mirrored bright appeared mean",
            -3.65,
            (
                0.636,
                1.921,
                2.354,
                1.067,
                2.700,
                2.680,
                1.444,
                4.188,
                2.985,
            ),
        ),
        (
            "axial joint peak",
            -0.8,
            (
                -2.413,
                -2.601,
                -1.702,
                -2.619,
                -2.309,
                -1.755,
                -2.151,
                0.186,
                -1.698,
            ),
        ),
        (
            "length",
            None,
            (
                -3.914,
                -3.909,
                -4.287,
                -3.619,
                -3.709,
                -3.825,
                -3.744,
                -3.824,
                -3.645,
            ),
        ),
        (
            "pattern peak",
            None,
            (
                1.779,
                1.934,
                2.101,
                1.749,
                2.166,
                2.205,
                1.881,
                2.239,
                2.262,
            ),
        ),
        (
            "axial mirrored bright vanished mean",
            -3.91,
            (
                -1.965,
                -3.439,
                -1.757,
                -1.308,
                -1.232,
                -1.366,
                -1.247,
                -1.740,
                -1.623,
            ),
        ),
        (
            "length",
            3.62,
            (
                8.026,
                5.669,
                4.246,
                6.395,
                3.406,
                2.867,
                5.420,
                3.307,
                3.193,
            ),
        ),
        (
            "length",
            3.99,
            (
                -20.802,
                -13.559,
                -10.848,
                -14.706,
                -7.154,
                -5.654,
                -10.949,
                -6.733,
                -8.071,
            ),
        ),
        (
            "dark vanished most",
            None,
            (
                -1.547,
                -1.485,
                -1.470,
                -1.753,
                -1.664,
                -1.580,
                -1.847,
                -1.673,
                -1.471,
            ),
        ),
        (
            "axial mirrored pattern out",
            None,
            (
                -1.655,
                -1.652,
                -1.610,
                -1.639,
                -1.774,
                -1.819,
                -1.549,
                -1.774,
                -1.648,
            ),
        ),
        (
            "axial mirrored pattern out",
            0.68,
            (
                1.579,
                1.157,
                1.601,
                1.182,
                1.121,
                1.172,
                1.114,
                1.016,
                1.332,
            ),
        ),
        (
            "dark appeared peak",
            -0.27,
            (
                3.508,
                3.053,
                4.160,
                6.221,
                3.820,
                5.628,
                6.824,
                4.266,
                5.259,
            ),
        ),
        (
            "axial pattern mean",
            -2.66,
            (
                -4.816,
                -4.681,
                -4.584,
                -4.680,
                -4.485,
                -4.457,
                -4.786,
                -4.545,
                -4.544,
            ),
        ),
        (
            "axial joint mean",
            None,
            (
                1.900,
                1.773,
                1.671,
                2.355,
                1.821,
                2.140,
                2.767,
                1.770,
                2.034,
            ),
        ),
        (
            "axial mirrored pattern mean",
            -3.41,
            (
                1.635,
                1.637,
                1.520,
                1.608,
                1.701,
                1.316,
                1.561,
                1.340,
                1.357,
            ),
        ),
        (
            "pattern mean",
            -2.73,
            (
                4.085,
                2.892,
                2.500,
                3.943,
                2.792,
                2.274,
                4.466,
                3.634,
                2.764,
            ),
        ),
        (
            "dark vanished out",
            1.43,
            (
                1.139,
                1.263,
                1.182,
                1.004,
                0.758,
                0.581,
                1.051,
                0.704,
                0.556,
            ),
        ),
        (
            "bright ratio",
            None,
            (
                0.723,
                0.320,
                0.364,
                0.573,
                0.240,
                0.186,
                0.526,
                0.397,
                0.331,
            ),
        ),
        (
            "dark vanished mean",
            -3.83,
            (
                2.009,
                2.715,
                2.699,
                2.107,
                2.561,
                2.829,
                2.093,
                2.142,
                2.881,
            ),
        ),
        (
            "axial bright vanished peak",
            -1.26,
            (
                1.527,
                1.859,
                0.647,
                1.489,
                2.011,
                1.883,
                1.324,
                1.934,
                1.791,
            ),
        ),
    ),
    (
        27.054,
        29.682,
        32.080,
        28.781,
        31.081,
        34.845,
        31.368,
        32.679,
        35.236,
    ),
)
# Fitted so far: altered.

# Fitted: other.
_OTHER = _Table(
    (
        ("axial pattern mean", -2.51, (1.966,)),
        ("bright appeared peak", -0.84, (2.973,)),
        ("pattern share", None, (7.226,)),
        ("dark vanished most", -0.96, (-5.102,)),
        ("axial bright appeared most", -0.81, (5.157,)),
    ),
    (3.933,),
)
# Fitted so far: other.


def altered_log_odds(features: Mapping[str, float], n_before: int, n_after: int) -> float:
    """Log-odds in [-6, 6] that the object was altered between the looks before and after."""
    return _ALTERED.log_odds(features, min(n_before, _SIDE) - 1 + _SIDE * (min(n_after, _SIDE) - 1))


def other_log_odds(features: Mapping[str, float]) -> float:
    """Log-odds in [-6, 6] that another object stands there, and not this one altered."""
    return _OTHER.log_odds(features, 0)
