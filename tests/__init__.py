"""Tests of kedro-prefect-hooks: real Kedro projects, the real Prefect client, agent and executors."""
