"""The settings of the report, when it is written as a callback."""

from pydantic import Field

from recyclecli.types import Options


class ReportOptions(Options):
    """Settings of the callback that writes report.html."""

    file: str | None = Field(None, description="file to write; by default report.html in the run's folder")
