"""Every workaround for Prefect 1.1.0, each with its reason.

Imports Prefect, so nothing that a plain `kedro run` needs may import this.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing.util
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Iterable, Iterator

import pendulum

if sys.version_info >= (3, 12) and not hasattr(pendulum.tz, "_Timezone"):
    # Prefect's CronSchedule needs this name, which pendulum 3 dropped; pendulum 2 cannot be built on
    # Python 3.12 and later. The only patch of third-party code in this package.
    pendulum.tz._Timezone = pendulum.tz.timezone.Timezone

import prefect
from prefect.engine.flow_runner import FlowRunner
from prefect.engine.state import Retrying
from prefect.engine.task_runner import TaskRunner
from prefect.utilities.logging import LOG_MANAGER, CloudHandler, LogManager

from kedro_prefect_hooks.compat import kedro_project

if TYPE_CHECKING:
    from prefect.engine.state import State


class _WithoutMarkup(logging.Handler):
    """Mixed into a handler: lines without the markup that Kedro writes for rich's console."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if getattr(record, "markup", None) and "[" in line:
            from rich.markup import render

            return render(line).plain
        return line


class PlainCloudHandler(_WithoutMarkup, CloudHandler):
    """Sends lines to the Prefect API."""


class PlainConsoleHandler(_WithoutMarkup, logging.StreamHandler):  # type: ignore[type-arg]
    """Writes lines to a file or pipe, in Prefect's format."""


def _plain_where_nobody_looks(logger: logging.Logger) -> None:
    """Replace rich's drawing of a logger's lines, 2 ms each, where the console is no terminal.

    In a file, such as an agent's log, it would break each line at 80 columns too.
    """
    if "rich.logging" not in sys.modules:
        return
    from rich.logging import RichHandler

    for handler in list(logger.handlers):
        if isinstance(handler, RichHandler) and not handler.console.is_terminal:
            plain = PlainConsoleHandler(handler.console.file)
            plain.setLevel(handler.level)
            plain.setFormatter(
                logging.Formatter(prefect.config.logging.format, prefect.config.logging.datefmt)
            )
            plain.filters = list(handler.filters)
            logger.removeHandler(handler)
            logger.addHandler(plain)


@contextlib.contextmanager
def printed_once() -> Iterator[None]:
    """Leave the console to the logging that Kedro has configured.

    Prefect's logger has a console handler of its own and hands its lines on to the root logger too, so that
    with Kedro's handler there each would be printed twice.
    """
    own = print_once()
    try:
        yield
    finally:
        for handler in own:
            logging.getLogger("prefect").addHandler(handler)


def print_once() -> list[logging.Handler]:
    """The same for good, in a process that only runs one flow; returns the handlers that it removes."""
    if not logging.getLogger().handlers:
        return []
    logger = logging.getLogger("prefect")
    own: list[logging.Handler] = [each for each in logger.handlers if type(each) is logging.StreamHandler]
    for handler in own:
        logger.removeHandler(handler)
    return own


def send_kedro_logs(more: Iterable[str] = ()) -> None:
    """Send the lines of Kedro, of the project and of this package to the Prefect API, as Prefect's own go.

    Args:
        more: names of further loggers, besides those in PREFECT__LOGGING__EXTRA_LOGGERS.

    Kedro configures logging when a project is bootstrapped, which removes Prefect's handler from the loggers
    named in PREFECT__LOGGING__EXTRA_LOGGERS; so this must be called after that, in each process.
    """
    if not prefect.context.get("running_with_backend"):
        return
    _plain_where_nobody_looks(logging.getLogger())
    own = list(filter(None, ("kedro", kedro_project.package_name(), "kedro_prefect_hooks")))
    extra = _extra_loggers() | set(more)
    for name in (*own, *sorted(extra)):
        for logger in (logging.getLogger(name), *_apart(name)):
            _plain_where_nobody_looks(logger)
            if name in extra:
                logger.disabled = False  # by `disable_existing_loggers` of logging.yml
            is_sending = [handler for handler in logger.handlers if isinstance(handler, CloudHandler)]
            if _is_sent_from_above(logger):
                for handler in is_sending:  # Prefect's own: each line is to be sent once
                    logger.removeHandler(handler)
            elif not is_sending:
                logger.addHandler(PlainCloudHandler())
            if logger.getEffectiveLevel() > logging.INFO:
                logger.setLevel(logging.INFO)


def _extra_loggers() -> set[str]:
    """The names in PREFECT__LOGGING__EXTRA_LOGGERS."""
    names = prefect.config.logging.get("extra_loggers") or []
    return {str(name) for name in ([names] if isinstance(names, str) else names) if name}


def _is_sent_from_above(logger: logging.Logger) -> bool:
    """Whether a logger that this one passes its lines to sends them."""
    while logger.propagate and logger.parent is not None:
        logger = logger.parent
        if any(isinstance(handler, CloudHandler) for handler in logger.handlers):
            return True
    return False


def _apart(name: str) -> list[logging.Logger]:
    """The loggers below this one that do not pass their lines up.

    `logging.yml` of the projects that Kedro up to 0.18.1 began makes `kedro.io` and `kedro.pipeline` such.
    """
    below = [each for each in logging.root.manager.loggerDict if each.startswith(f"{name}.")]
    return [logger for logger in map(logging.getLogger, below) if not logger.propagate]


def _send_own_logs(manager: LogManager) -> None:
    """Let a forked worker send its log lines, and what it has left of them when it ends.

    Prefect starts the thread that sends them once; a forked child (`LocalDaskExecutor("processes")`)
    inherits the note that it runs, and the parent's unsent lines, but not the thread. And what Prefect
    registers with `atexit` never runs in a child of multiprocessing.
    """
    manager.__init__()  # type: ignore[misc]
    multiprocessing.util.Finalize(manager, manager.stop, exitpriority=0)


multiprocessing.util.register_after_fork(LOG_MANAGER, _send_own_logs)


def flush_logs() -> None:
    """Send this process's log lines now. Prefect's manager does so at intervals, and when it is stopped."""
    if LOG_MANAGER.thread is not None:
        LOG_MANAGER._stopped.set()
        LOG_MANAGER.thread.join()
        LOG_MANAGER._write_logs()
        # As after `stop`, the next line starts a new thread; one of another flow run on the same Dask worker
        # may do so at once. So the event is exchanged first, or that thread would end immediately.
        LOG_MANAGER._stopped = threading.Event()
        LOG_MANAGER.thread = None


API_GIVEN_UP_AFTER = 300.0
"""Seconds that a flow run whose tasks are done waits for an API that does not answer."""


def end_without_api() -> None:
    """From here on, exit if the API remains unreachable: the tasks of the flow run are done.

    Prefect's thread that looks for cancellation asks once more before the run ends, and for as long as the
    API does not respond, it repeats the request endlessly and without a pause, which keeps a whole processor
    busy. Only the final state is lost, which could not be reported anyway.
    """
    if prefect.context.get("running_with_backend"):
        context = prefect.context.to_dict()
        threading.Thread(target=_watch_api, args=(context,), name="kedro-prefect-api", daemon=True).start()


def _watch_api(context: dict[str, Any]) -> None:
    unreachable_since = None
    while True:
        time.sleep(min(10.0, API_GIVEN_UP_AFTER))
        try:
            with prefect.context(context):
                prefect.Client().graphql("query {hello}")
            unreachable_since = None
        except Exception as error:
            unreachable_since = unreachable_since or time.monotonic()
            if time.monotonic() - unreachable_since >= API_GIVEN_UP_AFTER:
                message = "Exiting without reporting the final state: the Prefect API is unreachable"
                print(f"{message} ({error}).", file=sys.stderr)  # noqa: T201
                # Like Ctrl+C, this also ends what Prefect has started beside the run, such as its heartbeat.
                # Sent as a signal, because the main thread waits for a lock.
                main = threading.main_thread().ident
                if main is not None and hasattr(signal, "pthread_kill"):
                    signal.pthread_kill(main, signal.SIGINT)
                    time.sleep(30)
                os._exit(1)


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
