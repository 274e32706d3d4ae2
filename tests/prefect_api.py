"""A Prefect API and agent for a test project: the embedded server, `prefect agent local start`."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator, Mapping

import requests

from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.storage import tables, values
from kedro_prefect_hooks.embedded.storage.database import Database
from tests import processes
from tests.scenarios.project_factory import Project, clean_environment

FINISHED = {"Success", "Failed", "Cancelled", "TimedOut", "TriggerFailed"}


def graphql(url: str, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    """Send one request and return its data; GraphQL errors fail the test."""
    answer = requests.post(url, json={"query": query, "variables": dict(variables or {})}, timeout=30).json()
    assert not answer.get("errors"), answer["errors"]
    return answer["data"]


@contextlib.contextmanager
def api(project: Project, **options: Any) -> Iterator[str]:
    """The project's own embedded API, which `kedro run --env deploy` finds automatically."""
    with EmbeddedServer(location.database_path(project.path), **options) as server:
        location.write_endpoint(project.path, server.url)
        try:
            yield server.url
        finally:
            location.remove_endpoint(project.path)


def api_command(database: Path, port: int = 0) -> list[str]:
    """What starts the embedded API; its first line ends with its URL."""
    command = [sys.executable, "-m", "kedro_prefect_hooks.embedded", "--port", str(port)]
    return [*command, "--database", str(database)]


@contextlib.contextmanager
def api_process(database: Path, home: Path, port: int = 0) -> Iterator[tuple[str, int]]:
    """The embedded API in a process of its own: its URL and its process id."""
    command = api_command(database, port)
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "universal_newlines": True}
    environment = clean_environment(home)
    with processes.running(command, env=environment, cwd=str(home), **options) as process:
        yield process.stdout.readline().split()[-1], process.pid


def _running(
    command: list[str], environment: Mapping[str, str], home: Path, output: Any, group: bool
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """A child that leads a session of its own; `group`: what it has started is killed with it."""
    options = {"stdout": output, "stderr": subprocess.STDOUT, "start_new_session": True}
    return processes.running(command, group=group, env=environment, cwd=home, **options)


def prefect_environment(url: str, home: Path, **extra: str) -> dict[str, str]:
    """Environment variables that point an unmodified Prefect at the API."""
    return clean_environment(
        home,
        PREFECT__BACKEND="server",
        PREFECT__CLOUD__API=url,
        PREFECT__CLOUD__GRAPHQL=f"{url}/graphql",
        PREFECT__CLOUD__HEARTBEAT_INTERVAL="5",
        # The default is one more process per flow run; tests/embedded covers it.
        PREFECT__CLOUD__HEARTBEAT_MODE="thread",
        PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL="2",
        **extra,
    )


@contextlib.contextmanager
def agent(
    url: str, home: Path, log: Path, *labels: str, leave_runs: bool = False, **extra: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Prefect's local agent, started from the command line; its output goes to `log`.

    The flow runs that it has started are killed with it, unless `leave_runs`.

    Without `--no-hostname-label` the agent has a label, and Prefect gives flow runs without labels only to
    agents without labels.
    """
    command = [sys.executable, "-m", "prefect", "agent", "local", "start", "--show-flow-logs"]
    command.append("--no-hostname-label")
    for label in labels:
        command += ["--label", label]
    environment = prefect_environment(url, home, **extra)
    with log.open("wb") as output, _running(command, environment, home, output, not leave_runs) as process:
        yield process


@contextlib.contextmanager
def executing(
    url: str, run_id: str, home: Path, log: Path, **extra: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of a flow run, started as an agent does; its output is added to `log`.

    Prefect's agent sets these variables, besides those of the flow's run config.
    """
    query = "query($id: uuid!) {flow_run_by_pk(id: $id) {flow {run_config}}}"
    run_config = graphql(url, query, {"id": run_id})["flow_run_by_pk"]["flow"]["run_config"]
    environment = prefect_environment(
        url,
        home,
        PREFECT__CONTEXT__FLOW_RUN_ID=run_id,
        PREFECT__CLOUD__USE_LOCAL_SECRETS="false",
        PREFECT__CLOUD__SEND_FLOW_RUN_LOGS="true",
        PREFECT__CLOUD__LOGGING_HEARTBEAT="1",
        PREFECT__ENGINE__FLOW_RUNNER__DEFAULT_CLASS="prefect.engine.cloud.CloudFlowRunner",
        PREFECT__ENGINE__TASK_RUNNER__DEFAULT_CLASS="prefect.engine.cloud.CloudTaskRunner",
    )
    environment.update({**(run_config.get("env") or {}), **extra})
    command = [sys.executable, "-m", "prefect", "execute", "flow-run"]
    with log.open("ab") as output, _running(command, environment, home, output, True) as process:
        yield process


def executed(url: str, run_id: str, home: Path, log: Path, timeout: float = 120, **extra: str) -> Any:
    """Run the process of a flow run to its end; the run as `read_run` returns it."""
    with executing(url, run_id, home, log, **extra) as process:
        process.wait(timeout)
    return read_run(url, run_id)


def flow_id(url: str, name: str) -> str:
    """The id of the current version of a flow."""
    query = "query($name: String!) {flow(where: {name: {_eq: $name}, archived: {_eq: false}}) {id}}"
    flows = graphql(url, query, {"name": name})["flow"]
    assert len(flows) == 1, flows
    return str(flows[0]["id"])


def start_run(url: str, name: str, **arguments: Any) -> str:
    """Create a flow run of the current version; `arguments` are those of `create_flow_run_input`."""
    mutation = "mutation($input: create_flow_run_input!) {create_flow_run(input: $input) {id}}"
    values = {"flow_id": flow_id(url, name), **arguments}
    return str(graphql(url, mutation, {"input": values})["create_flow_run"]["id"])


RUN = """
query($id: uuid!) {
    flow_run_by_pk(id: $id) {
        state state_message parameters
        task_runs {state state_message task {name slug}}
        logs(order_by: {timestamp: asc}) {name level message task_run_id}
    }
}
"""


def read_run(url: str, run_id: str) -> Any:
    """Return the state, task runs and log lines of a flow run."""
    return graphql(url, RUN, {"id": run_id})["flow_run_by_pk"]


def finished_run(url: str, run_id: str, log: Path, timeout: float = 120) -> Any:
    """Wait until a flow run has finished, and one more second for its last log lines."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        run = read_run(url, run_id)
        if run["state"] in FINISHED:
            time.sleep(1)
            return read_run(url, run_id)
        time.sleep(0.3)
    raise AssertionError(f"{run_id} is still {run['state']}: {log.read_text(errors='replace')[-4000:]}")


def flow_labels(url: str, name: str) -> list[str]:
    """The labels that an agent must have to run a flow."""
    query = "query($id: uuid!) {flow_by_pk(id: $id) {flow_group {labels} run_config}}"
    flow = graphql(url, query, {"id": flow_id(url, name)})["flow_by_pk"]
    return list((flow["run_config"] or {}).get("labels") or flow["flow_group"]["labels"] or [])


def add_tenant(file: Path, project: str) -> dict[str, str]:
    """Another tenant, as on a shared server, with a project of this name; their ids."""
    database = Database(file)
    ids = {"tenant": values.new_id(), "project": values.new_id()}
    at = {"created": database.now(), "updated": database.now()}
    with database.write() as connection:
        tenant = {"id": ids["tenant"], "name": "Others", "slug": "others", "settings": {}}
        connection.execute(tables.tenant.insert().values(**tenant, **at))
        of_tenant = {"id": ids["project"], "tenant_id": ids["tenant"], "name": project}
        connection.execute(tables.project.insert().values(**of_tenant, **at))
    database.close()
    return ids
