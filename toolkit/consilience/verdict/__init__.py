"""A verdict: what a circle's responses add up to, and how far that can be trusted."""

from consilience.verdict.decide import decide
from consilience.verdict.result import Decision, Method, Replay, Support, Verdict, Vote

__all__ = ["Decision", "Method", "Replay", "Support", "Verdict", "Vote", "decide"]
