"""A credential stays in `credentials.yml`: it reaches no database, flow, result, log or environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.scenarios import scenarios


def files_with(secret: str, *folders: Path) -> list[str]:
    """The files in these folders that contain the secret."""
    return [
        str(file)
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file() and secret.encode() in file.read_bytes()
    ]


@pytest.mark.parametrize("storage", [None, {"type": "Local"}], ids=["module", "pickled"])
def test_a_secret_is_found_nowhere_else(
    tmp_path: Path, home: Path, kedro: Callable[..., Any], storage: dict[str, Any] | None
) -> None:
    results = tmp_path / "results"
    flow: dict[str, Any] = {
        "result": {"type": "LocalResult", "dir": str(results)},
        "parameters": ["rows"],
        "executor": {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2},
    }
    if storage is not None:
        flow["storage"] = {**storage, "directory": str(tmp_path / "storage")}
    project = scenarios.traps(tmp_path / "traps", prefect={"flows": {"guarded": flow}})
    project.write_conf("deploy", "parameters", {})
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        registered = kedro(project, "run", "--env", "deploy", ok=True)
        project.clean()
        label = [prefect_api.flow_labels(url, "guarded")] if storage else []
        with prefect_api.agent(url, home, log, *[name for labels in label for name in labels]):
            run = prefect_api.finished_run(url, prefect_api.start_run(url, "guarded"), log)
        everything = prefect_api.graphql(
            url, "query {flow {serialized_flow run_config storage environment} log {message} task_run {id}}"
        )
    assert run["state"] == "Success", log.read_text()[-3000:]
    assert list(results.rglob("*")), "checkpoints were expected"
    assert scenarios.SECRET not in registered.stdout
    assert scenarios.SECRET not in str(everything)
    found = files_with(scenarios.SECRET, tmp_path)
    allowed = {str(file) for file in (project.path / "conf").rglob("credentials.yml")}
    # The scenario's own dataset writes its token, to prove that it got one: that is the project's data.
    allowed |= {str(file) for file in project.data.rglob("guarded*")}
    assert set(found) <= allowed, sorted(set(found) - allowed)
    assert set(found) & allowed, "the secret must be found somewhere, or this test proves nothing"
