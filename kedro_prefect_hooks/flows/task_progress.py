"""The task states of a local flow run as they happen, whichever process the tasks run in.

A state handler (`record_state`) appends each state as a line to a file, which works from a thread and from a
forked or spawned process alike; the process that started the run reads the growing file (`ProgressReader`).
On a machine that does not have the file nothing is recorded, and the run continues.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import prefect
from prefect.engine.state import TriggerFailed

from kedro_prefect_hooks.flows.partition_tasks import GatherTask, ListTask
from kedro_prefect_hooks.flows.tasks import NodeTask

if TYPE_CHECKING:
    from prefect.engine.state import State

    from kedro_prefect_hooks.flows.flow import KedroFlow

_POLL_SECONDS = 0.1


def record_state(task: Any, old_state: State, new_state: State, *, path: str, of: str | None = None) -> State:
    """Prefect state handler: append the new state to the file `path`; `of` is the task that it works for."""
    entry = {
        "task": of or task.name,
        "slice": prefect.context.get("map_index"),
        "slices": getattr(new_state, "n_map_states", None),
        "beside": of is not None,
        "state": type(new_state).__name__,
        "finished": new_state.is_finished() and not _is_retried(task, new_state),
        "failed": new_state.is_failed(),
        "running": new_state.is_running(),
        "message": str(new_state.message or ""),
        "at": time.time(),
    }
    if Path(path).exists():
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError:
            pass  # progress that is not shown must not fail the run
    return new_state


def _is_retried(task: Any, state: State) -> bool:
    """Whether Prefect's next state for a task that has failed is Retrying."""
    tried = prefect.context.get("task_run_count") or 1
    return bool(state.is_failed() and not isinstance(state, TriggerFailed) and tried <= task.max_retries)


@dataclass
class TaskProgress:
    """The progress of one task.

    Attributes:
        name: the task's name.
        state: its latest state, such as ``Running``.
        message: that state's message; that of the failure for one that is retried.
        finished: whether the state is final.
        tries: how often the task has started to run.
        started: when it first did, as `time.time`.
        seconds: from then to its latest state.
        slices: of a mapped task: into how many it is divided; None until that is known.
        slices_done: how many of them have finished.
    """

    name: str
    state: str = "Pending"
    message: str = ""
    finished: bool = False
    tries: int = 0
    started: float | None = None
    seconds: float | None = None
    slices: int | None = None
    slices_done: int = 0


def node_tasks(flow: KedroFlow) -> list[NodeTask]:
    """The tasks of a flow that run nodes, in topological order."""
    return [task for task in flow.sorted_tasks() if isinstance(task, NodeTask)]


class ProgressReader:
    """Follows the tasks of one flow run, during a `with` block.

    Args:
        flow: the flow; its tasks are given the state handler.
        file: an empty file.
        on_change: called with each task whose state has changed, except when it starts to run.
    """

    def __init__(self, flow: KedroFlow, file: Path, on_change: Callable[[TaskProgress], Any]) -> None:
        self.file = file
        self.on_change = on_change
        self.tasks: dict[str, TaskProgress] = {}
        handler = functools.partial(record_state, path=str(file))
        for task in node_tasks(flow):
            task.state_handlers = [*task.state_handlers, handler]
            self.tasks[task.name] = TaskProgress(task.name)
        for other in flow.tasks:
            if isinstance(other, (ListTask, GatherTask)):
                beside = functools.partial(record_state, path=str(file), of=other.of)
                other.state_handlers = [*other.state_handlers, beside]
        self._offset = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="flow run progress", daemon=True)

    def __enter__(self) -> ProgressReader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._read()

    def _follow(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            self._read()

    def _read(self) -> None:
        with self.file.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        complete, newline, _ = new.rpartition(b"\n")
        self._offset += len(complete) + len(newline)
        for line in complete.splitlines():
            self._update(json.loads(line))

    def _update(self, entry: dict[str, Any]) -> None:
        task = self.tasks[entry["task"]]
        if entry["beside"] or entry["slice"] is not None or entry["slices"] is not None:
            self._update_mapped(task, entry)
            return
        is_change = task.state != entry["state"]
        task.state = entry["state"]
        task.finished = entry["finished"]
        if entry["running"]:
            task.tries += 1
            task.started = task.started or entry["at"]
            return
        if task.started is not None:
            task.seconds = entry["at"] - task.started
        if task.state != "Retrying":
            task.message = entry["message"]
        if is_change and (entry["finished"] or not entry["failed"]):
            self.on_change(task)

    def _update_mapped(self, task: TaskProgress, entry: dict[str, Any]) -> None:
        """A state of one slice of a mapped task, or of what happens before and after all slices."""
        if entry["beside"]:
            if entry["state"] != "Failed":
                return
            task.state, task.message, task.finished = entry["state"], entry["message"], True
            self.on_change(task)
        elif entry["slices"] is not None:
            task.state, task.slices, task.started = "Running", entry["slices"], entry["at"]
        elif entry["running"]:
            task.tries += 1
        elif entry["finished"]:
            task.slices_done += 1
            task.seconds = entry["at"] - (task.started or entry["at"])
            if entry["state"] != "Success" and task.state == "Running":
                task.state, task.message = entry["state"], entry["message"]
            if task.slices_done == task.slices:
                task.state = "Success" if task.state == "Running" else task.state
                task.finished = True
            self.on_change(task)
        elif entry["failed"]:  # and to be retried
            name = f"{task.name}[{entry['slice']}]"
            self.on_change(TaskProgress(name, "Retrying", entry["message"], tries=1))
