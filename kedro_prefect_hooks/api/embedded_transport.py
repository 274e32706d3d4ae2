"""GraphQL to the embedded API within this process: no server, no HTTP, no port.

For commands that need the API while none is running for the project, such as a registration.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from kedro_prefect_hooks.api.transport import Transport
from kedro_prefect_hooks.embedded.graphql import answers
from kedro_prefect_hooks.embedded.storage.database import Database


class EmbeddedTransport(Transport):
    """The embedded API that keeps its data in `database`, a SQLite file that is created if it is missing.

    Raises:
        KedroPrefectError: the file cannot be used.
    """

    def __init__(self, database: Path) -> None:
        super().__init__(database.absolute().as_uri())
        self._database = Database(database)

    def close(self) -> None:
        self._database.close()

    def graphql(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        # By way of JSON, so that the API sees what it would see over HTTP: lists for tuples, and copies.
        copied = json.loads(json.dumps(variables)) or {}
        try:
            answer = answers.execute(self._database, document, copied).content
        except Exception as error:
            raise self.failure(f"failed ({type(error).__name__}: {error})") from error
        if answer.get("errors"):
            raise self.refusal(answer["errors"])
        data: dict[str, Any] = answer["data"]
        return data
