"""Dask workers send their log lines before the flow run ends, so that `--watch` misses none."""

from __future__ import annotations

from typing import Any, Iterator

import prefect
import pytest
from distributed import Client
from prefect.executors import DaskExecutor
from prefect.storage import Module
from prefect.utilities.configuration import set_temporary_config
from prefect.utilities.logging import LOG_MANAGER

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.flows.reported_tasks import ReportedTasks
from tests.prefect_api import graphql


@pytest.fixture
def url() -> Iterator[str]:
    """An API to which log lines are sent once an hour."""
    with EmbeddedServer(None, services=False) as server:
        settings = {"backend": "server", "cloud.api": server.url, "cloud.logging_heartbeat": 3600}
        with set_temporary_config(settings), prefect.context(config=prefect.config):
            yield server.url
        LOG_MANAGER.stop()
        LOG_MANAGER.__init__()  # type: ignore[misc]


def test_the_lines_of_workers_arrive_before_the_final_state(url: str) -> None:
    client = prefect.Client()
    client.create_project("tests")
    flow_id = prefect.Flow("flow", storage=Module("m")).register("tests", no_url=True)
    run_id = client.create_flow_run(flow_id)

    def log(message: str) -> None:
        line = {
            "flow_run_id": run_id,
            "timestamp": "2026-01-31T06:00:00+00:00",
            "name": "kedro",
            "level": "INFO",
        }
        LOG_MANAGER.enqueue({**line, "message": message, "task_run_id": None, "info": {}})

    def messages() -> list[str]:
        query = "query($id: uuid!) { flow_run_by_pk(id: $id) { logs { message } } }"
        logs = graphql(url, query, {"id": run_id})["flow_run_by_pk"]["logs"]
        return sorted(each["message"] for each in logs)

    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as dask:
        executor: Any = DaskExecutor(address=str(dask.scheduler.address))
        executor.client = dask
        log("first")
        assert messages() == []
        ReportedTasks().flush(executor)
        assert messages() == ["first"]
        log("of the next flow run")
        ReportedTasks().flush(executor)
        assert messages() == ["first", "of the next flow run"], "the worker goes on"
