"""A person goes through questions, least certain first, and answers them blind, as an expert among the others."""

from consilience.reviewing.queues import Queue, queued
from consilience.reviewing.session import Given, Saving, Session
from consilience.reviewing.tasks import Place, Standing, Task, standing

__all__ = ["Given", "Place", "Queue", "Saving", "Session", "Standing", "Task", "queued", "standing"]
