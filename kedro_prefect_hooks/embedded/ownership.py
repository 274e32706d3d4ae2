"""Whose files and folders the embedded API uses: its own, and those of whoever owns the folder around them.

On a machine with several accounts, another one may have put a link or a folder where the API's should be, to
read its token or to have it overwrite a file. Whoever owns the project is trusted: the project's code is run.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kedro_prefect_hooks.errors import KedroPrefectError

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def check(path: Path, *, within: Path) -> None:
    """Refuse a path that belongs to another account, be it a link or what the link leads to.

    Args:
        path: what is to be used; it need not exist.
        within: the folder whose owner is trusted.

    Raises:
        KedroPrefectError: it belongs to another account.
    """
    if os.name == "nt":
        return
    trusted = {os.geteuid(), 0, within.stat().st_uid}
    for read in (os.lstat, os.stat):
        try:
            owner = read(str(path)).st_uid
        except FileNotFoundError:
            continue
        if owner not in trusted:
            raise KedroPrefectError(
                f"{path} belongs to another account (user id {owner}) and is not used: it could be there "
                "to read or change your data. Remove it, or change its owner."
            )


def make_private(directory: Path) -> None:
    """Let only its owner write to a directory: whoever else can may replace its files.

    Raises:
        KedroPrefectError: its mode cannot be changed.
    """
    if os.name == "nt":
        return
    mode = stat.S_IMODE(directory.stat().st_mode)
    if mode & _WRITABLE_BY_OTHERS:
        try:
            directory.chmod(mode & ~_WRITABLE_BY_OTHERS)
        except OSError as error:
            raise KedroPrefectError(
                f"{directory} can be changed by other accounts, and its mode cannot be corrected: {error}"
            ) from error
