"""The data contract: which columns a customer has, in which order, with which values."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

LARGEST_NUMBER = 3.4028234663852886e38
"""The largest 32-bit float: models hold their numbers in these."""


class ColumnKind(StrEnum):
    """How a column is read: a number, or one of a closed set of business values."""

    NUMBER = "number"
    CATEGORY = "category"


class Column(BaseModel):
    """One feature column as the business knows it, before any encoding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: ColumnKind
    categories: tuple[str, ...] = Field(default=(), description="Every allowed value of a category column.")
    minimum: float | None = Field(default=None, description="Smallest allowed number, inclusive.")
    maximum: float | None = Field(default=None, description="Largest allowed number, inclusive.")
    nullable: bool = Field(default=False, description="Whether a blank value is allowed.")

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest number, inclusive: the contract's, within what a model can hold."""
        low = -LARGEST_NUMBER if self.minimum is None else max(self.minimum, -LARGEST_NUMBER)
        high = LARGEST_NUMBER if self.maximum is None else min(self.maximum, LARGEST_NUMBER)
        return low, high


class DataContract(BaseModel):
    """The columns in contract order: the order of values in a row given as a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Column, ...]
    target: str
    positive_label: str
    negative_label: str
    id_column: str

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names in contract order."""
        return tuple(column.name for column in self.columns)
