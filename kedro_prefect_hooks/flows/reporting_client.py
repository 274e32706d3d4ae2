"""The client that a flow run's task runners use: it reports states in batches, and looks up nothing twice.

A task runner of Prefect's makes three requests, one after the other: it looks up the task run, sets Running,
and sets the final state. The flow run's own first query has answered the first already, and nobody has to
wait for the other two.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Tuple

import pendulum
import prefect
from prefect.client.client import TaskRunInfoResult
from prefect.engine.state import State

from kedro_prefect_hooks.compat.prefect_client import PatientClient
from kedro_prefect_hooks.flows.mapped_children import MAPPED_RUN, MappedRun
from kedro_prefect_hooks.flows.state_reports import Artifact, Report, StateReports, reports_to
from kedro_prefect_hooks.states import REPORTED_AT


class ReportingClient(PatientClient):
    """Prefect's client for task runs.

    Attributes:
        synchronous: whether each state is reported, and accepted, before the task run goes on.
    """

    synchronous = False
    _name: str | None = None

    def set_task_run_name(self, task_run_id: str, name: str) -> bool:
        """Note the task run's name, to be reported with its next state."""
        if self.synchronous or self._reports().is_synchronous(task_run_id):
            return bool(super().set_task_run_name(task_run_id, name))
        self._name = name
        return True

    def get_task_run_info(
        self, flow_run_id: str, task_id: str, map_index: int | None = None
    ) -> TaskRunInfoResult:
        """What is known already of this task run; it is looked up where nothing is."""
        context = prefect.context
        of_slice: MappedRun | None = context.get(MAPPED_RUN)
        if map_index is not None and of_slice is not None:
            return TaskRunInfoResult(of_slice.id, task_id, "", of_slice.version, of_slice.state)
        known = context.get("task_run_id")
        if map_index is not None or not known or context.get("task_id") != task_id:
            return super().get_task_run_info(flow_run_id, task_id, map_index)
        # Prefect's task runner has the state from the same query, and keeps the one it has.
        return TaskRunInfoResult(
            id=known,
            task_id=task_id,
            task_slug="",
            version=context.get("task_run_version"),
            state=None,  # type: ignore[arg-type]
        )

    def set_task_run_state(
        self,
        task_run_id: str,
        state: State,
        version: Any = None,
        cache_for: Any = None,
    ) -> State:
        """Note a state, to be reported in the background.

        Raises:
            Exception: as Prefect's own, if the API has refused an earlier state of this task run, or refuses
                this one and is asked synchronously.
        """
        reports = self._reports()
        if not self.synchronous and not reports.is_synchronous(task_run_id):
            name, self._name = self._name, None
            reports.add(Report(task_run_id, _with_time(state.serialize()), version, name))
            return state
        reports.flush(self.patience)
        if task_run_id in reports.refused:
            raise reports.refused[task_run_id]
        return super().set_task_run_state(task_run_id, state, version, cache_for)

    def _reports(self) -> StateReports:
        return _reports_of(self)


def _reports_of(client: PatientClient) -> StateReports:
    flow_run_id = str(prefect.context.get("flow_run_id") or "")
    return reports_to((client.api_server, str(client.api_key), flow_run_id), lambda: _Sender(PatientClient()))


def note_artifact(task_run_id: str, data: Dict[str, Any]) -> None:
    """Note a Markdown artifact of a task run of this flow run, to be sent in the background."""
    global _noting
    flow_run_id = str(prefect.context.get("flow_run_id") or "")
    if _noting is None or _noting[0] != (os.getpid(), flow_run_id):
        _noting = ((os.getpid(), flow_run_id), _reports_of(PatientClient()))
    _noting[1].add_artifact(Artifact(task_run_id, data))


_noting: Tuple[Tuple[int, str], StateReports] | None = None
"""The reports of the flow run that this process works for: making a client takes a millisecond."""


class _Sender:
    """Sends a request's worth of states, from the thread of the reports."""

    def __init__(self, client: PatientClient) -> None:
        self._client = client

    def send_states(self, reports: List[Report]) -> None:
        states = [
            {"state": each.state, "task_run_id": each.task_run_id, "version": each.version}
            for each in reports
        ]
        given: Dict[str, Any] = {"input": {"states": states}}
        declared, asked = "$input: set_task_run_states_input!", ""
        for number, each in enumerate(reports):
            if each.name is not None:
                given[f"name{number}"] = {"task_run_id": each.task_run_id, "name": each.name}
                declared += f", $name{number}: set_task_run_name_input!"
                asked += f" name{number}: set_task_run_name(input: $name{number}) {{success}}"
        mutation = f"mutation({declared}) {{set_task_run_states(input: $input) {{states {{id}}}}{asked}}}"
        self._client.graphql(mutation, variables=given)

    def send_artifacts(self, artifacts: List[Artifact]) -> None:
        given = {
            f"artifact{number}": {"task_run_id": each.task_run_id, "kind": "markdown", "data": each.data}
            for number, each in enumerate(artifacts)
        }
        declared = ", ".join(f"${name}: create_task_run_artifact_input!" for name in given)
        asked = " ".join(f"{name}: create_task_run_artifact(input: ${name}) {{id}}" for name in given)
        self._client.graphql(f"mutation({declared}) {{{asked}}}", variables=given)


def _with_time(state: Dict[str, Any]) -> Dict[str, Any]:
    """A serialized state with the time at which it was reached, which the API learns later."""
    context = dict(state.get("context") or {})
    context[REPORTED_AT] = pendulum.now("utc").isoformat()
    return {**state, "context": context}
