"""What earlier attempts of this flow run have done, as the API knows it."""

from __future__ import annotations

import prefect

from kedro_prefect_hooks.flows.partition_tasks import GatherTask
from kedro_prefect_hooks.flows.tasks import NodeTask
from kedro_prefect_hooks.states import is_a

_TASK_RUNS = """
query($id: uuid!) {
    flow_run_by_pk(id: $id) {
        task_runs(where: {map_index: {_eq: -1}}) {state start_time task {slug}}
    }
}
"""


def nodes_done_before(flow: prefect.Flow) -> set[str]:
    """The nodes that an earlier attempt of this flow run has finished, or may have; none without an API.

    A task that was started and has not succeeded may have failed in any of its nodes.
    """
    context = prefect.context
    if context.get("flow_run_version") is None:
        return set()
    answer = prefect.Client().graphql(_TASK_RUNS, variables={"id": context.get("flow_run_id")})
    runs = {run.task.slug: run for run in answer.data.flow_run_by_pk.task_runs}
    done: set[str] = set()
    for task in flow.tasks:
        run = runs.get(flow.slugs[task])
        if run is not None and isinstance(task, (NodeTask, GatherTask)):
            if isinstance(task, NodeTask) and task.sliced:
                continue  # `GatherTask` confirms, and nothing else of a node that was done matters
            if is_a(run.state, "Success"):
                done.update(_nodes(task))
            elif run.start_time is not None:
                done.update(_nodes(task) if isinstance(task, GatherTask) else task.nodes[:-1])
    return done


def _nodes(task: NodeTask | GatherTask) -> tuple[str, ...]:
    return task.nodes if isinstance(task, NodeTask) else tuple(each.node for each in task.sliced)
