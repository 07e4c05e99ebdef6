"""Fonts of pictures: DejaVu Sans, and for scripts that it lacks one of the system's, where there is one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import ImageFont

EAST_ASIAN = "\u1100"  # the first letter of the scripts that DejaVu Sans lacks: Hangul, kana, Han
WIDE = ("notosanscjk", "notosanskr", "nanumgothic", "malgun", "applesdgothic", "notoserifcjk", "wqy", "droidsansfall")


def font(size: int, text: str) -> ImageFont.FreeTypeFont:
    """The font to write `text` with, `size` pixels high."""
    wide = _wide_file() if any(letter >= EAST_ASIAN for letter in text) else None
    return _font(size, wide)


@cache
def _font(size: int, file: str | None) -> ImageFont.FreeTypeFont:
    import matplotlib as mpl

    return ImageFont.truetype(file or str(Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size)


@cache
def _wide_file() -> str | None:
    """An installed font with Chinese, Japanese and Korean letters, of regular weight where there is a choice."""
    from matplotlib.font_manager import findSystemFonts

    files = sorted(findSystemFonts(), key=lambda file: ("regular" not in file.lower(), file))
    return next((file for family in WIDE for file in files if family in Path(file).stem.lower().replace("-", "")), None)
