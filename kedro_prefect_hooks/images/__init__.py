"""A project in a container image. Knows neither Prefect nor the API."""
