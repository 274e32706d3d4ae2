"""Run by alembic: our migrations, within the transaction that `database` has begun."""

from __future__ import annotations

from alembic import context

from kedro_prefect_hooks.embedded.storage import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    # SQLite can alter little of a table, so alembic copies it instead.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
