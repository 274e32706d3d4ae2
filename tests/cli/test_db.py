"""`kedro prefect db`: on a project, while its API is running and while it is not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest
from click.testing import CliRunner, Result

from kedro_prefect_hooks.cli import prefect
from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.embedded.conftest import Caller, Seed
from tests.scenarios.scenarios import chain


def test_the_history_is_shown_copied_checked_and_deleted(tmp_path: Path) -> None:
    def db(*arguments: str, exits: int = 0) -> str:
        # Kedro passes the project's metadata in this way.
        metadata = SimpleNamespace(project_path=tmp_path)
        result: Result = CliRunner().invoke(prefect, ["db", *arguments], obj=metadata)
        assert result.exit_code == exits, result.output
        return result.output

    path, copy = location.database_path(tmp_path), tmp_path / "copy.sqlite"
    assert "There is no database" in db("info", exits=1)
    with EmbeddedServer(path, services=False) as server:
        seed = Seed(Caller(server.url))
        run_id = seed.run(seed.flow(seed.project("p"), "f"))
        for state in ("Submitted", "Running", "Success"):
            seed.flow_state(run_id, state)

        shown = db("info")
        assert "Flow runs   1, 1 of them finished" in shown
        assert "Task runs   2" in shown
        assert "is intact" in db("check")
        db("backup", str(copy))
        assert copy.exists()
        assert "exists already" in db("backup", str(copy), exits=1)

        assert "Deleted 0 flow runs" in db("clean", "--older-than", "1h")
        dry = db("clean", "--older-than", "0.001", "--dry-run")
        assert "Would delete 1 flow run and 0 former versions of flows." in dry
        assert "Deleted 1 flow run" in db("clean", "--older-than", "0.001")
        assert "Flow runs   0" in db("info")
        assert "MB now." in db("vacuum")
        assert "expected a duration" in db("clean", "--older-than", "soon", exits=2)
    path.write_bytes(path.read_bytes()[:5000] + b"x" * 5000)
    assert "is damaged" in db("check", exits=1)


@pytest.mark.parametrize("retention", [0.001, None])
def test_clean_deletes_what_prefect_yml_does_not_keep(
    tmp_path: Path, kedro: Callable[..., Any], retention: Any
) -> None:
    project = chain(tmp_path / "project", 2, prefect={"retention": retention, "flows": {"chain": {}}})
    with EmbeddedServer(location.database_path(project.path), services=False) as server:
        seed = Seed(Caller(server.url))
        run_id = seed.run(seed.flow(seed.project("p"), "f"))
        seed.flow_state(run_id, "Success")
    cleaned = kedro(project, "prefect", "db", "clean", ok=retention is not None)
    if retention is None:
        assert cleaned.returncode == 1
        assert "everything is kept" in cleaned.stdout
    else:
        assert "Deleted 1 flow run" in cleaned.stdout
