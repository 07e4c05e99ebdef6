"""`recycle doctor`"""

from __future__ import annotations

from pathlib import Path

import typer

from recyclecli.cli.options import AsJson


def doctor(as_json: AsJson = False) -> None:
    """Look at versions, GPU, plugins and disk; exit 1 when something must be fixed."""
    from recyclecli.discovery import discover
    from recyclecli.engine.doctor import examine

    findings = list(examine(discover(), Path()))
    if as_json:
        import json

        print(json.dumps([{"state": f.state, "what": f.what, "remedy": f.remedy} for f in findings]))
    else:
        for finding in findings:
            print(f"{finding.state:4}  {finding.what}" + (f"\n      -> {finding.remedy}" if finding.remedy else ""))
    if any(finding.state == "fix" for finding in findings):
        raise typer.Exit(1)
