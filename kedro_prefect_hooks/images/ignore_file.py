"""A project's `.dockerignore`: what must never get into an image.

`.kedro_prefect` has the embedded API's token and the history of all flow runs. Docker copies it with the
project unless `.dockerignore` says otherwise, and an image can be read by everyone who can pull it.
"""

from __future__ import annotations

from pathlib import Path

NAME = ".dockerignore"
STATE = ".kedro_prefect"

_ADDED = f"""\
# the state of the embedded Prefect API: its token and its history
{STATE}
"""

NEW = f"""\
{_ADDED}
# what only building and developing need
Dockerfile
.dockerignore
.git
.venv
**/__pycache__

# what may contain secrets: give it to containers as environment variables or mounts
conf/**/*credentials*
conf/local
!conf/local/.gitkeep
.env

# what a run reads and writes: mount it, or keep it in a store that all machines reach
data
logs
notebooks
references
results
"""
"""For a project that has none: kedro-docker's, and what Prefect adds."""


def leaves_out_file(text: str, path: str) -> bool:
    """Whether a `.dockerignore` keeps a file of the project out of an image, by Docker's own rules."""
    from docker.utils.build import PatternMatcher

    lines = (line.strip() for line in text.splitlines())
    patterns = [line for line in lines if line and not line.startswith("#")]
    # This matcher, unlike Docker, does not let `**/` match no folder at all.
    patterns = [each for line in patterns for each in dict.fromkeys([line, line.replace("**/", "", 1)])]
    matcher = PatternMatcher(patterns)
    return bool(matcher.matches(path))


def leaves_out_state(text: str) -> bool:
    """Whether a `.dockerignore` keeps the state of the embedded API out of an image."""
    return all(leaves_out_file(text, f"{STATE}/{name}") for name in ("token", "server.json", "api.sqlite"))


def add_state(folder: Path) -> bool:
    """Add `.kedro_prefect` to a `.dockerignore` that does not leave it out; return whether it was added."""
    file = folder / NAME
    if not file.is_file():
        return False
    before = file.read_bytes()
    text = before.decode("utf-8", errors="replace")
    if leaves_out_state(text):
        return False
    newline = "\r\n" if "\r\n" in text else "\n"
    start = "" if not text or text.endswith("\n") else newline
    added = newline.join(["", *_ADDED.splitlines(), ""]) if text.strip() else _ADDED
    file.write_bytes(before + f"{start}{added}".encode())
    return True


def can_leak(folder: Path) -> bool:
    """Whether an image built from the project's Dockerfile would have the state of the embedded API."""
    if not (folder / "Dockerfile").is_file():
        return False
    file = folder / NAME
    return not file.is_file() or not leaves_out_state(file.read_text(encoding="utf-8", errors="replace"))
