"""What `kedro prefect run` prints: a flow run created in the Prefect API and, with `--watch`, followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Mapping

from kedro_prefect_hooks.cli.project_runs import next_step, watch_until_finished
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows


@dataclass(frozen=True)
class FlowRunOptions:
    """The options that a flow run is created with.

    Args:
        flow: the flow's name.
        parameters: flow parameters, by their dotted names.
        load_versions: dataset → version to load.
        labels: labels that replace the flow's; None to keep those.
        name: the flow run's name; None for one that Prefect generates.
    """

    flow: str
    parameters: Mapping[str, Any]
    load_versions: Mapping[str, str]
    labels: list[str] | None = None
    name: str | None = None


def run_remote(flows: ProjectFlows, options: FlowRunOptions, *, watch: bool) -> bool:
    """Create a flow run; follow it with `watch`, and then return whether it ended in Success.

    Raises:
        RegistrationError: the flow is not registered.
        ApiError: the API is unreachable.
    """
    from kedro_prefect_hooks.api.connection import open_api
    from kedro_prefect_hooks.api.flow_run_watch import FlowRunWatch
    from kedro_prefect_hooks.api.flow_runs import FlowRuns
    from kedro_prefect_hooks.flows.parameters import LOAD_VERSIONS
    from kedro_prefect_hooks.flows.run_naming import NAMED

    with open_api(flows.config, flows.path) as api:
        runs = FlowRuns(api, flows.project_name)
        if watch:
            runs.check_is_served()
        flow = runs.flow(options.flow)
        context: dict[str, Any] = {}
        if options.load_versions:
            context[LOAD_VERSIONS] = dict(options.load_versions)
        if options.name is not None:
            context[NAMED] = True
        run_id = runs.create(flow.id, options.parameters, options.labels, options.name, context)
        view = runs.view(run_id, datetime.now(timezone.utc))
        echo(f"Flow run '{view.name}' of '{options.flow}', version {flow.version}, is {view.state}.")
        echo(f"  id {run_id}")
        if flow.link_of(run_id):
            echo(f"  {flow.link_of(run_id)}")
        if not watch:
            echo(next_step(runs, view))
            return True
        return watch_until_finished(FlowRunWatch(runs, view, run_id))
