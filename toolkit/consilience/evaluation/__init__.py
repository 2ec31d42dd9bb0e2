"""Did the circle help? What known answers say about a circle, and what can be said without them."""

from consilience.evaluation.calibration import Calibration
from consilience.evaluation.compared import ComparedAnswers, compared_answers
from consilience.evaluation.confidence import CalibratedConfidence, calibrate
from consilience.evaluation.confidence_history import calibrate_from, confidence_history
from consilience.evaluation.costs import cost_by_provider, cost_per_right
from consilience.evaluation.judging import evaluate
from consilience.evaluation.lift import Lift
from consilience.evaluation.marks import answers_frame
from consilience.evaluation.methods import MAJORITY, METHODS
from consilience.evaluation.report import CircleReport
from consilience.evaluation.scored import ScoreReport, evaluate_scores
from consilience.evaluation.subcircle import SubCircle
from consilience.evaluation.unverified import UnverifiedReport
from consilience.evaluation.votes import EffectiveVotes, circle_votes, effective_votes

__all__ = [
    "MAJORITY",
    "METHODS",
    "CalibratedConfidence",
    "Calibration",
    "CircleReport",
    "ComparedAnswers",
    "EffectiveVotes",
    "Lift",
    "ScoreReport",
    "SubCircle",
    "UnverifiedReport",
    "answers_frame",
    "calibrate",
    "calibrate_from",
    "circle_votes",
    "compared_answers",
    "confidence_history",
    "cost_by_provider",
    "cost_per_right",
    "effective_votes",
    "evaluate",
    "evaluate_scores",
]
