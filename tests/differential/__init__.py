"""Generated projects and commands, run by Kedro's own runner and by this package, and compared.

`cases` draws a case, `projects` writes it as a project, `driver` runs both sides in a process that is kept,
`compare` says what differs and what may. `test_differential` runs a fixed selection, `fuzz` any number.
"""
