"""A node that runs after a failure: it gets None for the inputs that this run has not made.

What is in the place of such an input was made by an earlier run, or by nobody.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Iterable

from kedro_prefect_hooks.compat.kedro_datasets import holding

if TYPE_CHECKING:
    from kedro_prefect_hooks.runs.node_runner import NodeRunner


def without_inputs(runner: NodeRunner, node: str, missing: Iterable[str]) -> NodeRunner:
    """The same run for a node, even if a failure has stopped it, with None in place of some inputs."""
    own = {name: holding(None) for name in missing}
    view = runner.with_datasets(own, [runner.node(node)], is_idle=lambda _: False)
    view.spec = replace(runner.spec, stop_file=None)
    return view
