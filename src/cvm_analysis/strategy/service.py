"""What is owed after a sale: how long its warranty lasts, and how often maintenance is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from cvm_analysis.strategy import conditions
from cvm_analysis.strategy.catalogue import Action
from cvm_analysis.typed import Cell, settings

TO_SERVICE = "days_to_service"  # an action that asks for it is maintenance
Days = Annotated[int, Field(gt=0)]


@settings
class Life:
    """What follows the sale of one product or category.

    warranty_days : how long its warranty lasts, from the delivery on
    maintenance_every_days : from the delivery, or from one maintenance, to the next
    """

    warranty_days: Days | None = None
    maintenance_every_days: Days | None = None

    @model_validator(mode="after")
    def _has_days(self) -> Life:
        if self.warranty_days is None and self.maintenance_every_days is None:
            raise ValueError("write warranty_days, maintenance_every_days or both")
        return self


Service = dict[Literal["product_id", "product", "category"], dict[Cell, Life]]


class Terms(NamedTuple):
    """What `customers.service_due` needs: days by column and value, and what restarts the clock."""

    warranty: Mapping[str, Mapping[str, int]]
    maintenance: Mapping[str, Mapping[str, int]]
    done_by: Sequence[str]
    answered: Sequence[str]


def terms(service: Service, actions: Sequence[Action], answered: Sequence[str]) -> Terms:
    """Sort the lives by what they say; maintenance is done by the actions that ask for it.

    answered : results of contacts that reached the customer
    """
    done_by = [each.code for each in actions if TO_SERVICE in {*conditions.columns(each.when)}]
    return Terms(
        _by_value(service, "warranty_days"),
        _by_value(service, "maintenance_every_days"),
        done_by,
        [each.strip().lower() for each in answered],
    )


def _by_value(service: Service, field: str) -> dict[str, dict[str, int]]:
    """Days of a field by column and value, where it is written."""
    found: dict[str, dict[str, int]] = {
        column: {value: days for value, life in lives.items() if (days := getattr(life, field))}
        for column, lives in service.items()
    }
    return {column: each for column, each in found.items() if each}


def written(service: Service) -> Iterator[str]:
    """Name the fields that any life says."""
    for field in Life.__dataclass_fields__:
        if any(getattr(life, field) for lives in service.values() for life in lives.values()):
            yield field
