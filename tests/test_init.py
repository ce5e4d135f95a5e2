"""`edge init` writes a configuration to start from, and never over another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge import config, shipped
from edge.cli import main


def test_what_is_written_has_no_fault(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0
    assert config.faults(tmp_path / "new" / "edge.yaml") == []


@pytest.mark.parametrize("name", shipped.examples())
def test_an_example_is_written_as_it_ships(tmp_path: Path, name: str) -> None:
    assert main(["init", str(tmp_path), "--example", name]) == 0
    assert (tmp_path / "edge.yaml").read_text(encoding="utf-8") == shipped.configuration(name)


def test_the_path_is_printed_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(tmp_path)])
    assert capsys.readouterr().out == f"{tmp_path}/edge.yaml\n"


def test_a_configuration_that_is_there_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "edge.yaml").write_text("mine", encoding="utf-8")
    assert main(["init", str(tmp_path)]) == 1
    assert (tmp_path / "edge.yaml").read_text(encoding="utf-8") == "mine"
    assert "it stays as it is" in capsys.readouterr().err


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert main(["init", str(tmp_path / "file" / "sub")]) == 1
    assert "expected a place to write to" in capsys.readouterr().err
