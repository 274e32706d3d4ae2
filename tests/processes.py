"""Child processes for tests: each reacts to Ctrl+C, and none is waited for without a limit.

A process started while SIGINT is ignored, as in a shell's background job and on some CI runners, ignores it
too, and so do its children: Python then installs no handler that raises KeyboardInterrupt.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import Any, Iterator, Sequence

PATIENCE = 20.0
"""Seconds that a child has to exit after SIGTERM before it is killed."""


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Start a child with the default SIGINT handler; `options` are those of `subprocess.Popen`."""
    if os.name != "nt":
        options.setdefault("preexec_fn", _restore_sigint)
    return subprocess.Popen(command, **options)


def stop(process: subprocess.Popen[Any], *, patience: float = PATIENCE, group: bool = False) -> int:
    """Terminate a child, kill it if it has not exited after `patience` seconds, and return its exit code.

    Nothing happens to a child that has exited already.

    Args:
        process: the child.
        patience: seconds.
        group: also kill what the child has started and left running; for children started with
            `start_new_session=True`.
    """
    try:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(patience)
    finally:
        if group and os.name != "nt":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
    return process.returncode


@contextlib.contextmanager
def running(
    command: Sequence[str], *, patience: float = PATIENCE, group: bool = False, **options: Any
) -> Iterator[subprocess.Popen[Any]]:
    """A child for the length of a `with` block, at whose end it is stopped, with bounded waits.

    Unlike `with subprocess.Popen(…)`, which waits for ever. `options` are those of `subprocess.Popen`.
    """
    process = start(command, **options)
    try:
        yield process
    finally:
        stop(process, patience=patience, group=group)


def _restore_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
