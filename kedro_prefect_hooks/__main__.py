"""`python -m kedro_prefect_hooks …` is `kedro prefect …`, with nothing but its output on standard output.

Kedro prints which logging configuration it uses, on standard output and before any plugin is loaded, which a
program that reads JSON there cannot use.
"""

from __future__ import annotations

import contextlib
import sys


def main() -> None:
    """Run the command."""
    with contextlib.redirect_stdout(sys.stderr):
        from kedro.framework import project  # noqa: F401 # configures logging
        from kedro.framework.cli.cli import main as kedro
    sys.argv = ["kedro", "prefect", *sys.argv[1:]]
    kedro()


if __name__ == "__main__":
    main()
