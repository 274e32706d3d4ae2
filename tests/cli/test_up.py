"""`kedro prefect up`: the API, its services and an agent in one process, and how it stops them."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
import requests

from kedro_prefect_hooks.embedded import location
from tests.cli.conftest import Background, is_alive, wait_until
from tests.scenarios.project_factory import clean_environment
from tests.scenarios.scenarios import chain, slow

Up = Callable[..., Background]
Kedro = Callable[..., Any]


def test_a_second_up_reports_the_first_and_ctrl_c_stops_it(tmp_path: Path, kedro: Kedro, up: Up) -> None:
    project = chain(tmp_path / "project", 2, prefect={"retention": "30d", "flows": {"chain": {}}})
    first = up(project)
    endpoint = location.running(project.path)
    assert endpoint is not None
    assert endpoint.url in first.output
    assert "finished flow runs are kept for 30 days" in first.output

    second = kedro(project, "prefect", "up", "--port", "0")
    assert second.returncode == 1
    assert f"The embedded API is already running at {endpoint.url} (process {endpoint.pid})" in second.stdout

    run = kedro(project, "run", "--env", "deploy", ok=True)
    assert f"embedded, {endpoint.url}" in run.stdout, "it is found automatically"

    output = first.stop(signal.SIGINT)
    assert first.process.returncode == 0, output
    assert output.endswith("Stopped.\n")
    assert "Traceback" not in output
    assert location.running(project.path) is None
    assert not (project.path / ".kedro_prefect" / "server.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "terminate"])
def test_stopping_it_cancels_running_flow_runs(tmp_path: Path, kedro: Kedro, up: Up, number: int) -> None:
    project = slow(tmp_path / "project", 3600, prefect={"flows": {"slow": {}}})
    first = up(project)
    kedro(project, "prefect", "register", ok=True)
    kedro(project, "prefect", "run", "slow", ok=True)
    wait_until((project.data / "started.txt").exists, "the slow node")
    pid = int(first.output.rpartition("(process ")[2].partition(")")[0])
    assert is_alive(pid)

    output = first.stop(number)
    assert first.process.returncode == 0, output
    assert "was cancelled." in output
    assert "Traceback" not in output
    assert not is_alive(pid)

    up(project, "--no-agent")
    endpoint = location.running(project.path)
    assert endpoint is not None
    body = {"query": "query { flow_run { state } task_run { state task { name } } }"}
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    data = requests.post(endpoint.url, json=body, headers=headers, timeout=30).json()["data"]
    assert [run["state"] for run in data["flow_run"]] == ["Cancelled"]
    assert not [run for run in data["task_run"] if run["state"] == "Running"]


HELLO = {"query": "query { hello }"}


@pytest.mark.parametrize("env", [{}, {"KEDRO_PREFECT_TOKEN": "sesame"}], ids=["the project's", "given"])
def test_a_token_is_required_and_our_commands_send_it(
    tmp_path: Path, kedro: Kedro, up: Up, env: dict[str, str]
) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    up(project, env=env)
    endpoint = location.running(project.path)
    assert endpoint is not None
    assert endpoint.token == env.get("KEDRO_PREFECT_TOKEN", endpoint.token)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer \xe9"}):
        assert requests.post(endpoint.url, json=HELLO, headers=headers, timeout=30).status_code == 401
    kedro(project, "prefect", "register", ok=True)
    assert "ended in Success" in kedro(project, "prefect", "run", "chain", "--watch", ok=True).stdout
    assert json.loads((project.data / "end.json").read_text()) == 2


def test_the_projects_token_is_the_owners_and_outlives_the_api(tmp_path: Path, up: Up) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    first = up(project, "--no-agent")
    endpoint = location.running(project.path)
    assert endpoint is not None
    assert endpoint.token
    assert f"{endpoint.url}/#token={endpoint.token}" in first.output
    file = project.path / ".kedro_prefect" / "token"
    assert file.read_text().strip() == endpoint.token
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first.stop(signal.SIGINT)
    second = up(project, "--no-agent", "--host", "0.0.0.0")
    again = location.running(project.path)
    assert again is not None
    assert again.token == endpoint.token
    port = again.url.rpartition(":")[2]
    assert f"listens at all addresses of this machine, port {port}\n" in second.output
    assert "listens at all" not in first.output


def test_prefects_own_tools_work_with_the_printed_environment(
    tmp_path: Path, home: Path, kedro: Kedro, up: Up
) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    first = up(project, "--no-agent")
    kedro(project, "prefect", "register", ok=True)
    printed = first.output.partition("Prefect's own tools need")[2].splitlines()[0].strip()
    command = f"{printed} {sys.executable} -m prefect get flows"
    done = subprocess.run(
        ["sh", "-c", command], env=clean_environment(home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "chain" in done.stdout


def test_without_a_token_where_that_is_wanted(tmp_path: Path, kedro: Kedro, up: Up) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    up(project, "--no-agent", "--no-token")
    endpoint = location.running(project.path)
    assert endpoint is not None
    assert endpoint.token is None
    assert requests.post(endpoint.url, json=HELLO, timeout=30).status_code == 200
    kedro(project, "prefect", "register", ok=True)


def test_what_up_cannot_do_is_reported_in_one_message(tmp_path: Path, kedro: Kedro) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = kedro(project, "prefect", "up", "--port", str(port))
        assert result.returncode == 1
        assert f"cannot listen at 127.0.0.1:{port}" in result.stdout
    result = kedro(project, "prefect", "up", "--host", "0.0.0.0", "--no-token")
    assert result.returncode == 1
    assert "Give a token" in result.stdout
    result = kedro(project, "prefect", "up", env={"KEDRO_PREFECT_TOKEN": "sésame"})
    assert result.returncode == 1
    assert "ASCII" in result.stdout
    assert "Traceback" not in result.stdout
    project.write_conf("base", "prefect", {"api": "http://prefect.example.com:4200", "flows": {"chain": {}}})
    result = kedro(project, "prefect", "up")
    assert result.returncode == 1
    assert "kedro prefect agent" in result.stdout
    assert "Traceback" not in result.stdout
