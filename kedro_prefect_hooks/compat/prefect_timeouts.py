"""A task's timeout enforced by a process of its own, where Prefect 1.1.0's way loses what happened there.

Prefect runs a task with a timeout in a new process when the task is not in a main thread. There the start
of the process counts as time of the task; a signal (`FAIL`, `RETRY`), which is no `Exception`, comes back as
if the task had returned it; and a process that ends without an answer is waited for until the timeout.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any, Mapping, Protocol

import cloudpickle  # type: ignore[import-untyped]
import prefect
from prefect.exceptions import TaskTimeoutSignal
from prefect.utilities.logging import LOG_MANAGER

STARTED, ENDED = b"started", b"ended"

POLL_SECONDS = 0.5
"""How long to wait at a time."""

END_SECONDS = 5.0
"""How long a process may take to end before it is killed."""


class ProcessError(Exception):
    """The process of a task ended without an answer, or with one that cannot be passed on."""


class Work(Protocol):
    """What runs in the process."""

    def prepare(self) -> None:
        """Get ready; does not count as time of the task."""

    def __call__(self, **arguments: Any) -> Any: ...


def run_in_process(work: Work, arguments: Mapping[str, Any], timeout: float, name: str) -> Any:
    """Call `work` in a new process, within the current Prefect context.

    Args:
        work: picklable by cloudpickle.
        arguments: its keyword arguments.
        timeout: in seconds, from when `work` is prepared until it returns.
        name: of the task, for messages.

    Raises:
        TaskTimeoutSignal: it took longer; the process is gone.
        ProcessError: the process ended without an answer, or its answer cannot be pickled.
        BaseException: what `work` raised, Prefect's signals included.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), daemon=False)
    process.start()
    theirs.close()
    answered = False
    try:
        ours.send_bytes(cloudpickle.dumps((work, dict(arguments), prefect.context.to_dict())))
        _receive(ours)  # it is ready, and the time of the task begins
        _receive(ours, until=time.monotonic() + timeout)
        raised, value = cloudpickle.loads(_receive(ours))
        answered = True
    except (EOFError, OSError):
        process.join(END_SECONDS)
        raise ProcessError(
            f"The process of task '{name}' ended with exit code {process.exitcode} before the task finished."
        ) from None
    finally:
        _end(process, END_SECONDS if answered else 0)
        ours.close()
    if raised:
        raise value
    return value


def _receive(connection: Connection, until: float | None = None) -> bytes:
    """The next message of the process; waits in short turns, so that a cancellation interrupts it."""
    while True:
        left = POLL_SECONDS if until is None else until - time.monotonic()
        if left <= 0:
            raise TaskTimeoutSignal("Execution timed out.")
        if connection.poll(min(left, POLL_SECONDS)):
            return connection.recv_bytes()


def _end(process: Any, patience: float) -> None:
    """Wait for a process that sends its last log lines; end any other."""
    process.join(patience)
    if process.is_alive():
        process.terminate()
        process.join(END_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()


def _serve(connection: Connection) -> None:
    """What the new process does: it always sends three messages."""
    try:
        work, arguments, context = cloudpickle.loads(connection.recv_bytes())
        with prefect.context(context):
            answer = _called(connection, work, arguments)
    except BaseException as error:  # it could not be read, or could not get ready
        connection.send_bytes(STARTED)
        connection.send_bytes(ENDED)
        answer = (True, error)
    connection.send_bytes(_pickled(answer))
    LOG_MANAGER.stop()  # `atexit` is not run in a child of multiprocessing


def _called(connection: Connection, work: Work, arguments: Mapping[str, Any]) -> tuple[bool, Any]:
    try:
        work.prepare()
    except BaseException as error:
        connection.send_bytes(STARTED)
        connection.send_bytes(ENDED)
        return True, error
    connection.send_bytes(STARTED)
    try:
        value: tuple[bool, Any] = (False, work(**arguments))
    except BaseException as error:
        value = (True, error)
    connection.send_bytes(ENDED)
    return value


def _pickled(answer: tuple[bool, Any]) -> bytes:
    try:
        pickled: bytes = cloudpickle.dumps(answer)
        if answer[0]:
            cloudpickle.loads(pickled)  # an exception's own __init__ may want other arguments than it keeps
    except Exception as error:
        raised, value = answer
        what = f"raised {value!r}" if raised else f"returned a {type(value).__name__}"
        pickled = cloudpickle.dumps(
            (True, ProcessError(f"The task {what}, which cannot be pickled: {error}"))
        )
    return pickled
