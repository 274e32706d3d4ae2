"""Source files that the project factory copies into the Kedro projects that it creates.

Each is an ordinary module of a generated project (hence the relative imports between them), kept here as
Python so that it can be read, linted and searched. They run on every supported Kedro and on Python 3.8, and
know nothing of this plugin.
"""
