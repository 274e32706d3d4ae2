"""What a flow run costs, measured side by side with what it is measured against; `make bench` runs it."""
