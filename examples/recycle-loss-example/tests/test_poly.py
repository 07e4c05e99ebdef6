from recyclecli.testing import LossConformance


class TestPoly(LossConformance):
    name = "poly"
