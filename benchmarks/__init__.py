"""Benchmarks: the cost of a flow run, measured side by side with competitors: `make bench`."""
