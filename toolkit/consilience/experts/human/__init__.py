"""People in a circle: asked through files or from a notebook, blind, with a deadline; late answers count later."""

from consilience.experts.human.desk import Desk
from consilience.experts.human.folders import Folder, LocalFolder, RemoteFolder, folder_at
from consilience.experts.human.human import Human, Notice
from consilience.experts.human.inbox import Pending
from consilience.experts.human.late import Late, collect

__all__ = [
    "Desk",
    "Folder",
    "Human",
    "Late",
    "LocalFolder",
    "Notice",
    "Pending",
    "RemoteFolder",
    "collect",
    "folder_at",
]
