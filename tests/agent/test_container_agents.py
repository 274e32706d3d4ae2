"""Agents for containers, without containers: their address, labels and variables. See tests/places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from kedro_prefect_hooks.agent import container_agents
from kedro_prefect_hooks.agent.container_address import for_containers, for_pods, is_loopback
from kedro_prefect_hooks.cli.agent_command import command
from kedro_prefect_hooks.config import parse_config
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.errors import ApiError, ConfigError, KedroPrefectError


class Docker:
    """What Docker says of its bridge: here, a network that has one of this machine's addresses."""

    def __init__(self, subnet: str, system: str = "Debian") -> None:
        self.subnet, self.system = subnet, system

    def info(self) -> Any:
        return {"OperatingSystem": self.system}

    def inspect_network(self, name: str) -> Any:
        assert name == "bridge"
        return {"IPAM": {"Config": [{"Subnet": self.subnet}]}}


def own_address() -> str:
    every = (each.address for of_one in psutil.net_if_addrs().values() for each in of_one)
    return next(text for text in every if text.count(".") == 3 and not text.startswith("127."))


def test_the_address_for_containers_is_one_at_which_the_api_responds(tmp_path: Path) -> None:
    own = own_address()
    docker = Docker(f"{own}/24")
    with EmbeddedServer(tmp_path / "a.sqlite", host="0.0.0.0", token="t", services=False) as server:
        port = server.url.rsplit(":", 1)[1]
        assert for_containers(server.url, docker) == f"http://{own}:{port}"
        assert for_containers(f"http://{own}:1", docker) == f"http://{own}:1", "given by its user"
    with EmbeddedServer(tmp_path / "b.sqlite", services=False) as server:
        with pytest.raises(ApiError, match=f"kedro prefect up --host {own}` ") as refused:
            for_containers(server.url, docker)
        assert "--api URL" in str(refused.value)
        with pytest.raises(ApiError, match=r"kedro prefect up --host 0\.0\.0\.0"):
            for_containers(server.url, Docker("203.0.113.0/24"))
        desktop = for_containers(server.url, Docker("203.0.113.0/24", "Docker Desktop"))
        assert desktop == server.url.replace("127.0.0.1", "host.docker.internal")


def test_pods_have_an_address_only_if_it_is_not_that_of_this_machine() -> None:
    for url in ("http://127.0.0.1:4200", "http://localhost:4200", "http://[::1]:4200", "http://0.0.0.0:4200"):
        assert is_loopback(url)
        with pytest.raises(ApiError, match="--api URL"):
            for_pods(url)
    assert for_pods("http://prefect.example.com:4200") == "http://prefect.example.com:4200"


def test_variables_are_given_or_the_agents_own() -> None:
    own = {"API_TOKEN": "secret", "EMPTY": ""}
    given = ["API_TOKEN", "A=b=c", "EMPTY", "NONE="]
    expected = {"API_TOKEN": "secret", "A": "b=c", "EMPTY": "", "NONE": ""}
    assert container_agents.variables(given, own) == expected
    with pytest.raises(
        KedroPrefectError, match=r"--env-var API_TOKN: .* Did you mean 'API_TOKEN'"
    ) as refused:
        container_agents.variables(["API_TOKN"], own)
    assert "secret" not in str(refused.value)


def test_labels_are_those_of_its_flows_and_must_exist() -> None:
    flows = {
        "here": {"labels": ["etl"]},
        "one": {"run_config": {"type": "DockerRun", "image": "a", "labels": ["docker"]}},
        "two": {"labels": ["gpu"], "run_config": {"type": "DockerRun", "image": "a", "labels": ["docker"]}},
        "pods": {"run_config": {"type": "KubernetesRun", "image": "a"}},
    }
    config = parse_config({"flows": flows})
    docker = {name: config.flows[name] for name in container_agents.flows_for(config, "DockerRun")}
    assert container_agents._labels(docker, "docker") == {"docker", "gpu"}
    pods = {name: config.flows[name] for name in container_agents.flows_for(config, "KubernetesRun")}
    with pytest.raises(ConfigError, match=r"'pods'.* Add `labels: \[kubernetes\]`"):
        container_agents._labels(pods, "kubernetes")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--volume", "/a:/b"], "--volume needs --type docker"),
        (["--api", "http://a"], "--api needs --type docker or kubernetes"),
        (["--type", "docker", "--namespace", "a"], "--namespace needs --type kubernetes"),
        (["--type", "kubernetes", "--no-pull"], "--no-pull needs --type docker"),
        (["--type", "podman"], "podman"),
    ],
)
def test_options_that_would_do_nothing_are_refused(options: list[str], text: str) -> None:
    result = CliRunner().invoke(command, options)
    assert result.exit_code == 2
    assert text in result.output
