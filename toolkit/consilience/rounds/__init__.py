"""Rounds: small strategies for asking a circle more than once.

``await circle.ask("...", rounds=Delphi())``. A strategy of one's own is an object with ``conduct(inquiry)``; see
`Rounds`.
"""

from consilience.rounds.base import Inquiry, Rounds
from consilience.rounds.debate import Debate
from consilience.rounds.delphi import Delphi
from consilience.rounds.escalation import Escalation
from consilience.rounds.juries import Juries
from consilience.rounds.review import PeerReview

__all__ = ["Debate", "Delphi", "Escalation", "Inquiry", "Juries", "PeerReview", "Rounds"]
