"""Starts and ends the process that sends a flow run's heartbeats; see `heartbeat_process`."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import prefect
from prefect.utilities.logging import get_logger

PROGRAM = Path(__file__).with_name("heartbeat_process.py")


@contextlib.contextmanager
def beating(client: prefect.Client, flow_run_id: str) -> Iterator[None]:
    """Send heartbeats to the API until the block ends, or this process does, whatever it is doing.

    Args:
        client: knows the API.
        flow_run_id: whose heartbeats.
    """
    process = _started(client, flow_run_id)
    try:
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()


def _started(client: prefect.Client, flow_run_id: str) -> subprocess.Popen[str] | None:
    headers = {"X-PREFECT-CORE-VERSION": str(prefect.__version__)}
    if client.api_key:
        headers["Authorization"] = f"Bearer {client.api_key}"
    settings = {
        "url": client.api_server,
        "headers": headers,
        "flow_run_id": flow_run_id,
        "interval": float(prefect.context.config.cloud.heartbeat_interval),
        "sys_path": sys.path,
    }
    try:
        # The settings hold a token, which must be in no command line.
        process = subprocess.Popen(
            [sys.executable, "-S", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            universal_newlines=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
    except OSError as error:
        get_logger("CloudFlowRunner").warning(
            "No process could be started to send heartbeats, so the API may take this flow run for dead: %s",
            error,
        )
        return None
    return process
