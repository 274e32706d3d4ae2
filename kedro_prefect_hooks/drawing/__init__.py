"""Pictures of a flow: its tasks and edges, the nodes that share a task, and the datasets that are persisted.

`model` says what there is to see, `layout` where it goes, `svg`, `html` and `mermaid` how it is written down.
"""
