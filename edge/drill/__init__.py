"""Renders overhead scenes with known truth, for the demo, for drills and for tests."""
