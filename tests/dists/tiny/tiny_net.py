from torch import nn


class Tiny(nn.Module):
    """What a training knows of a model: an encoder, batch normalisation, a depthwise convolution, a last layer."""

    def __init__(self, options, context):
        super().__init__()
        wide, deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.encoder = nn.Sequential(wide, nn.BatchNorm2d(8), nn.ReLU(), deep, nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Conv2d(8, context.num_classes, 1)

    def forward(self, image):
        return self.head(self.encoder(image))
