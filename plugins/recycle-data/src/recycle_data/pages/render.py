"""Templates, filled in with every value escaped."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from recyclecli import __version__
from recyclecli.printable import shown

TEMPLATES = "templates"
SHARED = "recycle_data.pages"  # whose templates have the styles and parts of all pages


def render(template: str, package: str = SHARED, /, **values: Any) -> str:
    """The text of one of a package's templates; what is not Markup is escaped, and control characters everywhere.

    A template finds those of `SHARED`, too.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name, TEMPLATES) for name in dict.fromkeys((package, SHARED))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return shown(environment.get_template(template).render(version=__version__, **values))


def script(name: str, package: str) -> tuple[Markup, str]:
    """A script of a package for a page, and the source expression by which the page's policy allows it alone."""
    text = files(package).joinpath(TEMPLATES, name).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return Markup(text), f"'sha256-{digest}'"
