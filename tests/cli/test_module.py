"""`python -m kedro_prefect_hooks` prints nothing on standard output but what the command does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios import scenarios
from tests.scenarios.project_factory import clean_environment


@pytest.mark.parametrize(
    "arguments", [["schema"], ["plan", "--json", "--env", "base"]], ids=["schema", "plan"]
)
def test_json_can_be_read_from_standard_output(tmp_path: Path, home: Path, arguments: list[str]) -> None:
    project = scenarios.chain(tmp_path / "chain", 2, prefect={"flows": {"chain": None}})
    result = subprocess.run(
        [sys.executable, "-m", "kedro_prefect_hooks", *arguments],
        cwd=project.path,
        env=clean_environment(home),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert json.loads(result.stdout), result.stderr
