"""Text and marks have enough contrast, in light and in dark colours (WCAG 2.1, level AA)."""

from __future__ import annotations

import re
from typing import Dict

import pytest

from kedro_prefect_hooks.embedded.web.page import STATIC

FAMILIES = (
    "success",
    "failed",
    "blocked",
    "running",
    "scheduled",
    "retrying",
    "cancelled",
    "pending",
)
TEXT, MARK = 4.5, 3.0


def _colours(theme: str) -> Dict[str, str]:
    css = (STATIC / "style.css").read_text(encoding="utf-8")
    light, dark = css.split("@media (prefers-color-scheme: dark)", 1)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", light))
    if theme == "dark":
        found.update(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", dark.split("* { box-sizing", 1)[0]))
    return found


def _luminance(colour: str) -> float:
    def linear(value: int) -> float:
        part = value / 255
        return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(theme: str) -> None:
    colours = _colours(theme)
    pairs = [("ink", ground, TEXT) for ground in ("ground", "surface", "raised", "sunken")]
    pairs += [("soft", ground, TEXT) for ground in ("ground", "surface", "raised", "sunken")]
    pairs += [("accent", ground, TEXT) for ground in ("ground", "surface", "raised", "sunken")]
    pairs += [("on-accent", "accent", TEXT), ("ink", "accent-tint", TEXT), ("soft", "accent-tint", TEXT)]
    pairs += [("failed-ink", "raised", TEXT), ("failed-ink", "surface", TEXT), ("glyph", "failed", TEXT)]
    pairs += [("scheduled-ink", "surface", TEXT), ("strong-line", "surface", MARK)]
    for family in FAMILIES:
        pairs += [(f"{family}-ink", f"{family}-tint", TEXT), ("ink", f"{family}-tint", TEXT)]
        pairs += [(family, "surface", MARK), ("glyph", family, MARK), (family, f"{family}-tint", MARK)]
    bad = [
        f"{one} on {other}: {_contrast(colours[one], colours[other]):.2f}, at least {least} needed"
        for one, other, least in pairs
        if _contrast(colours[one], colours[other]) < least
    ]
    assert not bad, "\n".join(bad)
