"""Real Kedro projects for tests, made on the fly in temporary folders."""
