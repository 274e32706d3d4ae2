"""The approach of the script in Kedro's documentation ("Deployment with Prefect"), rewritten as a competitor.

One task creates the catalog. Every node is a task that receives the whole catalog from the tasks before it,
runs the node with an empty hook manager, and passes the catalog on. Do not follow this approach: see "How
data flows" in the documentation.
"""

from __future__ import annotations

from typing import Any

import prefect
from prefect import Flow, Task

from kedro_prefect_hooks.compat import kedro_catalog, kedro_pipeline, kedro_runner


class CatalogTask(Task):
    """Build the catalog, with a memory dataset for every dataset without an entry."""

    def __init__(self, project_path: str, pipeline: Any, **kwargs: Any) -> None:
        self.project_path = project_path
        self.pipeline = pipeline
        super().__init__(name="catalog", **kwargs)

    def run(self) -> Any:
        from kedro.framework.session import KedroSession

        with KedroSession.create(project_path=self.project_path, save_on_close=False) as session:
            catalog = session.load_context().catalog
        for name in sorted(kedro_pipeline.dataset_names(self.pipeline)):
            kedro_catalog.dataset(catalog, name)
        return {"catalog": catalog, "id": "script"}


class NodeTask(Task):
    """Run one node with the catalog it receives, and pass the catalog on."""

    def __init__(self, node: Any, **kwargs: Any) -> None:
        self.node = node
        super().__init__(name=node.name, tags=node.tags, **kwargs)

    def run(self, task_dict: Any) -> Any:
        from kedro.framework.hooks.manager import _create_hook_manager

        kedro_runner.run_node(self.node, task_dict["catalog"], _create_hook_manager(), False, task_dict["id"])
        return task_dict


def script_flow(project_path: str, pipeline: Any) -> prefect.Flow:
    """Return the pipeline as a flow with one task per node."""
    flow = Flow("script")
    catalog = CatalogTask(project_path, pipeline)
    tasks = {node.name: NodeTask(node) for node in pipeline.nodes}
    for node, before in pipeline.node_dependencies.items():
        upstream = [tasks[dep.name] for dep in before]
        flow.set_dependencies(
            tasks[node.name],
            upstream_tasks=upstream,
            keyword_tasks={"task_dict": upstream[0] if upstream else catalog},
        )
    return flow
