"""The flow that the process of a flow run is to run, rebuilt from the project.

The run config's environment says which project, environment and flow, and what the flow looked like when
it was registered. Nothing was pickled, so nothing can be stale but the code itself, and that is checked.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import prefect

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.compat.kedro_datasets import MemoryDataset
from kedro_prefect_hooks.compat.prefect import print_once, send_kedro_logs
from kedro_prefect_hooks.errors import ConfigError, FlowRunError, did_you_mean
from kedro_prefect_hooks.flows.drift import check_drift, hidden_pipelines, remedy
from kedro_prefect_hooks.flows.flow_runner import use_for_flow_runs
from kedro_prefect_hooks.flows.project_flows import ProjectFlows
from kedro_prefect_hooks.runs.session import keep_for_run, open_project
from kedro_prefect_hooks.runs.spec import ProjectRef, nearest_project

if TYPE_CHECKING:
    from kedro_prefect_hooks.flows.flow import KedroFlow


def rebuilt_flow() -> KedroFlow:
    """The flow that this process is to run.

    Raises:
        FlowRunError: the environment does not say which flow, the project is not on this machine, the flow
            is not in its `prefect.yml`, or it is not what was registered.
    """
    name = os.environ.get(env_vars.FLOW)
    if not name:
        raise FlowRunError(
            f"{env_vars.FLOW} is not set, so it is not known which flow to load. The run config of this "
            "flow run has replaced the registered one: add its environment variables "
            f"({env_vars.FLOW}, {env_vars.PROJECT}, {env_vars.KEDRO_ENV})."
        )
    ref = ProjectRef(
        path=os.environ.get(env_vars.PROJECT) or str(nearest_project(Path.cwd()) or Path.cwd()),
        package=os.environ.get(env_vars.PACKAGE),
        env=os.environ.get(env_vars.KEDRO_ENV),
        conf_source=os.environ.get(env_vars.CONF_SOURCE),
    )
    os.environ[env_vars.IN_FLOW_RUN] = str(prefect.context.get("flow_run_id") or "loading")
    if ref.folder.is_dir():
        os.chdir(ref.folder)  # `kedro run` works there too, and relative paths in user code count on it
    opened = open_project(ref)
    send_kedro_logs()
    print_once()
    try:
        flows = ProjectFlows(opened[1], ref.conf_source, only=name)
    except ConfigError as error:
        hidden = hidden_pipelines()
        if not hidden:
            raise
        raise FlowRunError(f"{error.message}{hidden}") from None
    if name not in flows.config.flows:
        hint = did_you_mean(name, flows.config.flows)
        raise FlowRunError(
            f"Flow '{name}' is registered, but not in this project's prefect.yml.{hint} {remedy()}"
        )
    flow = flows.build(name)
    check_drift(flow, flows.config.flows[name])
    flow.mark_defaults()
    use_for_flow_runs()
    keep_for_run(ref, opened)
    MemoryDataset(0)  # the first value in memory lets Kedro import pandas: before the flow run is Running
    return flow
