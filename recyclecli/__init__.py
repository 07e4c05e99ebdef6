"""recyclecli: semantic segmentation of recyclables through plugins.

`hookimpl` marks a plugin's hook implementations; see `recyclecli.hookspecs`.
"""

import pluggy

from recyclecli.backends import keep_backends_out, keep_missing_figures_out
from recyclecli.cluster import forget_ranks
from recyclecli.telemetry import disable_telemetry

__version__ = "0.1.0"

disable_telemetry()
keep_backends_out()
keep_missing_figures_out()
forget_ranks()

hookimpl = pluggy.HookimplMarker("recyclecli")
