"""Conformance tests that plugin authors inherit.

    from recycle_kit.testing import LossConformance

    class TestPoly(LossConformance):
        name = "poly"

pytest finds the inherited tests; each builds the component through the registry, as the core
does, so the package must be installed. `options` sets its options, where the defaults are not
to be tested. Components are judged by the contracts in `recyclecli.types`;
what does not hold is told in a sentence, with what to do.
"""

from __future__ import annotations

from recycle_kit.augmentations import AugmentationConformance as AugmentationConformance
from recycle_kit.base import CLASSES as CLASSES
from recycle_kit.base import Conformance as Conformance
from recycle_kit.base import MemorySource as MemorySource
from recycle_kit.base import random_batch as random_batch
from recycle_kit.base import random_source as random_source
from recycle_kit.datasets import DatasetConformance as DatasetConformance
from recycle_kit.losses import LossConformance as LossConformance
from recycle_kit.models import ModelConformance as ModelConformance
from recycle_kit.postprocessors import PostprocessorConformance as PostprocessorConformance
from recycle_kit.records import CheckConformance as CheckConformance
from recycle_kit.records import CommandConformance as CommandConformance
from recycle_kit.records import RecipeConformance as RecipeConformance
from recycle_kit.training import CallbackConformance as CallbackConformance
from recycle_kit.training import ExporterConformance as ExporterConformance
from recycle_kit.training import OptimizerConformance as OptimizerConformance
from recycle_kit.training import ScheduleConformance as ScheduleConformance
