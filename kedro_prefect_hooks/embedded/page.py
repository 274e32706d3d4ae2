"""The page at the embedded API's address. For now a line of text that says what this is."""

from __future__ import annotations

from typing import List

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route


async def _index(request: Request) -> Response:
    return PlainTextResponse("The embedded Prefect API of kedro-prefect-hooks. Ask it with POST /graphql.\n")


def routes() -> List[BaseRoute]:
    """What the page adds to the API's routes."""
    return [Route("/", _index, methods=["GET"])]
