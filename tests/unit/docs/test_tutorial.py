"""How the tutorial's test reads its page, and what it takes for the same."""

from __future__ import annotations

import pytest

from tests.integration.docs.tutorial import Step, matches, steps

PAGE = """
Text.

```sh
make demo
```

<!-- run -->
```sh
one
```

<!-- run -->
```sh
two
three
```

<!-- prints 1 -->
```text
no
```
"""


def test_only_marked_fences_are_run_and_each_has_what_follows_it() -> None:
    assert list(steps(PAGE)) == [Step("one\n"), Step("two\nthree\n", "no\n", 1)]


def test_output_without_a_command_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nothing ran"):
        list(steps("\n<!-- prints -->\n```text\nno\n```\n"))


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("a b", "a b\n"),
        ("NAME   AGE\nx   …", "NAME AGE\nx 12s\n"),
        ("a\n…\nz", "a\nb\nc\nz"),
        ("a\n…\nz", "a\nz"),
        ("(…) v1 …%", "(any thing) v1 100%"),
    ],
)
def test_it_is_the_same(said: str, printed: str) -> None:
    assert matches(said, printed)


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("a", "b"),
        ("a", "a\nb"),
        ("a\nb", "a"),
        ("a … b", "a\nb"),
        ("version 1 …", "version 2 now"),
        ("a.c", "abc"),
        ("", "error"),
    ],
)
def test_it_is_something_else(said: str, printed: str) -> None:
    assert not matches(said, printed)
