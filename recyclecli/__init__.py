"""recyclecli: semantic segmentation of recyclables through plugins.

`hookimpl` marks a plugin's hook implementations; see `recyclecli.hookspecs`.
"""

import pluggy

from recyclecli.backends import keep_backends_out, keep_missing_figures_out
from recyclecli.telemetry import disable_telemetry

__version__ = "0.2.0.dev0"

disable_telemetry()
keep_backends_out()
keep_missing_figures_out()

hookimpl = pluggy.HookimplMarker("recyclecli")
