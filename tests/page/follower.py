"""Asks for the data of the page's list of flows as the page does, without a browser."""

from __future__ import annotations

import re
from typing import Any

import requests

from kedro_prefect_hooks.embedded.web import page


def flows_query() -> str:
    """The query of the page's first view, with its parts filled in."""
    text = (page.STATIC / "queries.js").read_text(encoding="utf-8")
    constants = dict(re.findall(r"const (\w+) = [`\"](.*?)[`\"];", text, re.DOTALL))

    def filled(query: str) -> str:
        return re.sub(r"\$\{(\w+)\}", lambda found: filled(constants[found[1]]), query)

    return filled(constants["FLOWS"])


class Follower:
    """Asks again and again, and says which answer it has.

    Args:
        url: the API's.
        query: the GraphQL query.
        variables: its variables.
    """

    def __init__(self, url: str, query: str, variables: Any = None) -> None:
        self.url, self.request = f"{url}/changes", {"query": query, "variables": variables}
        self.known: str | None = None

    def ask(self) -> requests.Response:
        response = requests.post(self.url, json={**self.request, "known": self.known}, timeout=60)
        if response.status_code == 200:
            self.known = response.json()["known"]
        return response

    @staticmethod
    def size(response: requests.Response) -> int:
        """The bytes of its body as they were transferred."""
        return int(response.headers.get("Content-Length", 0))
