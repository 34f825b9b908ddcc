"""The built-in data contract: the columns of the Telco customer table."""

from __future__ import annotations

from churn_report.contract import Column, ColumnKind

_YES_NO = ("No", "Yes")
_INTERNET_OPTION = ("No", "No internet service", "Yes")


def _category(name: str, categories: tuple[str, ...]) -> Column:
    return Column(name=name, kind=ColumnKind.CATEGORY, categories=categories)


def _number(name: str, maximum: float, *, nullable: bool = False) -> Column:
    return Column(name=name, kind=ColumnKind.NUMBER, minimum=0, maximum=maximum, nullable=nullable)


TELCO_COLUMNS: tuple[Column, ...] = (
    _category("gender", ("Female", "Male")),
    _category("SeniorCitizen", ("0", "1")),
    _category("Partner", _YES_NO),
    _category("Dependents", _YES_NO),
    _number("tenure", 1200),
    _category("PhoneService", _YES_NO),
    _category("MultipleLines", ("No", "No phone service", "Yes")),
    _category("InternetService", ("DSL", "Fiber optic", "No")),
    _category("OnlineSecurity", _INTERNET_OPTION),
    _category("OnlineBackup", _INTERNET_OPTION),
    _category("DeviceProtection", _INTERNET_OPTION),
    _category("TechSupport", _INTERNET_OPTION),
    _category("StreamingTV", _INTERNET_OPTION),
    _category("StreamingMovies", _INTERNET_OPTION),
    _category("Contract", ("Month-to-month", "One year", "Two year")),
    _category("PaperlessBilling", _YES_NO),
    _category(
        "PaymentMethod",
        ("Bank transfer (automatic)", "Credit card (automatic)", "Electronic check", "Mailed check"),
    ),
    _number("MonthlyCharges", 10_000),
    # Blank for customers of tenure 0: nothing has been charged yet.
    _number("TotalCharges", 1_000_000, nullable=True),
)
