"""Commands whose options are given once each, but for those that may be repeated."""

from __future__ import annotations

from collections import Counter
from typing import Any

from typer.core import TyperCommand

from recyclecli.errors import RecycleError


class Once(TyperCommand):
    """A command that refuses an option which is given twice: the last would count, and the first be lost in silence."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was typed.

        Raises:
            RecycleError: an option of one value is there twice.
        """
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            counts = Counter(one.name for one in given)
            for one in given:
                option: Any = one
                single = option.param_type_name == "option" and not (option.multiple or option.is_flag or option.count)
                if single and counts[option.name] > 1:
                    raise RecycleError(
                        f"{' or '.join(option.opts)} is given {counts[option.name]} times, and takes one value",
                        "leave it once on the line",
                    )
        return super().parse_args(ctx, args)
