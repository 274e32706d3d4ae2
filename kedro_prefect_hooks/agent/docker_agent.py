"""Prefect's Docker agent for one project: it knows how its containers end, as the local agent its processes.

Prefect's own starts a container, and forgets it: one that cannot reach the API leaves its flow run Submitted
for ever, and its output is gone with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.agent.docker import DockerAgent
from prefect.run_configs import DockerRun

from kedro_prefect_hooks.agent.container_process import ContainerProcess
from kedro_prefect_hooks.agent.owned_runs import OwnedRun
from kedro_prefect_hooks.agent.watchful_agent import Echo, WatchfulAgent

_API = "PREFECT__CLOUD__API"


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
        super().__init__(log_dir, echo=echo, **kwargs)

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
        given = {**self.env_vars, **(run_config.env or {})}
        env[_API] = given.get(_API) or self._api_for(run_config)
        return env

    def _api_for(self, run_config: Any) -> str:
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
        run = OwnedRun(flow_run_id, name, process, submissions)
        run.api = self._api_for(self._get_run_config(flow_run, DockerRun))
        self.owned.add(run)
        return line

    def on_shutdown(self) -> None:
        """Report which flow runs keep running."""
        self.leave_running()
        super().on_shutdown()
