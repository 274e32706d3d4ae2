"""Pictures of flows: tasks and edges, the nodes that share a task, and the datasets that are persisted.

`graph` says what a picture shows, `layout` where it goes, and `svg`, `html` and `mermaid` how it is written.
Knows nothing of Prefect, Kedro or the flows themselves.
"""
