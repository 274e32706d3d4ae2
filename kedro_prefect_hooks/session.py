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
import copy
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

from kedro_prefect_hooks import _kedro
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.nodes import RunSession

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.framework.session import KedroSession
    from kedro.pipeline import Pipeline

    from kedro_prefect_hooks.flows.datasets import Outputs

FLOW_RUN_MARKER = "KEDRO_PREFECT_IN_FLOW_RUN"
"""Environment variable that says to this process, and to all it starts, that a flow run is going on.

Prefect's own context does not reach a thread or a child process that a node starts in a local run.
"""

WORKER_SESSIONS = 8
"""How many flow runs a long-lived worker keeps a session for; the one longest unused goes first."""


@dataclass(frozen=True)
class ProjectRef:
    """Where a process finds the project: all that a task carries of it.

    Attributes:
        path: the project's folder; on a machine where it is elsewhere, `KEDRO_PREFECT_PROJECT` says where.
        package: the project's package, enough where it is installed and the folder is not there.
        env: Kedro environment.
        conf_source: configuration source, when the project's settings don't say it.
        pipeline: name of the registered pipeline(s), comma-separated, that the tasks' nodes are in.
        parameters: the flow's parameters and their configured values; what differs in a flow run becomes
            a runtime parameter.
        trees: the configured top-level parameters that nested ones of `parameters` are parts of.
        session_id, runtime_params: fixed by the `kedro run` that this is part of; None for a flow run of
            its own, where they derive from the flow run.
    """

    path: str
    package: str | None = None
    env: str | None = None
    conf_source: str | None = None
    pipeline: str = "__default__"
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    trees: Mapping[str, Any] = field(default_factory=dict, hash=False)
    session_id: str | None = None
    runtime_params: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def folder(self) -> Path:
        """The project's folder on this machine."""
        return Path(os.environ.get("KEDRO_PREFECT_PROJECT") or self.path)


@dataclass(frozen=True)
class FlowRun:
    """What a session needs to know of the flow run that it belongs to.

    Attributes:
        id: the flow run's id.
        scheduled: when it was due. A restart does not change it.
        parameters: the flow run's parameters, defaults included.
    """

    id: str
    scheduled: datetime | None
    parameters: Mapping[str, Any]

    def session_id(self) -> str:
        """Kedro session id and save version: the time the run was due, as Kedro writes it.

        Kedro's stamps have milliseconds; three more digits from the run's id keep two runs apart that
        were due at the same moment. `%Y-%m-%dT%H.%M.%S.%fZ` reads both.
        """
        due = self.scheduled or datetime.now(timezone.utc)
        if due.tzinfo is not None:
            due = due.astimezone(timezone.utc)
        tail = int(self.id.replace("-", "")[-8:] or "0", 16) % 1000 if _is_hex(self.id) else 0
        return f"{due:%Y-%m-%dT%H.%M.%S}.{due.microsecond // 1000:03d}{tail:03d}Z"

    def runtime_params(self, ref: ProjectRef) -> dict[str, Any]:
        """The parameters that differ from the configured ones, nested as Kedro wants them.

        A nested one brings its whole top-level parameter along: where the environment has parameters of
        its own, Kedro's OmegaConfigLoader would let `{model: {size: 1}}` wipe the rest of `model`.
        """
        nested: dict[str, Any] = {}
        for name, value in self.parameters.items():
            if name in ref.parameters and value != ref.parameters[name]:
                top, *parents = name.split(".")
                if not parents:
                    nested[top] = value
                    continue
                target = nested.setdefault(top, copy.deepcopy(dict(ref.trees.get(top, {}))))
                for parent in parents[:-1]:
                    target = target.setdefault(parent, {})
                target[parents[-1]] = value
        return nested


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF-" for character in text)


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
        package = _kedro.bootstrap(ref.folder, ref.package)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != ref.package:
            raise
        raise FlowRunError(
            f"The Kedro project is not on this machine: there is none at {ref.folder}, and its package "
            f"{ref.package!r} is not installed. Say where the folder is (KEDRO_PREFECT_PROJECT: for a flow "
            "run in its run config's `env`, for a Dask worker in the worker's own environment), or install "
            "the packaged project (`kedro package`)."
        ) from None
    session = _kedro.open_session(ref.folder, package, ref.env, ref.conf_source, runtime_params)
    return session, session.load_context()


def pipeline_named(name: str) -> Pipeline:
    """The registered pipeline; several, comma-separated, are added up, as in `kedro run --pipelines`."""
    pipelines = _kedro.all_pipelines()
    first, *others = name.split(",")
    for part in (first, *others):
        if part not in pipelines:
            raise FlowRunError(f"Pipeline '{part}' is not registered in this project's code.")
    return sum((pipelines[part] for part in others), pipelines[first])


def _open(
    ref: ProjectRef, run: FlowRun, pipeline: Callable[[], Pipeline], remote: bool
) -> tuple[RunSession, Any]:
    session_id = ref.session_id or run.session_id()
    params = ref.runtime_params if ref.runtime_params is not None else run.runtime_params(ref)
    session, context = _take_kept(ref, params) or open_project(ref, params)
    _kedro.begin_session(session, session_id)
    catalog = _kedro.build_catalog(context, session_id)
    run_session = RunSession(
        session_id,
        catalog,
        _kedro.hook_manager(session),
        pipeline(),
        remote=remote,
    )
    return run_session, context


_sessions: OrderedDict[str, RunSession] = OrderedDict()
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
    before = os.environ.get(FLOW_RUN_MARKER)
    os.environ[FLOW_RUN_MARKER] = key
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(FLOW_RUN_MARKER, None)
        else:
            os.environ[FLOW_RUN_MARKER] = before


@contextlib.contextmanager
def registered(key: str, session: RunSession) -> Iterator[None]:
    """Let the tasks of flow run `key` that run in this process find `session`."""
    with _marked(key):
        with _lock:
            _sessions[key] = session
        try:
            yield
        finally:
            with _lock:
                _sessions.pop(key, None)


def session_for_task(ref: ProjectRef, run: FlowRun) -> RunSession:
    """The flow run's session in this process: the one that is open, or a new one in a worker.

    A forked child inherits the parent's sessions, whose locks and connections are not its own: it opens
    another.
    """
    with _lock:
        found = _sessions.get(run.id)
        if found is not None and found.pid == os.getpid():
            _sessions.move_to_end(run.id)
            return found
        os.environ[FLOW_RUN_MARKER] = run.id
        session, _ = _open(ref, run, lambda: pipeline_named(ref.pipeline), remote=True)
        _sessions[run.id] = session
        while len(_sessions) > WORKER_SESSIONS:
            _sessions.popitem(last=False)
        return session


@dataclass
class Ending:
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
) -> Iterator[Ending]:
    """The Kedro side of a whole flow run: session, catalog, pipeline hooks.

    Args:
        ref: where the project is.
        run: the flow run.
        pipeline: gives the flow's nodes, once the project is bootstrapped.
        runner: what runs them, for the hooks' `run_params`.
        filters: what chose them, for the same.

    Yields:
        An `Ending` for the caller to fill in before it leaves.

    Raises:
        FlowRunError: the project is not here, or an input of the pipeline is not in the catalog.
    """
    with _marked(run.id), contextlib.ExitStack() as ended:
        ended.callback(_kedro.end_session)
        session, context = _open(ref, run, pipeline, remote=False)
        unsatisfied = _kedro.unsatisfied_inputs(session.pipeline, session.catalog)
        if unsatisfied:
            raise FlowRunError(f"Pipeline input(s) {sorted(unsatisfied)} not found in the catalog.")
        params = _kedro.run_params(
            _kedro.RunParams(
                session_id=session.session_id,
                project_path=Path(str(context.project_path)),
                env=context.env,
                runner=runner,
                pipeline=ref.pipeline,
                runtime_params=_kedro.runtime_params(context),
                filters=dict(filters),
            )
        )
        with registered(run.id, session):
            yield from _with_pipeline_hooks(session, params)


def _with_pipeline_hooks(session: RunSession, params: dict[str, Any]) -> Iterator[Ending]:
    """Fire the pipeline hooks around the run as `KedroSession.run` does."""
    hook = session.hooks.hook
    common = {"run_params": params, "pipeline": session.pipeline, "catalog": session.catalog}
    hook.before_pipeline_run(**common)
    ending = Ending()
    try:
        yield ending
    except Exception as error:
        hook.on_pipeline_error(error=error, **common)
        raise
    if ending.error is not None:
        hook.on_pipeline_error(error=ending.error, **common)
    elif ending.finished:
        session.restore(ending.outputs)
        result = _kedro.run_result(session.pipeline, session.catalog)
        hook.after_pipeline_run(run_result=result, **common)
