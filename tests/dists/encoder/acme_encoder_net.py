"""A timm model of another name."""

import timm
from timm.models import register_model


@register_model
def acme_net(pretrained=False, **settings):
    return timm.create_model("test_efficientnet", **settings)
