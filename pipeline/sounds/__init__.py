"""Find sounds that are no talk, and voices that are announcements, before anybody asks who speaks."""

from ressenti.pipeline.sounds.interface import Announcement, HeardSounds, SoundDetector
from ressenti.pipeline.sounds.silencing import silenced

__all__ = ["Announcement", "HeardSounds", "SoundDetector", "silenced"]
