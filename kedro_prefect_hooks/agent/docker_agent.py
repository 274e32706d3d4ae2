"""Prefect's Docker agent for one project: it knows how its containers end, as the local agent its processes.

Prefect's own starts a container, and forgets it: one that cannot reach the API leaves its flow run Submitted
for ever, and its output is gone with it.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

from prefect.agent.docker import DockerAgent
from prefect.run_configs import DockerRun

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.agent.container_address import API_VARIABLE
from kedro_prefect_hooks.agent.container_process import ContainerProcess
from kedro_prefect_hooks.agent.owned_runs import OwnedRun
from kedro_prefect_hooks.agent.watchful_agent import Echo, WatchfulAgent

_FLOW_RUN = "io.prefect.flow-run-id"
"""The label by which Prefect says what a container runs."""


class DockerProjectAgent(WatchfulAgent, DockerAgent):
    """An agent that runs a project's flow runs in containers on this machine.

    Args:
        log_dir: a folder for the output of flow runs.
        echo: called with each line to print.
        container_api: the URL at which containers reach the API.
        **kwargs: those of `DockerAgent`.
    """

    run_config_type = "DockerRun"

    def __init__(self, log_dir: Path, *, echo: Echo, container_api: str, **kwargs: Any) -> None:
        self.container_api = container_api
        self._mark = hashlib.sha256(str(log_dir).encode()).hexdigest()[:16]
        super().__init__(log_dir, echo=echo, **kwargs)

    def on_startup(self) -> None:
        """Own the containers that an earlier agent of the project has started, and not lived to see end."""
        ours = f"{env_vars.AGENT}={self._mark}"
        for found in self.docker_client.containers(all=True, filters={"label": _FLOW_RUN}):
            container = self.docker_client.inspect_container(found["Id"])
            environment = container["Config"]["Env"] or ()
            if ours not in environment:
                continue
            flow_run_id, name = container["Config"]["Labels"][_FLOW_RUN], container["Name"].lstrip("/")
            output = self.output_files.create(flow_run_id)
            since = output.stat().st_mtime
            process = ContainerProcess(self.base_url, container["Id"], output, since=since)
            self._report(f"Found the container {process.pid} of flow run '{name}'.")
            # Which version its flow run had is not known; no later submission than its own is assumed.
            api = dict(each.partition("=")[::2] for each in environment).get(API_VARIABLE)
            self.owned.add(OwnedRun(flow_run_id, name, process, (sys.maxsize, 1), api=api))

    def _show_startup_display(self) -> None:
        self.on_ready()

    def _get_run_config(self, flow_run: Any, run_config_cls: Any) -> Any:
        run_config: Any = super()._get_run_config(flow_run, run_config_cls)
        # A container that removes itself takes its output and its exit code with it: `release` removes it.
        run_config.host_config = {"auto_remove": False, **(run_config.host_config or {})}
        return run_config

    def populate_env_vars(self, flow_run: Any, image: str, run_config: Any = None) -> dict[str, str]:
        """The environment of a flow run's container."""
        env: dict[str, str] = super().populate_env_vars(flow_run, image, run_config=run_config)
        env[API_VARIABLE] = self._api_for(run_config)
        env[env_vars.AGENT] = self._mark
        return env

    def _api_for(self, run_config: Any) -> str:
        given: dict[str, str] = {**self.env_vars, **(run_config.env or {})}
        if API_VARIABLE in given:
            return given[API_VARIABLE]
        on_host = (run_config.host_config or {}).get("network_mode") == "host"
        return str(self.client.api_server) if on_host else self.container_api

    def deploy_flow(self, flow_run: Any) -> str:
        """Start a flow run's container; return a line for the flow run's log."""
        line = str(super().deploy_flow(flow_run))
        container = line.rpartition(" ")[2]
        flow_run_id, name = str(flow_run.id), str(flow_run.name)
        output = self.output_files.create(flow_run_id)
        process = ContainerProcess(self.base_url, container, output)
        submissions = (int(flow_run.version), 0 if flow_run.state == "Running" else 1)
        self._report(f"Started flow run '{name}' of '{flow_run.flow.name}' (container {process.pid}).")
        api = self._api_for(self._get_run_config(flow_run, DockerRun))
        self.owned.add(OwnedRun(flow_run_id, name, process, submissions, api=api))
        return line

    def on_shutdown(self) -> None:
        """Report which flow runs keep running."""
        self.leave_running()
        super().on_shutdown()
