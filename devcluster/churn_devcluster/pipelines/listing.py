"""What the list calls have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from churn_devcluster.pipelines.filters import matches, parse_filter
from churn_devcluster.pipelines.paging import page


class ListQuery(BaseModel):
    """Query parameters of a list call."""

    model_config = ConfigDict(frozen=True)

    page_size: int = 0
    page_token: str = ""
    sort_by: str = ""
    filter: str = ""
    experiment_id: str = ""
    namespace: str = ""


def list_answer(
    kind: str,
    records: Mapping[str, Mapping[str, Any]],
    query: ListQuery,
    answer: Callable[[str], dict[str, Any]],
) -> dict[str, Any]:
    """The page of `records` (fields by id) that the query asks for, under the key `kind`.

    Raises:
        RequestError: the filter, the sorting or the page token is none.
    """
    predicates = parse_filter(query.filter)
    chosen = {identifier: fields for identifier, fields in records.items() if matches(predicates, fields)}
    found = page(chosen, query.page_size, query.page_token, query.sort_by)
    listed: dict[str, Any] = {}
    if found.ids:
        listed[kind] = [answer(identifier) for identifier in found.ids]
        listed["total_size"] = len(chosen)
    if found.next_page_token:
        listed["next_page_token"] = found.next_page_token
    return listed
