"""One Kedro session a flow run and process.

In the process that runs the flow, `flow_session` opens the session and fires the project's pipeline hooks
around the run. Any other process that is handed a task (a Dask worker) gets its own through
`session_for_task`: it bootstraps the project and builds the catalog from the configuration once. All of
them share one session id, one save version and one set of runtime parameters, which derive from the flow
run, so a restart has them again.

This module knows Prefect only through the plain values it is given.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.compat import kedro_catalog, kedro_project, kedro_session
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.node_runner import NodeRunner

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.framework.session import KedroSession
    from kedro.pipeline import Pipeline

    from kedro_prefect_hooks.runs.outputs import Outputs
    from kedro_prefect_hooks.runs.spec import FlowRun, ProjectRef

WORKER_SESSIONS = 8
"""How many flow runs a long-lived worker keeps a session for; the one longest unused goes first."""


def open_project(
    ref: ProjectRef, runtime_params: Mapping[str, Any] | None = None
) -> tuple[KedroSession, KedroContext]:
    """Bootstrap the project in this process and load its context (fires `after_context_created`).

    Raises:
        FlowRunError: there is no project, and no installed package of it, on this machine.
    """
    if not ref.path and ref.package is None:
        raise FlowRunError(
            "Tasks in other processes cannot find the project: add `PrefectHooks()` to HOOKS in its "
            "settings.py, which tells a PrefectRunner what `kedro run` was given, or run in one process."
        )
    try:
        package = kedro_project.bootstrap(ref.folder, ref.package)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != ref.package:
            raise
        raise FlowRunError(
            f"The Kedro project is not on this machine: there is none at {ref.folder}, and its package "
            f"{ref.package!r} is not installed. Say where the folder is (KEDRO_PREFECT_PROJECT: for a flow "
            "run in its run config's `env`, for a Dask worker in the worker's own environment), or install "
            "the packaged project (`kedro package`)."
        ) from None
    session = kedro_session.open_session(ref.folder, package, ref.env, ref.conf_source, runtime_params)
    return session, session.load_context()


def pipeline_named(name: str) -> Pipeline:
    """The registered pipeline; several, comma-separated, are added up, as in `kedro run --pipelines`."""
    pipelines = kedro_project.all_pipelines()
    first, *others = name.split(",")
    for part in (first, *others):
        if part not in pipelines:
            raise FlowRunError(f"Pipeline '{part}' is not registered in this project's code.")
    return sum((pipelines[part] for part in others), pipelines[first])


def _open(
    ref: ProjectRef, run: FlowRun, pipeline: Callable[[], Pipeline], remote: bool
) -> tuple[NodeRunner, Any]:
    session_id = ref.session_id or run.session_id()
    params = ref.runtime_params if ref.runtime_params is not None else run.runtime_params(ref)
    session, context = _take_kept(ref, params) or open_project(ref, params)
    kedro_session.begin_session(session, session_id)
    catalog = kedro_catalog.build_catalog(context, session_id)
    run_session = NodeRunner(
        session_id,
        catalog,
        kedro_session.hook_manager(session),
        pipeline(),
        remote=remote,
    )
    return run_session, context


_sessions: OrderedDict[str, NodeRunner] = OrderedDict()
_lock = threading.RLock()
_kept: list[tuple[ProjectRef, tuple[KedroSession, KedroContext]]] = []


def _after_fork() -> None:
    """A forked child must not wait for a lock that a thread of its parent held, nor use its sessions."""
    global _lock
    _lock = threading.RLock()
    _sessions.clear()
    _kept.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def keep_for_run(ref: ProjectRef, opened: tuple[KedroSession, KedroContext]) -> None:
    """Keep the session that the flow was loaded with for the flow run that follows in this process."""
    _kept[:] = [(ref, opened)]


def _take_kept(ref: ProjectRef, params: Mapping[str, Any]) -> tuple[KedroSession, KedroContext] | None:
    """The session kept by `keep_for_run`, once, unless the run has parameters that it was loaded without."""
    if params or not _kept:
        return None
    kept, opened = _kept.pop()
    same = (kept.folder, kept.env, kept.conf_source) == (ref.folder, ref.env, ref.conf_source)
    return opened if same else None


@contextlib.contextmanager
def _marked(key: str) -> Iterator[None]:
    """Let this process, and all that it starts, know that flow run `key` is going on."""
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
def available(key: str, session: NodeRunner) -> Iterator[None]:
    """Let the tasks of flow run `key` that run in this process find `session`."""
    with _marked(key):
        with _lock:
            _sessions[key] = session
        try:
            yield
        finally:
            with _lock:
                _sessions.pop(key, None)


def session_for_task(ref: ProjectRef, run: FlowRun) -> NodeRunner:
    """The flow run's session in this process: the one that is open, or a new one in a worker.

    A forked child inherits the parent's sessions, whose locks and connections are not its own: it opens
    another.
    """
    with _lock:
        found = _sessions.get(run.id)
        if found is not None and found.pid == os.getpid():
            _sessions.move_to_end(run.id)
            return found
        os.environ[env_vars.IN_FLOW_RUN] = run.id
        session, _ = _open(ref, run, lambda: pipeline_named(ref.pipeline), remote=True)
        _sessions[run.id] = session
        while len(_sessions) > WORKER_SESSIONS:
            _sessions.popitem(last=False)
        return session


@dataclass
class FlowRunOutcome:
    """How a flow run ended, told by who sees its task states.

    Attributes:
        error: the first failed node's exception, if one failed.
        finished: False when tasks are still to be retried in a later process.
        outputs: what the last tasks left in memory.
    """

    error: BaseException | None = None
    finished: bool = True
    outputs: list[Outputs] = field(default_factory=list)


@contextlib.contextmanager
def flow_session(
    ref: ProjectRef,
    run: FlowRun,
    pipeline: Callable[[], Pipeline],
    *,
    runner: str,
    filters: Mapping[str, Any],
) -> Iterator[FlowRunOutcome]:
    """The Kedro side of a whole flow run: session, catalog, pipeline hooks.

    Args:
        ref: where the project is.
        run: the flow run.
        pipeline: gives the flow's nodes, once the project is bootstrapped.
        runner: what runs them, for the hooks' `run_params`.
        filters: what chose them, for the same.

    Yields:
        An `FlowRunOutcome` for the caller to fill in before it leaves.

    Raises:
        FlowRunError: the project is not here, or an input of the pipeline is not in the catalog.
    """
    with _marked(run.id), contextlib.ExitStack() as ended:
        ended.callback(kedro_session.end_session)
        session, context = _open(ref, run, pipeline, remote=False)
        unsatisfied = kedro_catalog.unsatisfied_inputs(session.pipeline, session.catalog)
        if unsatisfied:
            raise FlowRunError(f"Pipeline input(s) {sorted(unsatisfied)} not found in the catalog.")
        params = kedro_session.run_params(
            kedro_session.RunParams(
                session_id=session.session_id,
                project_path=Path(str(context.project_path)),
                env=context.env,
                runner=runner,
                pipeline=ref.pipeline,
                runtime_params=kedro_session.runtime_params(context),
                filters=dict(filters),
            )
        )
        with available(run.id, session):
            yield from _with_pipeline_hooks(session, params)


def _with_pipeline_hooks(session: NodeRunner, params: dict[str, Any]) -> Iterator[FlowRunOutcome]:
    """Fire the pipeline hooks around the run as `KedroSession.run` does."""
    hook = session.hooks.hook
    common = {"run_params": params, "pipeline": session.pipeline, "catalog": session.catalog}
    hook.before_pipeline_run(**common)
    outcome = FlowRunOutcome()
    try:
        yield outcome
    except Exception as error:
        hook.on_pipeline_error(error=error, **common)
        raise
    if outcome.error is not None:
        hook.on_pipeline_error(error=outcome.error, **common)
    elif outcome.finished:
        session.restore(outcome.outputs)
        result = kedro_catalog.run_result(session.pipeline, session.catalog)
        hook.after_pipeline_run(run_result=result, **common)
