"""``python -m kedro_prefect_hooks.embedded --database FILE --port PORT``: the embedded API on its own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.errors import KedroPrefectError


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m kedro_prefect_hooks.embedded", description=__doc__)
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file; created if missing")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4200, help="0 for any free port (default: %(default)s)")
    parser.add_argument(
        "--retention",
        type=float,
        default=90,
        metavar="DAYS",
        help="delete flow runs that finished longer ago; 0 to keep all (default: %(default)s)",
    )
    # Not an option: other users of the machine can see the arguments of a process.
    parser.epilog = (
        f"If the environment variable {env_vars.TOKEN} is set, requests must send it as their token."
    )
    options = parser.parse_args()
    try:
        from kedro_prefect_hooks.embedded.server import serve
        from kedro_prefect_hooks.embedded.settings import Settings

        serve(
            options.database,
            options.host,
            options.port,
            token=os.environ.get(env_vars.TOKEN) or None,
            on_ready=lambda server: print(f"Listening at {server.url}", flush=True),  # noqa: T201
            settings=Settings(retention=options.retention * 86_400 or None),
        )
    except KedroPrefectError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
