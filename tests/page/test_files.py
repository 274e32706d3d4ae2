"""How the page's files are served: to whom and under which policy; they name no other host."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests

from kedro_prefect_hooks import states
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.web import page

FILES = sorted(path for path in page.STATIC.rglob("*") if path.is_file())


def test_every_file_is_served_with_the_policy(server: EmbeddedServer) -> None:
    assert len(FILES) > 10
    for file in FILES:
        name = file.relative_to(page.STATIC).as_posix()
        url = f"{server.url}/" if name == "index.html" else f"{server.url}/page/{name}"
        answer = requests.get(url, timeout=10)
        assert answer.status_code == 200, url
        assert answer.content == file.read_bytes()
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'; object-src 'none'")
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        expected = {
            ".js": "text/javascript",
            ".css": "text/css",
            ".html": "text/html",
            ".svg": "image/svg+xml",
        }
        assert answer.headers["Content-Type"].startswith(expected[file.suffix])
        again = requests.get(url, headers={"If-None-Match": answer.headers["ETag"]}, timeout=10)
        assert (again.status_code, again.content) == (304, b"")


def test_the_facts_are_those_of_the_package(server: EmbeddedServer) -> None:
    answer = requests.get(server.url + page.FACTS, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'; object-src 'none'")
    sets = dict(re.findall(r"^export const (\w+) = new Set\((.*)\);$", answer.text, re.MULTILINE))
    assert {name: set(json.loads(members)) for name, members in sets.items()} == {
        "FINISHED": states.FINISHED,
        "WAITING": states.WAITING,
        "SUCCESSFUL": states.kinds_of("Success"),
        "FAILED": states.kinds_of("Failed"),
    }
    again = requests.get(
        server.url + page.FACTS, headers={"If-None-Match": answer.headers["ETag"]}, timeout=10
    )
    assert (again.status_code, again.content) == (304, b"")


def test_nothing_else_is_served(server: EmbeddedServer) -> None:
    for path in (
        "/page/",
        "/page/index.html",
        "/page/../page.py",
        "/page/%2e%2e/page.py",
        "/favicon.ico",
        "/x",
    ):
        assert requests.get(server.url + path, timeout=10).status_code == 404, path


def test_a_token_guards_the_data_and_not_the_files(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, token="s3cret") as server:
        assert requests.get(server.url, timeout=10).status_code == 200
        assert requests.get(f"{server.url}/page/app.js", timeout=10).status_code == 200
        assert requests.get(server.url + page.FACTS, timeout=10).status_code == 200
        for path in ("/", "/graphql", "/page/app.js"):
            answer = requests.post(server.url + path, json={"query": "{ flow { id } }"}, timeout=10)
            assert answer.status_code == 401, path
        assert requests.get(f"{server.url}/graphql", timeout=10).status_code == 401


def test_a_foreign_host_does_not_get_the_page_either(server: EmbeddedServer) -> None:
    assert requests.get(server.url, headers={"Host": "evil.example"}, timeout=10).status_code == 403


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_no_file_names_another_host_or_turns_text_into_markup(file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text), file
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function)\b", text)
    if file.suffix == ".html":
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
