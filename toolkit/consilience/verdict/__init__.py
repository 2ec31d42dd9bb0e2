"""A verdict: what a circle's responses add up to, and how far that can be trusted."""

from consilience.verdict.decide import decide
from consilience.verdict.methods import Method
from consilience.verdict.needs import Needs
from consilience.verdict.result import Decision, Replay, Support, Verdict, Vote
from consilience.verdict.rounds import Round

__all__ = ["Decision", "Method", "Needs", "Replay", "Round", "Support", "Verdict", "Vote", "decide"]
