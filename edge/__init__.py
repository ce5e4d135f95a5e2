"""A watchman for places seen from above: image tiles in, few and explained alerts out."""

__version__ = "0.1.0"
