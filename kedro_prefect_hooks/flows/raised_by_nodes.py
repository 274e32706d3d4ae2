"""What a node raised, as Prefect's task runner can handle it.

Prefect takes what is no `Exception` for the end of the whole process, unless it is a signal of its own.
"""

from __future__ import annotations

import contextlib
from typing import Iterator

from prefect.engine.signals import ENDRUN, PrefectStateSignal
from prefect.exceptions import PrefectSignal

from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.failures import as_exception, failed_node


@contextlib.contextmanager
def as_failure(has_outputs: bool) -> Iterator[None]:
    """Run nodes: whatever they raise fails the task, except for Ctrl+C and Prefect's signals.

    Args:
        has_outputs: whether nodes after these may rely on something that these save.

    Raises:
        FlowRunError: a node has said that it succeeded, instead of returning its outputs.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except PrefectSignal as signal:
        state = signal.state if isinstance(signal, (ENDRUN, PrefectStateSignal)) else None
        if has_outputs and state is not None and state.is_successful() and not state.is_skipped():
            node = failed_node(signal)
            raise FlowRunError(
                f"Node '{node}' raised {type(signal).__name__} instead of returning its outputs, so they "
                "were not saved. Return them, or raise SKIP, which skips the nodes after it too."
            ) from None
        raise
    except BaseException as error:
        raise as_exception(error) from error
