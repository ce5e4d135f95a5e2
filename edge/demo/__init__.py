"""The main job on rendered tiles, with everything real around it: daemon, broker, subscriber."""

from edge.demo.run import run_demo

__all__ = ["run_demo"]
