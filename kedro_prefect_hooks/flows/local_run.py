"""A flow run in this process, without any API. Prints nothing, and knows nothing of the command line."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

import pendulum

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.compat.prefect import patient_flow_runner
from kedro_prefect_hooks.flows.parameters import LOAD_VERSIONS
from kedro_prefect_hooks.flows.task_progress import ProgressReader, TaskProgress

if TYPE_CHECKING:
    from prefect.engine.state import State

    from kedro_prefect_hooks.flows.flow import KedroFlow


@dataclass(frozen=True)
class LocalFlowRun:
    """How a local flow run ended.

    Attributes:
        state: its final state.
        tasks: its tasks, in topological order.
        started: when it started, as `time.time`.
        seconds: how long it took.
    """

    state: State
    tasks: list[TaskProgress]
    started: float
    seconds: float


def run_locally(
    flow: KedroFlow,
    parameters: Mapping[str, Any],
    load_versions: Mapping[str, str],
    on_change: Callable[[TaskProgress], Any] = lambda _: None,
) -> LocalFlowRun:
    """Run a flow with its own executor.

    Args:
        flow: the flow.
        parameters: the flow parameters that the run is given, by their dotted names.
        load_versions: dataset → version to load.
        on_change: called with each task that has finished, or that waits for a retry.
    """
    started = time.time()
    with tempfile.TemporaryDirectory(prefix="kedro-prefect-") as folder:
        file = Path(folder) / "states.jsonl"
        file.touch()
        with ProgressReader(flow, file, on_change) as progress, flow.marking_defaults(), _run_environment(
            flow
        ):
            state: State = patient_flow_runner(flow).run(
                parameters=dict(parameters),
                executor=flow.executor,
                return_tasks=flow.terminal_tasks() | flow.reference_tasks(),
                context={
                    "flow_run_id": str(uuid.uuid4()),
                    "flow_run_name": "local",
                    "scheduled_start_time": pendulum.now("utc"),
                    LOAD_VERSIONS: dict(load_versions),
                },
            )
    return LocalFlowRun(state, list(progress.tasks.values()), started, time.time() - started)


@contextlib.contextmanager
def _run_environment(flow: KedroFlow) -> Iterator[None]:
    """The environment variables of the flow's run config, as an agent would set them."""
    own = getattr(flow.run_config, "env", None) or {}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(
        {name: str(value) for name, value in own.items() if not name.startswith(env_vars.PREFIX)}
    )
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
