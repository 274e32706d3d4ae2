"""`plan` previews what `register` does, and both print the next step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from tests.scenarios.scenarios import chain


def _flows(**flows: Any) -> dict[str, Any]:
    return {"flows": flows}


def test_from_new_to_unchanged_to_changed(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = chain(tmp_path / "project", 3, parameters={"size": 1}, prefect=_flows(one={}, two={}))

    new = kedro(project, "prefect", "plan")
    assert new.returncode == 3, new.stdout
    assert "  one     new       none yet" in new.stdout
    assert "To register 2 flows: kedro prefect register." in new.stdout

    registered = kedro(project, "prefect", "register", ok=True).stdout
    assert "Environment deploy:" in registered, "the default is the environment in which runs register flows"
    assert "Registered 2 flows." in registered
    assert "Next: kedro prefect run one --watch" in registered

    unchanged = kedro(project, "prefect", "plan")
    assert unchanged.returncode == 0, unchanged.stdout
    assert "Nothing to register." in unchanged.stdout
    assert "  unchanged  one" in kedro(project, "run", "--env", "deploy", ok=True).stdout, "the hook agrees"

    changed = _flows(one={"schedule": {"cron": "0 6 * * *"}, "parameters": ["size"]}, two={})
    project.write_conf("base", "prefect", changed)
    plan = kedro(project, "prefect", "plan")
    assert plan.returncode == 3, plan.stdout
    assert "  one     changed    1 → 2" in plan.stdout
    assert "schedule: none → every day at 06:00" in plan.stdout
    assert "+ parameter size added" in plan.stdout
    assert "  two     unchanged  1" in plan.stdout

    kedro(project, "prefect", "plan", "--json", "--output", "plan.json")
    data = json.loads((project.path / "plan.json").read_text(encoding="utf-8"))
    assert [(flow["flow"], flow["action"], flow["version"]) for flow in data["flows"]] == [
        ("one", "changed", 1),
        ("two", "unchanged", 1),
    ]
    assert {change["section"] for change in data["flows"][0]["changes"]} >= {"parameters", "schedule"}

    only = kedro(project, "prefect", "register", "--flow", "two", ok=True).stdout
    assert "Nothing has changed." in only
    forced = kedro(project, "prefect", "register", "--flow", "two", "--force", ok=True).stdout
    assert "two  version 2" in forced


def test_prune_archives_orphans_after_confirmation(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = chain(tmp_path / "project", 2, prefect=_flows(kept={}, gone={}))
    kedro(project, "prefect", "register", ok=True)
    project.write_conf("base", "prefect", _flows(kept={}))

    plan = kedro(project, "prefect", "plan")
    assert plan.returncode == 0, "an orphan does not need to be registered"
    assert "gone    orphaned" in plan.stdout
    assert "kedro prefect register --prune" in plan.stdout

    unconfirmed = kedro(project, "prefect", "register", "--prune")
    assert unconfirmed.returncode == 1
    assert "  gone (version 1)" in unconfirmed.stdout
    assert "--yes" in unconfirmed.stdout
    assert "gone    orphaned" in kedro(project, "prefect", "plan").stdout, "nothing was done"

    assert "  archived   gone" in kedro(project, "prefect", "register", "--prune", "--yes", ok=True).stdout
    assert "gone" not in kedro(project, "prefect", "plan").stdout


def test_pipeline_selects_flows_and_misspellings_get_suggestions(
    tmp_path: Path, kedro: Callable[..., Any]
) -> None:
    project = chain(tmp_path / "project", 2, prefect=_flows(one={}, two={}))
    registry = project.source / "pipeline_registry.py"
    registry.write_text(
        registry.read_text().replace('{"__default__": Pipe', '{"other": Pipeline([]), "__default__": Pipe')
    )
    both = kedro(project, "prefect", "plan", "--pipeline", "__default__")
    assert both.returncode == 3, both.stdout
    assert "one" in both.stdout and "two" in both.stdout
    none = kedro(project, "prefect", "plan", "-p", "other")
    assert none.returncode == 1
    assert "No flow in prefect.yml has `pipeline: other`" in none.stdout
    wrong = kedro(project, "prefect", "register", "-p", "othr")
    assert wrong.returncode == 1
    assert "There is no pipeline 'othr' in this project. Did you mean 'other'?" in wrong.stdout
    flow = kedro(project, "prefect", "register", "--flow", "tow")
    assert flow.returncode == 1
    assert "Did you mean 'two'?" in flow.stdout
