"""How a flow run reports to the Prefect API: states in batches, an API that is restarted, heartbeats."""
