"""What `kedro prefect doctor` looks at: each check is a function that yields findings; none stops another.

Values of environment variables are never shown: they may be secrets.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import TYPE_CHECKING, Any, Callable, Iterator, NamedTuple

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.command_lines import is_packaged, typed
from kedro_prefect_hooks.errors import KedroPrefectError

if TYPE_CHECKING:
    from kedro_prefect_hooks.api.client import Api
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config.models import PrefectConfig
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows

OK, NOTE, PROBLEM = "ok", "note", "problem"

DISTRIBUTION = "kedro-prefect-hooks"

_SHOWN = (DISTRIBUTION, "kedro", "prefect", "pydantic")

_PLUGINS = ("kedro.hooks", "kedro.project_commands", "kedro.global_commands")
"""The groups of entry points by which Kedro loads plugins."""


class Finding(NamedTuple):
    """Something that was found: `OK`, a `NOTE` that may explain a surprise, or a `PROBLEM`."""

    kind: str
    text: str


Findings = Iterator[Finding]


def findings(env: str | None) -> Findings:
    """Everything that can be found out about the project in the working directory, in the order of cause."""
    yield from _guarded(_versions)
    yield from _guarded(_requirements)
    yield from _guarded(_plugins)
    yield from _guarded(_environment_variables)
    projects: list[OpenProject] = []
    yield from _guarded(lambda: _project(env, projects))
    if not projects:
        return
    project = projects[0]
    yield from _guarded(lambda: _hook(project))
    yield from _guarded(lambda: _image(project))
    configs: list[PrefectConfig] = []
    yield from _guarded(lambda: _configuration(project, configs))
    if not configs:
        return
    yield from _guarded(lambda: _api(project, configs[0]))
    yield from _guarded(lambda: _registration(project))


def _guarded(check: Callable[[], Findings]) -> Findings:
    """The findings of a check; an error is one more."""
    try:
        yield from check()
    except KedroPrefectError as error:
        yield Finding(PROBLEM, str(error))
    except Exception as error:
        yield Finding(PROBLEM, f"{type(error).__name__}: {error}")


def _versions() -> Findings:
    installed = {name: _version(name) for name in _SHOWN}
    names = ", ".join(f"{name} {version}" for name, version in installed.items() if version)
    yield Finding(OK, f"Python {platform.python_version()} on {platform.system()}, {names}")


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        if distribution != DISTRIBUTION:
            return None
        from kedro_prefect_hooks import __version__  # from a source tree that is not installed

        return __version__


def _requirements() -> Findings:
    """Packages that another installation has replaced: pip warns of them once, amid its output."""
    from packaging.requirements import Requirement

    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for line in lines:
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        found = _version(needed.name)
        if found is None:
            yield Finding(
                PROBLEM, f"{needed.name} is not installed, expected {needed.name}{needed.specifier}"
            )
        elif not needed.specifier.contains(found, prereleases=True):
            yield Finding(
                PROBLEM,
                f"{needed.name} {found} is installed, expected {needed.specifier}. Another package may have "
                "asked for it: `pip check` names it.",
            )


def _plugins() -> Findings:
    points: Any = importlib.metadata.entry_points()
    found = set()
    for group in _PLUGINS:
        of_group = points.select(group=group) if hasattr(points, "select") else points.get(group, ())
        found |= {point.value.split(":")[0].split(".")[0] for point in of_group}
    others = sorted(found - {"kedro_prefect_hooks"})
    if others:
        yield Finding(OK, f"Other Kedro plugins: {', '.join(others)}")


def _environment_variables() -> Findings:
    set_ = sorted(name for name in os.environ if name.startswith((env_vars.PREFIX, "PREFECT__", "KEDRO_ENV")))
    if set_:
        yield Finding(NOTE, f"Environment variables that are set: {', '.join(set_)}")
    if os.environ.get(env_vars.DISABLE, "").strip().lower() not in ("", "0", "false", "no"):
        yield Finding(NOTE, f"{env_vars.DISABLE} is set: runs register nothing.")
    for name in (env_vars.IN_FLOW_RUN, "PREFECT__CONTEXT__FLOW_RUN_ID"):
        if os.environ.get(name):
            yield Finding(NOTE, f"{name} is set, as in a flow run: runs register nothing.")


def _project(env: str | None, projects: list[OpenProject]) -> Findings:
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config.environments import description, missing_environments

    project = OpenProject(env)
    projects.append(project)
    yield Finding(OK, f"Project {project.path}, package {project.metadata.package_name}")
    loader = project.context.config_loader
    yield Finding(OK, description(loader, project.env))
    for text in missing_environments(loader):
        yield Finding(PROBLEM, text)


def _hook(project: OpenProject) -> Findings:
    from kedro.framework.project import settings

    from kedro_prefect_hooks.config import listed_environments
    from kedro_prefect_hooks.hooks import PrefectHooks

    listed = sorted(listed_environments(project.context.config_loader))
    commands = ", ".join(f"`{typed(f'kedro run --env {name}')}`" for name in listed)
    only_command = f"only `{typed('kedro prefect register')}` registers flows"
    if not any(isinstance(hook, PrefectHooks) for hook in settings.HOOKS):
        add = typed("kedro prefect init --settings")
        if is_packaged():
            add = "do so in the project's folder, before `kedro package`"
        yield Finding(NOTE, f"PrefectHooks is not in HOOKS of settings.py: {only_command}. To add it: {add}")
    elif listed:
        yield Finding(OK, f"PrefectHooks is in HOOKS of settings.py; flows are registered by {commands}")
    else:
        yield Finding(NOTE, f"`register.environments` is empty: {only_command}.")


def _image(project: OpenProject) -> Findings:
    from kedro_prefect_hooks.images import ignore_file

    if ignore_file.can_leak(project.path):
        yield Finding(
            PROBLEM,
            f"{ignore_file.NAME} does not leave out {ignore_file.STATE}: an image would have the token of "
            f"the embedded API. Add the line {ignore_file.STATE}.",
        )


def _configuration(project: OpenProject, configs: list[PrefectConfig]) -> Findings:
    from kedro_prefect_hooks.config import load_config

    config = load_config(project.context.config_loader, project_path=project.path)
    configs.append(config)
    flows = f"{len(config.flows)} flow{'' if len(config.flows) == 1 else 's'}"
    yield Finding(OK, f"prefect.yml declares {flows}: {', '.join(config.flows)}")


def _api(project: OpenProject, config: PrefectConfig) -> Findings:
    from kedro_prefect_hooks.api.connection import open_api

    if config.api == "embedded":
        from kedro_prefect_hooks.embedded import packages

        packages.require(packages.SERVER)
    with open_api(config, project.path) as api:
        api.transport.graphql("query { hello }")
        yield Finding(OK, f"The Prefect API responds: {api.display_name}")
        if not api.is_served:
            yield Finding(
                NOTE,
                "The embedded API is not running, so no flow run starts. To start it: "
                + typed("kedro prefect up"),
            )
            return
        if config.api == "embedded":
            yield from _health(project)
        yield from _agents(api, config)


def _health(project: OpenProject) -> Findings:
    from kedro_prefect_hooks.embedded import location

    problem = location.problem(project.path)
    if problem is not None:
        yield Finding(PROBLEM, f"The embedded API reports: {problem}")


def _agents(api: Api, config: PrefectConfig) -> Findings:
    from kedro_prefect_hooks.agent.flow_labels import flows_for_other_agents, label_sets_of
    from kedro_prefect_hooks.api.flow_runs import FlowRuns
    from kedro_prefect_hooks.labels import agent_command, is_kind_for, labels_in_words, why_not_accepted

    agents = FlowRuns(api, "").running_agents()
    for name, agent in agents:
        yield Finding(OK, f"Agent '{name}' ({agent.type}) is running, with {labels_in_words(agent.labels)}")
    reasons: dict[tuple[str, str], list[str]] = {}
    kinds = flows_for_other_agents(config)
    for name, flow in config.flows.items():
        kind = kinds.get(name, "LocalRun")
        able = [agent for _, agent in agents if is_kind_for(agent.type, kind)]
        for labels in label_sets_of(flow):
            reason = why_not_accepted(able, labels)
            if reason is not None:
                names = reasons.setdefault((reason, agent_command(kind)), [])
                names += [name] if name not in names else []
    for (reason, command), names in reasons.items():
        flows = f"flow{'s' * (len(names) > 1)} {', '.join(names)}"
        yield Finding(NOTE, f"Nobody runs {flows}: {reason} To start one: {command}")


def _registration(project: OpenProject) -> Findings:
    from kedro_prefect_hooks.flows.project_notes import notes
    from kedro_prefect_hooks.registration import plan_project

    flows: ProjectFlows = project.flows()
    for text in notes(flows):
        yield Finding(NOTE, text)
    plan = plan_project(flows)
    kinds: dict[str, list[str]] = {}
    for action in plan.actions:
        kinds.setdefault(action.kind.value, []).append(action.name)
    text = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items())
    where = f"in Prefect project '{plan.project}'"
    if plan.to_do:
        yield Finding(NOTE, f"Flows {where}: {text}. To register them: {typed('kedro prefect register')}")
    else:
        yield Finding(OK, f"Flows {where}: {text}")
