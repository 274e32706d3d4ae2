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
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import prefect

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.compat.prefect_schemas import schedule_schema
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows.builder import fingerprint
from kedro_prefect_hooks.flows.settings_digests import ON_DRIFT, from_text, settings_digests
from kedro_prefect_hooks.schedule_text import in_words

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import FlowConfig
    from kedro_prefect_hooks.flows.flow import KedroFlow

logger = logging.getLogger(__name__)

MAX_NAMES = 10

REGISTERED = """query($id: uuid!) { flow_by_pk(id: $id) {
    serialized_flow tasks { slug } edges { upstream_task { slug } downstream_task { slug } }
} }"""

TASK_FIELDS = {"retries": ("max_retries", "retry_delay"), "timeouts": ("timeout",)}


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
    text = f"{_introduction(flow)}: {'; '.join(_settings(flow, kinds))}."
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
    """Which tasks and edges differ, by the names of the nodes."""
    registered = _registered()
    if registered is None:
        return "its nodes or their order have changed"
    now = {str(slug) for slug in flow.slugs.values()}
    links = {(flow.slugs[edge.upstream_task], flow.slugs[edge.downstream_task]) for edge in flow.edges}
    then = {str(task["slug"]) for task in registered["tasks"]}
    then_links = {
        (edge["upstream_task"]["slug"], edge["downstream_task"]["slug"]) for edge in registered["edges"]
    }
    parts = []
    if now - then:
        parts.append(f"not registered: {', '.join(sorted(now - then))}")
    if then - now:
        parts.append(f"no longer in the code: {', '.join(sorted(then - now))}")
    if not parts:
        moved = sorted({f"{up} → {down}" for up, down in links ^ then_links})
        parts.append(f"its edges have changed: {', '.join(moved[:MAX_NAMES])}")
    return "; ".join(parts)


def _settings(flow: KedroFlow, kinds: list[str]) -> Iterator[str]:
    """Each kind of settings that differs, with both values where the API has the registered one."""
    needs_request = any(kind not in ("executor", "result") for kind in kinds)
    registered = _registered() if needs_request else None
    content = (registered or {}).get("serialized_flow") or {}
    for kind in kinds:
        details: list[str] = []
        if kind in TASK_FIELDS:
            details = list(_task_settings(flow, TASK_FIELDS[kind], content.get("tasks") or ()))
        elif kind == "parameters":
            details = list(_parameters(flow, content.get("parameters") or ()))
        elif kind == "schedule" and content:
            here = schedule_schema().dump(flow.schedule) if flow.schedule else None
            details = [_both(*(in_words(each) or "none" for each in (content.get("schedule"), here)))]
        yield f"other {kind}" + (f" ({', '.join(details)})" if details else "")


def _task_settings(flow: KedroFlow, fields: tuple[str, ...], stored: Any) -> Iterator[str]:
    """Such as ``press: 2 registered, 0 here``."""
    before = {str(task["slug"]): task for task in stored}
    for field in fields:
        found: dict[str, list[str]] = {}
        for task, slug in sorted(flow.slugs.items(), key=lambda item: str(item[1])):
            value: Any = getattr(task, field)
            value = value.total_seconds() if hasattr(value, "total_seconds") else value
            if slug in before and before[slug].get(field) != value:
                found.setdefault(_both(before[slug].get(field), value), []).append(str(slug))
        for text, slugs in found.items():
            more = f" and {len(slugs) - MAX_NAMES} more" if len(slugs) > MAX_NAMES else ""
            words = field.replace("_", " ").replace("max retries", "retries")
            yield f"{words} of {', '.join(slugs[:MAX_NAMES])}{more}: {text}"


def _parameters(flow: KedroFlow, stored: Any) -> Iterator[str]:
    before = {str(each["name"]): each.get("default") for each in stored}
    for parameter in sorted(flow.parameters(), key=lambda each: str(each.name)):
        name = str(parameter.name)
        if name in before and _json(before[name]) != _json(parameter.default):
            yield f"{name}: {_both(_json(before[name]), _json(parameter.default))}"


def _both(before: object, here: object) -> str:
    return f"{before} registered, {here} here"


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _registered() -> Mapping[str, Any] | None:
    """The registered flow; None if the API does not return it."""
    try:
        answer = prefect.Client().graphql(REGISTERED, variables={"id": str(prefect.context.get("flow_id"))})
        found: Mapping[str, Any] | None = json.loads(json.dumps(answer.data.flow_by_pk))
    except Exception as error:
        logger.warning("The registered flow could not be read: %s", error)
        return None
    return found
