"""The four pipelines, in the data's order: ingest, delays, model, report."""
