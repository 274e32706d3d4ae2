"""One project, one image, one API and one Docker agent for all tests of places.

The image is built by the Dockerfile that `kedro prefect docker` writes. The flows' places are given by
`prefect.yml`, and their secrets by the environment of the commands and of the agent only.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests

from kedro_prefect_hooks.embedded import location
from tests import processes
from tests.places import services
from tests.places.engine import BASE
from tests.prefect_api import FINISHED, RUN
from tests.scenarios.project_factory import KEDRO, Project, clean_environment, make_project

IMAGE = "kedro-prefect-places/project:1"
ROOT = Path(__file__).parents[2]
TIMEOUT = 90

SECRETS = {
    "PRESS_TOKEN": "press-secret-5d0f9a",
    "AWS_ACCESS_KEY_ID": "AKIAPLACES000000000A",
    "AWS_SECRET_ACCESS_KEY": "aws-secret-77c1b2",
    "HOOK_KEY": "hook-secret-a83e41",
    "PREFECT__CONTEXT__SECRETS__ORCHARD": "orchard-secret-19b6cc",
}
GIT_TOKEN = "git-secret-e52d08"

NODES = """
import os
import time
from pathlib import Path

from prefect.client import Secret


def pick(rows):
    return list(range(rows))


def weigh(baskets):
    if Path("data/jam").exists():
        raise ValueError("the press is jammed")
    return sum(baskets)


def press(total):
    # the first has been given to the agent, the second to Prefect: neither is in the image
    assert len(os.environ["PRESS_TOKEN"]) == 19
    assert len(Secret("ORCHARD").get()) == 21
    return {"total": total, "user": os.getuid()}


def wait(rows):
    Path("data/waiting").touch()
    time.sleep(3600)
"""

PIPELINES = """
from kedro.pipeline import node, pipeline

from {package}.nodes import pick, press, wait, weigh


def register_pipelines():
    steps = [
        node(pick, "params:rows", "baskets", name="pick"),
        node(weigh, "baskets", "total", name="weigh"),
        node(press, "total", "juice", name="press"),
    ]
    return {{
        "__default__": pipeline(steps),
        "wait": pipeline([node(wait, "params:rows", None, name="wait")]),
        "stale": pipeline(steps[:{stale}]),
    }}
"""


class Place:
    """The project, what runs it, and what the tests ask of them."""

    def __init__(self, project: Project, home: Path, address: str, docker: Any) -> None:
        self.project = project
        self.home = home
        self.address = address
        self.docker = docker
        self.environment: dict[str, str] = {}
        self._agent = contextlib.ExitStack()

    def kedro(self, *arguments: str, ok: bool = True) -> str:
        """Run a command of the project; its output."""
        done = subprocess.run(
            [sys.executable, "-m", "kedro", "prefect", *arguments],
            cwd=str(self.project.path),
            env=clean_environment(self.home, **self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert not ok or done.returncode == 0, done.stdout
        return done.stdout

    @contextlib.contextmanager
    def running(self, *arguments: str, until: str, **extra: str) -> Iterator[Path]:
        """A command that runs until the end of the block; the file with its output."""
        output = self.home / f"{'-'.join(arguments[:3])}.txt"
        with output.open("wb") as file, processes.running(
            [sys.executable, "-m", "kedro", "prefect", *arguments],
            cwd=str(self.project.path),
            env=clean_environment(self.home, PYTHONUNBUFFERED="1", **self.environment, **extra),
            stdout=file,
            stderr=subprocess.STDOUT,
            patience=30,
        ) as process:
            wait_until(lambda: until in output.read_text() or process.poll() is not None, until)
            assert until in output.read_text(), output.read_text()
            yield output

    def start_agent(self) -> None:
        """Start the Docker agent, as on the page "Run flows in Docker"."""
        variables = [*SECRETS, "STORAGE_EMULATOR_HOST", "PREFECT__CONTEXT__SECRETS__CLONE_URL"]
        options = [text for name in variables for text in ("--env-var", name)]
        command = ["agent", "--type", "docker", "--no-pull", *options]
        output = self._agent.enter_context(self.running(*command, until="is waiting for flow runs"))
        assert f"Containers reach it at http://{self.address}:" in output.read_text()

    def stop_agent(self) -> None:
        self._agent.close()

    def graphql(self, query: str, **variables: Any) -> Any:
        endpoint = location.running(self.project.path)
        assert endpoint is not None
        answer = requests.post(
            endpoint.url,
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {endpoint.token}"},
            timeout=30,
        ).json()
        assert not answer.get("errors"), answer["errors"]
        return answer["data"]

    def start(self, flow: str) -> str:
        """Create a flow run; its id."""
        query = "query($name: String!) {flow(where: {name: {_eq: $name}, archived: {_eq: false}}) {id}}"
        (found,) = self.graphql(query, name=flow)["flow"]
        mutation = "mutation($input: create_flow_run_input!) {create_flow_run(input: $input) {id}}"
        return str(self.graphql(mutation, input={"flow_id": found["id"]})["create_flow_run"]["id"])

    def run(self, run_id: str) -> Any:
        return self.graphql(RUN, id=run_id)["flow_run_by_pk"]

    def finished(self, run_id: str, *states: str) -> Any:
        """The flow run once it has finished, in one of these states."""
        wait_until(lambda: self.run(run_id)["state"] in FINISHED, "the end of the flow run")
        run = self.run(run_id)
        if run["state"] not in states:
            time.sleep(2)  # its last log lines
            run = self.run(run_id)
            output = self.project.path / ".kedro_prefect" / "logs" / f"{run_id}.log"
            raise AssertionError((run, output.read_text()[-3000:] if output.exists() else ""))
        return run

    def states(self, run: Any) -> dict[str, str]:
        return {each["task"]["slug"]: each["state"] for each in run["task_runs"]}

    def containers(self) -> list[Any]:
        found: list[Any] = self.docker.containers(all=True, filters={"ancestor": IMAGE})
        return found

    @property
    def juice(self) -> Any:
        return json.loads((self.project.data / "juice.json").read_text())


def wait_until(condition: Any, what: str, seconds: float = TIMEOUT) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    docker_package = pytest.importorskip("docker")
    try:
        docker = docker_package.APIClient(base_url=os.environ.get("DOCKER_HOST"), version="auto", timeout=300)
    except docker_package.errors.DockerException as error:
        pytest.skip(f"no container engine responds: {error}")
    from kedro_prefect_hooks.agent.container_address import _gateways

    address = next(iter(_gateways(docker, "bridge")))
    home = tmp_path_factory.mktemp("home")
    with contextlib.ExitStack() as stack:
        ports = _start_services(stack, tmp_path_factory.mktemp("git"))
        project = _project(tmp_path_factory.mktemp("places") / "orchard", address, ports)
        found = Place(project, home, address, docker)
        found.environment = _environment(address, ports)
        _build(found)
        # The code goes on after the image has been built.
        project.write(
            f"src/{project.package}/pipeline_registry.py", PIPELINES.format(package=project.package, stale=3)
        )
        up = found.running("up", "--no-agent", "--port", "0", "--host", "0.0.0.0", until="Press Ctrl+C")
        stack.enter_context(up)
        found.kedro("register")
        stack.callback(found.stop_agent)
        found.start_agent()
        yield found
        for container in found.containers():
            docker.remove_container(container["Id"], force=True)


def _start_services(stack: contextlib.ExitStack, folder: Path) -> dict[str, int]:
    from dulwich import porcelain
    from gcp_storage_emulator.server import create_server
    from moto.server import ThreadedMotoServer

    s3 = ThreadedMotoServer(ip_address="0.0.0.0", port=0, verbose=False)
    s3.start()
    stack.callback(s3.stop)
    gcs_port = _free_port()
    gcs = create_server("0.0.0.0", gcs_port, in_memory=True, default_bucket="orchard-flows")
    gcs.start()
    stack.callback(gcs.stop)
    porcelain.init(str(folder))
    (folder / "flows").mkdir()
    text = "from kedro_prefect_hooks.flows.deployed import load\n\nflow = load()\n"
    (folder / "flows" / "flow.py").write_text(text)
    porcelain.add(str(folder), [str(folder / "flows" / "flow.py")])
    porcelain.commit(str(folder), message=b"a flow", author=b"a <a@b>", committer=b"a <a@b>")
    return {
        "s3": s3.get_host_and_port()[1],
        "gcs": gcs_port,
        "hook": stack.enter_context(services.webhook(SECRETS["HOOK_KEY"])),
        "git": stack.enter_context(services.git_repository(folder, GIT_TOKEN)),
    }


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


def _environment(address: str, ports: dict[str, int]) -> dict[str, str]:
    return {
        **SECRETS,
        "STORAGE_EMULATOR_HOST": f"http://{address}:{ports['gcs']}",
        "PREFECT__CONTEXT__SECRETS__CLONE_URL": f"http://git:{GIT_TOKEN}@{address}:{ports['git']}/flows.git",
        "DOCKER_HOST": os.environ.get("DOCKER_HOST", ""),
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def _project(folder: Path, address: str, ports: dict[str, int]) -> Project:
    s3 = {"endpoint_url": f"http://{address}:{ports['s3']}"}
    hook = {"url": f"http://{address}:{ports['hook']}/flow", "headers": {"X-Key": "$HOOK_KEY"}}
    data = folder.resolve() / "data"
    docker = {
        "type": "DockerRun",
        "image": IMAGE,
        "labels": ["docker"],
        "host_config": {"binds": [f"{data}:/home/kedro_docker/data"]},
    }
    flows: dict[str, Any] = {
        "local": {},
        "threads": {"executor": {"type": "LocalDaskExecutor", "scheduler": "threads"}},
        "processes": {"executor": {"type": "LocalDaskExecutor", "scheduler": "processes"}},
        "dask": {
            "executor": {"type": "DaskExecutor", "cluster_kwargs": {"n_workers": 2, "threads_per_worker": 1}}
        },
        "wait": {"pipeline": "wait"},
        "stale": {"pipeline": "stale"},
        "astray": {"run_config": {**docker, "env": {"PREFECT__CLOUD__API": "http://127.0.0.1:9"}}},
        "s3": {
            "storage": {"type": "S3", "bucket": "orchard-flows", "client_options": s3},
            "result": {"type": "S3Result", "bucket": "orchard-results", "boto3_kwargs": s3},
        },
        "gcs": {
            "storage": {"type": "GCS", "bucket": "orchard-flows", "project": "orchard"},
            "result": {"type": "GCSResult", "bucket": "orchard-flows"},
        },
        "git": {
            "storage": {
                "type": "Git",
                "flow_path": "flows/flow.py",
                "repo": "orchard/flows",
                "git_clone_url_secret_name": "CLONE_URL",
            }
        },
        "hook": {
            "storage": {
                "type": "Webhook",
                "build_request_kwargs": hook,
                "build_request_http_method": "POST",
                "get_flow_request_kwargs": hook,
                "get_flow_request_http_method": "GET",
            }
        },
        "pods": {"run_config": {"type": "KubernetesRun", "image": IMAGE, "labels": ["pods"]}},
    }
    project = make_project(
        folder,
        pipelines=PIPELINES.format(package="orchard", stale=2),
        package="orchard",
        files={"nodes.py": NODES},
        catalog={"juice": {"type": "JsonDataset", "filepath": "data/juice.json"}},
        parameters={"rows": 5},
        prefect={"api": "embedded", "defaults": {"run_config": docker}, "flows": flows},
    )
    project.data.chmod(0o777)  # the user in the container is another one
    kedro = ".".join(map(str, KEDRO))
    project.write("requirements.txt", f"kedro=={kedro}\nboto3\ndulwich\ngoogle-cloud-storage\n")
    for bucket in ("orchard-flows", "orchard-results"):
        requests.put(f"{s3['endpoint_url']}/{bucket}", timeout=10).raise_for_status()
    return project


def _build(place: Place) -> None:
    """As the documentation says; a history and a token are there already."""
    location.own_token(place.project.path)
    place.kedro("docker", "--base-image", BASE, "--plugin", str(ROOT))
    done = subprocess.run(
        ["docker", "build", "--tag", IMAGE, "."],
        cwd=str(place.project.path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
