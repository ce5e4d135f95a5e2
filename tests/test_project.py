"""The project's own files: what must agree with what."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import edge
from edge import config_schema, shipped

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_stands_in_the_changelog() -> None:
    assert f"\n## {edge.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in pyproject()["project"]["dependencies"]:
        assert re.search(rf'"{re.escape(requirement)}",\s+# \w+', text), requirement


def test_every_ruff_exception_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if re.match(r'  "[A-Z]+\d*",', line) and "  # " not in line]


def test_the_shipped_schema_of_the_configuration_is_up_to_date() -> None:
    shipped_text = (Path(edge.__file__).parent / "schema" / "config-v1.json").read_text(encoding="utf-8")
    assert shipped_text == config_schema.text(), "run: make schema"


def test_the_models_are_found_beside_the_package() -> None:
    assert "objects" in shipped.models()
    assert shipped.model("objects").is_file()


def test_an_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"expected a shipped model \(.*objects.*\), got submarines"):
        shipped.model("submarines")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_links_only_to_files_that_exist(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
    assert not [link for link in links if not (document.parent / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_only_make_targets_that_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"(?:`|^ {4})make ([a-z-]+)", document.read_text(encoding="utf-8"), re.MULTILINE)
    assert not [target for target in named if f"\n{target}:" not in makefile]


def test_the_unit_stops_at_a_wrong_configuration_and_is_watched() -> None:
    unit = (ROOT / "systemd" / "edge.service").read_text(encoding="utf-8")
    for line in ("Type=notify", "RestartPreventExitStatus=78", "NoNewPrivileges=true"):
        assert f"\n{line}\n" in unit
    assert "\nWatchdogSec=" in unit


def test_what_ci_runs_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_schemas_are_json() -> None:
    for path in (Path(edge.__file__).parent / "schema").glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["$schema"]


def test_the_unit_leaves_little_open() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    unit = ROOT / "systemd" / "edge.service"
    said = subprocess.run(
        [program, "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=True,
    )
    exposure = re.search(r"exposure level for edge\.service: (\d+\.\d+)", said.stdout)
    assert exposure is not None, said.stdout
    assert float(exposure[1]) <= 1.6


def test_the_unit_that_sets_the_clock_waits_for_the_file_that_the_template_names() -> None:
    unit = (ROOT / "systemd" / "edge-clock.path").read_text(encoding="utf-8")
    named = re.search(r"time_file: ([^,}]+)", (ROOT / "config" / "edge.yaml").read_text(encoding="utf-8"))
    assert named is not None
    assert f"\nPathChanged={named[1]}\n" in unit


def test_only_the_unit_that_sets_the_clock_may_set_it() -> None:
    granted = [path.name for path in (ROOT / "systemd").iterdir() if "CAP_SYS_TIME" in path.read_text()]
    assert granted == ["edge-clock.service"]
