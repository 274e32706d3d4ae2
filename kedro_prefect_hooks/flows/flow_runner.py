"""The flow runner of a `KedroFlow` that runs against an API.

Prefect chooses a flow runner by its configuration, after it has loaded the flow. A flow that is rebuilt from
the project, or loaded from a pickle, changes that by `use_for_flow_runs`.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any, Callable, Iterable, Iterator

import prefect
from prefect.engine.cloud import CloudFlowRunner
from prefect.engine.state import Pending, State
from prefect.exceptions import ClientError

from kedro_prefect_hooks.compat.prefect import flush_logs
from kedro_prefect_hooks.compat.prefect_client import PatientClient
from kedro_prefect_hooks.flows.heartbeat import beating
from kedro_prefect_hooks.flows.tasks import lacked_inputs

QUALIFIED_NAME = f"{__name__}.KedroFlowRunner"

PREFECTS_OWN = "prefect.engine.cloud.CloudFlowRunner"
"""The flow runner that an agent configures."""

_STATE = "query($id: uuid!) {flow_run_by_pk(id: $id) {version serialized_state}}"
_SETTINGS = "query($id: uuid!) {flow_run_by_pk(id: $id) {flow {settings}}}"


def use_for_flow_runs() -> None:
    """In a process that an agent has started for a flow run, use this flow runner in place of Prefect's."""
    for config in (prefect.config, prefect.context.config):  # the two stay equal, as the executor expects
        if config.engine.flow_runner.default_class == PREFECTS_OWN:
            config.engine.flow_runner.default_class = QUALIFIED_NAME


class FlowRunClient(PatientClient):
    """The client of a flow runner, which asks for the flow run's state every few seconds."""

    _task_runs = True

    @contextlib.contextmanager
    def without_task_runs(self) -> Iterator[None]:
        """Meanwhile, `get_flow_run_info` does not fetch the states of all task runs."""
        self._task_runs = False
        try:
            yield
        finally:
            self._task_runs = True

    def get_flow_run_info(self, flow_run_id: str) -> Any:
        """Prefect's; or only the state and its version."""
        if self._task_runs:
            return super().get_flow_run_info(flow_run_id)
        found = self.graphql(_STATE, variables={"id": flow_run_id}).data.flow_run_by_pk
        if found is None:
            raise ClientError(f"Flow run {flow_run_id} was not found.")
        return SimpleNamespace(version=found.version, state=State.deserialize(found.serialized_state))


class KedroFlowRunner(CloudFlowRunner):
    """Prefect's, with a client that waits for an API that does not respond, and heartbeats from a process."""

    def __init__(
        self, flow: prefect.Flow, state_handlers: Iterable[Callable[..., Any]] | None = None
    ) -> None:
        super().__init__(flow=flow, state_handlers=list(state_handlers or ()))
        self.client: FlowRunClient = FlowRunClient()
        self._running = contextlib.ExitStack()

    def get_flow_run_state(
        self, state: State, task_states: dict[prefect.Task, State], *args: Any, **kwargs: Any
    ) -> State:
        """Run the flow; the process that sends heartbeats ends after the final state was reported.

        After a restart, a task that ran without some of its inputs runs again, although it succeeded.
        """
        for task in [task for task, before in task_states.items() if lacked_inputs(before)]:
            task_states[task] = Pending("Some inputs were missing before the restart.")
        with contextlib.ExitStack() as self._running, self.client.without_task_runs():
            ended: State = super().get_flow_run_state(state, task_states, *args, **kwargs)
            return ended

    def call_runner_target_handlers(self, old_state: State, new_state: State) -> State:
        """Report a state of the flow run; before the last one, the log lines, so that they are all there."""
        if new_state.is_finished():
            flush_logs()
        state: State = super().call_runner_target_handlers(old_state, new_state)
        return state

    def _heartbeat(self) -> bool:
        """Start the heartbeats. Prefect calls this first, and is told to send none."""
        flow_run_id = str(prefect.context.get("flow_run_id") or "")
        if prefect.context.config.cloud.heartbeat_mode != "off" and self._wants_heartbeats(flow_run_id):
            self._running.enter_context(beating(self.client, flow_run_id))
        return False

    def _wants_heartbeats(self, flow_run_id: str) -> bool:
        """Whether the flow's group has heartbeats switched on; Running has just been the first one."""
        try:
            flow = self.client.graphql(_SETTINGS, variables={"id": flow_run_id}).data.flow_run_by_pk.flow
        except Exception as error:
            self.logger.warning("The settings of flow '%s' cannot be read: %s", self.flow.name, error)
            return True
        return bool((flow.settings or {}).get("heartbeat_enabled", True))
