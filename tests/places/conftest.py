"""One project, one image, one API and one Docker agent for all tests of places.

They are made by following the guide "From a project to a schedule in Docker"; the flows for other places come
from the other guides. Secrets are in the environment of the commands and of the agent only.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pendulum
import pytest
import requests
import yaml

from kedro_prefect_hooks.embedded import location
from tests import processes
from tests.places import guide, orders, services
from tests.places.engine import BASE
from tests.places.guide import Guide
from tests.places.orders import GIT_TOKEN, SECRETS
from tests.prefect_api import FINISHED, RUN
from tests.scenarios.project_factory import Project, clean_environment

IMAGE = "kedro-prefect-places/project:1"
ROOT = Path(__file__).parents[2]
TIMEOUT = 90
OF_NO_PAGE = ("HOOK_KEY", "PREFECT__CONTEXT__SECRETS__API_TOKEN")
"""Secrets that the commands on the pages do not name."""

AT_ONCE = ("threads", "processes", "dask", "hook", "git", "train", "stale", "astray", "silent")
"""Flows that run at the same time from the start, while other tests follow the guides."""


class Place:
    """The project, what runs it, and what the tests ask of them.

    Attributes:
        changes: what tests replace on the pages.
        environment: what commands have in addition to the environment of the tests.
        schedule: when the flow `orders` is scheduled.
        silent_api: the URL of something that never answers.
        started: a flow run of each of the flows that run at once.
    """

    def __init__(self, project: Project, home: Path, address: str, docker: Any) -> None:
        self.project = project
        self.home = home
        self.address = address
        self.docker = docker
        self.changes: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self.schedule: Any = None
        self.silent_api = ""
        self.started: dict[str, str] = {}
        self._agent = contextlib.ExitStack()
        self._agent_command = ""

    def guide(self, page: str) -> Guide:
        """A page with the changes."""
        return Guide(page, self.changes)

    def shell(self, command: str, ok: bool = True, **extra: str) -> str:
        """Run a command as in a terminal in the project's folder; its output."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=str(self.project.path),
            env=self._environment(extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert not ok or done.returncode == 0, (command, done.stdout[-5000:])
        return done.stdout

    @contextlib.contextmanager
    def running(self, command: str, until: str, **extra: str) -> Iterator[Path]:
        """A command that runs until the end of the block; the file with its output."""
        output = self.home / f"{len(list(self.home.iterdir()))}.txt"
        with output.open("wb") as file, processes.running(
            ["bash", "-c", f"exec {command}" if command.startswith("kedro") else command],
            cwd=str(self.project.path),
            env=self._environment({"PYTHONUNBUFFERED": "1", **extra}),
            stdout=file,
            stderr=subprocess.STDOUT,
            patience=30,
        ) as process:
            wait_until(lambda: until in output.read_text() or process.poll() is not None, until)
            assert until in output.read_text(), output.read_text()
            yield output

    def _environment(self, extra: dict[str, str]) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return clean_environment(self.home, PATH=path, **{**self.environment, **extra})

    def start_agent(self) -> Path:
        """Start the Docker agent of the guides; the file with its output."""
        return self._agent.enter_context(self.running(self._agent_command, "is waiting for flow runs"))

    def stop_agent(self) -> None:
        self._agent.close()

    def use_agent(self, command: str) -> None:
        """The agent to start is this one."""
        self._agent_command = command

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

    def runs_of(self, flow: str) -> list[Any]:
        """The flow runs of a flow that have been started, oldest first."""
        query = """query($name: String!) {flow_run(
            where: {flow: {name: {_eq: $name}}, state: {_neq: "Scheduled"}}, order_by: {created: asc}
        ) {id name state auto_scheduled}}"""
        found: list[Any] = self.graphql(query, name=flow)["flow_run"]
        return found

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

    def containers(self, run_id: str | None = None) -> list[Any]:
        """The containers of the project's image, or that of one flow run."""
        only = {"label": f"io.prefect.flow-run-id={run_id}"} if run_id else {"ancestor": IMAGE}
        found: list[Any] = self.docker.containers(all=True, filters=only)
        return found

    def juice(self, flow: str) -> Any:
        """What a flow has saved."""
        return json.loads((self.project.data / f"{flow}.json").read_text())

    @contextlib.contextmanager
    def jammed(self, flow: str) -> Iterator[None]:
        """The node `weigh` of a flow fails."""
        jam = self.project.data / f"jam-{flow}"
        jam.touch()
        try:
            yield
        finally:
            jam.unlink()


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
        project = orders.make(tmp_path_factory.mktemp("places") / "orders")
        found = Place(project, home, address, docker)
        found.environment = {"DOCKER_HOST": os.environ.get("DOCKER_HOST", "")}
        ports = _start_services(
            stack, tmp_path_factory.mktemp("git"), found.guide("storages-and-run-configs.md")
        )
        found.changes = _changes(found, ports)
        _follow_the_first_four_steps(found)
        # Work goes on after the image has been built.
        orders.change(project)
        found.environment.update(_environment(address, ports))
        _follow_the_fifth_step(found, stack)
        found.started = {flow: found.start(flow) for flow in AT_ONCE}
        yield found
        for container in found.containers():
            with contextlib.suppress(docker_package.errors.NotFound):  # the agent has just removed it
                docker.remove_container(container["Id"], force=True)


def _start_services(stack: contextlib.ExitStack, folder: Path, storages: Guide) -> dict[str, int]:
    from dulwich import porcelain
    from gcp_storage_emulator.server import create_server
    from moto.server import ThreadedMotoServer

    s3 = ThreadedMotoServer(ip_address="0.0.0.0", port=0, verbose=False)
    s3.start()
    stack.callback(s3.stop)
    s3_port = int(s3.get_host_and_port()[1])
    for bucket in ("our-flows", "our-results"):
        requests.put(f"http://127.0.0.1:{s3_port}/{bucket}", timeout=10).raise_for_status()
    gcs_port = services.free_port()
    gcs = create_server("0.0.0.0", gcs_port, in_memory=True, default_bucket="our-flows")
    gcs.start()
    stack.callback(gcs.stop)
    requests.post(f"http://127.0.0.1:{gcs_port}/storage/v1/b", json={"name": "our-results"}, timeout=10)
    porcelain.init(str(folder))
    (folder / "flows").mkdir()
    (folder / "flows" / "flow.py").write_text(storages.text("python", "Git"))
    porcelain.add(str(folder), [str(folder / "flows" / "flow.py")])
    porcelain.commit(str(folder), message=b"a flow", author=b"a <a@b>", committer=b"a <a@b>")
    return {
        "s3": s3_port,
        "gcs": gcs_port,
        "hook": stack.enter_context(services.webhook(SECRETS["HOOK_KEY"])),
        "git": stack.enter_context(services.git_repository(folder, GIT_TOKEN)),
        "silent": stack.enter_context(services.silent_server()),
    }


def _environment(address: str, ports: dict[str, int]) -> dict[str, str]:
    """The variables of flow runs that no guide has: secrets of other guides, and addresses of emulators."""
    return {
        **{name: SECRETS[name] for name in OF_NO_PAGE},
        "STORAGE_EMULATOR_HOST": f"http://{address}:{ports['gcs']}",
        "AWS_ENDPOINT_URL": f"http://{address}:{ports['s3']}",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def _changes(place: Place, ports: dict[str, int]) -> dict[str, str]:
    """What is not as on the pages."""
    place.schedule = pendulum.now("Europe/Paris").add(minutes=3).start_of("minute")
    place.silent_api = f"http://{place.address}:{ports['silent']}"
    clone_url = f"http://git:{GIT_TOKEN}@{place.address}:{ports['git']}/flows.git"
    values = {"PREFECT__CONTEXT__SECRETS__CLONE_URL": clone_url}
    values.update({name: value for name, value in SECRETS.items() if name not in OF_NO_PAGE})
    return {
        # There is no registry of images or packages.
        "kedro prefect docker": f"kedro prefect docker --base-image {BASE} --plugin {ROOT}",
        "kedro docker build": f"kedro docker build --base-image {BASE} --uid 999 --gid 0",
        **dict.fromkeys(["orders:latest", "flights:latest", "registry.example.com/flights:1.0"], IMAGE),
        **dict.fromkeys(["/srv/orders/data", "/srv/flights/data"], str(place.project.data.resolve())),
        "https://s3.example.com": f"http://{place.address}:{ports['s3']}",
        "https://example.com/flows/train": f"http://{place.address}:{ports['hook']}/flow",
        # Any free port; an image that is nowhere else.
        "up --no-agent": "up --no-agent --port 0",
        "agent --type docker": "agent --type docker --no-pull",
        # Some minutes from now, and shorter pauses.
        'cron: "0 6 * * *"': f'cron: "{place.schedule.minute} {place.schedule.hour} * * *"',
        "max_retries: 2, retry_delay: 1m": "max_retries: 1, retry_delay: 1s",
        **{f"{name}=…": f"{name}={shlex.quote(value)}" for name, value in values.items()},
    }


def _follow_the_first_four_steps(place: Place) -> None:
    production, project = place.guide("production.md"), place.project
    for command in production.commands("1. Add the package"):
        place.shell(command)
    assert (project.path / "conf" / "deploy").is_dir()
    project.write(
        "conf/deploy/credentials.yml", production.text("yaml", "2. Give flow runs what `conf/local` has")
    )
    with (project.path / ".dockerignore").open("a") as file:
        file.write("!conf/deploy/credentials.yml\n")
    written = (project.path / "conf" / "base" / "prefect.yml").read_text()
    declared = production.text("yaml", "3. Declare the flow")
    project.write("conf/base/prefect.yml", written[: written.index("defaults:")] + declared + _flows(place))
    location.own_token(project.path)  # a history and a token are there already
    build, plan = production.commands("4. Build the image, and look at the plan")
    place.shell(build)
    assert "orders         new" in place.shell(plan, ok=False)


def _flows(place: Place) -> str:
    """The flows of the other guides, and those of the tests."""
    docker = place.guide("docker.md").yaml("2. Configure the flows")
    run_config = docker["defaults"]["run_config"]
    stores = place.guide("object-stores.md")
    storages = place.guide("storages-and-run-configs.md")
    results, compatible = (
        stores.yaml("Keep results in S3 or Google Cloud Storage", n)["flows"] for n in range(2)
    )
    pickles, hook = (storages.yaml("Pickling storages", number)["flows"] for number in range(2))
    assert storages.yaml("Use other storages") == {"defaults": {"storage": "Module"}}, "the default"
    kubernetes = place.guide("kubernetes.md")
    jobs, template = (
        kubernetes.yaml("Run flows on Kubernetes", number)["flows"]["flight-delays"] for number in range(2)
    )
    flows: dict[str, Any] = {
        **docker["flows"],
        "train": {**results["train"], **pickles["train"], **compatible["train"]},
        "report": {**results["report"], **pickles["report"]},
        "hook": hook["train"],
        "git": storages.yaml("Git")["flows"]["train"],
        "pods": {"run_config": {**template["run_config"], **jobs["run_config"]}},
        "lost-pods": {
            "run_config": {**jobs["run_config"], "env": {"PREFECT__CLOUD__API": "http://127.0.0.1:9"}}
        },
        "threads": {"executor": {"type": "LocalDaskExecutor", "scheduler": "threads"}},
        "processes": {"executor": {"type": "LocalDaskExecutor", "scheduler": "processes"}},
        "dask": {
            "executor": {"type": "DaskExecutor", "cluster_kwargs": {"n_workers": 2, "threads_per_worker": 1}}
        },
        "wait": {"pipeline": "wait", "retries": {"max_retries": 0}},
        "stale": {"pipeline": "stale"},
        "astray": {"run_config": {**run_config, "env": {"PREFECT__CLOUD__API": "http://127.0.0.1:9"}}},
        "silent": {"run_config": {**run_config, "env": {"PREFECT__CLOUD__API": place.silent_api}}},
    }
    text = yaml.safe_dump(flows, sort_keys=False)
    return "".join(f"  {line}\n" for line in text.splitlines())


def _follow_the_fifth_step(place: Place, stack: contextlib.ExitStack) -> None:
    up, export, register, agent = place.guide("production.md").commands(
        "5. Start the API and the agent, and register"
    )
    docker = place.guide("docker.md").commands("3. Start the API, register, start the agent")
    assert docker[:2] == [up, register], "the same on both pages"
    stores = place.guide("object-stores.md").commands("Keep results in S3 or Google Cloud Storage")
    git = place.guide("storages-and-run-configs.md").commands("Git")
    others = [docker[2], *(line for line in (*stores, *git) if "agent --type docker" in line)]
    for line in (export, *others):
        words = shlex.split(line.replace("export ", ""))
        place.environment.update(dict(word.split("=", 1) for word in words if re.match(r"\w+=", word)))
    stack.enter_context(place.running(up, until="Press Ctrl+C"))
    place.shell(register)
    # One agent for all pages, with the variables of each.
    names = {*guide.variables(others), *place.environment} - {"DOCKER_HOST"}
    place.use_agent(
        " ".join([agent, *(f"--env-var {name}" for name in sorted(names - {*guide.variables([agent])}))])
    )
    stack.callback(place.stop_agent)
    output = place.start_agent().read_text()
    endpoint = location.running(place.project.path)
    assert endpoint is not None
    port = endpoint.url.rpartition(":")[2]
    printed = Guide(
        "docker.md", {"172.17.0.1": place.address, ":4200": f":{port}", "'flights'": "'orders'"}
    ).text("text", "3. Start the API, register, start the agent")
    for line in printed.splitlines():
        assert line in output, output
