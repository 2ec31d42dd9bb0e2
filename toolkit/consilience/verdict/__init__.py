"""A verdict: what a circle's responses add up to, and how far that can be trusted."""

from consilience.verdict.decide import decide
from consilience.verdict.methods import Method
from consilience.verdict.result import Decision, Replay, Support, Verdict, Vote

__all__ = ["Decision", "Method", "Replay", "Support", "Verdict", "Vote", "decide"]
