import io

from rich.console import Console

import consilience as cs
from consilience.evaluation import answers_frame
from consilience.report import accuracy_table, outcome_line, reading, verdict_panel, verdict_table

YES_NO = cs.Label("yes", "no")


def printed(renderable, width=120):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(renderable)
    return console.export_text()


def circle(*answers):
    return cs.Circle([cs.Scripted(f"e{n}", [answer]) for n, answer in enumerate(answers)])


def test_a_verdict_says_what_is_missing_above_the_answer():
    text = printed(
        verdict_panel(circle("yes", "yes", TimeoutError("slow")).ask_sync("Is it?", answer=YES_NO))
    )
    assert text.index("2 of 3 answered: 1 timed out") < text.index("yes")
    assert "2 of 3, 0.67" in text


def test_console_markup_in_an_answer_is_text():
    text = printed(verdict_panel(circle("[bold red]x[/] \x1b[2J").ask_sync("[link=x]y[/link]?")))
    assert "[bold red]x[/]" in text
    assert "[link=x]y[/link]?" in text
    assert "\x1b" not in text


def test_recommendations_are_listed_with_their_sources():
    text = printed(verdict_panel(circle("- Shard\n- Index", "- shard").ask_sync("How?", answer=cs.Items())))
    assert "2  Shard  e0, e1" in text


def test_contradicting_recommendations_are_marked():
    text = printed(
        verdict_panel(circle("- Shard it", "- Don't shard it").ask_sync("How?", answer=cs.Items()))
    )
    assert "\u21c4 contradicts: Shard it" in text
    many = [f"- Use {n} shards" for n in range(6)]
    assert "\u21c4 and 2 more" in printed(verdict_panel(circle(*many).ask_sync("How?", answer=cs.Items())))


def test_ties_and_missing_answers_stand_in_the_table():
    verdicts = [
        circle("yes", "no").ask_sync("Even?", answer=YES_NO),
        circle("yes", None, "yes").ask_sync("Quiet?", answer=YES_NO),
    ]
    text = printed(verdict_table(verdicts, ["yes", "yes"]))
    assert "no: e1" in text
    assert "yes: e0" in text
    assert "e1 abstained" in text
    assert "1 tie, 1 majority; 1 degraded" in printed(outcome_line(verdicts))


def test_the_accuracy_of_members_and_circle_is_printed_with_intervals():
    verdicts = [circle("yes", "no", "yes").ask_sync("Is it?", answer=YES_NO) for _ in range(4)]
    report = cs.evaluate(answers_frame(verdicts, range(4)), {"task": range(4), "label": ["yes"] * 4})
    text = printed(accuracy_table(report, {"e0": "recorded"}))
    assert "circle, majority" in text
    assert "4 of 4" in text
    assert "0.51 to 1.00" in text


def test_a_report_fits_a_terminal_of_80_columns_and_says_what_the_votes_are_worth():
    made = cs.simulate.answers([0.8] * 5, tasks=60, correlation=0.3)
    report = cs.evaluate(made.answers, made.gold, draws=50)
    text = printed(accuracy_table(report, {}), width=80) + printed(reading(report), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "\u2026" not in text
    for part in ("circle, one-coin Dawid-Skene", "always", "independent votes", "Krippendorff"):
        assert part in text


def test_a_replayed_verdict_says_so_above_the_answer():
    verdict = circle("yes", "no", "yes").ask_sync("Is it?", answer=YES_NO).replay(without=["e1"])
    text = printed(verdict_panel(verdict))
    assert text.index("nobody was asked again") < text.index("2 of 2")
