"""YAML with lines: what counts as what, and what is refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge.yamltree import MAX_BYTES, Fault, Node, parse, scalar


def tree(text: str) -> Node:
    node, faults = parse(text)
    assert node is not None
    assert not faults
    return node


def faults(text: str) -> list[Fault]:
    return parse(text)[1]


@pytest.mark.parametrize(
    "word", ["no", "on", "off", "yes", "12:30", "010", "0x1F", "1e999", ".inf", ".nan", "2024-06-01"]
)
def test_a_word_that_yaml_1_1_would_twist_stays_text(word: str) -> None:
    assert scalar(word) == word


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("2_000_000", 2_000_000),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
    ],
)
def test_a_plain_scalar_means_what_it_looks_like(word: str, value: object) -> None:
    assert scalar(word) == value


def test_what_is_quoted_is_text() -> None:
    assert tree("a: '7'").child("a").value == "7"


def test_a_value_knows_the_line_of_its_key() -> None:
    assert tree("a: 1\nb:\n  c:\n    - 2\n    - 3\n").child("b").child("c").line == 3


def test_an_entry_of_a_list_knows_its_own_line() -> None:
    assert tree("a:\n  - 2\n  - 3\n").child("a").child(1).line == 3


def test_a_key_that_stands_twice_is_refused_and_both_lines_are_named() -> None:
    assert faults("a: {b: 1}\na: 2\n") == [
        Fault(2, "", "expected a once, got it again; it stands in line 1 too")
    ]


def test_a_merge_is_refused() -> None:
    assert "got a merge" in faults("a: &x {k: 1}\nb:\n  <<: *x\n")[0].text


def test_an_anchor_used_as_a_value_is_fine() -> None:
    assert tree("a: &x [1, 2]\nb: *x\n").child("b").child(1).value == 2


def test_a_tag_is_refused() -> None:
    assert faults("a: !!python/object:os.system {}\n")[0].line == 1


def test_a_list_as_a_key_is_refused() -> None:
    assert "as the key" in faults("? [1, 2]\n: 3\n")[0].text


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
    assert "an alias counts each time" in faults(bomb)[0].text


def test_a_value_inside_itself_is_refused() -> None:
    assert "deep" in faults("a: &a [*a]\n")[0].text


def test_endless_brackets_are_refused() -> None:
    assert len(faults("[" * 50_000)) == 1


def test_a_file_beyond_the_limit_is_refused() -> None:
    assert "characters" in faults("#" * (MAX_BYTES + 1))[0].text


def test_an_empty_file_is_refused() -> None:
    assert faults("# nothing\n")[0].text == "expected a mapping, got an empty file"


def test_a_broken_file_is_refused_with_the_line() -> None:
    assert faults("a: 1\nb: [1, 2\nc: 3\n")[0].line == 3


def test_two_documents_are_refused() -> None:
    assert faults("a: 1\n---\nb: 2\n")


def test_a_nul_byte_is_refused() -> None:
    assert faults("a: \0\n")


@given(st.text(max_size=60))
def test_any_text_gives_a_tree_or_a_fault(text: str) -> None:
    node, found = parse(text)
    assert node is not None or found


@given(
    st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | st.booleans() | st.text("abc:-#'\" \n", max_size=9)
)
def test_what_a_yaml_writer_wrote_is_read_back(value: object) -> None:
    assert tree(yaml.safe_dump({"key": value})).child("key").value == value
