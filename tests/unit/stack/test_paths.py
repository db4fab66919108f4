"""One walk along a setting's path: through sections, lists from 1, and the schema's models."""

from __future__ import annotations

import pytest

from stack import paths
from tests.unit.stack_file import StackFile

SECTIONS = {"excp": {"pairs": {"1": {"hosts": ["a", "b"]}}}}


def test_lists_count_from_one_in_files_and_in_models() -> None:
    assert paths.get(SECTIONS, "excp.pairs.1.hosts.2") == "b"
    assert paths.get(SECTIONS, "excp.pairs.1.hosts.0") is None
    hosts = StackFile().config().excp.pairs["1"].hosts
    assert paths.get(StackFile().config(), "excp.pairs.1.hosts.1") == hosts[0]
    assert paths.written(["excp", "pairs", "1", "hosts", 0]) == "excp.pairs.1.hosts.1"


def test_what_is_not_there_is_none() -> None:
    assert paths.get(SECTIONS, "excp.pairs.2.hosts") is None
    assert paths.get(SECTIONS, "excp.pairs.1.hosts.a.b") is None
    assert paths.get(StackFile().config(), "redis.nothing") is None


def test_what_is_put_is_there_and_what_is_removed_is_not() -> None:
    settings: dict[str, object] = {}
    paths.put(settings, "excs.log.level", "debug")
    assert settings == {"excs": {"log": {"level": "debug"}}}
    paths.remove(settings, "excs.log.level")
    paths.remove(settings, "exas.log.level")
    assert settings == {"excs": {"log": {}}}
    with pytest.raises(ValueError, match="level is not a section"):
        paths.put({"excs": {"log": {"level": "x"}}}, "excs.log.level.a", 1)


def test_a_value_is_a_variable_as_the_vendor_writes_it_and_words_as_a_person_reads_them() -> None:
    values = [None, [], True, ["a", "b"], 5, "x"]
    assert [paths.as_variable(v) for v in values] == [None, None, "true", "a,b", "5", "x"]
    words = [paths.as_words(v) for v in [*values, {"a": 1}, {}]]
    assert words == ["none", "none", "true", "a, b", "5", "x", "a: 1", "none"]
