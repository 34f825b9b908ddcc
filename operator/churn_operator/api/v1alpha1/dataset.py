"""spec.dataset: where the customers are and what their columns mean."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from churn_operator.api.v1alpha1.common import HttpUrl, LocalObjectReference, SpecPart
from churn_operator.api.v1alpha1.rules import Matches, rules


class DatasetFormat(StrEnum):
    """How the dataset is stored."""

    AUTO = "auto"
    CSV = "csv"
    PARQUET = "parquet"


class ColumnKind(StrEnum):
    """How a column is read."""

    NUMBER = "number"
    CATEGORY = "category"


ColumnName = Annotated[str, Field(min_length=1, max_length=128)]
DatasetUri = Annotated[
    str,
    Matches(
        r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\s]+$",
        "must be s3://bucket/key with the bucket in lower case and no blanks, e.g. s3://mlops-data/customers.csv",
    ),
    Field(max_length=1024),
]


class Column(SpecPart):
    """One feature column as the business knows it, before any encoding."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.kind != 'category' || (has(self.categories) && size(self.categories) > 0)",
                "a column of kind category needs categories: list every allowed value",
            ),
            (
                "self.kind != 'number' || !has(self.categories) || size(self.categories) == 0",
                "a column of kind number has no categories: remove them, or set kind to category",
            ),
            (
                "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
                "minimum must not be greater than maximum",
            ),
            (
                "self.kind == 'number' || (!has(self.minimum) && !has(self.maximum))",
                "minimum and maximum belong to kind number: remove them, or set kind to number",
            ),
        )
    )

    name: ColumnName = Field(description="Column name as in the file's header.")
    kind: ColumnKind = Field(description="number, or category for one of a closed set of values.")
    categories: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=200)] = Field(
        default=(),
        description="Every allowed value of a category column, in quotes where YAML would read Yes or No as a boolean.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    minimum: float | None = Field(default=None, description="Smallest allowed number, inclusive.")
    maximum: float | None = Field(default=None, description="Largest allowed number, inclusive.")
    nullable: bool = Field(default=False, description="Whether a blank value is allowed.")


class Dataset(SpecPart):
    """The customers to learn from."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.idColumn != self.target", "idColumn and target name the same column: they must differ"),
            (
                "!has(self.columns) || !self.columns.exists(c, c.name == self.target)",
                "columns must not list the target: a model that sees the target learns nothing",
            ),
            (
                "!has(self.columns) || !self.columns.exists(c, c.name == self.idColumn)",
                "columns must not list the idColumn: an id is not a feature",
            ),
            (
                "!(self.format == 'csv' && self.uri.endsWith('.parquet'))",
                "format is csv but uri ends in .parquet: set format to auto or parquet",
            ),
            (
                "!(self.format == 'parquet' && self.uri.endsWith('.csv'))",
                "format is parquet but uri ends in .csv: set format to auto or csv",
            ),
        )
    )

    uri: DatasetUri = Field(
        description="An S3 object, or a prefix that ends in a slash: s3://bucket/path/customers.csv."
    )
    format: DatasetFormat = Field(
        default=DatasetFormat.AUTO, description="csv or parquet; auto goes by the file's ending."
    )
    target: ColumnName = Field(default="Churn", description="The column to predict.")
    id_column: ColumnName = Field(default="customerID", description="The column that identifies a customer.")
    positive_label: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        default="Yes",
        description="The target's value that means the customer left; in quotes, since YAML reads Yes as a boolean.",
    )
    columns: Annotated[tuple[Column, ...], Field(max_length=200)] = Field(
        default=(),
        description="The data contract. Empty means the built-in contract of the Telco columns.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    secret_ref: LocalObjectReference | None = Field(
        default=None, description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    )
    endpoint: HttpUrl | None = Field(
        default=None,
        description="S3 endpoint, e.g. http://minio.kubeflow:9000. Absent means the operator's own.",
    )
