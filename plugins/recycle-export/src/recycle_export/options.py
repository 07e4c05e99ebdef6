"""The settings of the exporter; nothing here imports onnx."""

from pydantic import Field

from recyclecli.types import Options


class OnnxOptions(Options):
    """Settings of the export to ONNX."""

    opset: int = Field(18, ge=18, le=20, description="ONNX operator set version")
