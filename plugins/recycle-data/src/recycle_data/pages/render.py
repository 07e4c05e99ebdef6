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

TEMPLATE_FOLDER = "templates"
SHARED_PACKAGE = "recycle_data.pages"  # whose templates have the styles and parts of all pages


def render(template: str, package: str = SHARED_PACKAGE, /, **values: Any) -> str:
    """The text of one of a package's templates; what is not Markup is escaped, and control characters everywhere.

    A template finds those of `SHARED_PACKAGE`, too.
    """
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader(name, TEMPLATE_FOLDER) for name in dict.fromkeys((package, SHARED_PACKAGE))]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return shown(environment.get_template(template).render(version=__version__, **values))


def script(name: str, package: str) -> tuple[Markup, str]:
    """A script of a package for a page, and the source expression by which the page's policy allows it alone."""
    text = files(package).joinpath(TEMPLATE_FOLDER, name).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return Markup(text), f"'sha256-{digest}'"
