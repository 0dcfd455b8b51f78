"""What all tables share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122

from workflows.columns import new_id


def test_ids_grow_in_the_order_in_which_they_are_made() -> None:
    made = [new_id() for _ in range(5000)]
    assert made == sorted(made)
    assert {(each.version, each.variant) for each in made} == {(7, RFC_4122)}


def test_no_two_threads_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [each for many in threads.map(lambda _: [new_id() for _ in range(500)], range(16)) for each in many]
    assert len(set(made)) == len(made)
