"""A job that the Kubernetes agent has made, run by the container engine behind a small Kubernetes API."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.places.conftest import SECRETS, Place, wait_until
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


def test_a_job_runs_a_flow_and_one_that_fails_is_reported(place: Place, tmp_path: Path) -> None:
    cluster = Kubernetes(place.docker)
    with cluster.served() as port:
        config = str(_kubeconfig(tmp_path, port))
        refused = place.kedro("agent", "--type", "kubernetes", ok=False)
        assert "Give the address at which the cluster reaches it with --api URL" in refused
        found = place.kedro("doctor", ok=False)
        hint = "No agent with the label pods is running. To start one: kedro prefect agent --type kubernetes"
        assert hint in found
        url = found.partition("The Prefect API responds: embedded, ")[2].split()[0]
        reached = url.replace("127.0.0.1", place.address)
        options = ["--api", reached, *(text for name in SECRETS for text in ("--env-var", name))]
        until = "is waiting for flow runs with the label pods"
        with place.running("agent", "--type", "kubernetes", *options, until=until, KUBECONFIG=config):
            run_id = place.start("pods")
            run = place.finished(run_id, "Success")
            assert set(place.states(run).values()) == {"Success"}
            wait_until(lambda: cluster.deleted and not cluster.jobs, "the end of the job")
        with place.running(
            *("agent", "--type", "kubernetes", "--api", "http://127.0.0.1:9"), until=until, KUBECONFIG=config
        ):
            run_id = place.start("pods")
            run = place.finished(run_id, "Failed")
            assert "pods" in run["state_message"]
            assert "failed for this job" in run["state_message"]
            wait_until(lambda: not cluster.jobs, "the end of the job")
