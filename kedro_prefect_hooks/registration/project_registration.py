"""Registers a project's flows with Prefect: plan, apply, report. Called by the hook and the commands.

Knows nothing of the steps themselves: see `wanted`, `plan`, `application` and `summary`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Collection

from kedro_prefect_hooks import terminal
from kedro_prefect_hooks.api.connection import open_api
from kedro_prefect_hooks.garbage import kept_objects, no_collection
from kedro_prefect_hooks.registration.application import apply
from kedro_prefect_hooks.registration.plan import Plan, make_plan
from kedro_prefect_hooks.registration.summary import Summary, summarize
from kedro_prefect_hooks.registration.wanted import owner_of_flows, wanted_flows

if TYPE_CHECKING:
    from kedro_prefect_hooks.api.client import Api
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows
    from kedro_prefect_hooks.registration.wanted import Wanted

Echo = Callable[[str], Any]


def plan_project(flows: ProjectFlows, *, only: Collection[str] | None = None, force: bool = False) -> Plan:
    """Plan what registering would do, without changing anything.

    This takes one query for all flows, and one more per flow that has changed.

    Args:
        flows: the project's flows.
        only: names of the flows to plan; all by default.
        force: treat every flow as changed.

    Raises:
        ConfigError: a flow cannot be built, or `only` names a flow that `prefect.yml` does not have.
        ApiError: the API is unreachable.
    """
    wanted = _wanted(flows, only)
    with no_collection(), open_api(flows.config, flows.path) as api:
        return _plan(flows, api, wanted, force)


def register_project(
    flows: ProjectFlows,
    *,
    echo: Echo = terminal.echo,
    only: Collection[str] | None = None,
    prune: bool = False,
    force: bool = False,
    confirm: Callable[[Plan], bool] | None = None,
) -> Summary:
    """Register the flows of a project that are new, changed or incomplete, and print a summary.

    Args:
        flows: the project's flows.
        echo: prints a line.
        only: names of the flows to register; all by default.
        prune: archive flows that this project registered and no longer declares.
        force: register unchanged flows again.
        confirm: called with the plan before anything is sent; if it returns False, nothing is.

    Raises:
        ConfigError: a flow cannot be built, or `only` names a flow that `prefect.yml` does not have; nothing
            was sent.
        ApiError: the API is unreachable.
        RegistrationError: a flow could not be registered.
    """
    wanted = _wanted(flows, only)
    with no_collection(), open_api(flows.config, flows.path) as api:
        plan = _plan(flows, api, wanted, force)
        outcomes = None
        if confirm is None or confirm(plan):
            with kept_objects():
                outcomes = apply(plan, api, prune=prune, progress=_progress(echo))
        summary = summarize(plan, outcomes, api.link, api.next_step)
    for line in summary.text():
        echo(line)
    return summary


def _wanted(flows: ProjectFlows, only: Collection[str] | None) -> list[Wanted]:
    """The flows, built before the API is opened: what is wrong with one of them is found without it."""
    flows.check_declared(only or ())
    with no_collection():
        return wanted_flows(flows, only)


def _plan(flows: ProjectFlows, api: Api, wanted: list[Wanted], force: bool) -> Plan:
    return make_plan(
        flows.project_name,
        wanted,
        api.snapshot(flows.project_name),
        api.stored,
        owner=owner_of_flows(flows),
        declared=flows.config.flows,
        force=force,
        api=api.display_name,
    )


def _progress(echo: Echo) -> Callable[[str, int, int], None]:
    """Print the progress of a flow that is sent in batches."""

    def progress(flow: str, sent: int, total: int) -> None:
        echo(f"Registering {flow}: {sent:,} of {total:,} tasks and edges sent")

    return progress
