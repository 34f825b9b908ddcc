"""Sorting and paging of the list calls."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from churn_devcluster.pipelines.answers import Refusal, RequestError

_DEFAULT_PAGE_SIZE = 20
_LARGEST_PAGE_SIZE = 200


@dataclass(frozen=True)
class Page:
    """Some record ids, in order, and the token of the next page ("" after the last)."""

    ids: tuple[str, ...]
    next_page_token: str


def page(records: Mapping[str, Mapping[str, Any]], page_size: int, page_token: str, sort_by: str) -> Page:
    """One page of `records` (fields by id), sorted by `sort_by` ("field" or "field desc"), then by id.

    A token names the last record of its page, so that records which come or go between two calls make
    no other record appear twice or be left out.

    Raises:
        RequestError: unknown field, or a token that is not ours.
    """
    field, descending = _sorting(sort_by)
    keys = {identifier: _key(fields, field, identifier) for identifier, fields in records.items()}
    ordered = sorted(keys, key=lambda identifier: keys[identifier], reverse=descending)
    if page_token:
        last = _decode(page_token)
        ordered = [each for each in ordered if (keys[each] < last if descending else keys[each] > last)]
    size = min(page_size, _LARGEST_PAGE_SIZE) if page_size > 0 else _DEFAULT_PAGE_SIZE
    ids: Sequence[str] = ordered[:size]
    more = len(ordered) > size
    return Page(tuple(ids), _encode(keys[ids[-1]]) if more else "")


def _sorting(sort_by: str) -> tuple[str, bool]:
    match sort_by.split():
        case []:
            return "created_at", False
        case [field] | [field, "asc"]:
            return field, False
        case [field, "desc"]:
            return field, True
        case _:
            raise RequestError(Refusal.INVALID, f"Invalid input error: cannot sort by {sort_by!r}")


def _key(fields: Mapping[str, Any], field: str, identifier: str) -> tuple[str, str]:
    if field not in fields:
        raise RequestError(Refusal.INVALID, f"Invalid input error: cannot sort by field {field!r}")
    # Times sort as text too: str() of two times of one zone has one form.
    return str(fields[field] or ""), identifier


def _encode(key: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _decode(token: str) -> tuple[str, str]:
    try:
        value, identifier = json.loads(base64.urlsafe_b64decode(token))
        return str(value), str(identifier)
    except (binascii.Error, ValueError, TypeError) as error:
        message = f"Invalid input error: invalid page token {token!r}"
        raise RequestError(Refusal.INVALID, message) from error
