"""`init` reads a table as a person would, says what it guessed, and proposes what the API server takes."""

from __future__ import annotations

import csv
import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_operator.api.reading import read_spec
from churn_report import ColumnKind
from churn_report.telco import TELCO_COLUMNS
from churn_trainer.contract import check_columns
from churnctl.__main__ import run
from churnctl.errors import InputError
from churnctl.lint.definition import read_definition
from churnctl.lint.manifest import check_manifest
from churnctl.proposal.contract import contract_of
from churnctl.proposal.gate import auc_spread, gate_of
from churnctl.proposal.manifest import label_of, scalar
from churnctl.proposal.roles import Roles, plain_name, roles_of
from churnctl.proposal.signal import single_column_auc
from churnctl.proposal.table import Table, read_table

pytestmark = pytest.mark.unit

ROWS = 400


def table_of(folder: Path, **columns: Any) -> Table:
    """A table of these columns: a function of (place, whether one left) each, or a list."""
    dice = random.Random(5)
    left = [dice.random() < 0.3 for _ in range(ROWS)]
    file = folder / "customers.csv"
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(columns)
        for place in range(ROWS):
            writer.writerow(
                [cell(place, left[place]) if callable(cell) else cell[place % len(cell)] for cell in columns.values()]
            )
    return read_table(file)


def bank(folder: Path) -> Table:
    """The columns of a bank's customers, with the traps that such tables have."""
    dice = random.Random(6)
    return table_of(
        folder,
        RowNumber=lambda place, _: place + 1,
        CustomerId=lambda place, _: 15_600_000 + 7 * place,
        Surname=lambda place, _: f"Name {place % 300}",
        Age=lambda _, left: dice.randint(40, 80) if left else dice.randint(20, 70),
        Balance=lambda place, _: "" if place % 9 == 0 else round(dice.random() * 90_000, 2),
        Share=lambda *_: round(dice.random(), 3),
        Change=lambda *_: dice.randint(-50, 50),
        Geography=["France", "no", "1"],
        HasCrCard=[0, 1],
        Bank=["ours"],
        Reason=lambda _, left: "price" if left else "none",
        ChurnScore=lambda *_: dice.randint(1, 99),
        Exited=lambda _, left: int(left),
    )


def test_a_banks_customers_are_understood(tmp_path: Path) -> None:
    table = bank(tmp_path)
    roles = roles_of(table, None, None, None)
    assert (roles.target, roles.positive_label, roles.id_column) == ("Exited", "1", "CustomerId")
    contract = contract_of(table, roles)
    assert not contract.telco
    assert [column.name for column in contract.columns] == [
        "Age",
        "Balance",
        "Share",
        "Change",
        "Geography",
        "HasCrCard",
    ]
    why = dict(contract.left_out)
    assert "identifies and tells nothing" in why["RowNumber"]
    assert "group them" in why["Surname"]
    assert "the same in every row" in why["Bank"]
    assert "tells the target almost by itself" in why["Reason"]
    assert "its name speaks of the target" in why["ChurnScore"]
    check_columns(contract.columns, roles.target, roles.id_column)


def test_a_text_for_what_is_not_known_makes_no_category_of_a_number(tmp_path: Path) -> None:
    table = table_of(
        tmp_path,
        id=lambda place, _: place,
        Age=lambda place, _: "NaN" if place % 5 == 0 else place,
        Plan=["a", "b", "c"],
        churn=lambda _, left: int(left),
    )
    why = dict(contract_of(table, roles_of(table, None, None, None)).left_out)
    assert why["Age"] == 'numbers, and texts such as "NaN": leave those blank'


def test_kinds_and_bounds(tmp_path: Path) -> None:
    table = bank(tmp_path)
    columns = {column.name: column for column in contract_of(table, roles_of(table, None, None, None)).columns}
    assert columns["Balance"].nullable
    assert (columns["Balance"].minimum, columns["Balance"].maximum) == (0, 1_000_000)
    assert (columns["Share"].minimum, columns["Share"].maximum) == (0, 1)
    assert (columns["Change"].minimum, columns["Change"].maximum) == (-100, 100)
    assert columns["HasCrCard"].kind is ColumnKind.CATEGORY
    assert columns["Geography"].categories == ("1", "France", "no")


def test_the_proposal_is_taken_by_lint_the_operator_and_keeps_texts_as_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank(tmp_path)
    assert run(["init", str(tmp_path / "customers.csv"), "--name", "bank"]) == 0
    said = capsys.readouterr()
    content = yaml.safe_load(said.out)
    assert check_manifest(content, read_definition()) == []
    spec = read_spec(content["spec"])
    assert spec.dataset.positive_label == "1"
    assert next(column for column in spec.dataset.columns if column.name == "Geography").categories == (
        "1",
        "France",
        "no",
    )
    assert spec.evaluation.too_good is not None
    assert "left out: Reason" in said.err


def telco(folder: Path, **changed: Any) -> Table:
    """Telco's columns with a value of each."""
    columns: dict[str, Any] = {"customerID": lambda place, _: f"{place:04}-ABCDE"}
    for column in TELCO_COLUMNS:
        columns[column.name] = list(column.categories) or (lambda place, _: place % 70)
    columns |= changed
    columns["Churn"] = lambda _, left: "Yes" if left else "No"
    return table_of(folder, **columns)


def test_blanks_around_a_value_are_no_part_of_it(tmp_path: Path) -> None:
    table = table_of(
        tmp_path,
        id=lambda place, _: f"c{place}",
        plan=["gold", "gold ", " silver"],
        left=lambda _, left: "yes " if left else "no",
    )
    roles = roles_of(table, target="left", positive=None, id_column="id")
    assert roles.positive_label == "yes"
    (plan,) = contract_of(table, roles).columns
    assert plan.categories == ("gold", "silver")


def test_telco_columns_need_no_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    telco(tmp_path, Extra=["a", "b"])
    assert run(["init", str(tmp_path / "customers.csv")]) == 0
    text = capsys.readouterr().out
    assert "columns:" not in text
    assert "the built-in Telco contract" in text
    assert yaml.safe_load(text)["metadata"]["name"] == "customers"


@pytest.mark.parametrize("changed", [{"Contract": ["Monthly"]}, {"tenure": [-1, 2, 3]}, {"gender": ["Male", ""]}])
def test_telco_columns_with_other_values_are_listed(tmp_path: Path, changed: dict[str, Any]) -> None:
    table = telco(tmp_path, **changed)
    assert not contract_of(table, roles_of(table, None, None, None)).telco


@pytest.mark.parametrize(
    ("values", "label"),
    [
        (("Yes", "No"), "Yes"),
        (("TRUE", "FALSE"), "TRUE"),
        (("Existing Customer", "Attrited Customer"), "Attrited Customer"),
        (("Stayed", "Gone"), "Gone"),
    ],
)
def test_the_positive_label(tmp_path: Path, values: tuple[str, str], label: str) -> None:
    table = table_of(tmp_path, id=lambda place, _: f"c{place}", x=[1, 2, 3], churn=list(values))
    assert roles_of(table, None, None, None).positive_label == label


def test_a_label_that_says_nothing_is_marked_for_a_look(tmp_path: Path) -> None:
    table = table_of(tmp_path, id=lambda place, _: f"c{place}", x=[1, 2, 3], churn=["a", "a", "b"])
    roles = roles_of(table, None, None, None)
    assert roles.positive_label == "b"
    assert any("CHECK THIS" in note for note in roles.notes)


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        (
            {"id": lambda place, _: place, "a": [1, 2], "b": [1, 2, 2]},
            {},
            "Name it with --target; two values have a, b",
        ),
        ({"id": lambda place, _: place, "a": [1, 2, 3]}, {}, "no column with two values"),
        ({"a": [1, 2, 3], "churn": [0, 1]}, {}, "identifies a customer"),
        ({"id": lambda place, _: place, "churn": [0, 1, ""]}, {"target": "churn"}, "is blank in 133 rows"),
        (
            {
                "id": lambda place, _: place,
                "sex": ["f", "m"],
                "Churn": lambda place, _: "" if place == 7 else place % 2,
            },
            {},
            "target Churn is blank in 1 row: remove or complete it",
        ),
        ({"id": lambda place, _: place, "sex": ["f", "m"], "churn": [0]}, {}, "target churn has 1 value in"),
        ({"id": lambda place, _: place, "churn": [0, 1]}, {"target": "gone"}, "has no column gone; it has id, churn"),
        ({"id": lambda place, _: place, "churn": [0, 1]}, {"positive": "Yes"}, 'never "Yes"; it is 0 or 1'),
        (
            {"id": lambda place, _: place, "n": [7, 8], "churn": [0, 1]},
            {"target": "churn", "id_column": "n"},
            "value twice",
        ),
    ],
)
def test_what_cannot_be_guessed_is_asked_for(
    tmp_path: Path, columns: dict[str, Any], options: dict[str, str], said: str
) -> None:
    table = table_of(tmp_path, **columns)
    wishes = {"target": None, "positive": None, "id_column": None, **options}
    with pytest.raises(InputError, match=said):
        roles_of(table, **wishes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a,b\n", "no customers"),
        ("a,a\n1,2\n", "column a twice"),
        ("a,,b\n1,2,3\n", "column 2 has no name"),
        ("1,2\n3,4\n", "begins with numbers"),
        ("a,b\n1,2\n3\n", "line 3: 1 values"),
        ("a;b\n1;2\n", "separates its columns by semicolons: training reads commas"),
        ("a, b\n1,2\n", "a blank belongs to the name of column 2, ' b': remove it"),
        (
            'a,b\n1,"' + "2\n" * 70_000,
            ": field larger than field limit (131072); is a quotation mark not closed?",
        ),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    csv.field_size_limit(131_072)
    with pytest.raises(InputError, match=re.escape(said)):
        read_table(tmp_path / "t.csv")


def test_a_single_column_is_measured_as_scikit_learn_does() -> None:
    from sklearn.metrics import roc_auc_score

    dice = random.Random(7)
    positive = [dice.random() < 0.3 for _ in range(500)]
    values = [round(dice.gauss(1.0 if left else 0.0, 1.5), 1) for left in positive]
    mine = single_column_auc([str(value) for value in values], positive, numeric=True)
    assert mine == pytest.approx(roc_auc_score(positive, values))


def test_customers_of_one_category_are_ties() -> None:
    from sklearn.metrics import roc_auc_score

    dice = random.Random(9)
    monthly = [dice.random() < 0.5 for _ in range(4000)]
    positive = [dice.random() < (0.4 if each else 0.1) for each in monthly]
    mine = single_column_auc([str(each) for each in monthly], positive, numeric=False)
    assert mine == pytest.approx(roc_auc_score(positive, monthly), abs=0.002)


def test_a_reason_that_only_leavers_give_tells_all() -> None:
    positive = [place % 5 == 0 for place in range(400)]
    reasons = [f"reason {place}" if left else "" for place, left in enumerate(positive)]
    assert single_column_auc(reasons, positive, numeric=False) == 1


def test_many_rare_values_do_not_look_like_knowledge() -> None:
    dice = random.Random(8)
    positive = [dice.random() < 0.3 for _ in range(2000)]
    assert single_column_auc([str(dice.randrange(190)) for _ in positive], positive, numeric=False) < 0.55


def test_the_gate_leaves_room_for_chance_in_a_small_holdout(tmp_path: Path) -> None:
    table = bank(tmp_path)
    roles = roles_of(table, None, None, None)
    contract = contract_of(table, roles)
    gate = gate_of(table, roles, contract)
    name, best = contract.best or ("", 0)
    assert name == "Age"
    assert gate.roc_auc < best - auc_spread(best, 24, 56)
    assert gate.calibration_error > 0.1, "80 customers show as much by chance"
    assert gate.margin > 0.005


def test_too_few_customers_are_no_data(tmp_path: Path) -> None:
    table = bank(tmp_path)
    few = Roles("Exited", "1", 9, "CustomerId", ())
    with pytest.raises(InputError, match="at least 13 are needed"):
        gate_of(table, few, contract_of(table, few))


def test_spread_of_hanley_and_mcneil() -> None:
    """Their own example: 58 normal, 51 abnormal, area 0.893, standard error 0.032."""
    assert auc_spread(0.893, 51, 58) == pytest.approx(0.0325, abs=0.0005)


@pytest.mark.parametrize("name", ["2026.csv", "true.csv", "1e3.csv", "null.csv", "0x1f.csv"])
def test_a_file_may_be_called_like_a_number(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    bank(tmp_path)
    (tmp_path / "customers.csv").rename(tmp_path / name)
    assert run(["init", str(tmp_path / name)]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["metadata"]["name"] == name.removesuffix(".csv")


@pytest.mark.parametrize("between", ["\n", "\x85", "\u2028", "\x7f", "\x9b"])
def test_no_letter_of_a_table_ends_a_comment_or_a_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], between: str
) -> None:
    table_of(
        tmp_path,
        id=lambda place, _: f"c{place}",
        Bank=[f"ours{between}evil: true"],
        Plan=[f"a{between}b", "c"],
        Age=lambda place, left: 60 + place % 7 if left else 40 + place % 23,
        churn=[f"gone{between}evil: true", "stayed", "stayed"],
    )
    assert run(["init", str(tmp_path / "customers.csv")]) == 0
    content = yaml.safe_load(capsys.readouterr().out)
    assert set(content) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(content["spec"]) == {"dataset", "evaluation", "rollout"}
    assert content["spec"]["dataset"]["positiveLabel"] == f"gone{between}evil: true"
    plan = next(column for column in content["spec"]["dataset"]["columns"] if column["name"] == "Plan")
    assert plan["categories"] == [f"a{between}b", "c"]


def test_a_file_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank(tmp_path)
    target = tmp_path / "model.yaml"
    target.write_text("mine")
    arguments = ["init", str(tmp_path / "customers.csv"), "--write", str(target)]
    assert run(arguments) == 2
    assert target.read_text() == "mine"
    assert run([*arguments, "--force"]) == 0
    assert "kubectl apply -f" in capsys.readouterr().err
    assert run(["init", str(tmp_path / "customers.csv"), "--uri", "http://no"]) == 2
    assert "must be s3://bucket/key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "written"),
    [("Monthly Charges", "Monthly Charges"), ("yes", '"yes"'), ("n", '"n"'), ("12", '"12"'), ("a: b", '"a: b"'),
     ("", '""'),
     ("null", '"null"'), ("#1", '"#1"'), ("jährlich", '"jährlich"')],
)  # fmt: skip
def test_quotes_where_yaml_would_read_something_else(text: str, written: str) -> None:
    assert scalar(text) == written
    assert yaml.safe_load(scalar(text)) == text


def test_names() -> None:
    assert label_of("Telco Customer_Churn (2026)") == "telco-customer-churn-2026"
    assert label_of("ü") == "churn-model"
    assert plain_name("customerID") == plain_name("Customer ID") == "customer_id"
