"""The Prefect API as a client uses it: connection, transport, queries and mutations, flow runs."""
