import pytest

from consilience.errors import InvalidInput
from consilience.runs.template import Template


def test_braces_in_a_cell_are_text():
    assert Template("Say {a} and {b}").fill({"a": "{b}", "b": "{{x}}"}) == "Say {b} and {{x}}"


def test_doubled_braces_are_braces():
    assert Template('{{"k": "{a}"}}').fill({"a": 1}) == '{"k": "1"}'


def test_a_column_may_have_any_name():
    assert Template("{my text!r:>3}").columns == ("my text!r:>3",)


@pytest.mark.parametrize("text", ["{", "a } b", "{}", "{a", "a}"])
def test_a_lone_brace_is_named_with_its_place(text):
    with pytest.raises(InvalidInput, match="at character"):
        Template(text)


def test_a_prompt_without_columns_is_refused():
    with pytest.raises(InvalidInput, match="at least one column"):
        Template("Is water wet?")
