"""Compares the flow that a flow run's process has built with the one that was registered.

Another version of the project may be there: an image that was built before, a package that was installed
before, a folder that has been edited since. Other tasks or edges are an error, because the states of a flow
run belong to the registered tasks. Other settings are an error or a warning, as `on_drift` said at
registration.

Where nothing differs this sends no request: the registered hashes are in the environment.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping

import prefect
from prefect.serialization.task import ParameterSchema, TaskSchema

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.compat.prefect_schemas import schedule_schema
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows.builder import fingerprint
from kedro_prefect_hooks.flows.changes import (
    Change,
    edge_changes,
    parameter_changes,
    schedule_changes,
    task_changes,
)
from kedro_prefect_hooks.flows.settings_digests import ON_DRIFT, from_text, settings_digests

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import FlowConfig
    from kedro_prefect_hooks.flows.flow import KedroFlow

logger = logging.getLogger(__name__)

REGISTERED = """query($id: uuid!) { flow_by_pk(id: $id) {
    serialized_flow tasks { slug name type } edges { upstream_task { slug } downstream_task { slug } }
} }"""

RETRIES, TIMEOUTS = ("max_retries", "retry_delay"), ("timeout",)
"""Fields of a serialized task."""

STORED = ("retries", "timeouts", "parameters", "schedule")
"""The kinds of settings of which the API has the values, not only a hash."""


def check_drift(flow: KedroFlow, config: FlowConfig) -> None:
    """Compare a flow with what its registered run config says of it.

    Args:
        flow: the flow as this process has built it.
        config: its settings here.

    Raises:
        FlowRunError: its tasks or edges differ, or its settings do and `on_drift` was `fail`.
    """
    registered = os.environ.get(env_vars.FINGERPRINT)
    if registered and registered != fingerprint(flow):
        raise FlowRunError(f"{_introduction(flow)}: {_structure(flow)}. {remedy()}{hidden_pipelines()}")
    then = from_text(os.environ.get(env_vars.SETTINGS, ""))
    if not then:
        return
    now = settings_digests(flow, config)
    kinds = [kind for kind in now if kind != ON_DRIFT and then.get(kind, now[kind]) != now[kind]]
    if not kinds:
        return
    text = f"{_introduction(flow)}: {_settings(flow, kinds)}."
    if then.get(ON_DRIFT) == "fail":
        raise FlowRunError(f"{text} {remedy()}")
    logger.warning("%s This flow run uses the settings found here. %s", text, remedy())


def remedy() -> str:
    """What to do where the project's files are not those that were registered, by where they are."""
    image = prefect.context.get("image")
    if image:
        return (
            f"Build a new image from the files that were registered (this one is {image}), or register the "
            "files that the image was built from."
        )
    folder = os.environ.get(env_vars.PROJECT)
    if folder is None or not (Path(folder) / "pyproject.toml").is_file():
        return (
            "Install the package and the configuration that were registered on this machine, or register "
            "those that are installed."
        )
    return f"Register it again (`{typed('kedro run --env …')}` or `{typed('kedro prefect register')}`)."


def hidden_pipelines() -> str:
    """The project's pipelines that cannot be imported here, which Kedro's `find_pipelines` leaves out."""
    package = os.environ.get(env_vars.PACKAGE)
    if not package:
        return ""
    texts = [f"{name} cannot be imported here ({problem})" for name, problem in _import_errors(package)]
    return f" Note: {'; '.join(texts)}." if texts else ""


def _import_errors(package: str) -> Iterator[tuple[str, str]]:
    try:
        folder = importlib.import_module(f"{package}.pipelines")
    except Exception:
        return  # a project may have its pipelines elsewhere
    for found in pkgutil.iter_modules(getattr(folder, "__path__", ())):
        name = f"{package}.pipelines.{found.name}"
        try:
            importlib.import_module(name)
        except Exception as error:  # a pipeline's code may raise anything
            yield name, f"{type(error).__name__}: {' '.join(str(error).split())}"


def _introduction(flow: KedroFlow) -> str:
    return f"Flow '{flow.name}' is not what was registered"


def _structure(flow: KedroFlow) -> str:
    """Which tasks and edges differ."""
    registered = _registered()
    if registered is None:
        return "its nodes or their order have changed"
    edges = {
        (str(flow.slugs[each.upstream_task]), str(flow.slugs[each.downstream_task])) for each in flow.edges
    }
    then = {(each["upstream_task"]["slug"], each["downstream_task"]["slug"]) for each in registered["edges"]}
    changes = [
        *task_changes(_tasks(flow), _by_slug(registered["tasks"]), fields=()),
        *edge_changes(edges, then),
    ]
    tasks = [each for each in changes if each.section == "tasks"]
    return _in_words(tasks or changes)  # the edges of tasks that came or went say nothing new


def _settings(flow: KedroFlow, kinds: list[str]) -> str:
    """Each kind of settings that differs, with both values where the API has the registered one."""
    without_values = [Change("settings", f"other {kind}") for kind in kinds if kind not in STORED]
    if len(without_values) == len(kinds):
        return _in_words(without_values)
    registered = _registered()
    content = (registered or {}).get("serialized_flow")
    if not content:
        return _in_words(Change("settings", f"other {kind}") for kind in kinds)
    tasks = _tasks(flow), _by_slug(content.get("tasks") or ())
    parameters = ParameterSchema().dump(flow.parameters(), many=True)
    schedule = schedule_schema().dump(flow.schedule) if flow.schedule else None
    compared: dict[str, Iterable[Change]] = {
        "retries": task_changes(*tasks, fields=RETRIES),
        "timeouts": task_changes(*tasks, fields=TIMEOUTS),
        "parameters": parameter_changes(parameters, content.get("parameters") or ()),
        "schedule": schedule_changes(schedule, content.get("schedule")),
    }
    found = [change for kind in kinds if kind in STORED for change in compared[kind]]
    return _in_words([*found, *without_values])


def _tasks(flow: KedroFlow) -> dict[str, Mapping[str, Any]]:
    """The flow's tasks by slug, with what is compared; `flow.serialize()` takes quadratic time."""
    schema = TaskSchema(only=("name", "type", *RETRIES, *TIMEOUTS))
    by_slug = sorted((str(slug), task) for task, slug in flow.slugs.items())
    return {slug: schema.dump(task) for slug, task in by_slug}


def _by_slug(tasks: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(task["slug"]): task for task in tasks}


def _in_words(changes: Iterable[Change]) -> str:
    return "; ".join(
        each.what
        if each.before is each.after is None
        else f"{each.what}: {each.before} registered, {each.after} here"
        for each in changes
    )


def _registered() -> Mapping[str, Any] | None:
    """The registered flow; None if the API does not return it."""
    try:
        answer = prefect.Client().graphql(REGISTERED, variables={"id": str(prefect.context.get("flow_id"))})
        found: Mapping[str, Any] | None = json.loads(json.dumps(answer.data.flow_by_pk))
    except Exception as error:
        logger.warning("The registered flow could not be read: %s", error)
        return None
    return found
