"""recyclecli: semantic segmentation of recyclables through plugins.

`hookimpl` marks a plugin's hook implementations; see `recyclecli.hookspecs`.
"""

import pluggy

__version__ = "0.1.0"

hookimpl = pluggy.HookimplMarker("recyclecli")
