"""Speed and memory of the daemon on this machine: `python -m benchmarks`."""
