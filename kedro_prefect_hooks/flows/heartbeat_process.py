"""A flow run's heartbeat, as a program of its own: `python -S heartbeat_process.py`, settings on its input.

Not a thread, because a node in a C call that holds the interpreter's lock would silence it. And not Prefect's
own heartbeat process, which outlives a flow run that was killed, so that it would never be seen as dead: this
one ends with the process that has started it. Imports nothing heavy before the first heartbeat is due.
"""

import json
import os
import signal
import sys
import threading
import time

LOOK_SECONDS = 1.0
"""How often to see whether the flow run's process is still there."""

MUTATION = """
mutation($input: update_flow_run_heartbeat_input!) {
    update_flow_run_heartbeat(input: $input) { success }
}
"""


def main() -> None:
    """Send a heartbeat each `interval` seconds, until the input is closed or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the flow run, which ends this one
    settings = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    parent = os.getppid()
    due = time.monotonic() + settings["interval"]
    while os.getppid() == parent:
        left = due - time.monotonic()
        if left > 0:
            time.sleep(min(left, LOOK_SECONDS))
            continue
        due = time.monotonic() + settings["interval"]
        _beat(settings)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def _beat(settings: dict) -> None:  # type: ignore[type-arg]
    sys.path[:] = settings["sys_path"]
    import requests

    body = {"query": MUTATION, "variables": json.dumps({"input": {"flow_run_id": settings["flow_run_id"]}})}
    try:
        requests.post(
            settings["url"], json=body, headers=settings["headers"], timeout=settings["interval"]
        ).raise_for_status()
    except requests.RequestException as error:
        # Not to be reported to the API, which does not respond; the next heartbeat may arrive.
        print(f"A heartbeat did not arrive: {error}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
