"""Source files that the project factory copies into the Kedro projects it makes.

Each is an ordinary module of a generated project (hence the relative imports between them), kept here as
real Python so that it can be read, linted and searched. They run on every Kedro from 0.18.1, on Python 3.8,
and know nothing of this plugin.
"""
