"""`kedro prefect db`: on a project, while its API is running and while it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from kedro_prefect_hooks.embedded import location
from tests.cli.conftest import Background
from tests.scenarios.scenarios import chain

Up = Callable[..., Background]
Kedro = Callable[..., Any]


def test_the_history_is_shown_copied_checked_and_deleted(tmp_path: Path, kedro: Kedro, up: Up) -> None:
    project = chain(tmp_path / "project", 2, prefect={"retention": "30d", "flows": {"chain": {}}})
    missing = kedro(project, "prefect", "db", "info")
    assert missing.returncode == 1
    assert "There is no database" in missing.stdout

    started = up(project)
    assert "finished flow runs are kept for 30 days" in started.output
    kedro(project, "prefect", "register", ok=True)
    kedro(project, "prefect", "run", "chain", "--watch", ok=True)

    shown = kedro(project, "prefect", "db", "info", ok=True).stdout
    assert "Flow runs   1, 1 of them finished" in shown
    assert "Task runs   2" in shown
    assert "is intact" in kedro(project, "prefect", "db", "check", ok=True).stdout
    copy = tmp_path / "copy.sqlite"
    kedro(project, "prefect", "db", "backup", str(copy), ok=True)
    assert copy.exists()
    again = kedro(project, "prefect", "db", "backup", str(copy))
    assert again.returncode == 1
    assert "exists already" in again.stdout

    assert "Deleted 0 flow runs" in kedro(project, "prefect", "db", "clean", ok=True).stdout
    dry = kedro(project, "prefect", "db", "clean", "--older-than", "0.001", "--dry-run", ok=True).stdout
    assert "Would delete 1 flow run and 0 former versions of flows." in dry
    assert (
        "Deleted 1 flow run"
        in kedro(project, "prefect", "db", "clean", "--older-than", "0.001", ok=True).stdout
    )
    assert "Flow runs   0" in kedro(project, "prefect", "db", "info", ok=True).stdout
    assert "MB now." in kedro(project, "prefect", "db", "vacuum", ok=True).stdout
    wrong = kedro(project, "prefect", "db", "clean", "--older-than", "soon")
    assert wrong.returncode == 2
    assert "expected a duration" in wrong.stdout

    project.write_conf("base", "prefect", {"retention": None, "flows": {"chain": {}}})
    kept = kedro(project, "prefect", "db", "clean")
    assert kept.returncode == 1
    assert "everything is kept" in kept.stdout
    path = location.database_path(project.path)
    path.write_bytes(path.read_bytes()[:5000] + b"x" * 5000)
    damaged = kedro(project, "prefect", "db", "check")
    assert damaged.returncode == 1
    assert "is damaged" in damaged.stdout
