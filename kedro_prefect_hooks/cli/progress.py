"""Task states of a flow run on this machine, as they happen, whatever process the tasks run in.

A task's state handler notes each state as a line of a file (`note`), which works from a thread, a forked or a
spawned process alike; the process that started the run reads the file as it grows (`Progress`). On a machine
that has no such file nothing is noted, and the run goes on.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from kedro_prefect_hooks.cli.times import span

if TYPE_CHECKING:
    from prefect.engine.state import State

    from kedro_prefect_hooks.flows.kedro_flow import KedroFlow

_POLL_SECONDS = 0.1


def note(task: Any, old_state: State, new_state: State, *, path: str) -> State:
    """Prefect state handler that notes the new state in the file `path`."""
    entry = {
        "task": task.name,
        "state": type(new_state).__name__,
        "finished": new_state.is_finished(),
        "running": new_state.is_running(),
        "message": str(new_state.message or ""),
        "at": time.time(),
    }
    if Path(path).exists():
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError:
            pass  # the run is worth more than the sight of it
    return new_state


@dataclass
class TaskTimes:
    """What became of one task so far. Times are of `time.time`."""

    state: str = "Pending"
    tries: int = 0
    started: float | None = None
    seconds: float | None = None
    message: str = ""


@dataclass
class Progress:
    """Follows the tasks of one flow run, from `__enter__` to `__exit__`.

    Args:
        flow: the flow, whose tasks get the state handler.
        file: an empty file.
        echo: told a line for each task that ends, or is to be tried again.
    """

    flow: KedroFlow
    file: Path
    echo: Callable[[str], Any]
    tasks: dict[str, TaskTimes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from kedro_prefect_hooks.flows.node_task import NodeTask

        handler = functools.partial(note, path=str(self.file))
        ordered = [task for task in self.flow.sorted_tasks() if isinstance(task, NodeTask)]
        for task in ordered:
            task.state_handlers = [*task.state_handlers, handler]
        self.tasks = {task.name: TaskTimes() for task in ordered}
        self._width = max((len(name) for name in self.tasks), default=0)
        self._done = 0
        self._read_to = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress of the flow run", daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._read()

    def _follow(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            self._read()

    def _read(self) -> None:
        with self.file.open("rb") as file:
            file.seek(self._read_to)
            grown = file.read()
        whole, separator, _ = grown.rpartition(b"\n")
        self._read_to += len(whole) + len(separator)
        for line in whole.splitlines():
            self._see(json.loads(line))

    def _see(self, entry: dict[str, Any]) -> None:
        task = self.tasks[entry["task"]]
        before, task.state = task.state, entry["state"]
        if entry["running"]:
            task.tries += 1
            task.started = task.started or entry["at"]
            return
        if task.started is not None:
            task.seconds = entry["at"] - task.started
        task.message = entry["message"]
        if entry["finished"]:
            self._done += 1
            number = f"{self._done:>{len(str(len(self.tasks)))}}/{len(self.tasks)}"
            self._line(number, entry["task"], task.state, span(task.seconds))
        elif entry["state"] in ("Retrying", "Paused") and before != entry["state"]:
            self._line("", entry["task"], task.state, f"try {task.tries} failed: {task.message}")

    def _line(self, number: str, name: str, state: str, note: str) -> None:
        width = 2 * len(str(len(self.tasks))) + 1
        self.echo(f"  {number:>{width}}  {name:<{self._width}}  {state:<13}  {note}".rstrip())
