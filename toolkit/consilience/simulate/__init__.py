"""Experts with planted skills and planted common errors, to test what should be found, and to teach.

The errors hang together by a Gaussian copula: each answer has a latent normal number, part of which all experts share
on a task (its difficulty) and part of which experts of one family share (what they learned from the same source). An
expert errs where the number exceeds the threshold that the planted accuracy sets, so that accuracies hold whatever the
correlation.
"""

from consilience.simulate.drawing import answers
from consilience.simulate.planted import Planted, Simulation

__all__ = ["Planted", "Simulation", "answers"]
