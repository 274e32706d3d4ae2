"""One Kedro session per flow run and process, opened from the run's spec.

In the process that runs the flow, `flow_session` opens the session and fires the project's pipeline hooks
around the run. Any other process that is handed a task (a Dask worker, a pool's worker, the process of a
timeout) gets its own through `session_for_task`. Both call `_open`, which is the only place where a run is
opened.

This module knows Prefect only through the plain values it is given.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Collection, Iterator, Mapping, NamedTuple

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.compat import (
    kedro_catalog,
    kedro_config,
    kedro_datasets,
    kedro_factories,
    kedro_pipeline,
    kedro_project,
    kedro_session,
)
from kedro_prefect_hooks.config.environments import folder_not_read, folders_read
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.node_runner import NodeRunner
from kedro_prefect_hooks.runs.partitions import confirmed_datasets
from kedro_prefect_hooks.runs.travel import CatalogState, prepared, refuse_changes

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.framework.session import KedroSession
    from kedro.pipeline import Pipeline

    from kedro_prefect_hooks.runs.outputs import Outputs
    from kedro_prefect_hooks.runs.spec import ProjectRef, RunSpec

WORKER_SESSIONS = 8
"""How many flow runs a long-lived worker keeps sessions of; the least recently used one is dropped first."""


class OpenedProject(NamedTuple):
    """A project's session in this process, and its context."""

    session: KedroSession
    context: KedroContext


def open_project(project: ProjectRef, runtime_params: Mapping[str, Any] | None = None) -> OpenedProject:
    """Bootstrap the project in this process and load its context (fires `after_context_created`).

    Raises:
        FlowRunError: there is no project, and no installed package of it, on this machine.
    """
    if not project.path and project.package is None:
        raise FlowRunError(
            "Tasks in other processes cannot find the project: add `PrefectHooks()` to HOOKS in its "
            "settings.py, which passes the arguments of `kedro run` to PrefectRunner, or run in one process."
        )
    try:
        package = kedro_project.bootstrap(project.folder, project.package)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != project.package:
            raise
        raise FlowRunError(
            f"The Kedro project is not on this machine: there is none at {project.folder}, and its package "
            f"{project.package!r} is not installed. Set the folder ({env_vars.PROJECT}: for a flow run in "
            "its run config's `env`, for a Dask worker in the worker's own environment), or install the "
            "packaged project (`kedro package`)."
        ) from None
    given = dict(runtime_params or {})
    session = kedro_session.open_session(project.folder, package, project.env, project.conf_source, given)
    context = session.load_context()
    if project.relocatable:
        kedro_config.keep_siblings(context, given)
    return OpenedProject(session, context)


def pipeline_of(spec: RunSpec) -> Pipeline:
    """The run's pipeline, from the project's code in this process: exactly the nodes that the filters left.

    Raises:
        FlowRunError: a pipeline or a node is missing from the code.
    """
    whole = pipeline_named(spec.pipeline)
    if spec.nodes is None:
        return whole
    missing = set(spec.nodes) - {node.name for node in whole.nodes}
    if missing:
        raise FlowRunError(
            f"The project's code on this machine lacks nodes of this run: {', '.join(sorted(missing))}. "
            "Update the code here, or register the flow again."
        )
    # Kedro sorts each pipeline that is made; 0.19.0 still in quadratic time, 0.19.15 no longer.
    return whole if len(set(spec.nodes)) == len(whole.nodes) else whole.only_nodes(*spec.nodes)


def pipeline_named(name: str) -> Pipeline:
    """The registered pipeline; several, separated by commas, are combined, as in `kedro run --pipelines`."""
    pipelines = kedro_project.all_pipelines()
    first, *others = name.split(",")
    for part in (first, *others):
        if part not in pipelines:
            raise FlowRunError(f"Pipeline '{part}' is not registered in this project's code.")
    return sum((pipelines[part] for part in others), pipelines[first])


def compact(spec: RunSpec) -> RunSpec:
    """The same run in few bytes: it goes to other processes with each task."""
    if spec.nodes is None or len(set(spec.nodes)) < len(pipeline_named(spec.pipeline).nodes):
        return spec
    return replace(spec, nodes=None)


def _open(spec: RunSpec, *, remote: bool) -> tuple[NodeRunner, KedroContext]:
    """Open the run in this process: session, catalog, pipeline."""
    project = spec.project
    if remote or env_vars.FLOW in os.environ:  # in a worker, or with the environment of a run config
        project = project.on_this_machine()
    session, context = _take_kept(project, spec) or open_project(project, spec.runtime_params)
    if remote and project.folder.is_dir():
        os.chdir(project.folder)  # `kedro run` works there, and relative paths in user code rely on it
    kedro_session.begin_session(session, spec.session_id)
    kedro_session.validate_only(context, spec.pipeline_names)
    pipeline = pipeline_of(spec)
    try:
        catalog = kedro_catalog.build_catalog(context, spec.session_id, spec.load_versions)
    except Exception as error:
        names = kedro_pipeline.dataset_names(pipeline)
        if not (spec.project.relocatable and kedro_factories.leave_out_unresolvable(context, names)):
            if isinstance(error, KeyError) and "credentials" in str(error):
                raise KeyError(f"{error.args[0]} {_where_credentials_are_read(context)}") from error
            raise
        catalog = kedro_catalog.build_catalog(context, spec.session_id, spec.load_versions)
    _add_values(catalog, spec)
    runner = NodeRunner(
        spec,
        catalog,
        kedro_session.hook_manager(session),
        pipeline,
        remote=remote,
        secrets=functools.lru_cache(maxsize=None)(lambda: kedro_config.secrets(context)),
    )
    return runner, context


def _where_credentials_are_read(context: KedroContext) -> str:
    loader = context.config_loader
    unread = folder_not_read(loader)
    remedy = f"; {unread} is not read: put the credentials into {folders_read(loader)[-1]}" if unread else ""
    return f"The configuration was read from {' and '.join(folders_read(loader))}{remedy}."


def _add_values(catalog: kedro_catalog.Catalog, spec: RunSpec) -> None:
    """Put the values that hooks added in the process of the flow run into this catalog."""
    if not spec.memory:
        return
    import cloudpickle  # type: ignore[import-untyped]

    for name, entry in spec.memory.items():
        dataset: Any = kedro_datasets.MemoryDataset(copy_mode=entry.copy_mode)
        kedro_datasets.fill(dataset, cloudpickle.loads(entry.pickled))
        kedro_catalog.put(catalog, name, dataset)


_runners: OrderedDict[str, NodeRunner] = OrderedDict()
_lock = threading.RLock()
_kept: list[tuple[ProjectRef, OpenedProject]] = []


def _after_fork() -> None:
    """A forked child must not wait for a lock that a thread of its parent held, nor use its sessions."""
    global _lock
    _lock = threading.RLock()
    _runners.clear()
    _kept.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def keep_for_run(project: ProjectRef, opened: OpenedProject) -> None:
    """Keep the session that the flow was loaded with for the flow run that follows in this process."""
    _kept[:] = [(project, opened)]


def _take_kept(project: ProjectRef, spec: RunSpec) -> OpenedProject | None:
    """The session kept by `keep_for_run`, once, unless the run has parameters that it was loaded without."""
    if spec.runtime_params or not _kept:
        return None
    kept, opened = _kept.pop()
    same = (kept.folder, kept.env, kept.conf_source) == (project.folder, project.env, project.conf_source)
    return opened if same else None


@contextlib.contextmanager
def _marked(key: str) -> Iterator[None]:
    """Mark this process, and all that it starts, as part of flow run `key`."""
    before = os.environ.get(env_vars.IN_FLOW_RUN)
    os.environ[env_vars.IN_FLOW_RUN] = key
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(env_vars.IN_FLOW_RUN, None)
        else:
            os.environ[env_vars.IN_FLOW_RUN] = before


@contextlib.contextmanager
def available(runner: NodeRunner) -> Iterator[None]:
    """Let the tasks of the run that execute in this process use `runner`."""
    key = runner.spec.key
    with _marked(runner.spec.run_id):
        with _lock:
            _runners[key] = runner
        try:
            yield
        finally:
            with _lock:
                _runners.pop(key, None)


def note_cancellation(spec: RunSpec) -> None:
    """The run is being cancelled in this process: a node that is interrupted from now on has not failed."""
    with _lock:
        runner = _runners.get(spec.key)
    if runner is not None:
        runner.cancelled = True


def session_for_task(spec: RunSpec) -> NodeRunner:
    """The run in this process: the one that is open, or a new one in a worker.

    A forked child inherits the parent's sessions, whose locks and connections are not its own: it opens
    another.
    """
    with _lock:
        found = _runners.get(spec.key)
        if found is not None and found.pid == os.getpid():
            _runners.move_to_end(spec.key)
            return found
        os.environ[env_vars.IN_FLOW_RUN] = spec.run_id
        runner, _ = _open(spec, remote=True)
        _runners[spec.key] = runner
        while len(_runners) > WORKER_SESSIONS:
            _runners.popitem(last=False)
        return runner


@dataclass
class FlowRunOutcome:
    """How a flow run ended, noted by whoever sees its task states.

    Attributes:
        error: the first failed node's exception, if one failed.
        finished: False when tasks are still to be retried in a later process.
        outputs: what the last tasks left in memory.
    """

    error: BaseException | None = None
    finished: bool = True
    outputs: list[Outputs] = field(default_factory=list)


class FlowSession(NamedTuple):
    """A flow run that is open in its own process.

    Attributes:
        spec: the run, as other processes need it.
        outcome: for the caller to fill in.
    """

    spec: RunSpec
    outcome: FlowRunOutcome


@contextlib.contextmanager
def flow_session(
    spec: RunSpec,
    *,
    runner: str,
    filters: Mapping[str, Any],
    remote_nodes: Callable[[], Collection[str]] = tuple,
    done_before: Callable[[], Collection[str]] = tuple,
) -> Iterator[FlowSession]:
    """The Kedro side of a whole flow run: session, catalog, pipeline hooks.

    Args:
        spec: the run.
        runner: what runs the nodes, for the hooks' `run_params`.
        filters: what selected the nodes, for the same.
        remote_nodes: returns the names of the nodes that run in other processes.
        done_before: returns the names of the nodes that an earlier attempt has finished, or may have.

    Raises:
        FlowRunError: the project is not here, an input of the pipeline is not in the catalog, or other
            processes cannot have what they need.
    """
    with _marked(spec.run_id), contextlib.ExitStack() as ended:
        ended.callback(kedro_session.end_session)
        nodes, context = _open(spec, remote=False)
        params = kedro_session.run_params(
            kedro_session.RunParams(
                session_id=spec.session_id,
                project_path=Path(str(context.project_path)),
                env=context.env,
                runner=runner,
                pipeline=spec.pipeline,
                runtime_params=kedro_session.runtime_params(context),
                filters=dict(filters),
                load_versions=dict(spec.load_versions) or None,
            )
        )
        remote = frozenset(remote_nodes())
        before = CatalogState(nodes.catalog) if remote else None
        with available(nodes):
            yield from _with_pipeline_hooks(
                nodes, params, lambda: _ready(nodes, remote, before, context, done_before)
            )


def _ready(
    nodes: NodeRunner,
    remote: Collection[str],
    before: CatalogState | None,
    context: KedroContext,
    done_before: Callable[[], Collection[str]],
) -> RunSpec:
    """Check the inputs, make all datasets as Kedro's runners do, and prepare what other processes need."""
    if before is not None:
        refuse_changes(nodes, remote, before)
    check_inputs(nodes)
    confirmed = map(nodes.dataset, confirmed_datasets(nodes.pipeline))
    if any(kedro_datasets.lists_partitions(dataset) for dataset in confirmed):
        nodes.spec = replace(nodes.spec, done_before=frozenset(done_before()))
    if remote:
        parameters = kedro_catalog.parameters_in_catalog(context)
        nodes.spec = prepared(compact(nodes.spec), nodes, remote, before, parameters)
    return nodes.spec


def check_inputs(nodes: NodeRunner) -> None:
    """Make all datasets of the run.

    Raises:
        FlowRunError: an input of the pipeline is not in the catalog.
    """
    unsatisfied = kedro_catalog.unsatisfied_inputs(nodes.pipeline, nodes.catalog)
    if unsatisfied:
        raise FlowRunError(f"Pipeline input(s) {sorted(unsatisfied)} not found in the catalog.")
    for name in sorted(kedro_pipeline.dataset_names(nodes.pipeline)):
        nodes.dataset(name)


def _with_pipeline_hooks(
    nodes: NodeRunner, params: dict[str, Any], ready: Callable[[], RunSpec]
) -> Iterator[FlowSession]:
    """Fire the pipeline hooks around the run as `KedroSession.run` does."""
    hook = nodes.hooks.hook
    common = {"run_params": params, "pipeline": nodes.pipeline, "catalog": nodes.catalog}
    hook.before_pipeline_run(**common)
    returned = kedro_catalog.returned_outputs(nodes.pipeline, nodes.catalog)
    outcome = FlowRunOutcome()
    try:
        yield FlowSession(ready(), outcome)
    except Exception as error:
        hook.on_pipeline_error(error=error, **common)
        raise
    if outcome.error is not None:
        hook.on_pipeline_error(error=outcome.error, **common)
    elif outcome.finished:
        nodes.restore(outcome.outputs)
        result = kedro_catalog.run_result(returned, nodes.catalog)
        hook.after_pipeline_run(run_result=result, **common)
