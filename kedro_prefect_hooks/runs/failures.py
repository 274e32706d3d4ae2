"""What a node raised, as an exception that Prefect accepts and that can reach the process of the flow run.

A node may raise what is not an `Exception` (`SystemExit`), or one that cannot be pickled. Neither may end a
worker, hang a pool, or make a flow run end without its cause. Knows nothing of Prefect.
"""

from __future__ import annotations

import contextlib
import traceback

from kedro_prefect_hooks.errors import FlowRunError

_DAEMON_HINT = (
    "The process of a Dask worker is daemonic, so it may not start processes of its own. To allow it, set "
    "`distributed.worker.daemon: false` in Dask's configuration where the workers are started "
    "(DASK_DISTRIBUTED__WORKER__DAEMON=False)."
)


class NodeExited(FlowRunError):
    """A node called `sys.exit`; `exit_code` is its code, and never 0: the node did not finish."""

    def __init__(self, node: str, code: object) -> None:
        super().__init__(f"Node '{node}' called sys.exit({'' if code is None else repr(code)}).")
        self.node = node
        self.code = code
        self.exit_code = code if isinstance(code, int) and 0 < code < 256 else 1  # type: ignore[misc]

    def __reduce__(self) -> tuple[type[NodeExited], tuple[str, object]]:
        return type(self), (self.node, self.code)


class NodeInterrupted(FlowRunError):
    """A node raised `KeyboardInterrupt` although nobody pressed Ctrl+C."""

    def __init__(self, node: str) -> None:
        super().__init__(f"Node '{node}' raised KeyboardInterrupt.")
        self.node = node

    def __reduce__(self) -> tuple[type[NodeInterrupted], tuple[str]]:
        return type(self), (self.node,)


class NodeNotStarted(FlowRunError):
    """A node was not started, because another node of the run had failed."""


class NodeError(FlowRunError):
    """Stands for a node's exception that cannot be pickled.

    Attributes:
        type_name: the exception's class, with its module.
        text: the exception's own message.
        traceback: the formatted traceback.
    """

    def __init__(self, type_name: str, text: str, formatted: str, node: str | None = None) -> None:
        super().__init__(f"{type_name}: {text}")
        self.type_name = type_name
        self.text = text
        self.traceback = formatted
        self._kedro_node = node

    def __reduce__(self) -> tuple[type[NodeError], tuple[str, str, str, str | None]]:
        return type(self), (self.type_name, self.text, self.traceback, self._kedro_node)


def failure_of(error: BaseException, node: str) -> BaseException:
    """What a node's task fails with, given what the node raised; notes the node on it.

    The exception itself, unless that would end a process (`SystemExit`, `KeyboardInterrupt`) or leave out
    the remedy.
    """
    failure = error
    if isinstance(error, SystemExit):
        failure = NodeExited(node, error.code)
    elif isinstance(error, KeyboardInterrupt):
        failure = NodeInterrupted(node)
    elif isinstance(error, AssertionError) and "daemonic processes are not allowed" in str(error):
        failure = FlowRunError(f"Node '{node}': {error}. {_DAEMON_HINT}")
    if failed_node(failure) is None:
        with contextlib.suppress(Exception):  # a class of the user's own may not accept attributes
            failure._kedro_node = node  # type: ignore[attr-defined]
    return failure


def failed_node(error: BaseException) -> str | None:
    """The node that raised this exception."""
    found: str | None = getattr(error, "_kedro_node", None)
    return found


def picklable(error: Exception) -> Exception:
    """The exception itself if another process can read it; otherwise a `NodeError` that describes it."""
    import cloudpickle  # type: ignore[import-untyped]

    try:
        if type(cloudpickle.loads(cloudpickle.dumps(error))) is type(error):
            return error
    except Exception:  # a class's own __reduce__ or __init__ may raise anything
        pass
    return as_exception(error)


def as_exception(error: BaseException) -> NodeError:
    """A `NodeError` that describes what was raised, such as `CancelledError`, which is no `Exception`."""
    kind = type(error)
    formatted = "".join(traceback.format_exception(kind, error, error.__traceback__))
    return NodeError(f"{kind.__module__}.{kind.__qualname__}", str(error), formatted, failed_node(error))
