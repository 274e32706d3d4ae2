"""This package's agent for a given API, as `kedro prefect agent` and `kedro prefect up` run it.

``python -m tests.agent.agent_process URL FOLDER [--cancel-on-exit] [--prepare]``. Its
intervals are such that it does nothing in time unless it is told to.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kedro_prefect_hooks.agent import project_agent, watchful_agent
from kedro_prefect_hooks.agent.api_address import ApiAddress

CANCELLING_SECONDS = 3.0


def main(url: str, folder: str, *options: str) -> None:
    watchful_agent._SAFETY_SECONDS = 3600
    api = ApiAddress(url, next((o.partition("=")[2] for o in options if o.startswith("--token=")), None))
    with project_agent.prefect_configured_for(api):
        agent = project_agent.ProjectAgent(
            Path(folder),
            cancel_on_exit="--cancel-on-exit" in options,
            prepare="--prepare" in options,
            echo=lambda text: print(text, flush=True),
            name="tester",
            hostname_label=False,
            env_vars={
                "PREFECT__CLOUD__HEARTBEAT_MODE": "thread",
                "PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL": "1",
                "PREFECT__CLOUD__LOGGING_HEARTBEAT": "1",
            },
        )
        agent.owned._cancelling_seconds = CANCELLING_SECONDS
        agent.on_ready = lambda: print("Ready.", flush=True)
        project_agent.run_agent(agent, api)
    print("Stopped.", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
