"""What `plan` says of flows that can be registered and whose runs will probably fail.

These are notes, not errors: a hook of the project may add a dataset, and a flow run may find its credentials
on another machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Mapping

from kedro_prefect_hooks.compat import kedro_config, kedro_factories
from kedro_prefect_hooks.compat.kedro_pipeline import dataset_names, is_parameter
from kedro_prefect_hooks.config.environments import folder_not_read, folders_read
from kedro_prefect_hooks.config.project_check import PARAMS, parameter_names
from kedro_prefect_hooks.errors import did_you_mean

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline

    from kedro_prefect_hooks.flows.project_flows import ProjectFlows


def notes(flows: ProjectFlows) -> list[str]:
    """One sentence or two on each, for several flows together where they share it."""
    found: dict[str, list[str]] = {}
    parameters = parameter_names(flows.parameters)
    credentials = _credential_names(flows.context)
    for name, pipeline in flows.parts.items():
        for text in (
            *_missing_inputs(pipeline, flows.catalog, parameters),
            *_missing_credentials(pipeline, flows, credentials),
        ):
            found.setdefault(text, []).append(name)
    return [f"flow{'s' * (len(names) > 1)} {', '.join(names)}: {text}" for text, names in found.items()]


def _missing_inputs(pipeline: Pipeline, catalog: Mapping[str, Any], parameters: set[str]) -> Iterator[str]:
    free = sorted(pipeline.inputs())
    declared = [name for name in catalog if not name.startswith("_") and "{" not in name]
    readers = {name: node.name for node in reversed(pipeline.nodes) for name in node.inputs}
    for name in sorted(kedro_factories.in_memory_names(free, catalog)):
        where = "in memory only" if name in catalog else "not in the catalog"
        hint = did_you_mean(name, {*declared, *dataset_names(pipeline)})
        yield (
            f"nothing produces the input {name!r} of the node {readers[name]!r}: no node of the flow, and "
            "it is "
            f"{where}.{hint} A run fails unless a hook adds it."
        )
    for name in free:
        bare = name[len(PARAMS) :]
        if name.startswith(PARAMS) and bare not in parameters:
            yield (
                f"the parameter {bare!r} of the node {readers[name]!r} is not in the configuration."
                f"{did_you_mean(bare, parameters)} A run fails unless it is given."
            )


def _missing_credentials(pipeline: Pipeline, flows: ProjectFlows, known: set[str] | None) -> Iterator[str]:
    if known is None:
        return
    entry = kedro_factories.entries_of(flows.catalog)
    for name in sorted(dataset_names(pipeline)):
        if is_parameter(name):
            continue
        found = flows.catalog[name] if name in flows.catalog else entry(name)
        wanted = found.get("credentials") if isinstance(found, Mapping) else None
        if isinstance(wanted, str) and wanted not in known:
            loader = flows.context.config_loader
            unread = folder_not_read(loader)
            remedy = f" {unread} is not read: put them into {folders_read(loader)[-1]}." if unread else ""
            yield (
                f"the credentials {wanted!r} of the dataset {name!r} are not in "
                f"{' or '.join(folders_read(loader))}.{did_you_mean(wanted, known)}{remedy}"
            )


def _credential_names(context: Any) -> set[str] | None:
    """The names of the project's credentials; None if they cannot be read here."""
    try:
        return set(kedro_config.configuration(context, "credentials"))
    except Exception:  # credentials may be interpolated from variables of the machine that runs the flow
        return None
