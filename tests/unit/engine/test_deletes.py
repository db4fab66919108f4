"""Properties of the order of deletes, for states of any shape that hypothesis thinks of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.deletes import kept, layers
from engine.rows import Row, depends_on
from engine.steps import Step
from engine.targets import Targets


def urn(number: int) -> str:
    return f"urn:pulumi:dev::p::pkg:index:Thing::r{number}"


@st.composite
def states(draw: st.DrawFn) -> list[Row]:
    """Rows in the state's order: each needs only such as stand before it."""
    rows: list[Row] = []
    for number in range(draw(st.integers(0, 12))):
        before = st.sets(st.integers(0, number - 1), max_size=3) if number else st.just(set())
        parents = [None, *range(number)]
        parent = draw(st.sampled_from(parents))
        needs = [urn(n) for n in sorted(draw(before))]
        by_property = [urn(n) for n in sorted(draw(before))]
        custom = draw(st.booleans())
        row = Row(
            urn=urn(number),
            type="pkg:index:Thing",
            custom=custom,
            id=str(number) if custom else "",
            parent="" if parent is None else urn(parent),
            dependencies=needs if custom else [],
            property_dependencies={"key": by_property} if custom else {},
            deleted_with=urn(draw(st.integers(0, number - 1))) if number and custom else "",
        )
        rows.append(row)
    return rows


@given(states(), st.data())
def test_nothing_is_deleted_before_what_depends_on_it(rows: list[Row], data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(rows), unique_by=id)) if rows else []
    chosen = {id(row) for row in some}
    gone = [Step("delete", row.urn, old=row) for row in rows if id(row) in chosen]
    found = layers(gone, rows)
    place = {step.urn: index for index, layer in enumerate(found) for step in layer}
    assert sorted(place) == sorted(step.urn for step in gone)
    assert sum(map(len, found)) == len(gone)
    for row in rows:
        for needed in depends_on(row) - {row.urn}:
            if row.urn in place and needed in place:
                assert place[row.urn] < place[needed]


@given(states())
def test_there_are_no_more_layers_than_the_longest_chain_has_links(rows: list[Row]) -> None:
    found = layers([Step("delete", row.urn, old=row) for row in rows], rows)
    assert all(found)  # none is empty: nothing waits for nothing


@given(states())
def test_to_need_a_component_is_to_need_its_children(rows: list[Row]) -> None:
    found = layers([Step("delete", row.urn, old=row) for row in rows], rows)
    place = {step.urn: index for index, layer in enumerate(found) for step in layer}
    for number, row in enumerate(rows):
        for child in rows[:number]:
            parent = next((r for r in rows if r.urn == child.parent), None)
            needs = depends_on(row) - {row.parent}
            if parent is not None and not parent.custom and parent.urn in needs:
                assert place[row.urn] < place[child.urn]


@given(states(), st.data())
def test_what_is_excluded_keeps_all_that_it_needs(rows: list[Row], data: st.DataObject) -> None:
    excluded = data.draw(st.sets(st.sampled_from([row.urn for row in rows]))) if rows else set()
    found = kept(Targets(excluded), rows)
    assert excluded <= found
    for row in rows:
        if row.urn in found:
            assert depends_on(row) <= found
