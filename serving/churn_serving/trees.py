"""Gradient-boosted trees and random forests walked one row at a time, all trees at once.

scikit-learn walks tree after tree through validated arrays and thread pools, which is right for thousands
of rows and takes milliseconds for one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from churn_report import Column, ColumnKind, DataContract
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from churn_serving.probing import object_matrix, random_rows, reference_row
from churn_serving.validation import Row

Encode = Callable[[NDArray[np.object_]], NDArray[Any]]
_CODES = 256  # scikit-learn's bitsets hold this many categories
_PROBES = 400


@dataclass(frozen=True)
class ColumnEncoding:
    """What one column decides of the encoded row.

    Attributes:
        features: positions of the encoded features that depend on the column.
        table: their values for every category, and for a blank under None; empty for a number column.
        slope: a number column's features are slope * number + intercept.
        intercept: see slope.
        blank: the features of a blank number.
    """

    features: NDArray[np.intp]
    table: Mapping[Any, NDArray[np.float64]]
    slope: NDArray[np.float64]
    intercept: NDArray[np.float64]
    blank: NDArray[np.float64]


@dataclass(frozen=True)
class RowEncoder:
    """Encodes one row as the Pipeline's steps before its estimator do.

    Attributes:
        base: encoding of the reference row, shape (features,).
        columns: what each column decides, in contract order.
        dtype: what the steps, or the estimator, round to.
    """

    base: NDArray[np.float64]
    columns: tuple[ColumnEncoding, ...]
    dtype: np.dtype[Any]

    def __call__(self, row: Row) -> NDArray[np.float64]:
        """Shape (features,)."""
        encoded = self.base.copy()
        for column, value in zip(self.columns, row, strict=True):
            if column.table:
                encoded[column.features] = column.table[value]
            elif value != value:
                encoded[column.features] = column.blank
            else:
                encoded[column.features] = column.slope * value + column.intercept
        return encoded.astype(self.dtype).astype(np.float64)


@dataclass(frozen=True)
class Trees:
    """The nodes of all trees in one array each; a leaf is its own child.

    Attributes:
        roots: node of each tree's root, shape (trees,).
        feature: encoded feature a node asks, shape (nodes,).
        threshold: go left up to and including it, shape (nodes,).
        missing_left: whether NaN goes left, shape (nodes,).
        categories: row of `left_codes` of a node that asks for a category, -1 for others, shape (nodes,).
        left_codes: which codes go left, shape (category nodes + 1, 256).
        children: right and left child, flat: node n's are at 2n and 2n + 1, shape (2 nodes,).
        value: what a leaf adds, shape (nodes,).
        depth: edges from a root to the farthest leaf.
    """

    roots: NDArray[np.intp]
    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    categories: NDArray[np.intp]
    left_codes: NDArray[np.bool_]
    children: NDArray[np.intp]
    value: NDArray[np.float64]
    depth: int

    def total(self, encoded: NDArray[np.float64]) -> float:
        """Sum of the leaves that one encoded row, shape (features,), reaches."""
        missing = np.isnan(encoded)
        codes = np.where(missing, 0, np.clip(encoded, 0, _CODES - 1)).astype(np.intp)
        any_missing, any_category = bool(missing.any()), len(self.left_codes) > 1
        node = self.roots
        for _ in range(self.depth):
            feature = self.feature[node]
            left = encoded[feature] <= self.threshold[node]
            if any_category:
                row = self.categories[node]
                left = np.where(row >= 0, self.left_codes[row, codes[feature]], left)
            if any_missing:
                left = np.where(missing[feature], self.missing_left[node], left)
            node = self.children[2 * node + left]
        return float(self.value[node].sum())


@dataclass(frozen=True)
class TreeModel:
    """Probability of the positive class of one row."""

    encode: RowEncoder
    trees: Trees
    finish: Callable[[float], float]

    def __call__(self, row: Row) -> float:
        """Score one row in contract order."""
        return self.finish(self.trees.total(self.encode(row)))


def compile_boosting(
    encode: Encode, estimator: HistGradientBoostingClassifier, contract: DataContract, positive_index: int
) -> TreeModel:
    """The same trees as the estimator's, which keeps them in private attributes; the caller compares.

    Raises:
        ValueError: the steps before the estimator encode no row exactly as a RowEncoder would.
    """
    baseline = float(np.ravel(estimator._baseline_prediction)[0])
    sign = 1.0 if positive_index == 1 else -1.0

    def probability(total: float) -> float:
        odds = sign * (baseline + total)
        return 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0

    def preprocessed(rows: NDArray[np.object_]) -> NDArray[Any]:
        # The estimator sorts categories to the front and encodes them anew.
        return np.asarray(estimator._preprocess_X(encode(rows), reset=False))

    return TreeModel(_compile_encoder(preprocessed, contract), _boosted(estimator), probability)


def compile_forest(
    encode: Encode, estimator: RandomForestClassifier, contract: DataContract, positive_index: int
) -> TreeModel:
    """The mean of the leaves' class shares; forests compare 32-bit floats.

    Raises:
        ValueError: as compile_boosting.
    """
    count = len(estimator.estimators_)

    def rounded(rows: NDArray[np.object_]) -> NDArray[Any]:
        return encode(rows).astype(np.float32)

    trees = _forest(estimator, positive_index)
    return TreeModel(_compile_encoder(rounded, contract), trees, lambda total: total / count)


def _compile_encoder(encode: Encode, contract: DataContract) -> RowEncoder:
    reference = reference_row(contract)
    encoded = encode(object_matrix([reference]))
    base = encoded[0].astype(np.float64)

    def with_values(index: int, values: list[Any]) -> NDArray[np.float64]:
        rows = [[*reference[:index], value, *reference[index + 1 :]] for value in values]
        return encode(object_matrix(rows)).astype(np.float64)

    def column_encoding(index: int, column: Column) -> ColumnEncoding:
        match column.kind:
            case ColumnKind.CATEGORY:
                values: list[Any] = [*column.categories, *((None,) if column.nullable else ())]
            case ColumnKind.NUMBER:
                values = [0.0, 1.0, *((math.nan,) if column.nullable else ())]
        answers = with_values(index, values)
        features = np.flatnonzero((answers != base).any(axis=0))
        decided = answers[:, features]
        if column.kind is ColumnKind.CATEGORY:
            nothing = np.zeros(len(features))
            return ColumnEncoding(features, dict(zip(values, decided, strict=True)), nothing, nothing, nothing)
        return ColumnEncoding(features, {}, decided[1] - decided[0], decided[0], decided[-1])

    columns = tuple(column_encoding(index, column) for index, column in enumerate(contract.columns))
    probes = random_rows(contract, _PROBES)
    expected = encode(object_matrix(probes))
    # A step may round to 32 bits what a later one widens again.
    for dtype in (encoded.dtype, np.dtype(np.float32)):
        encoder = RowEncoder(base, columns, dtype)
        if np.array_equal(np.array([encoder(row) for row in probes]), expected, equal_nan=True):
            return encoder
    raise ValueError("the encoding is not column by column, or rounds: a tree could branch otherwise")


def _boosted(estimator: HistGradientBoostingClassifier) -> Trees:
    predictors = [predictor for iteration in estimator._predictors for predictor in iteration]
    sizes = [len(predictor.nodes) for predictor in predictors]
    starts = np.cumsum([0, *sizes[:-1]])
    nodes = np.concatenate([predictor.nodes for predictor in predictors])
    offset = np.repeat(starts, sizes)
    own = np.arange(len(nodes))
    leaf, category = nodes["is_leaf"].astype(bool), nodes["is_categorical"].astype(bool)
    bitsets = np.concatenate([predictor.raw_left_cat_bitsets for predictor in predictors])
    first_bitset = np.cumsum([0, *(len(predictor.raw_left_cat_bitsets) for predictor in predictors[:-1])])
    return Trees(
        roots=starts.astype(np.intp),
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.intp),
        threshold=np.where(leaf | category, np.inf, nodes["num_threshold"]),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        categories=np.where(category, nodes["bitset_idx"] + np.repeat(first_bitset, sizes), -1).astype(np.intp),
        left_codes=_codes_of(bitsets),
        children=_children(np.where(leaf, own, nodes["left"] + offset), np.where(leaf, own, nodes["right"] + offset)),
        value=np.where(leaf, nodes["value"], 0.0),
        depth=int(nodes["depth"].max()),
    )


def _forest(estimator: RandomForestClassifier, positive_index: int) -> Trees:
    trees = [tree.tree_ for tree in estimator.estimators_]
    sizes = [tree.node_count for tree in trees]
    starts = np.cumsum([0, *sizes[:-1]])
    offset, own = np.repeat(starts, sizes), np.arange(sum(sizes))
    left = np.concatenate([tree.children_left for tree in trees])
    right = np.concatenate([tree.children_right for tree in trees])
    leaf = left < 0
    shares = np.concatenate([tree.value[:, 0, :] for tree in trees])
    return Trees(
        roots=starts.astype(np.intp),
        feature=np.where(leaf, 0, np.concatenate([tree.feature for tree in trees])).astype(np.intp),
        threshold=np.where(leaf, np.inf, np.concatenate([tree.threshold for tree in trees])),
        missing_left=np.concatenate([tree.missing_go_to_left for tree in trees]).astype(bool),
        categories=np.full(len(own), -1, dtype=np.intp),
        left_codes=np.zeros((1, _CODES), dtype=bool),
        children=_children(np.where(leaf, own, left + offset), np.where(leaf, own, right + offset)),
        value=np.where(leaf, shares[:, positive_index] / shares.sum(axis=1), 0.0),
        depth=max(tree.max_depth for tree in trees),
    )


def _children(left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.ravel(np.column_stack([right, left])).astype(np.intp)


def _codes_of(bitsets: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """One row of 256 flags a bitset of eight 32-bit words, and one row of none, which index -1 finds."""
    words = np.vstack([bitsets.reshape(-1, 8), np.zeros((1, 8), dtype=np.uint32)])
    flags = (words[:, :, None] >> np.arange(32, dtype=np.uint32)) & 1
    return flags.reshape(len(words), _CODES).astype(bool)
