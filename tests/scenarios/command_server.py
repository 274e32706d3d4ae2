"""Runs each `kedro …` in its own process, without importing the same packages every time.

A `kedro` command takes two and a half seconds, most of them to import packages that no test is about: pandas,
dask, click, rich … A server process imports those once and forks for each command. Kedro, Prefect, this
package and the project read settings when they are imported (environment variables, files in the home
folder), so each command imports them itself; from there on it is `python -m kedro`.

It needs `os.fork`; elsewhere `run` starts a new interpreter. This file is both the client (`run`) and, as a
script, the server, which must not import any of our modules.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any, Mapping

PRELOADED = (
    "appdirs",
    "attrs",
    "box",
    "click",
    "croniter",
    "dask.base",
    "dask.system",
    "dynaconf",
    "email.mime.multipart",
    "fsspec.implementations.local",
    "graphql",
    "importlib_metadata",
    "jinja2",
    "marshmallow",
    "marshmallow_oneofschema",
    "msgpack",
    "multiprocessing.managers",
    "multiprocessing.shared_memory",
    "omegaconf",
    "pandas",
    "parse",
    "pendulum",
    "pluggy",
    "pydantic",
    "pytz",
    "requests",
    "rich.console",
    "rich.logging",
    "rich.traceback",
    "slugify",
    "sqlalchemy.orm",
    "starlette.applications",
    "toml",
    "toposort",
    "tornado.ioloop",
    "uvicorn",
    "yaml",
)
"""Third-party packages that read no settings that a test sets. Those that are not installed are skipped."""


def run(
    arguments: tuple[str, ...], *, cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `python -m kedro <arguments>`; `stdout` of the result has its output and its errors.

    Args:
        arguments: What follows `kedro` on the command line.
        cwd: Working directory.
        env: The whole environment.
        timeout: Seconds after which the process is killed.

    Raises:
        subprocess.TimeoutExpired: It was killed.
    """
    command = [sys.executable, "-m", "kedro", *arguments]
    with tempfile.NamedTemporaryFile() as output:
        if hasattr(os, "fork"):
            code = _server().run(arguments, cwd, env, output.name, timeout)
        else:
            code = subprocess.run(
                command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            ).returncode
        output.seek(0)
        printed = output.read().decode("utf-8").replace("\r\n", "\n")
    return subprocess.CompletedProcess(command, code, printed)


class _Server:
    """The client's side of the server process; each process that runs tests has its own."""

    def __init__(self) -> None:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self.pid = os.getpid()
        self.lock = threading.Lock()
        from tests import processes  # the server, which runs this file as a script, cannot import it

        self.process: subprocess.Popen[str] = processes.start(
            [sys.executable, __file__],
            env={**environment, "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        atexit.register(self.kill)

    def run(
        self,
        arguments: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        output: str,
        timeout: float,
    ) -> int:
        request = {
            "arguments": arguments,
            "cwd": str(cwd),
            "env": dict(env),
            "output": output,
        }
        with self.lock:
            self._send(request)
            child = self._receive()["pid"]
            timed_out = threading.Event()

            def kill_child() -> None:
                timed_out.set()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)

            timer = threading.Timer(timeout, kill_child)
            timer.start()
            try:
                code = int(self._receive()["code"])
            finally:
                timer.cancel()
        if timed_out.is_set():
            raise subprocess.TimeoutExpired(["kedro", *arguments], timeout)
        return code

    def kill(self) -> None:
        if self.pid == os.getpid():
            self.process.kill()

    def _send(self, request: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def _receive(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the server of `kedro` commands has exited"
        return json.loads(line)


_running: list[_Server] = []


def _server() -> _Server:
    if not _running or _running[0].pid != os.getpid() or _running[0].process.poll() is not None:
        _running[:] = [_Server()]
    return _running[0]


# --- the server process ----------------------------------------------------------------------------


def _serve() -> None:
    """Serve requests from standard input until it closes; return only in a child."""
    # Kedro before 0.18.3, which supports Python up to 3.9, finds plugins with pkg_resources.
    for name in (*PRELOADED, *["pkg_resources"] * (sys.version_info < (3, 10))):
        with contextlib.suppress(ImportError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    gc.freeze()
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _prepare(request)
            return
        print(json.dumps({"pid": child}), flush=True)
        status = os.waitpid(child, 0)[1]
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
        print(json.dumps({"code": code}), flush=True)
    sys.exit()


def _prepare(request: Mapping[str, Any]) -> None:
    """Set this child's output, environment, working directory and arguments to those of the request."""
    output = os.open(request["output"], os.O_WRONLY | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(output)
    os.close(null)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    paths = [path for path in request["env"].get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:1] = [request["cwd"], *paths]  # instead of this file's folder
    sys.argv[1:] = request["arguments"]


if __name__ == "__main__":
    _serve()
    runpy.run_module("kedro", run_name="__main__", alter_sys=True)
