"""Encoders that timm learns of when a recipe names them: one that is there, one whose module is not."""

from recyclecli import hookimpl
from recyclecli.types import ModelComponent, Options


@hookimpl
def recycle_models():
    encoders = {"acme_net": "acme_encoder_net", "acme_gone": "acme_encoder_gone"}
    yield ModelComponent("acme-none", "acme_encoder_net:none", Options, "Brings encoders", encoders=encoders)
