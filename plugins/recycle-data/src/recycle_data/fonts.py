"""Fonts of pictures: DejaVu Sans, and for scripts that it lacks one of the system's, where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from PIL import ImageFont

BUNDLED_FONT = str(Path(__file__).parent / "font" / "DejaVuSans.ttf")
EAST_ASIAN = "\u1100"  # the first letter of the scripts that DejaVu Sans lacks: Hangul, kana, Han
WIDE_FONTS = ("notosanscjk", "notosanskr", "nanumgothic", "malgun", "applesdgothic",
              "notoserifcjk", "wqy", "droidsansfall")  # fmt: skip
FONT_SUFFIXES = (".ttf", ".ttc", ".otf")
ASKED = 10  # seconds that fontconfig has for its list


def font(size: int, text: str) -> ImageFont.FreeTypeFont:
    """The font to write `text` with, `size` pixels high."""
    wide = _wide_file() if any(letter >= EAST_ASIAN for letter in text) else None
    return _font(size, wide)


@cache
def _font(size: int, file: str | None) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file or BUNDLED_FONT, size)


@cache
def _wide_file() -> str | None:
    """An installed font with Chinese, Japanese and Korean letters, of regular weight where there is a choice."""
    installed = sorted(system_fonts(), key=lambda file: ("regular" not in file.lower(), file))
    names = {file: Path(file).stem.lower().replace("-", "") for file in installed}
    return next((file for family in WIDE_FONTS for file in installed if family in names[file]), None)


def system_fonts() -> set[str]:
    """The font files of the system and the user: those in the usual folders, and those that fontconfig lists."""
    found = {
        str(Path(folder, name).absolute())
        for start in font_folders(sys.platform)
        for folder, _, names in os.walk(start)  # passes over what may not be read
        for name in names
    }
    return {file for file in found | _listed() if file.lower().endswith(FONT_SUFFIXES) and Path(file).is_file()}


def font_folders(platform: str) -> list[Path]:
    """Where a system keeps its fonts and its user's; `platform` as `sys.platform` states it."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  Path.home() raises where there is none
    if platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or home / "AppData/Local"
        return [Path(os.environ.get("WINDIR") or r"C:\Windows", "Fonts"), Path(local, "Microsoft/Windows/Fonts")]
    shared = os.environ.get("XDG_DATA_HOME") or home / ".local/share"
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path(shared, "fonts"), home / ".fonts"]
    if platform == "darwin":
        folders += [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
        folders += [Path("/Network/Library/Fonts"), Path("/opt/local/share/fonts")]
    return folders


def _listed() -> set[str]:
    """What fontconfig knows, also in folders that somebody set up for it; nothing where it is not installed."""
    program = shutil.which("fc-list")
    if program is None:
        return set()
    try:
        done = subprocess.run([program, "--format=%{file}\\n"], capture_output=True, timeout=ASKED, check=True)
    except (OSError, subprocess.SubprocessError):
        return set()
    return {os.fsdecode(line) for line in done.stdout.splitlines()}
