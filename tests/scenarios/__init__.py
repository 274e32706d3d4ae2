"""Real Kedro projects for tests, created in temporary folders."""
