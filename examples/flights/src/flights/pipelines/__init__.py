"""The four pipelines, in the order in which data flows: ingest, delays, model, report."""
