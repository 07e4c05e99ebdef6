"""Exit codes, and what `recycle data check` finds."""

from recycle_data.check.catalogue import CATALOGUE

from recyclecli.cli.app import EXIT_CODES
from reference.text import table


def exits() -> str:
    """The exit codes of every command."""
    rows = ((str(code), meaning) for code, meaning in EXIT_CODES.items())
    return "\n\n".join(
        ["# Exit codes", "All commands use these; scripts may rely on them.", table(("code", "meaning"), rows)]
    )


def faults() -> str:
    """The catalogue of faults."""
    rows = (
        (f"`{code}`", fault.severity, fault.meaning, fault.remedy, "yes" if fault.mended else "")
        for code, fault in CATALOGUE.items()
    )
    heads = ("code", "severity", "meaning", "remedy", "`--fix`")
    about = "What `recycle data check` finds; severities and thresholds: [Faults](../faults.md)."
    return "\n\n".join(["# Fault codes", about, table(heads, rows)])
