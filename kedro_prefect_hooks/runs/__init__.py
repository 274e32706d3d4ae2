"""One Kedro run in one process: spec, session, nodes, outputs. Knows nothing of Prefect."""
