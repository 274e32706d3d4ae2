"""Prefect's own client and views, unmodified, against the embedded API."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Iterator

import prefect
import pytest
from prefect import Flow, Parameter, task
from prefect.backend import FlowRunView, FlowView, TaskRunView
from prefect.backend.artifacts import create_markdown_artifact, delete_artifact, update_markdown_artifact
from prefect.engine.state import Running, Success
from prefect.exceptions import ClientError
from prefect.run_configs import LocalRun
from prefect.schedules import CronSchedule
from prefect.storage import Module
from prefect.utilities.configuration import set_temporary_config

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.embedded.conftest import Caller


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[prefect.Client]:
    with set_temporary_config({"backend": "server", "cloud.api": server.url}):
        yield prefect.Client()


def flow(name: str = "f", size: int = 2, **more: Any) -> Flow:
    @task
    def step(x: int) -> int:
        return x

    with Flow(name, storage=Module("nowhere"), run_config=LocalRun(labels=["l"]), **more) as made:
        value = Parameter("x", default=1)
        for i in range(size):
            value = step(value, task_args={"name": f"step {i}", "slug": f"step-{i}"})
    return made


def count(api: Caller, flow_id: str) -> Any:
    query = (
        "{ version archived tasks_aggregate { aggregate { count } } edges_aggregate { aggregate { count } } }"
    )
    found = api.data(f'{{ flow_by_pk(id: "{flow_id}") {query} }}')["flow_by_pk"]
    totals = [found[f"{table}_aggregate"]["aggregate"]["count"] for table in ("tasks", "edges")]
    return (found["version"], found["archived"], *totals)


def test_a_project_that_exists_is_found(client: prefect.Client) -> None:
    project_id = client.create_project("p", project_description="d")
    assert client.create_project("p") == project_id
    assert client.delete_project("p") is True
    with pytest.raises(ValueError, match="Project p not found"):
        client.delete_project("p")


def test_registering_without_a_key_creates_a_version_each_time(client: prefect.Client, api: Caller) -> None:
    client.create_project("p")
    first, second = flow().register("p", no_url=True), flow().register("p", no_url=True)
    assert count(api, first) == (1, True, 3, 2)
    assert count(api, second) == (2, False, 3, 2)


def test_registering_with_a_key_creates_a_version_once(client: prefect.Client, api: Caller) -> None:
    client.create_project("p")
    first = flow().register("p", idempotency_key="a")
    assert flow().register("p", idempotency_key="a") == first
    assert count(api, first) == (1, False, 3, 2)
    assert flow().register("p", idempotency_key="b") != first


@pytest.mark.parametrize("tasks", [499, 500, 501, 1000])
def test_tasks_and_edges_arrive_in_batches_of_500(client: prefect.Client, api: Caller, tasks: int) -> None:
    """The last batch is empty if the number is a multiple of 500."""
    client.create_project("p")
    made = Flow("wide", storage=Module("nowhere"))
    first = prefect.Task(name="first", slug="first")
    for i in range(1, tasks):
        made.add_edge(first, prefect.Task(name="t", slug=f"t{i}"))
    assert count(api, client.register(made, "p", no_url=True)) == (1, False, tasks, tasks - 1)


def test_a_registration_without_a_project_fails_with_prefects_message(client: prefect.Client) -> None:
    with pytest.raises(ValueError, match="Project no not found"):
        flow().register("no")


def test_the_views_show_flow_run_and_task_run(client: prefect.Client) -> None:
    client.create_project("p")
    flow_id = flow().register("p", no_url=True)
    viewed = FlowView.from_flow_name("f", project_name="p")
    assert (viewed.flow_id, viewed.archived, viewed.project_name) == (flow_id, False, "p")
    assert FlowView.from_id(flow_id).run_config.labels == {"l"}
    run_id = client.create_flow_run(flow_id=flow_id, parameters={"x": 4}, run_name="mine")
    run = FlowRunView.from_flow_run_id(run_id)
    assert (run.name, run.state.message, set(run.labels)) == ("mine", "Flow run scheduled.", {"l"})
    client.write_run_logs([{"flow_run_id": run_id, "message": "said", "level": "INFO", "name": "n"}])
    client.set_flow_run_state(run_id, state=Running("go"))
    info = client.get_flow_run_info(run_id)
    assert info.state.is_running() and len(info.task_runs) == 3
    task_run = TaskRunView.from_task_slug("step-1", run_id)
    client.set_task_run_state(task_run.task_run_id, state=Success("done"))
    run = run.get_latest()
    assert run.state.is_running()
    assert [line.message for line in run.get_logs()] == ["said"]
    assert run.get_task_run(task_slug="step-1").state.is_successful()
    assert {each.state.is_successful() for each in run.get_all_task_runs()} == {True, False}
    client.cancel_flow_run(run_id)
    assert client.get_flow_run_state(run_id).message == "Flow run is cancelling"
    client.set_flow_run_name(run_id, "other")
    client.set_task_run_name(task_run.task_run_id, "named")
    assert FlowRunView.from_flow_run_id(run_id).name == "other"


def test_a_flow_that_needs_a_parameter_has_no_schedule(client: prefect.Client, api: Caller) -> None:
    client.create_project("p")
    with Flow("f", storage=Module("nowhere"), schedule=CronSchedule("0 0 * * *")) as made:
        prefect.Task()(upstream_tasks=[Parameter("x", default=1)])
    flow_id = made.register("p", no_url=True)
    query = f'{{ flow_by_pk(id: "{flow_id}") {{ is_schedule_active flow_runs {{ auto_scheduled }} }} }}'
    found = api.data(query)["flow_by_pk"]
    assert (found["is_schedule_active"], len(found["flow_runs"])) == (True, 10)
    again = client.register(made, "p", set_schedule_active=False, no_url=True)
    found = api.data(query.replace(flow_id, again))["flow_by_pk"]
    assert (found["is_schedule_active"], found["flow_runs"]) == (False, [])


def test_artifacts_are_stored(client: prefect.Client, api: Caller) -> None:
    client.create_project("p")
    run_id = client.create_flow_run(flow_id=flow().register("p", no_url=True))
    task_run_id = client.get_flow_run_info(run_id).task_runs[0].id
    with prefect.context(running_with_backend=True, task_run_id=task_run_id):
        made = create_markdown_artifact("# one")
        update_markdown_artifact(made, "# two")
        query = "{ task_run_artifact { kind data } }"
        assert api.data(query)["task_run_artifact"] == [{"kind": "markdown", "data": {"markdown": "# two"}}]
        delete_artifact(made)
        assert api.data(query)["task_run_artifact"] == []


def test_a_run_can_be_created_for_later_and_once(client: prefect.Client) -> None:
    client.create_project("p")
    flow_id = flow().register("p", no_url=True)
    when = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    run_id = client.create_flow_run(flow_id=flow_id, scheduled_start_time=when, idempotency_key="k")
    assert client.create_flow_run(flow_id=flow_id, idempotency_key="k") == run_id
    assert client.get_flow_run_state(run_id).start_time == when


def test_errors_are_prefects_own(client: prefect.Client) -> None:
    with pytest.raises(ClientError, match=r"Cannot query field .nope. on type .Query.\."):
        client.graphql("{ nope }")
    with pytest.raises(ClientError, match=r"Flow 0{8}-.* not found"):
        client.create_flow_run(flow_id="00000000-0000-0000-0000-000000000000")


def test_the_next_server_has_what_was_stored(tmp_path: Path) -> None:
    for expected in (1, 2):
        with EmbeddedServer(tmp_path / "api.sqlite", services=False) as server:
            client = prefect.Client(api_server=server.url)
            with set_temporary_config({"backend": "server", "cloud.api": server.url}):
                client.create_project("p")
                flow().register("p", no_url=True)
            assert len(client.graphql("{ flow { id } }").data.flow) == expected
