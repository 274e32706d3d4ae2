"""Following a flow run in a Prefect API until it has finished. Prints nothing."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Generator, Iterator

from kedro_prefect_hooks import states
from kedro_prefect_hooks.api.flow_runs import LATE_SECONDS, Event, FlowRuns, FlowRunView
from kedro_prefect_hooks.errors import ApiError
from kedro_prefect_hooks.labels import agent_command, is_kind_for, why_not_accepted

SHORTEST_POLL_SECONDS, POLL_SECONDS = 0.2, 1.0
"""Between two requests: at first, while someone waits for a short run; and later."""

SHORT_RUN_SECONDS = 20.0

LAST_LINE = "Flow run "
"""How the last line of Prefect's flow runner begins: `Flow run SUCCESS: …`."""

WARN_SECONDS = 15.0
"""A flow run that has waited this long is checked for an agent; Prefect itself waits as long."""

UNREACHABLE_SECONDS = 60.0
"""How long the API may be unreachable: it may be restarting, and the flow run continues meanwhile."""


class FlowRunWatch:
    """The states and log lines of one flow run, as they arrive.

    Args:
        runs: the flow runs of the Prefect project.
        view: the flow run right after it was created.
        run_id: its id.
    """

    def __init__(self, runs: FlowRuns, view: FlowRunView, run_id: str) -> None:
        self.runs = runs
        self.view = view
        self.run_id = run_id
        self._seen: set[str] = set()
        self._started = datetime.now(timezone.utc)
        self._newest = self._started - timedelta(minutes=5)
        self._warned = False
        self._has_ended = False

    def skip(self, event: Event) -> None:
        """Do not yield an event that the caller has already."""
        self._seen.add(event.key)
        self._has_ended = self._has_ended or event.text.startswith(LAST_LINE)
        self._newest = max(self._newest, event.at)

    def skip_earlier_events(self) -> None:
        """Do not yield what the API has now: before a restart, that is the attempt that failed."""
        earlier = self.runs.view(self.run_id, self._newest - timedelta(seconds=LATE_SECONDS))
        self._seen.update(event.key for event in earlier.events)

    def events(self) -> Iterator[Event]:
        """Yield each new event until the flow run has finished; `view` is then its last view.

        A caller that was interrupted may call it again, and gets the events that it has not had.

        Raises:
            ApiError: the API has been unreachable for too long.
        """
        while True:
            yield from self._new_events()
            if self.view.is_finished:
                yield from self._last_events()
                return
            yield from self._agent_warning()
            time.sleep(self._pause())

    def _pause(self) -> float:
        waited = (datetime.now(timezone.utc) - self._started).total_seconds()
        return SHORTEST_POLL_SECONDS if waited < SHORT_RUN_SECONDS else POLL_SECONDS

    def _last_events(self) -> Iterator[Event]:
        """With Prefect's own flow runner the last log lines may arrive after the final state."""
        end = time.monotonic() + POLL_SECONDS
        while not self._has_ended and time.monotonic() < end:
            time.sleep(SHORTEST_POLL_SECONDS)
            yield from self._new_events()

    def _new_events(self) -> Iterator[Event]:
        self.view = yield from self._read()
        for event in self.view.events:
            if event.key not in self._seen:
                self.skip(event)
                yield event

    def _read(self) -> Generator[Event, None, FlowRunView]:
        """Return the flow run as it is now; yield one warning while the API is unreachable."""
        deadline = time.monotonic() + UNREACHABLE_SECONDS
        warned = False
        while True:
            try:
                return self.runs.view(self.run_id, self._newest - timedelta(seconds=LATE_SECONDS))
            except ApiError as error:
                if time.monotonic() > deadline:
                    raise ApiError(
                        f"{error.message}\nIt has been unreachable for {UNREACHABLE_SECONDS:.0f} s. Flow run "
                        f"'{self.view.name}' ({self.run_id}) may still be running."
                    ) from error
                if not warned:
                    yield _warning("The API is unreachable; retrying until it responds.")
                warned = True
                time.sleep(2 * POLL_SECONDS)

    def _agent_warning(self) -> Iterator[Event]:
        waited = (datetime.now(timezone.utc) - self._started).total_seconds()
        if self._warned or waited < WARN_SECONDS or self.view.state not in states.WAITING:
            return
        self._warned = True
        run_config = self.view.run_config
        agents = [agent for _, agent in self.runs.running_agents() if is_kind_for(agent.type, run_config)]
        reason = why_not_accepted(agents, self.view.labels)
        if reason is not None:
            yield _warning(
                f"Waiting for {waited:.0f} s: {reason} Start one with "
                f"`{agent_command(run_config, self.view.labels)}`."
            )


def _warning(text: str) -> Event:
    now = datetime.now(timezone.utc)
    return Event(f"warning {now}", now, "WARNING", text)
