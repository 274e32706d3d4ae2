"""What `Module` storage loads in the process of a flow run; see `rebuilding`.

Registered flows name this function, so it must not move. It imports nothing heavy before Python's garbage
collector is off.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from kedro_prefect_hooks.garbage import no_collection, process_ends

if TYPE_CHECKING:
    from kedro_prefect_hooks.flows.flow import KedroFlow


def load() -> KedroFlow:
    """The flow that this process is to run.

    What is imported and built for it stays until the process ends, so Python need not look for garbage in it:
    not now, not while nodes run, and not at the end, when that alone would take 0.3 s.

    Raises:
        FlowRunError: as `rebuilding.rebuilt_flow`.
    """
    with no_collection():
        from kedro_prefect_hooks.flows.rebuilding import rebuilt_flow

        flow = rebuilt_flow()
    process_ends()
    atexit.register(process_ends)
    return flow
