"""A small Telco-like contract, customers, and pure scikit-learn Pipelines fitted on them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from churn_report import Column, ColumnKind, DataContract
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)

CONTRACT = DataContract(
    columns=(
        Column(name="SeniorCitizen", kind=ColumnKind.CATEGORY, categories=("0", "1")),
        Column(name="tenure", kind=ColumnKind.NUMBER, minimum=0, maximum=1200),
        Column(name="Contract", kind=ColumnKind.CATEGORY, categories=("Month-to-month", "One year", "Two year")),
        Column(name="InternetService", kind=ColumnKind.CATEGORY, categories=("DSL", "Fiber optic", "No")),
        Column(name="MonthlyCharges", kind=ColumnKind.NUMBER, minimum=0, maximum=10_000),
        Column(name="TotalCharges", kind=ColumnKind.NUMBER, minimum=0, maximum=1_000_000, nullable=True),
    ),
    target="Churn",
    positive_label="Yes",
    negative_label="No",
    id_column="customerID",
)
CUSTOMER: dict[str, Any] = {
    "SeniorCitizen": "0",
    "tenure": 2,
    "Contract": "Month-to-month",
    "InternetService": "Fiber optic",
    "MonthlyCharges": 89.1,
    "TotalCharges": 178.2,
}
_CATEGORIES = [index for index, column in enumerate(CONTRACT.columns) if column.kind is ColumnKind.CATEGORY]
_NUMBERS = [index for index, column in enumerate(CONTRACT.columns) if column.kind is ColumnKind.NUMBER]


def customers(count: int, seed: int) -> tuple[NDArray[np.object_], NDArray[np.str_]]:
    """Rows in contract order, shape (count, 6), and their labels, shape (count,)."""
    random = np.random.default_rng(seed)
    rows = np.empty((count, len(CONTRACT.columns)), dtype=object)
    for index in _CATEGORIES:
        rows[:, index] = random.choice(CONTRACT.columns[index].categories, count)
    tenure = random.integers(0, 73, count)
    monthly = np.round(random.uniform(18, 119, count), 2)
    rows[:, 1], rows[:, 4] = tenure.astype(float), monthly
    rows[:, 5] = np.where(tenure == 0, np.nan, np.round(tenure * monthly, 2))
    risk = -0.5 + 1.2 * (rows[:, 2] == "Month-to-month") + 0.8 * (rows[:, 3] == "Fiber optic") - 0.05 * tenure
    labels = np.where(random.uniform(size=count) < 1 / (1 + np.exp(-risk.astype(float))), "Yes", "No")
    return rows, labels


def linear_pipeline() -> Pipeline:
    """One-hot encoding, scaling and a logistic regression."""
    return make_pipeline(_preprocessing(scaled=True), LogisticRegression(max_iter=1000)).fit(*customers(400, 1))


def boosted_pipeline(iterations: int = 30) -> Pipeline:
    """Histogram gradient boosting over one-hot columns."""
    estimator = HistGradientBoostingClassifier(max_iter=iterations, max_leaf_nodes=8, random_state=0)
    return make_pipeline(_preprocessing(scaled=False), estimator).fit(*customers(600, 2))


def native_categories_pipeline() -> Pipeline:
    """Histogram gradient boosting that splits on categories itself."""
    estimator = HistGradientBoostingClassifier(
        max_iter=30, max_leaf_nodes=8, random_state=0, categorical_features=[0, 1, 2]
    )
    return make_pipeline(_preprocessing(scaled=False, one_hot=False), estimator).fit(*customers(600, 3))


def forest_pipeline() -> Pipeline:
    """A random forest over one-hot columns."""
    estimator = RandomForestClassifier(n_estimators=40, min_samples_leaf=5, random_state=0)
    return make_pipeline(_preprocessing(scaled=False), estimator).fit(*customers(600, 4))


def scaled_boosted_pipeline() -> Pipeline:
    """Trees over scaled numbers: thresholds may lie exactly on rounded values."""
    estimator = HistGradientBoostingClassifier(max_iter=10, random_state=0)
    return make_pipeline(_preprocessing(scaled=True), estimator).fit(*customers(600, 6))


def spline_pipeline() -> Pipeline:
    """A logistic regression over splines of the numbers, as the trainer's."""
    numbers = make_pipeline(_as_floats(), SimpleImputer(), SplineTransformer(knots="quantile"), StandardScaler())
    columns = ColumnTransformer([("numbers", numbers, _NUMBERS), ("categories", OneHotEncoder(), _CATEGORIES)])
    return make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(*customers(600, 7))


def interacting_pipeline() -> Pipeline:
    """Features that are a function of two columns at once, which no table of columns can express."""
    numbers = make_pipeline(_as_floats(), SimpleImputer(), StandardScaler(), PolynomialFeatures(2))
    columns = ColumnTransformer([("numbers", numbers, _NUMBERS)])
    return make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(*customers(400, 5))


def save_artifact(folder: Path, pipeline: Any) -> str:
    """Write model.joblib and contract.json as the trainer does; returns the model's sha256 hex digest."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(pipeline, folder / "model.joblib")
    (folder / "contract.json").write_text(CONTRACT.model_dump_json())
    return hashlib.sha256((folder / "model.joblib").read_bytes()).hexdigest()


def _as_floats() -> FunctionTransformer:
    return FunctionTransformer(np.asarray, kw_args={"dtype": float})


def _preprocessing(*, scaled: bool, one_hot: bool = True) -> ColumnTransformer:
    names = [list(CONTRACT.columns[index].categories) for index in _CATEGORIES]
    encoder = OneHotEncoder(categories=names, sparse_output=False) if one_hot else OrdinalEncoder(categories=names)
    scaling = (StandardScaler(),) if scaled else ()
    numbers = make_pipeline(_as_floats(), SimpleImputer(strategy="median"), *scaling)
    return ColumnTransformer([("categories", encoder, _CATEGORIES), ("numbers", numbers, _NUMBERS)])
