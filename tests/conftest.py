"""What tests measure is told at the end of the run, and recorded (`--junit-xml`), pass or fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.figures import MEASURED, Tell


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Notes a measured figure."""

    def told(text: str) -> None:
        record_property(MEASURED, text)

    return told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    figures = [
        (report.nodeid, text)
        for report in reports
        if report.when == "call"
        for name, text in report.user_properties
        if name == MEASURED
    ]
    if figures:
        terminalreporter.section(MEASURED)
    for nodeid, text in figures:
        terminalreporter.line(f"{nodeid.rpartition('::')[2]}: {text}")
