"""Prefect's Kubernetes agent for one project.

Prefect's own code watches the jobs, and reports pods that fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.agent.kubernetes import KubernetesAgent

from kedro_prefect_hooks.agent.container_address import API_VARIABLE
from kedro_prefect_hooks.agent.watchful_agent import Echo, WatchfulAgent

_JOBS_SECONDS = 5
"""How often it looks at the jobs."""


class KubernetesProjectAgent(WatchfulAgent, KubernetesAgent):
    """An agent that runs a project's flow runs as Kubernetes jobs.

    Args:
        log_dir: not used: the output of a pod is in the cluster.
        echo: called with each line to print.
        **kwargs: those of `KubernetesAgent`.
    """

    run_config_type = "KubernetesRun"

    def __init__(self, log_dir: Path, *, echo: Echo, **kwargs: Any) -> None:
        super().__init__(log_dir, echo=echo, **kwargs)
        self.heartbeat_period = _JOBS_SECONDS

    def _show_startup_display(self) -> None:
        self.on_ready()

    def _start_heartbeat_thread(self) -> None:
        KubernetesAgent._start_heartbeat_thread(self)
        self.wake_ups.start()

    def generate_job_spec(self, flow_run: Any) -> dict[str, Any]:
        """The job of a flow run, with the URL at which pods reach the API; Prefect's has the agent's own."""
        job: dict[str, Any] = super().generate_job_spec(flow_run)
        given = {**self.env_vars, **((flow_run.run_config or {}).get("env") or {})}
        for variable in job["spec"]["template"]["spec"]["containers"][0]["env"]:
            if variable["name"] == API_VARIABLE:
                variable["value"] = given.get(API_VARIABLE, variable["value"])
        return job

    def deploy_flow(self, flow_run: Any) -> str:
        """Create a flow run's job; return a line for the flow run's log."""
        line = str(super().deploy_flow(flow_run))
        self._report(f"Started flow run '{flow_run.name}' of '{flow_run.flow.name}' ({line}).")
        return line

    def on_shutdown(self) -> None:
        """Stop waiting for the API; jobs keep running."""
        self.wake_ups.stop()
        super().on_shutdown()
