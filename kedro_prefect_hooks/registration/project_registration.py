"""Registering a project's flows with Prefect: plan, apply, report.

What the hook and the commands call. The steps are in `wanted`, `plan`, `application` and `summary`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Collection

import click

from kedro_prefect_hooks.api.connection import open_api
from kedro_prefect_hooks.registration.application import apply
from kedro_prefect_hooks.registration.plan import Plan, plan
from kedro_prefect_hooks.registration.summary import Summary, summary
from kedro_prefect_hooks.registration.wanted import owner_of_flows, wanted_flows

if TYPE_CHECKING:
    from kedro_prefect_hooks.api.client import Api
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows

Echo = Callable[[str], Any]


def plan_project(flows: ProjectFlows, *, only: Collection[str] | None = None, force: bool = False) -> Plan:
    """What registering would do. Changes nothing.

    One query for all flows, and one more for each that has changed.

    Args:
        flows: the project's.
        only: names of flows to look at; all by default, and then orphans too.
        force: as if every flow had changed.

    Raises:
        ConfigError: a flow cannot be built, or `only` names none of `prefect.yml`.
        ApiError: the API is away.
    """

    with open_api(flows.config, flows.path) as api:
        return _plan(flows, api, only, force)


def register_project(
    flows: ProjectFlows,
    *,
    echo: Echo = click.echo,
    only: Collection[str] | None = None,
    prune: bool = False,
    force: bool = False,
    confirm: Callable[[Plan], bool] | None = None,
) -> Summary:
    """Register the flows of a project that are new, changed or incomplete, and say what was done.

    Args:
        flows: the project's.
        echo: told each line for a person.
        only: names of flows to register; all by default.
        prune: archive flows that this project registered and no longer declares.
        force: register again what has not changed.
        confirm: asked with the plan before anything is sent; nothing is when it says no.

    Raises:
        ConfigError: a flow cannot be built, or `only` names none of `prefect.yml`; nothing was sent.
        ApiError: the API is away, or went away.
        RegistrationError: a flow could not be registered.
    """

    with open_api(flows.config, flows.path) as api:
        planned = _plan(flows, api, only, force)
        outcomes = None
        if confirm is None or confirm(planned):
            outcomes = apply(planned, api, prune=prune, progress=_progress(echo))
        result = summary(planned, outcomes, api.link, api.next_step)
    for line in result.text():
        echo(line)
    return result


def _plan(flows: ProjectFlows, api: Api, only: Collection[str] | None, force: bool) -> Plan:

    flows.check_declared(only or ())
    wanted = wanted_flows(flows, only)
    return plan(
        flows.project_name,
        wanted,
        api.snapshot(flows.project_name),
        api.stored,
        owner=owner_of_flows(flows),
        declared=flows.config.flows,
        force=force,
        api=api.called,
    )


def _progress(echo: Echo) -> Callable[[str, int, int], None]:
    """Says how far a long flow has come; a short one goes in one request."""

    def progress(flow: str, sent: int, whole: int) -> None:
        echo(f"Registering {flow}: {sent:,} of {whole:,} tasks and edges sent")

    return progress
