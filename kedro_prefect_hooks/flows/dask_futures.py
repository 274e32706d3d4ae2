"""Which futures of a flow run keep values alive on Dask's workers, and when they are released.

Prefect's flow runner holds the future of every task until the flow run ends, and so all that the tasks have
left in memory. Here each is let go when the last task after it is done. Dask remembers how it was made for as
long as anything after it is wanted, so what is lost with a worker can be made again.
"""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any, Mapping

from prefect.core.edge import Edge

from kedro_prefect_hooks.runs.outputs import Outputs

if TYPE_CHECKING:
    import prefect
    from prefect.engine.state import State


class HeldFutures:
    """The futures of one flow run on a Dask cluster.

    Args:
        flow: the flow that runs.
        client: the Dask client that its tasks are submitted with.
        every_state: whether all tasks' states will be asked for in the end, not the last ones' alone. A
            state without its values is then kept for each task.
    """

    def __init__(self, flow: prefect.Flow, client: Any, every_state: bool) -> None:
        self._client = client
        self._every_state = every_state
        self._last = flow.terminal_tasks() | flow.reference_tasks()
        self._before = {
            task: {edge.upstream_task for edge in edges} for task, edges in flow.all_upstream_edges().items()
        }
        self._waiting: dict[Any, set[Any]] = {
            task: {edge.downstream_task for edge in edges}
            for task, edges in flow.all_downstream_edges().items()
        }
        self._futures: dict[prefect.Task, list[Any]] = {}
        self._for_slices: dict[prefect.Task, Any] = {}
        self._states: dict[prefect.Task, Any] = {}
        self._mapped: set[prefect.Task] = set()
        self._lock = threading.Lock()

    def submitted(self, task: prefect.Task, future: Any) -> None:
        """A task has been submitted; what it waits for is released after the last task that needs it."""
        before = set(self._before.get(task, ()))
        self._for_slices[task] = future
        if task not in self._last:
            self._futures[task] = [future]
            if self._every_state:
                state = self._states[task] = self._client.submit(without_values, future, pure=False)
                self._waiting[task].add(state.key)
                state.add_done_callback(lambda done: self._done(done.key, {task}))
        if before:
            future.add_done_callback(lambda _: self._done(task, before))
            for mapped in before & self._mapped:
                # All slices are done, whose number is not known here.
                ended = set(self._before[mapped])
                future.add_done_callback(lambda _, mapped=mapped, ended=ended: self._done(mapped, ended))

    def slice_submitted(self, task: prefect.Task, future: Any) -> None:
        """A slice of a mapped task has been submitted; it is released after what follows all slices."""
        self._mapped.add(task)
        if not self._every_state:
            self._futures.setdefault(task, []).append(future)

    def for_slice(self, upstream_states: Mapping[Any, Any]) -> dict[Any, Any]:
        """What a slice waits for, with futures for what all slices use: Dask sends that to a worker once."""
        return {
            edge: state if edge.mapped else self._for_slices.get(edge.upstream_task, state)
            for edge, state in upstream_states.items()
        }

    def _done(self, who: Any, before: set[prefect.Task]) -> None:
        """Called by Dask, in one of its threads."""
        with self._lock:
            for task in before:
                self._waiting[task].discard(who)
                if not self._waiting[task]:
                    self._for_slices.pop(task, None)
                    for future in self._futures.pop(task, ()):
                        future.release()

    def requested(self, futures: dict[Any, Any]) -> dict[Any, Any]:
        """The futures to gather in place of those that may have been released: states without values.

        Before a mapped task starts, Prefect asks by edge; what all its slices use is not needed here.
        """
        return {key: self._requested(key, future) for key, future in futures.items()}

    def _requested(self, key: Any, future: Any) -> Any:
        if isinstance(key, Edge):
            ours = not key.mapped and self._for_slices.get(key.upstream_task) is future
            return self._client.submit(without_values, future, pure=False) if ours else future
        return self._states.get(key, future)


_registered: list[bool] = []


def register_state_sizeof() -> None:
    """Register with Dask, in this process, how much memory a task's state holds.

    Dask decides by size where the downstream tasks run, and assumes that a Prefect state has a few bytes.
    """
    if _registered:
        return
    _registered.append(True)
    import dask.sizeof
    from prefect.engine.state import State

    sizeof: Any = dask.sizeof.sizeof

    def size(state: State) -> int:
        held = state.result
        values = [held.value(name) for name in held.names()] if isinstance(held, Outputs) else [held]
        return sum(int(sizeof(value)) for value in values) + 1000

    sizeof.register(State, size)


def without_values(state: State) -> State:
    """A task's state, without the values of the in-memory datasets in it."""
    result = getattr(state, "_result", None)
    if result is None or not isinstance(result.value, Outputs):
        return state
    light = copy.copy(state)
    light._result = copy.copy(result)
    light._result.value = Outputs(result.value.producer, {}, {})
    return light
