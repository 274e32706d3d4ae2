"""Runs the tests marked `places`, with what they need: a container engine, and an image of Python.

    python -m tests.places [--cached] [arguments for pytest]
    python -m tests.places --is-cached
    python -m tests.places --delete-cache

With `--cached`, nothing is installed: without an image from an earlier time, nothing is run. `--is-cached`
exits with 0 if that image is there.
"""

from __future__ import annotations

import subprocess
import sys

from tests.places import engine


def main(arguments: list[str]) -> int:
    if arguments == ["--is-cached"]:
        return 0 if engine.is_cached() else 1
    try:
        if arguments == ["--delete-cache"]:
            engine.delete_cache()
            return 0
        cached = "--cached" in arguments
        with engine.running(install=not cached):
            engine.base_image(build=not cached)
            command = [sys.executable, "-m", "pytest", "-m", "places", "tests/places", "--durations=12"]
            done = subprocess.run([*command, *(a for a in arguments if a != "--cached")], check=False)
            return done.returncode
    except engine.Missing as missing:
        print(
            f"\n{'!' * 72}\nSKIPPED: the tests of places did not run. {missing}\n{'!' * 72}", file=sys.stderr
        )
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
