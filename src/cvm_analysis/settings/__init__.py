"""The YAML files as typed settings: only keys and types are checked here, meaning by `validate`.

Paths are relative to the config file. `${NAME}` stands for an environment variable,
`${NAME:-text}` has a default. Every message names file and line.
"""

from cvm_analysis.settings.column_rules import ColumnRule
from cvm_analysis.settings.contacts import Contacts, load_contacts
from cvm_analysis.settings.load import Settings, load
from cvm_analysis.settings.shape import (
    ContractSource,
    CustomerSource,
    DiscoveredRegions,
    Filter,
    Join,
    Place,
    Region,
    Rules,
    Source,
)

__all__ = [
    "ColumnRule",
    "Contacts",
    "ContractSource",
    "CustomerSource",
    "DiscoveredRegions",
    "Filter",
    "Join",
    "Place",
    "Region",
    "Rules",
    "Settings",
    "Source",
    "load",
    "load_contacts",
]
