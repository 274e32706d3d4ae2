"""The project's own Prefect agent: its flow labels, the processes of its flow runs, and how they stop."""
