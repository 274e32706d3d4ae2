"""What other processes need of a run that its configuration does not give them, or why they cannot have it.

A task in another process builds its catalog from the project's configuration. What hooks have put into the
catalog of the flow run's own process is sent along where it is a value, and refused by name where it is not.
So are datasets that live in one process. All of it happens before the first node runs.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Collection, Iterator, Mapping

from kedro_prefect_hooks.compat import kedro_catalog, kedro_datasets
from kedro_prefect_hooks.compat.kedro_pipeline import base_name, is_parameter
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.partitions import confirmed_before, confirmed_datasets
from kedro_prefect_hooks.runs.spec import MemoryEntry, RunSpec

if TYPE_CHECKING:
    from pluggy import PluginManager

    from kedro_prefect_hooks.runs.node_runner import NodeRunner

IN_ONE_PROCESS = (
    "run the flow in one process (`executor: LocalExecutor`, or `{type: LocalDaskExecutor, scheduler: "
    "threads}` for nodes without a timeout)"
)


_CLOCK_TICK = 0.002
"""Seconds after which Kedro's clock for versions shows another time."""


class CatalogState:
    """The datasets of a catalog before the project's `before_pipeline_run` hooks could change them."""

    def __init__(self, catalog: kedro_catalog.Catalog) -> None:
        self.datasets = dict(kedro_catalog.existing_datasets(catalog))
        self._values = {
            name: found._data for name, found in self.datasets.items() if kedro_datasets.is_memory(found)
        }
        self._digests = {
            name: _digests(found) for name, found in self.datasets.items() if name not in self._values
        }
        self._known = kedro_catalog.declared_names(catalog)

    def change(self, catalog: kedro_catalog.Catalog, name: str) -> str | None:
        """How a dataset other than a memory dataset was changed since, in words; None when it was not."""
        now = kedro_catalog.existing_dataset(catalog, name)
        before = self.datasets.get(name)
        if now is None or kedro_datasets.is_memory(now):
            return None
        if before is None:
            return self._difference_from_configuration(catalog, name, now)
        if now is not before:
            return f"replaced by a {type(now).__name__}"
        return None if _digests(now) == self._digests[name] else "changed"

    def _difference_from_configuration(
        self, catalog: kedro_catalog.Catalog, name: str, now: Any
    ) -> str | None:
        """The same for a dataset that was not made yet, so it may only have been asked for."""
        kind = type(now).__name__
        configured = kedro_catalog.configured_dataset(catalog, name)
        if configured is None or kedro_datasets.is_memory(configured):
            if name not in self._known:
                return f"added, as a {kind}"
            if configured is None:
                return None
        if type(configured) is type(now):
            different = _differences(now, configured)
            if not different:
                return None
            # The version, id or connection that each dataset makes for itself is not what was configured.
            time.sleep(_CLOCK_TICK)
            if different <= _differences(configured, kedro_catalog.configured_dataset(catalog, name)):
                return None
        return f"replaced by another {kind}"

    def has_new_value(self, name: str, now: Any) -> bool:
        """Whether a memory dataset is another one, or holds another value, than before."""
        before = self.datasets.get(name)
        return before is not now or self._values.get(name) is not kedro_datasets.memory_value(now)


def prepared(
    spec: RunSpec,
    runner: NodeRunner,
    nodes: Collection[str],
    before: CatalogState | None,
    parameters: Mapping[str, Any],
) -> RunSpec:
    """The run's spec for the processes that some of its nodes run in.

    Args:
        spec: the run.
        runner: the run in its own process, after the `before_pipeline_run` hooks.
        nodes: names of the nodes that run in other processes.
        before: the catalog before those hooks.
        parameters: dataset name → value of the parameters that the configuration gives every process.

    Raises:
        FlowRunError: something cannot be had in another process.
    """
    if not nodes:
        return spec
    datasets = _datasets_of(runner, nodes)
    _refuse_single_process(runner, datasets)
    memory = dict(_values_from_hooks(runner, datasets, before, parameters))
    return replace(
        spec,
        memory=memory,
        input_versions=dict(_input_versions(runner, datasets)),
        partitions=dict(_partitions(runner)),
    )


def _datasets_of(runner: NodeRunner, nodes: Collection[str]) -> dict[str, list[str]]:
    """Datasets of these nodes, with the nodes that load or save them."""
    datasets: dict[str, list[str]] = {}
    for node in runner.pipeline.nodes:
        if node.name in nodes:
            for name in dict.fromkeys((*node.inputs, *node.outputs, *node.confirms)):
                datasets.setdefault(name, []).append(node.name)
    return datasets


def _refuse_single_process(runner: NodeRunner, datasets: Mapping[str, list[str]]) -> None:
    found = [(name, kedro_datasets.why_single_process(runner.dataset(name))) for name in sorted(datasets)]
    refused = [f"'{name}' ({why})" for name, why in found if why is not None]
    if refused:
        raise FlowRunError(
            f"Tasks in other processes cannot use the dataset{'s' if len(refused) > 1 else ''} "
            f"{', '.join(refused)}. Use a dataset that saves to a storage, or {IN_ONE_PROCESS}."
        )


def refuse_changes(runner: NodeRunner, nodes: Collection[str], before: CatalogState) -> None:
    """Refuse a catalog that other processes cannot have. To be called before the run's own datasets are made.

    Args:
        runner: the run in its own process, after the `before_pipeline_run` hooks.
        nodes: names of the nodes that run in other processes.
        before: the catalog before those hooks.

    Raises:
        FlowRunError: a hook has replaced or changed a dataset of these nodes.
    """
    datasets = _datasets_of(runner, nodes)
    for name in sorted(datasets):
        change = before.change(runner.catalog, name)
        if change is None:
            made = name in runner.pipeline.all_outputs()
            change = _change_of_mode(runner, name, before) if made else _emptied(runner, name, before)
        if change is not None:
            raise FlowRunError(
                f"Dataset '{name}' was {change}, by a `before_pipeline_run` hook"
                f"{_hooks_in_words(runner.hooks)}, and {_nodes_in_words(datasets[name])} in another process, "
                "where the catalog is built from the configuration. Change the catalog in an "
                f"`after_catalog_created` hook, which fires there too, or {IN_ONE_PROCESS}."
            )


def _emptied(runner: NodeRunner, name: str, before: CatalogState) -> str | None:
    """A memory dataset without a value in place of an input that other processes would load."""
    now, was = kedro_catalog.existing_dataset(runner.catalog, name), before.datasets.get(name)
    if now is None or now is was or not kedro_datasets.is_memory(now) or kedro_datasets.has_value(now):
        return None
    was = was or kedro_catalog.configured_dataset(runner.catalog, name)
    return None if was is None or kedro_datasets.is_memory(was) else "replaced by an empty MemoryDataset"


def _change_of_mode(runner: NodeRunner, name: str, before: CatalogState) -> str | None:
    """A memory dataset in place of an output that other processes would persist or copy differently."""
    now, was = kedro_catalog.existing_dataset(runner.catalog, name), before.datasets.get(name)
    if now is None or now is was or not kedro_datasets.is_memory(now):
        return None
    if was is None:  # not made yet, so it may only have been asked for
        was = kedro_catalog.configured_dataset(runner.catalog, name)
    if was is not None and not kedro_datasets.is_memory(was):
        return "replaced by a MemoryDataset"
    mode = None if was is None else kedro_datasets.copy_mode(was)
    return (
        None if kedro_datasets.copy_mode(now) == mode else "replaced by a MemoryDataset of another copy mode"
    )


def _values_from_hooks(
    runner: NodeRunner,
    datasets: Mapping[str, list[str]],
    before: CatalogState | None,
    parameters: Mapping[str, Any],
) -> Iterator[tuple[str, MemoryEntry]]:
    """The values of free inputs that are in the memory of this process."""
    import cloudpickle  # type: ignore[import-untyped]

    for name in sorted(set(datasets) & set(runner.pipeline.inputs())):
        dataset = runner.dataset(name)
        if not kedro_datasets.is_memory(dataset) or not kedro_datasets.has_value(dataset):
            continue
        value = kedro_datasets.memory_value(dataset)
        if name in parameters and _equal(value, parameters[name]):
            continue
        try:
            pickled = cloudpickle.dumps(value, protocol=5)
        except Exception as error:
            if before is None or not before.has_new_value(name, dataset):
                continue  # from the configuration, or from a hook that fires in every process
            what = "Parameter" if is_parameter(name) else "Dataset"
            raise FlowRunError(
                f"{what} '{name}' was set by a `before_pipeline_run` hook{_hooks_in_words(runner.hooks)}, "
                f"and {_nodes_in_words(datasets[name])} in another process, to which its value, a "
                f"{type(value).__module__}.{type(value).__qualname__}, cannot be passed ({error}). Declare "
                f"'{name}' in the catalog, or {IN_ONE_PROCESS}."
            ) from error
        yield name, MemoryEntry(pickled, kedro_datasets.copy_mode(dataset))


def _input_versions(runner: NodeRunner, datasets: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    made = {base_name(name) for name in runner.pipeline.all_outputs()}
    for name in sorted(datasets):
        dataset = runner.dataset(name)
        if base_name(name) in made or not kedro_datasets.is_versioned(dataset):
            continue
        if kedro_datasets.load_version(dataset) is None:
            newest = kedro_datasets.newest_version(dataset)
            if newest is not None:
                yield name, newest


def _partitions(runner: NodeRunner) -> Iterator[tuple[str, Any]]:
    """Listings of the datasets whose checkpoint may move while a node, or a retry, still has to load them."""
    for name in sorted(set(confirmed_datasets(runner.pipeline)) & set(runner.pipeline.inputs())):
        listed = kedro_datasets.list_partitions(runner.dataset(name))
        if listed is not None and not confirmed_before(runner.pipeline, name, runner.spec.done_before):
            yield name, listed


def _equal(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # arrays and frames do not compare to one truth
        return False


def _digests(dataset: Any) -> dict[str, str]:
    """How a dataset is set up, as hashes by attribute; caches and what cannot be pickled do not count."""
    import cloudpickle

    attributes = vars(dataset) if hasattr(dataset, "__dict__") else {}
    found = {"": type(dataset).__qualname__}
    for name, value in _entries("", attributes):
        try:
            found[name] = hashlib.sha256(cloudpickle.dumps(value)).hexdigest()
        except Exception:
            continue
    return found


def _entries(prefix: str, values: Mapping[Any, Any], depth: int = 3) -> Iterator[tuple[str, Any]]:
    """Attributes, those that are dicts entry by entry."""
    for name, value in values.items():
        if "cache" in str(name):
            continue
        if type(value) is dict and value and depth:
            yield from _entries(f"{prefix}{name}.", value, depth - 1)
        else:
            yield f"{prefix}{name}", value


def _differences(one: Any, other: Any) -> set[str]:
    """The attributes in which two datasets differ."""
    first, second = _digests(one), _digests(other)
    return {name for name in {*first, *second} if first.get(name) != second.get(name)}


def _hooks_in_words(hooks: PluginManager) -> str:
    """The project's hooks that may have done it, such as `` (demo.hooks.Own)``."""
    implementations = getattr(getattr(hooks, "hook", None), "before_pipeline_run", None)
    plugins = [each.plugin for each in implementations.get_hookimpls()] if implementations else []
    names = [f"{type(plugin).__module__}.{type(plugin).__qualname__}" for plugin in plugins]
    own = sorted(name for name in names if name.split(".")[0] not in ("kedro", "kedro_prefect_hooks"))
    return f" ({', '.join(own)})" if own else ""


def _nodes_in_words(nodes: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in nodes[:3]) + (", …" if len(nodes) > 3 else "")
    return f"node {shown} runs" if len(nodes) == 1 else f"nodes {shown} run"
