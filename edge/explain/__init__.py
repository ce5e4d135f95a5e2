"""Alerts explained: decided once more from what the device keeps of them, beside what was told."""
