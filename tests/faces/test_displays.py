"""Every result has text, HTML and a bundle of both, and no text of others runs in any of them."""

import importlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

import consilience as cs
from consilience.aggregate import (
    bias_and_scale,
    borda,
    brier_score,
    dawid_skene,
    delphi_stop,
    majority,
    median,
    medoid,
)
from consilience.agreement import krippendorff_alpha
from consilience.markup import Displayed, Table, frame_table, moment

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"\u202eevil\x1b[31m"


def labels(who: str, said: str = "yes", n: int = 30) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"task": f"{who} {task}", "expert": f"{who}{k}", "label": said if (task + k) % 4 else "no"}
            for task in range(n)
            for k in range(3)
        ]
    )


def scores(who: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"task": f"{who} {task}", "expert": f"{who}{k}", "score": float(task + k) / 20}
            for task in range(12)
            for k in range(3)
        ]
    )


def rankings(who: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"task": "t", "expert": f"{who}{k}", "item": f"{who} {item}", "rank": (item + k) % 3 + 1}
            for k in range(3)
            for item in range(3)
        ]
    )


def texts(who: str) -> pl.DataFrame:
    return pl.DataFrame({"task": [1, 1, 1], "expert": list("abc"), "text": [who, who, "other"]})


def gold(who: str) -> pl.DataFrame:
    return pl.DataFrame({"task": [f"{who} {task}" for task in range(30)], "label": ["yes"] * 30})


def circle(who: str, **settings: object) -> cs.Circle:
    return cs.Circle([cs.Scripted(f"{who}{k}", ["yes"] * 40) for k in range(3)], **settings)


def run(who: str) -> cs.Run:
    frame = pl.DataFrame({"id": [f"{who} {n}" for n in range(20)], "text": [f"{who} {n}" for n in range(20)]})
    return circle(who).run(frame, "Is {text}?", answer=cs.Label("yes", "no"), key="id", progress=False)


def stored(who: str, folder: Path) -> cs.Store:
    store = cs.Store(folder / "history.duckdb")
    circle(who, store=store).ask_sync(f"{who}?", answer=cs.Label("yes", "no"))
    return store


def stored_question(who: str, folder: Path) -> object:
    store = stored(who, folder)
    return store.question(store.latest()["question_id"][0])


SAMPLES: dict[str, Callable[[str, Path], object]] = {
    "Verdict": lambda who, _: circle(who).ask_sync(f"Is {who}?", answer=cs.Label("yes", "no")),
    "Coefficient": lambda who, _: krippendorff_alpha(labels(who), draws=50),
    "Aggregation": lambda who, _: majority(labels(who, who)),
    "Aggregation with a model": lambda who, _: dawid_skene(labels(who)),
    "TextAggregation": lambda who, _: medoid(texts(who)),
    "ConsensusRanking": lambda who, _: borda(rankings(who)),
    "Pooled": lambda who, _: median(scores(who)),
    "BiasAndScale": lambda who, _: bias_and_scale(scores(who)),
    "BrierScores": lambda who, _: brier_score(
        scores(who),
        pl.DataFrame({"task": [f"{who} {n}" for n in range(12)], "score": [n % 2 for n in range(12)]}),
    ),
    "DelphiStop": lambda who, _: delphi_stop([scores(who), scores(who)], agreed=1),
    "CircleReport": lambda who, _: cs.evaluate(labels(who), gold(who), draws=50),
    "Lift": lambda who, _: cs.evaluate(labels(who), gold(who), draws=50).lift,
    "EffectiveVotes": lambda who, _: cs.evaluate(labels(who), gold(who), draws=50).votes,
    "SubCircle": lambda who, _: cs.evaluate(labels(who), gold(who), draws=50).best_sub_circle(),
    "Calibration": lambda who, _: (
        cs.evaluate(labels(who).with_columns(confidence=pl.lit(0.8)), gold(who), draws=50).calibration
    ),
    "UnverifiedReport": lambda who, _: cs.evaluate(labels(who), draws=50),
    "Clusters": lambda who, _: cs.dedup.near_duplicates([who, who, "other"]),
    "Merged": lambda who, _: cs.dedup.merge({who: [who, "shard it"], "b": ["shard it", who]}),
    "Unseen": lambda who, _: cs.dedup.merge({who: [who, "shard it"], "b": ["shard it"]}).unseen(),
    "Plan": lambda who, _: run(who).plan,
    "Run": lambda who, _: run(who),
    "RunResult": lambda who, _: run(who).wait_sync(),
    "Budget": lambda who, _: cs.Budget(usd=5, calls=10),
    "Circle": lambda who, folder: circle(who, budget=cs.Budget(usd=1), store=folder / "c.duckdb"),
    "Policy": lambda who, _: cs.policies.Policy(who, rate="500/min", concurrency=8),
    "Breaker": lambda who, _: cs.policies.Breaker(who),
    "Cache": lambda who, _: cs.policies.Cache(who),
    "CacheStats": lambda who, _: cs.policies.Cache().stats(),
    "HttpPool": lambda who, _: cs.pools.HttpPool(who),
    "PoolStats": lambda who, _: cs.pools.HttpPool(who).stats(),
    "Store": stored,
    "Status": lambda who, folder: stored(who, folder).status(),
    "StoredQuestion": stored_question,
    "StoredVerdict": lambda who, folder: stored_question(who, folder).verdict,
    "History": lambda who, folder: Table(stored(who, folder).latest(), note=who),
    "Simulation": lambda who, _: cs.simulate.answers([0.8] * 3, tasks=20),
}
# What a display may be made of: no script, nothing that loads, nothing that listens.
TAGS = frozenset(
    re.findall(
        r"\w+",
        "div span style table thead tbody tr th td svg title path circle rect line text details summary code b dl dt "
        "dd form label input select option button time",
    )
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "input":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_display_shows_others_texts_and_runs_nothing(sample, tmp_path):
    shown = SAMPLES[sample](HOSTILE, tmp_path)
    assert isinstance(shown, Displayed)
    bundle = shown._repr_mimebundle_()
    assert bundle["text/html"] == shown._repr_html_() or "ago" in bundle["text/html"]
    read = Tags()
    read.feed(bundle["text/html"])
    assert not read.open
    assert read.tags <= TAGS
    assert not [name for name in read.attributes if name.startswith("on") or name in ("href", "src")]
    assert "\u202e" not in bundle["text/html"]
    assert "\x1b" not in bundle["text/html"]
    assert not re.search(r"url\(|@import|https?:", bundle["text/html"])
    assert "\x1b" not in bundle["text/plain"]
    assert "\u202e" not in bundle["text/plain"]


def test_every_public_result_is_displayed():
    modules = ["", *cs._MODULES, "store"]
    homes = [importlib.import_module(f"consilience.{name}".rstrip(".")) for name in modules]
    results = {
        value
        for home in homes
        for name in getattr(home, "__all__", ())
        if isinstance(value := getattr(home, name), type)
        and (hasattr(value, "to_polars") or hasattr(value, "explain"))
        and not getattr(value, "_is_protocol", False)
    }
    missing = sorted(each.__name__ for each in results if not issubclass(each, Displayed))
    assert not missing, f"{', '.join(missing)}: a result shows itself, see consilience.markup.Displayed"
    assert len(results) > 15


def test_a_bundle_leaves_out_what_it_is_told_to():
    found = cs.Budget(usd=1)
    assert found._repr_mimebundle_(include={"text/plain"}) == {"text/plain": repr(found)}
    assert list(found._repr_mimebundle_(exclude={"text/plain"})) == ["text/html"]


def test_numbers_stand_at_the_right_with_their_units_in_the_head():
    html = frame_table(pl.DataFrame({"cost_usd": [1.5, None], "name": ["a", "b"]}))
    assert "<th class=cs-n>cost, USD</th>" in html
    assert "<td class=cs-n>1.5000</td>" in html


def test_a_moment_is_relative_and_exact_on_hover():
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    shown = moment(now - timedelta(minutes=3), now)
    assert ">3 min ago<" in shown
    assert "title='2026-05-01 11:57:00 UTC'" in shown


def test_an_empty_frame_is_said_in_a_sentence():
    assert "There are no rows yet" in frame_table(pl.DataFrame(schema={"a": pl.Int64}))
    assert "There are no columns" in frame_table(pl.DataFrame())


def test_rows_that_fill_a_screen_can_be_sorted_and_filtered():
    frame = pl.DataFrame({"n": range(20), "kind": ["x", "y"] * 10})
    html = frame_table(frame)
    assert html.count("type=radio") == 4
    assert "<option>x</option><option>y</option>" in html
    assert "type=radio" not in frame_table(frame.head(3))


def test_a_long_frame_says_how_much_of_it_is_shown():
    html = frame_table(pl.DataFrame({"n": range(1_000)}))
    assert "The first 100 of 1,000 rows" in html
    assert html.count("<tr") == 101
