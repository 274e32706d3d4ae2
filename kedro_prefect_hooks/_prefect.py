"""Every workaround for Prefect 1.1.0, each with its reason.

Imports Prefect, so nothing that a plain `kedro run` needs may import this.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any

import pendulum

if sys.version_info >= (3, 12) and not hasattr(pendulum.tz, "_Timezone"):
    # Prefect's CronSchedule asks for this name, which pendulum 3 dropped; pendulum 2 cannot be built on
    # Python 3.12 and later. The one patch of somebody else's module that we allow ourselves.
    pendulum.tz._Timezone = pendulum.tz.timezone.Timezone

import prefect
from prefect.engine.flow_runner import FlowRunner
from prefect.engine.state import Retrying
from prefect.engine.task_runner import TaskRunner
from prefect.utilities.logging import CloudHandler

if TYPE_CHECKING:
    from prefect.engine.state import State


def send_logs_of(*loggers: str) -> None:
    """Send these loggers' lines to the Prefect API, as Prefect's own go.

    Kedro configures logging when a project is bootstrapped, which takes Prefect's handler off the loggers
    named in PREFECT__LOGGING__EXTRA_LOGGERS; so this must be called after that.
    """
    for name in filter(None, loggers):
        logger = logging.getLogger(name)
        if not any(isinstance(handler, CloudHandler) for handler in logger.handlers):
            logger.addHandler(CloudHandler())
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)


def registered_structure(flow_id: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Slugs of a registered flow's tasks, and of the two ends of its edges."""
    answer = prefect.Client().graphql(
        {
            "query": {
                f'flow_by_pk(id: "{flow_id}")': {
                    "tasks": {"slug"},
                    "edges": {"upstream_task": {"slug"}, "downstream_task": {"slug"}},
                }
            }
        }
    )
    flow = answer.data.flow_by_pk
    return (
        {task.slug for task in flow.tasks},
        {(edge.upstream_task.slug, edge.downstream_task.slug) for edge in flow.edges},
    )


class PatientTaskRunner(TaskRunner):
    """A task runner that waits for its own retries, as Prefect's cloud task runner does.

    Prefect's plain one leaves that to `Flow.run`, which, to do so, gathers every task's result in this
    process: on a cluster that is all the data of the run.
    """

    def run(
        self,
        state: State | None = None,
        upstream_states: dict[Any, State] | None = None,
        context: dict[str, Any] | None = None,
        is_mapped_parent: bool = False,
    ) -> State:
        context = context if context is not None else {}
        arguments = {
            "upstream_states": upstream_states,
            "context": context,
            "is_mapped_parent": is_mapped_parent,
        }
        with prefect.context(context):
            ended: State = super().run(state=state, **arguments)
            while isinstance(ended, Retrying):
                pause = (ended.start_time - pendulum.now("utc")).total_seconds()
                time.sleep(max(pause, 0))
                ended = super().run(state=ended, **arguments)
        return ended


def patient_flow_runner(flow: prefect.Flow) -> FlowRunner:
    """A flow runner without an API whose tasks wait for their own retries."""
    return FlowRunner(flow=flow, task_runner_cls=PatientTaskRunner)
