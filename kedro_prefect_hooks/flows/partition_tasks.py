"""The tasks before and after a mapped task: one lists the partitions, one puts together what is made of them.

<node>: partitions   lists them when the flow runs, and returns slices of ids
         │ mapped
         ▼
      <node>         runs once per slice
         │ all slices
         ▼
<node>: all          puts in-memory outputs together, confirms, and is what other tasks wait for
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from prefect.engine import signals
from prefect.engine.results import PrefectResult

from kedro_prefect_hooks.flows.tasks import NOT_MADE, RunTask, all_successful, check_handles, current_run
from kedro_prefect_hooks.runs.failures import NodeNotStarted
from kedro_prefect_hooks.runs.outputs import Outputs
from kedro_prefect_hooks.runs.slices import gathered, in_words, listed_slices

if TYPE_CHECKING:
    from prefect.core.edge import Edge
    from prefect.engine.state import State

    from kedro_prefect_hooks.runs.slices import SlicedNode

LISTED = "listed"
"""The argument of `GatherTask` for what `ListTask` has returned."""

SLICES = "slices"
"""Its argument for what the slices have returned."""

BEFORE = "before"
"""Its argument for what the same task of the mapped task before has returned, in a chain of mapped tasks."""

_SHOWN = 10
"""Failed slices in a message."""


class ListTask(RunTask):
    """Lists the partitions of a dataset when the flow runs.

    What it returns is kept in its state: a restart must divide the partitions as before, whatever has been
    added since.

    Args:
        of: name of the mapped task.
        sliced: its first node.
        **kwargs: those of `RunTask`.
    """

    def __init__(self, of: str, sliced: SlicedNode, **kwargs: Any) -> None:
        self.of = of
        self.sliced = sliced
        super().__init__({}, result=PrefectResult(), **kwargs)

    def run(self) -> list[list[str]]:  # type: ignore[override]
        """The slices, at least one."""
        return listed_slices(current_run(), self.sliced)

    def releases(self, edge: Edge) -> bool:
        return False  # it only waits for what the mapped task loads


class GatherTask(RunTask):
    """Waits for all slices of a mapped task, and returns what they have left in memory as one.

    Args:
        of: name of the mapped task.
        sliced: its nodes.
        confirms: whether one of them confirms a dataset, which is done here.
        **kwargs: those of `RunTask`.
    """

    def __init__(self, of: str, sliced: Sequence[SlicedNode], confirms: bool, **kwargs: Any) -> None:
        self.of = of
        self.sliced = tuple(sliced)
        self.confirms = confirms
        super().__init__(trigger=all_slices_successful, **kwargs)

    def run(  # type: ignore[override]
        self, listed: list[list[str]], slices: Sequence[Any], before: Outputs | None = None, **upstream: Any
    ) -> Outputs:
        """Put the slices together."""
        done = [(each, ids) for each, ids in zip(slices, listed) if each != NOT_MADE]
        others = [each for each in upstream.values() if each is not None]
        check_handles([*(each for each, _ in done if each is not None), *others])
        return gathered(
            current_run(),
            self.sliced,
            [each for each, _ in done],
            [ids for _, ids in done],
            self.consumers,
            before=before,
            others=others,
            confirms=len(done) == len(listed),
        )


def all_slices_successful(upstream_states: Mapping[Edge, State]) -> bool:
    """`all_successful`, with a message that names the partitions that failed.

    Raises:
        prefect.engine.signals.TRIGGERFAIL: a slice did not succeed.
    """
    for edge, state in upstream_states.items():
        if not state.is_mapped():
            continue
        slices: list[Any] = state.map_states
        failed = [number for number, each in enumerate(slices) if not each.is_successful()]
        continues = edge.downstream_task.sliced[0].continues
        if not failed or (continues and len(failed) < len(slices)):
            continue
        causes = [slices[number] for number in failed]
        causes = [each for each in causes if not isinstance(each.result, NodeNotStarted)] or causes
        names = [*_names(upstream_states, failed[:_SHOWN]), *["…"][: len(failed) > _SHOWN]]
        message = (
            f"{len(failed)} of {len(slices)} tasks of '{edge.upstream_task.name}' did not succeed: "
            f"{', '.join(names)}. The first: {causes[0].message}"
        )
        if isinstance(causes[0].result, Exception):
            raise signals.TRIGGERFAIL(message=message, result=causes[0].result)
        raise signals.TRIGGERFAIL(message=message)
    return all_successful({edge: state for edge, state in upstream_states.items() if not state.is_mapped()})


def _names(upstream_states: Mapping[Edge, State], numbers: Sequence[int]) -> Iterator[str]:
    listed = next((state.result for edge, state in upstream_states.items() if edge.key == LISTED), None)
    for number in numbers:
        yield in_words(listed[number]) if listed and number < len(listed) else f"number {number}"
