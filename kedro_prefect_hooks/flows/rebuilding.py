"""The flow that the process of a flow run is to run, rebuilt from the project.

The run config's environment says which project, environment and flow, and what the flow looked like when
it was registered. Nothing was pickled, so nothing can be stale but the code itself, and that is checked.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import prefect

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.compat.kedro_datasets import MemoryDataset
from kedro_prefect_hooks.compat.prefect import print_once, send_kedro_logs
from kedro_prefect_hooks.errors import FlowRunError, did_you_mean
from kedro_prefect_hooks.flows.builder import fingerprint
from kedro_prefect_hooks.flows.flow_runner import use_for_flow_runs
from kedro_prefect_hooks.flows.project_flows import ProjectFlows
from kedro_prefect_hooks.runs.session import keep_for_run, open_project
from kedro_prefect_hooks.runs.spec import ProjectRef

if TYPE_CHECKING:
    from kedro_prefect_hooks.flows.flow import KedroFlow


def rebuilt_flow() -> KedroFlow:
    """The flow that this process is to run.

    Raises:
        FlowRunError: the environment does not say which flow, the project is not on this machine, the flow
            is no longer in its `prefect.yml`, or its nodes are not those that were registered.
    """
    name = os.environ.get(env_vars.FLOW)
    if not name:
        raise FlowRunError(
            f"{env_vars.FLOW} is not set, so it is not known which flow to load. The run config of this "
            "flow run has replaced the registered one: add its environment variables "
            f"({env_vars.FLOW}, {env_vars.PROJECT}, {env_vars.KEDRO_ENV})."
        )
    ref = ProjectRef(
        path=os.environ.get(env_vars.PROJECT) or str(_nearest_project(Path.cwd())),
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
    flows = ProjectFlows(opened[1], ref.conf_source, only=name)
    if name not in flows.config.flows:
        hint = did_you_mean(name, flows.config.flows)
        raise FlowRunError(
            f"Flow '{name}' is registered, but no longer in this project's prefect.yml.{hint} Register again."
        )
    flow = flows.build(name)
    _check_structure(flow)
    flow.mark_defaults()
    use_for_flow_runs()
    keep_for_run(ref, opened)
    MemoryDataset(0)  # the first value in memory lets Kedro import pandas: before the flow run is Running
    return flow


def _nearest_project(folder: Path) -> Path:
    """The project that the working directory is in: an image need only have it as its working directory."""
    for candidate in (folder, *folder.parents):
        pyproject = candidate / "pyproject.toml"
        if pyproject.is_file() and "[tool.kedro]" in pyproject.read_text(encoding="utf-8"):
            return candidate
    return folder


def _check_structure(flow: KedroFlow) -> None:
    registered = os.environ.get(env_vars.FINGERPRINT)
    if not registered or registered == fingerprint(flow):
        return
    raise FlowRunError(
        f"Flow '{flow.name}' is not what was registered: {_difference(flow)}. "
        "Register it again (`kedro run --env …` or `kedro prefect register`)."
    )


def _difference(flow: KedroFlow) -> str:
    """What differs between the code's flow and the registered one, by the names of the nodes."""
    now = {str(slug) for slug in flow.slugs.values()}
    links = {(flow.slugs[edge.upstream_task], flow.slugs[edge.downstream_task]) for edge in flow.edges}
    try:
        then, then_links = _registered_structure(str(prefect.context.get("flow_id")))
    except Exception as error:
        print(f"The registered flow could not be read: {error}", file=sys.stderr)  # noqa: T201
        return "its nodes or their order have changed"
    parts = []
    if now - then:
        parts.append(f"not registered: {', '.join(sorted(now - then))}")
    if then - now:
        parts.append(f"no longer in the code: {', '.join(sorted(then - now))}")
    if not parts:
        moved = sorted({f"{up} → {down}" for up, down in links ^ then_links})
        parts.append(f"its edges have changed: {', '.join(moved[:10])}")
    return "; ".join(parts)


def _registered_structure(flow_id: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Slugs of a registered flow's tasks, and of the two ends of its edges."""
    answer = prefect.Client().graphql(
        {
            "query": {
                f'flow_by_pk(id: "{flow_id}")': {
                    "tasks": {"slug"},
                    "edges": {"upstream_task": {"slug"}, "downstream_task": {"slug"}},
                }
            }
        }
    )
    flow = answer.data.flow_by_pk
    return (
        {task.slug for task in flow.tasks},
        {(edge.upstream_task.slug, edge.downstream_task.slug) for edge in flow.edges},
    )
