"""Makes the agents that run a project's flow runs elsewhere than in processes of this machine.

Looks up what they need: labels, settings for the flow runs, and the URL at which these reach the API.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Mapping, NamedTuple, Sequence

from kedro_prefect_hooks.agent import container_address
from kedro_prefect_hooks.agent.flow_labels import flows_for, label_sets_of
from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.errors import ApiError, ConfigError, KedroPrefectError, did_you_mean
from kedro_prefect_hooks.labels import CONTAINER_RUN_CONFIGS

if TYPE_CHECKING:
    from kedro_prefect_hooks.agent.api_address import ApiAddress
    from kedro_prefect_hooks.agent.watchful_agent import Echo, WatchfulAgent
    from kedro_prefect_hooks.config.models import FlowConfig, PrefectConfig


class ContainerOptions(NamedTuple):
    """What the user says about containers.

    Attributes:
        api: the URL at which containers reach the API; None to find it.
        env: variables for the flow runs: ``NAME=VALUE``, or ``NAME`` for the agent's own value.
        volumes: of Docker containers.
        networks: Docker networks to add them to.
        no_pull: whether Docker images are only looked for on this machine.
        namespace: of Kubernetes jobs.
        job_template: the file with their template.
    """

    api: str | None = None
    env: Sequence[str] = ()
    volumes: Sequence[str] = ()
    networks: Sequence[str] = ()
    no_pull: bool = False
    namespace: str | None = None
    job_template: str | None = None


def make_container_agent(
    kind: str,
    project_path: Path,
    config: PrefectConfig,
    api: ApiAddress,
    options: ContainerOptions,
    *,
    package: str,
    labels: Iterable[str],
    name: str | None,
    echo: Echo,
) -> WatchfulAgent:
    """The agent of a project for containers. Prefect must be configured for the API.

    Args:
        kind: ``docker`` or ``kubernetes``.
        project_path: the project's folder.
        config: its prefect.yml.
        api: the API, as this machine reaches it.
        options: what the user says about containers.
        package: the project's Python package.
        labels: labels in addition to those of the project's flows.
        name: the agent's name in Prefect; by default that of the Prefect project.
        echo: called with each line to print.

    Raises:
        ConfigError: a flow for this agent has no labels.
        ApiError: containers cannot reach the API, or Docker does not respond.
        KedroPrefectError: a package is missing, or a variable.
    """
    run_config = {kind: name for name, kind in CONTAINER_RUN_CONFIGS.items()}[kind]
    flows = {name: config.flows[name] for name in flows_for(config, run_config)}
    given = variables(options.env, os.environ)
    common: dict[str, Any] = {
        "log_dir": location.state_dir(project_path) / "logs",
        "echo": echo,
        "name": name or config.project or package,
        "labels": sorted({*labels, *_labels(flows, kind)}),
        "env_vars": {**_settings(embedded=config.api == "embedded"), **given},
    }
    if not flows:
        echo(f"No flow in prefect.yml has `run_config: {run_config}`.")
    if kind == "kubernetes":
        return _kubernetes_agent(api, options, common)
    return _docker_agent(api, options, common, flows)


def variables(given: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``--env-var``: as with `docker run`, a name alone is that of one in the environment.

    Raises:
        KedroPrefectError: the environment has none of that name.
    """
    found = {}
    for text in given:
        name, is_value, value = text.partition("=")
        if not is_value:
            if name not in environment:
                hint = did_you_mean(name, environment)
                raise KedroPrefectError(f"--env-var {name}: there is no such environment variable.{hint}")
            value = environment[name]
        found[name] = value
    return found


def _labels(flows: Mapping[str, FlowConfig], kind: str) -> set[str]:
    labels: set[str] = set()
    for name, flow in flows.items():
        for each in label_sets_of(flow):
            if not each:
                raise ConfigError(
                    f"Flow '{name}' has a run config for {kind}, but no labels, so that no agent with labels "
                    f"is offered its runs. Add `labels: [{kind}]` to its run config, and register."
                )
            labels |= each
    return labels


def _settings(embedded: bool) -> dict[str, str]:
    """Prefect settings for the flow runs, which inherit nothing from the agent's environment."""
    defaults = {"PREFECT__CLOUD__HEARTBEAT_MODE": "thread"}
    if embedded:
        defaults["PREFECT__CLOUD__LOGGING_HEARTBEAT"] = "1"
        defaults["PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL"] = "3"
    return {name: os.environ.get(name, value) for name, value in defaults.items()}


def _docker_agent(
    api: ApiAddress, options: ContainerOptions, common: dict[str, Any], flows: Mapping[str, FlowConfig]
) -> WatchfulAgent:
    import docker

    from kedro_prefect_hooks.agent.docker_agent import DockerProjectAgent

    base_url = os.environ.get("DOCKER_HOST") or None
    try:
        client = docker.APIClient(base_url=base_url, version="auto")
    except docker.errors.DockerException as error:
        raise ApiError(
            f"Docker does not respond at {base_url or 'its default address'}: {error}. Start it, or set "
            "DOCKER_HOST."
        ) from error
    on_host = [
        (getattr(flow.build_run_config(), "host_config", None) or {}).get("network_mode") == "host"
        for flow in flows.values()
    ]
    if options.api or (on_host and all(on_host)):
        reached = options.api or api.url
    else:
        reached = container_address.for_containers(api.url, client, options.networks)
    common["echo"](f"Containers reach it at {reached}")
    return DockerProjectAgent(
        container_api=reached,
        base_url=base_url,
        volumes=list(options.volumes),
        networks=list(options.networks) or None,
        no_pull=options.no_pull,
        **common,
    )


def _kubernetes_agent(api: ApiAddress, options: ContainerOptions, common: dict[str, Any]) -> WatchfulAgent:
    if importlib.util.find_spec("kubernetes") is None:
        raise KedroPrefectError(
            "The Kubernetes agent needs the package kubernetes: install it beside this package."
        )
    from kedro_prefect_hooks.agent.kubernetes_agent import KubernetesProjectAgent

    reached = options.api or container_address.for_pods(api.url)
    common["echo"](f"Pods reach it at {reached}")
    common["env_vars"].setdefault(container_address.API_VARIABLE, reached)
    return KubernetesProjectAgent(
        namespace=options.namespace, job_template_path=options.job_template, **common
    )
