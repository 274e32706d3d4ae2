"""Options of single nodes, on an API, for a node that is mapped: each slice has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.mapping.conftest import make
from tests.same_run.conftest import package_at
from tests.scenarios.project_factory import collect_outputs

pytest.importorskip("kedro_datasets.partitions.partitioned_dataset")

SHOUT = """
def shout(raw):
    print("shouting", *raw)
    return {key: load().upper() for key, load in raw.items()}
"""
NODES = 'node(shout, "raw", "loud", name="shout"), node(sorted, "loud", "end", name="list"),'
HANDLERS = """
from pathlib import Path


def note(task, old_state, new_state):
    file = Path(__file__).resolve().parents[2] / "states.txt"
    with file.open("a") as opened:
        opened.write(f"{type(new_state).__name__}\\n")
    return new_state
"""


def test_prints_handlers_and_checkpoints(tmp_path: Path, home: Path, kedro: Callable[..., Any]) -> None:
    path, results = tmp_path / "project", tmp_path / "results"
    project = make(path, 2, SHOUT, NODES, files={"handlers.py": HANDLERS})
    options = {
        "map": True,
        "checkpoint": False,
        "log_stdout": True,
        "state_handlers": f"{package_at(path)}.handlers.note",
    }
    flow = {"nodes": {"shout": options}, "result": {"type": "LocalResult", "dir": str(results)}}
    project.write_conf("base", "prefect", {"flows": {"flow": flow}})
    with prefect_api.api(project) as url:
        kedro(project, "prefect", "register", ok=True)
        run = prefect_api.executed(url, prefect_api.start_run(url, "flow"), home, tmp_path / "log.txt")
        assert run["state"] == "Success", (tmp_path / "log.txt").read_text()
        printed = [each for each in run["logs"] if each["message"].startswith("shouting")]
    assert collect_outputs(project)["end.json"] == ["p0", "p1"]
    assert sorted(each["message"] for each in printed) == ["shouting p0", "shouting p1"]
    assert len({each["task_run_id"] for each in printed}) == 2, "each slice has its own lines"
    states = (project.path / "states.txt").read_text().split()
    assert states.count("Running") == states.count("Success") == 2, states
    assert not [file for file in results.rglob("*") if file.is_file()], "nothing was to be stored"
