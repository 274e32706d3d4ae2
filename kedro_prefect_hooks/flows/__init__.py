"""From a Kedro pipeline to a Prefect flow, and what its tasks do when they run."""
