from recycle_kit.testing import LossConformance


class TestPoly(LossConformance):
    name = "poly"
