"""The embedded Prefect API: what Prefect 1.1.0 asks of its server, in one process and one SQLite file.

It answers the client, the agent, the cloud runners and the command line in the words of the real server, so
that ``api: embedded`` can be replaced by a server's URL and nothing else changes. It is not a server for a
team: it knows no users and no tenants, and one process does all the work. It knows nothing of Kedro, and of
Prefect only how a schedule is written down.

The parts, from the outside in: ``server`` (a process or a thread of one), ``http`` (what may come in),
``executor`` (one GraphQL document), ``schema`` with ``filters`` and ``reader`` (queries, all derived from the
description in ``tables``), ``operations`` (mutations), ``services`` (what happens without being asked) and
``database`` (the file).
"""
