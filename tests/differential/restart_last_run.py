"""Restarts the last flow run of the project in the working directory, as Prefect's UI does, and waits for it.

`case_folder` copies this script next to a written case.
"""

from __future__ import annotations

import time
from typing import Any

import prefect
from prefect.engine.state import Pending, Scheduled

from kedro_prefect_hooks.embedded.location import running

LAST = """
query {
    flow_run(limit: 1, order_by: {created: desc}) {id version state task_runs {id version state}}
}
"""


def main() -> None:
    endpoint = running(".")
    assert endpoint is not None, "start the API and an agent with `kedro prefect up`"
    client = prefect.Client(api_server=endpoint.url, api_key=endpoint.token)

    def last_run() -> Any:
        return client.graphql(LAST).data.flow_run[0]

    run = last_run()
    for task in run.task_runs:
        if task.state in ("Failed", "TriggerFailed"):
            client.set_task_run_state(task.id, version=task.version, state=Pending())
    client.set_flow_run_state(run.id, version=run.version, state=Scheduled())
    while last_run().state not in ("Success", "Failed"):
        time.sleep(1)
    print("The restarted flow run ended in", last_run().state)


if __name__ == "__main__":
    main()
