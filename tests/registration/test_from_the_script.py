"""A project that comes from the script in Kedro's documentation keeps its flow and the history."""

from __future__ import annotations

from pathlib import Path

import prefect
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
from prefect.storage import Local
from prefect.utilities.configuration import set_temporary_config

from tests.embedded.conftest import Caller, Seed
from tests.registration.conftest import Site, graphql

SCRIPT_FLOW = "__default__"
"""The script names the flow after the pipeline."""


class NodeTask(prefect.Task):
    """A node, as a task that knows no more than its name and tags."""

    def run(self) -> None:
        raise AssertionError("only registered here")


def register_as_the_script_does(site: Site, folder: Path) -> None:
    """Written anew: a task per node, after one that makes the session; registered by Prefect's client."""
    bootstrap_project(site.project.path)
    pipeline = pipelines["__default__"]
    tasks = {node.name: NodeTask(name=node.name, tags=node.tags) for node in pipeline.nodes}
    with prefect.Flow(SCRIPT_FLOW, storage=Local(directory=str(folder))) as flow:
        session = NodeTask(name=f"{site.project.package}_init")
        for node, parents in pipeline.node_dependencies.items():
            flow.set_dependencies(tasks[node.name], [session, *(tasks[parent.name] for parent in parents)])
    with set_temporary_config({"backend": "server", "cloud.api": site.url}):
        client = prefect.Client()
        client.create_project(project_name=site.prefect_project)
        flow.register(project_name=site.prefect_project, no_url=True)


def test_the_flow_of_the_script_becomes_ours_and_keeps_its_runs(site: Site, tmp_path: Path) -> None:
    register_as_the_script_does(site, tmp_path)
    (before,) = site.live(SCRIPT_FLOW)
    seed = Seed(Caller(site.url))
    run_id = seed.run(before["id"], flow_run_name="a run of the script's flow")
    seed.flow_state(run_id, "Success")

    site.configure(flows={SCRIPT_FLOW: {}})
    line = site.line(SCRIPT_FLOW)
    assert (line.action, line.version) == ("changed", 2)

    (after,) = site.live(SCRIPT_FLOW)
    assert after["flow_group"]["id"] == before["flow_group"]["id"]
    assert {task["slug"] for task in after["tasks"]} == {"split", "train_model", "evaluate", "report"}
    group = f'{{flow_group_id: {{_eq: "{after["flow_group"]["id"]}"}}}}'
    runs = graphql(site.url, f"{{ flow_run(where: {{flow: {group}}}) {{ id }} }}")
    assert [run["id"] for run in runs["flow_run"]] == [run_id]
    assert site.line(SCRIPT_FLOW).action == "unchanged"


def test_the_script_can_be_used_again(site: Site, tmp_path: Path) -> None:
    site.configure(flows={SCRIPT_FLOW: {}})
    site.register()
    (ours,) = site.live(SCRIPT_FLOW)
    register_as_the_script_does(site, tmp_path)
    (flow,) = site.live(SCRIPT_FLOW)
    assert flow["flow_group"]["id"] == ours["flow_group"]["id"]
    assert flow["version"] == 2
    assert {task["name"] for task in flow["tasks"]} >= {f"{site.project.package}_init", "split"}
