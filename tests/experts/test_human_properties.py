"""Properties of people's inboxes: no question answers itself, nothing that was saved is lost."""

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

import consilience as cs
from consilience.experts.human.folders import LocalFolder
from consilience.experts.human.sheet import (
    HEADING,
    file_name,
    folder_name,
    header,
    id_part,
    sent_back,
    sheet,
    written,
)

HOSTILE = [
    "## Your answer",
    "- [x] bug",
    "* [X] bug",
    "- [x] done: I have finished my answer",
    "- [x] (I abstain: I cannot or will not say)",
    "answer: 7",
    "---",
    "--- consilience ---",
    "<!--",
    "-->",
    "```",
    "</script>",
    'question: "other"',
]
TEXTS = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20)), min_size=1, max_size=8).flatmap(
    lambda parts: st.sampled_from(["\n", "\r", "\r\n", "\u2028", "\u0085", "\v", "\f", "\x1d", " "]).map(
        lambda separator: separator.join(parts)
    )
)
KINDS = st.sampled_from(
    [
        cs.Label("bug", "feature"),
        cs.Label("bug\n## Your answer\n- [x] feature", "feature"),
        cs.Score(0, 10),
        cs.Items(),
        cs.Text(),
        cs.Ranking("a", "b\n## Your answer\nb\n- [x] done: I have finished my answer"),
    ]
)


@given(TEXTS, st.none() | TEXTS, KINDS, st.text(min_size=1), st.none() | TEXTS)
@settings(max_examples=200)
def test_no_question_answers_itself(text, context, kind, own_id, problem):
    question = cs.Question(text + "?", kind, context, id=own_id)
    shown = sheet(question, "ana", None, problem)
    assert written(shown, kind) is None
    assert shown.count(f"\n{HEADING}\n") == 1
    found = header(shown)
    assert (found.question_id, found.expert) == (own_id, "ana")
    again = sent_back(shown, question, "ana", None, "One box is required.")
    assert written(again, kind) is None
    assert again.split(f"\n{HEADING}\n")[1] == shown.split(f"\n{HEADING}\n")[1]
    shown.encode()


@given(TEXTS)
@settings(max_examples=100)
def test_the_answer_of_a_text_is_what_stands_below_the_heading(answer):
    question = cs.Question(answer + "?", cs.Text())
    shown = sheet(question, "ana", None)
    said = " ".join(answer.split()) or "x"
    top, heading, place = shown.rpartition(f"\n{HEADING}\n")
    place = place.replace("- [ ] done", "- [x] done")
    read = written(f"{top}{heading}{said}{place}", cs.Text())
    assert read.abstained or read.raw == said


@given(st.text(min_size=1, max_size=40))
@settings(max_examples=200)
def test_names_stay_inside_the_folder(text):
    for name in (folder_name(text), file_name(cs.Question(text + "?", id=text)), id_part(text)):
        assert "/" not in name
        assert "\\" not in name
        assert "\x00" not in name
        assert name not in (".", "..")


@given(st.text(max_size=20), st.text(max_size=20))
def test_different_people_have_different_folders(one, other):
    assert (folder_name(one) == folder_name(other)) == (one == other)


def test_two_who_save_and_take_at_once_lose_nothing(tmp_path):
    folder = LocalFolder(tmp_path)
    made, taken = [], []
    barrier = threading.Barrier(4)

    def write(who):
        barrier.wait()
        for number in range(60):
            content = f"{who} {number}".encode()
            if folder.create("q.md", content):
                made.append(content)

    def take():
        barrier.wait()
        for _ in range(60):
            name = folder.take("q.md", "answered")
            if name is not None:
                taken.append(name)

    threads = [threading.Thread(target=write, args=(who,)) for who in ("ana", "ben")]
    threads += [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = [folder.read("q.md")] if folder.read("q.md") is not None else []
    kept = [folder.read(name, "answered") for name in folder.names("answered")]
    assert sorted(kept + left) == sorted(made)
    assert len(set(taken)) == len(taken) == len(kept)
    assert not list(tmp_path.glob(".*.tmp"))
