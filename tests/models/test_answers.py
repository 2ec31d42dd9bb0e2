import pytest

from consilience.errors import InvalidChoices, InvalidInput, Unparseable
from consilience.models import Items, Label, Ranking, Score, Text, canonical


@pytest.mark.parametrize("said", ["yes", " Yes. ", "YES!", '"yes"', "**yes**"])
def test_a_label_is_read_whatever_its_case_and_punctuation(said):
    assert Label("yes", "no").parse(said) == "yes"


@pytest.mark.parametrize("said", ["maybe", "yes and no", "", "   ", None, 3, ["yes"]])
def test_a_label_outside_the_choices_is_unparseable(said):
    with pytest.raises(Unparseable, match="yes, no"):
        Label("yes", "no").parse(said)


@pytest.mark.parametrize(
    ("choices", "why"),
    [
        ((), "at least two"),
        (("yes",), "at least two"),
        (("yes", "Yes."), "reads the same"),
        (("yes", " "), "at least one character"),
        (("yes", 1), "at least one character"),
        ((["yes", "no"],), r"Label\(\*choices\)"),
    ],
)
def test_choices_that_cannot_be_told_apart_are_refused(choices, why):
    with pytest.raises(InvalidChoices, match=why):
        Label(*choices)


def test_choices_of_punctuation_only_are_told_apart():
    kind = Label("+", "-", "?", "!")
    assert [kind.parse(choice) for choice in kind.choices] == ["+", "-", "?", "!"]


@pytest.mark.parametrize(
    "said",
    [
        "- Add an index\n- Shard",
        "1. Add an index\n2) Shard",
        '["Add an index", "Shard"]',
        "Here:\n* Add an index\n* Shard",
    ],
)
def test_items_are_read_from_the_usual_lists(said):
    assert Items().parse(said) == ("Add an index", "Shard")


def test_an_expert_that_repeats_itself_says_it_once():
    assert Items().parse("- Shard\n- shard.\n- Index") == ("Shard", "Index")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("- \n-  ", "none came"),
        ("[1, 2]", "JSON array of texts"),
        ("[" * 100_000, "JSON array of texts"),
        ("\n".join(f"- item {n}" for n in range(51)), "At most 50"),
        ("- " + "x" * 2001, "2,001"),
    ],
)
def test_lists_that_cannot_be_used_are_unparseable(said, why):
    with pytest.raises(Unparseable, match=why):
        Items().parse(said)


def test_the_bounds_of_items_are_options():
    assert len(Items(max_items=60).parse("\n".join(f"- item {n}" for n in range(51)))) == 51
    assert Items(max_chars=3000).parse("- " + "x" * 2001)
    with pytest.raises(InvalidInput, match="max_items"):
        Items(max_items=0)


def test_a_long_text_is_refused_rather_than_cut():
    with pytest.raises(Unparseable, match="max_chars"):
        Text(max_chars=5).parse("far too long")


def test_a_negation_and_a_number_stay_differences():
    texts = ["Shard by 4.", "Shard by 5.", "Do not shard by 4."]
    assert len({canonical(text) for text in texts}) == 3


def test_a_kind_says_in_its_spec_what_makes_it_different():
    kinds = [
        Label("a", "b"),
        Label("b", "a"),
        Label("a", "b", name="Topic"),
        Items(),
        Items(3),
        Text(),
        Text(9),
    ]
    assert len({kind.spec() for kind in kinds}) == len(kinds)


@pytest.mark.parametrize(
    "kind",
    [
        Label("a", "b"),
        Label("a", "b", name="Topic"),
        Items(3),
        Text(9),
        Score(0, 10, tolerance=1, name="Grade"),
        Ranking("a", "b"),
        Ranking("a", "b", "c", top=2, name="Order"),
    ],
    ids=repr,
)
def test_a_kind_shows_itself_as_it_is_written(kind):
    names = {each.__name__: each for each in (Label, Items, Text, Score, Ranking)}
    assert eval(repr(kind), names) == kind  # noqa: S307 - of this package


@pytest.mark.parametrize(
    ("said", "items"),
    [
        (
            "1. Do not\n   deploy on Friday\n2. Delete the table\n   only after a backup",
            ("Do not deploy on Friday", "Delete the table only after a backup"),
        ),
        ("- Wait\nuntil Monday\n- Shard", ("Wait until Monday", "Shard")),
        (
            "What I would do:\n\n- Wait\n\n  It is late.\n- Shard\n\nHope this helps!",
            ("Wait It is late.", "Shard"),
        ),
        ('```json\n["Add an index", "Shard"]\n```', ("Add an index", "Shard")),
        ("```\n- Add an index\n- Shard\n```", ("Add an index", "Shard")),
    ],
)
def test_an_item_goes_on_over_lines_and_a_fence_is_left_out(said, items):
    assert Items().parse(said) == items


def test_a_json_object_is_no_list():
    with pytest.raises(Unparseable, match="A list is required, a JSON object came"):
        Items().parse('{"items": ["Add an index"]}')
