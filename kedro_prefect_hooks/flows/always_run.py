"""Which tasks run whatever became of those before them (`trigger: all_finished`), and which cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Collection, NoReturn

from kedro_prefect_hooks.compat.kedro_pipeline import base_name
from kedro_prefect_hooks.config.messages import InvalidConfigError, Problem, format_names

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import FlowConfig
    from kedro_prefect_hooks.flows.grouping import Group


def groups_that_always_run(groups: Collection[Group], config: FlowConfig) -> list[str]:
    """The names of the groups whose task runs whatever became of the tasks before it.

    Args:
        groups: the flow's.
        config: the flow's settings.

    Raises:
        InvalidConfigError: such a node shares its task, is mapped, or has nodes after it.
    """
    found = []
    loaded_by = {base_name(name): group.nodes[0].name for group in groups for name in group.inputs}
    for group in groups:
        for node in group.nodes:
            settings = config.node_settings(node.name, node.tags, node.namespace)
            if not settings.always:
                continue
            if len(group.nodes) > 1:
                names = format_names(each.name for each in group.nodes)
                _refuse(config, node.name, f"needs a task of its own, and `group_by` gives it: {names}")
            if settings.map is not None:
                _refuse(config, node.name, "cannot be mapped")
            after = next(
                (loaded_by[base_name(name)] for name in node.outputs if base_name(name) in loaded_by), None
            )
            if after is not None:
                # It could not be told from the outputs of that node whether anything was missing.
                _refuse(config, node.name, f"must be a last node, and node '{after}' loads its output")
            found.append(group.name)
    return found


def _refuse(config: FlowConfig, node: str, why: str) -> NoReturn:
    place = config.place("nodes", node)
    raise InvalidConfigError([Problem(place, f"a node with `trigger: all_finished` {why}")])
