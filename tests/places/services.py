"""Small servers for the tests of places: a webhook, a Git repository, and a Kubernetes API of two kinds.

And one that accepts connections and never answers.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


@contextlib.contextmanager
def _served(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Accepts connections, and says nothing; its port."""
    with socket.socket() as listening:
        listening.bind(("0.0.0.0", 0))
        listening.listen(100)
        yield int(listening.getsockname()[1])


@contextlib.contextmanager
def webhook(key: str) -> Iterator[int]:
    """Stores what is posted and returns it, to those who send the key; its port."""
    stored: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self._is_allowed():
                stored[self.path] = body
                self._answer(201, b"")

        def do_GET(self) -> None:
            if self._is_allowed():
                self._answer(200 if self.path in stored else 404, stored.get(self.path, b""))

        def _is_allowed(self) -> bool:
            allowed = self.headers.get("X-Key") == key
            if not allowed:
                self._answer(401, b"")
            return allowed

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with _served(ThreadingHTTPServer(("0.0.0.0", 0), Handler)) as port:
        yield port


@contextlib.contextmanager
def git_repository(folder: Path, token: str) -> Iterator[int]:
    """Serves the repository in `folder` over HTTP to those who send the token as their password; its port."""
    import base64

    from dulwich.repo import Repo
    from dulwich.server import DictBackend
    from dulwich.web import make_wsgi_chain

    chain = make_wsgi_chain(DictBackend({"/flows.git": Repo(str(folder))}))
    expected = "Basic " + base64.b64encode(f"git:{token}".encode()).decode()

    def guarded(environ: Any, start_response: Any) -> Any:
        if environ.get("HTTP_AUTHORIZATION") != expected:
            start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
            return [b""]
        return chain(environ, start_response)

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server: WSGIServer = make_server("0.0.0.0", 0, guarded, handler_class=Quiet)
    with _served(server) as port:
        yield port


class Kubernetes:
    """A Kubernetes API with jobs and pods. The pod of a job is a Docker container on this machine.

    Args:
        docker: Docker's client.
        secrets: the keys and values of each of the cluster's secrets.

    Attributes:
        jobs: those that have not been deleted, by name.
        created: those that have been created, by the id of their flow run.
    """

    def __init__(self, docker: Any, secrets: dict[str, dict[str, str]]) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.created: dict[str, dict[str, Any]] = {}
        self._docker = docker
        self._secrets = secrets
        self._containers: dict[str, str] = {}

    def create_job(self, job: dict[str, Any], namespace: str) -> dict[str, Any]:
        name = job["metadata"]["name"]
        container = job["spec"]["template"]["spec"]["containers"][0]
        made = self._docker.create_container(
            container["image"],
            command=[*(container.get("command") or ()), *container.get("args", ())],
            environment={each["name"]: self._value(each) for each in container["env"]},
        )
        self._docker.start(made["Id"])
        self._containers[name] = made["Id"]
        job["metadata"].update(namespace=namespace, uid=str(uuid.uuid4()))
        self.jobs[name] = job
        self.created[job["metadata"]["labels"]["prefect.io/flow_run_id"]] = job
        return job

    def _value(self, variable: dict[str, Any]) -> str:
        if "valueFrom" not in variable:
            return str(variable.get("value", ""))
        reference = variable["valueFrom"]["secretKeyRef"]
        return self._secrets[reference["name"]][reference["key"]]

    def list_jobs(self) -> list[dict[str, Any]]:
        for name, job in self.jobs.items():
            code = self._exit_code(name)
            key = "active" if code is None else "succeeded" if code == 0 else "failed"
            job["status"] = {key: 1}
        return list(self.jobs.values())

    def list_pods(self, selector: str) -> list[dict[str, Any]]:
        identifier = selector.partition("=")[2]
        pods = []
        for name, job in self.jobs.items():
            if job["metadata"]["labels"]["prefect.io/identifier"] != identifier:
                continue
            code = self._exit_code(name)
            state = {"running": {}} if code is None else {"terminated": {"exitCode": code}}
            pod: dict[str, Any] = {"metadata": {"name": f"{name}-pod"}}
            status = {
                "name": "flow",
                "state": state,
                "ready": False,
                "restartCount": 0,
                "image": "",
                "imageID": "",
            }
            phase = "Running" if code is None else "Succeeded" if code == 0 else "Failed"
            pod["status"] = {"phase": phase, "containerStatuses": [status]}
            pods.append(pod)
        return pods

    def delete_job(self, name: str) -> None:
        self.jobs.pop(name, None)
        self._docker.remove_container(self._containers.pop(name), force=True)

    def _exit_code(self, name: str) -> int | None:
        state = self._docker.inspect_container(self._containers[name])["State"]
        return None if state["Running"] else int(state["ExitCode"])

    @contextlib.contextmanager
    def served(self) -> Iterator[int]:
        """Serve the API on loopback; its port."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                found = re.search(r"labelSelector=([^&]*)", query)
                selector = found[1].replace("%3D", "=").replace("%2F", "/") if found else ""
                lists: dict[str, Callable[[], Any]] = {
                    "jobs": api.list_jobs,
                    "pods": lambda: api.list_pods(selector),
                    "events": list,
                }
                self._answer({"kind": "List", "metadata": {}, "items": lists[path.rsplit("/", 1)[1]]()})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                namespace = self.path.split("/namespaces/")[1].split("/")[0]
                self._answer(api.create_job(body, namespace), 201)

            def do_DELETE(self) -> None:
                api.delete_job(self.path.partition("?")[0].rsplit("/", 1)[1])
                self._answer({"kind": "Status", "status": "Success"})

            def _answer(self, content: Any, status: int = 200) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
            yield port
