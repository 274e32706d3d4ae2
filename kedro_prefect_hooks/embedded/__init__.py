"""The embedded Prefect API: what Prefect 1.1.0 needs of its server, in one process and one SQLite file.

It answers the client, the agent, the cloud runners and the command line as the real server does, so that
``api: embedded`` can be replaced by a server's URL and nothing else changes. It is not a server for a team:
it has neither users nor tenants, and one process does all the work. It knows nothing of Kedro, and of Prefect
only how schedules are serialized.

The parts, from the outside in: ``server`` (a process, or a thread of one), ``web`` (which requests are
accepted, and the page), ``graphql`` (one document: its schema and its queries, both derived from the
description of the tables), ``operations`` (mutations), ``services`` (what happens without a request) and
``storage`` (the file).
"""
