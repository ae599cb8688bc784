"""The YAML files as typed settings: shape only (keys, types); meaning is checked by the core.

Paths are relative to the config file; `${NAME}` takes an environment variable and
`${NAME:-text}` falls back to a text. Every message names file and line.
"""

from cvm_analysis.settings.load import Settings, load, nearest
from cvm_analysis.settings.shape import DiscoveredRegions, Region, Rules, Source

__all__ = [
    "DiscoveredRegions",
    "Region",
    "Rules",
    "Settings",
    "Source",
    "load",
    "nearest",
]
