"""Run one probe in this process: `python -m benchmarks.probe NAME JSON`."""

import sys

import benchmarks.flow_run_probes  # noqa: F401  (registers its probes)
from benchmarks.probes import main

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
