"""python -m benchmarks [tile] [memory] [start] [durable] [year] [--tiles N]: prints README.md's table."""

from __future__ import annotations

import argparse
import sys

from benchmarks import bench_durable, bench_memory, bench_start, bench_tile, bench_year
from benchmarks.table import machine, table

BENCHMARKS = {
    "tile": bench_tile.rows,
    "start": bench_start.rows,
    "memory": bench_memory.rows,
    "durable": bench_durable.rows,
    "year": bench_year.rows,
}


def main() -> None:
    """Run the benchmarks that were named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without")
    parser.add_argument(
        "--tiles", type=int, default=bench_memory.N_GROWTH, help="over how many tiles growth is measured"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"expected names of {', '.join(BENCHMARKS)}, got {', '.join(sorted(unknown))}")
    found = []
    for name in arguments.names or BENCHMARKS:
        print(f"measuring: {name}", file=sys.stderr)
        found += bench_memory.rows(arguments.tiles) if name == "memory" else BENCHMARKS[name]()
    print(machine())
    print(table(found))


if __name__ == "__main__":
    main()
