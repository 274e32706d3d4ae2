"""The guide for Kubernetes: jobs that the agent has made, run by the container engine behind a small API."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from kedro_prefect_hooks.embedded import location
from tests.places.conftest import Place, wait_until
from tests.places.guide import Guide
from tests.places.orders import SECRETS
from tests.places.services import Kubernetes

pytestmark = pytest.mark.places


def _kubeconfig(folder: Path, port: int) -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "small", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [
            {"name": "small", "context": {"cluster": "small", "user": "me", "namespace": "default"}}
        ],
        "current-context": "small",
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return file


def _commands(place: Place) -> list[str]:
    endpoint = location.running(place.project.path)
    assert endpoint is not None
    reached = endpoint.url.replace("127.0.0.1", place.address)
    page = Guide("kubernetes.md", {**place.changes, "http://prefect.example.com:4200": reached})
    return page.commands("Run flows on Kubernetes", **{"flight-delays": "pods"})


def test_the_guide_for_kubernetes(place: Place, tmp_path: Path) -> None:
    docker, build, _, _, _, agent, run = _commands(place)
    production = place.guide("production.md")
    assert docker == production.commands("1. Add the package")[1]
    assert build == production.commands("4. Build the image, and look at the plan")[0]
    # The job template has the token; a small cluster has no secrets but that.
    cluster = Kubernetes(place.docker, {"flights": {"api-token": SECRETS["API_TOKEN"]}})
    names = sorted({*place.environment} - {"API_TOKEN", "DOCKER_HOST"})
    agent = shlex.join([*shlex.split(agent), *(word for name in names for word in ("--env-var", name))])
    until = "is waiting for flow runs with the label kubernetes"
    with cluster.served() as port:
        config = str(_kubeconfig(tmp_path, port))
        with place.running(agent, until, KUBECONFIG=config):
            lost = place.start("lost-pods")
            assert "Success" in place.shell(run)
            found = place.finished(lost, "Failed")
            assert "failed for this job" in found["state_message"]
            wait_until(lambda: not cluster.jobs, "the end of the jobs")
    (made,) = place.runs_of("pods")
    job: dict[str, Any] = cluster.created[made["id"]]
    assert job["metadata"]["namespace"] == "flows"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "0.5", "memory": "512Mi"}
    assert SECRETS["API_TOKEN"] not in str(job), "only a reference"
