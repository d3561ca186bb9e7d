"""Every error that Ressenti raises on purpose, and the exit code that the command line gives it.

    RessentiError                    1
      ConfigError                    2   an option, preset or role that does not fit
      InputError                     3   something is wrong with a recording or a saved conversation
        NotFoundError                4   no file of that name
        IsFolderError                5   a folder where a file was expected
        UnreadableError              6   no permission, or the disk refused
        EmptyFileError               7   the file has no bytes
        NotAudioError                8   nothing in it that FFmpeg's libraries can decode as sound
        TruncatedError               9   it ends before its header says, or is damaged inside
        ZeroLengthError             10   a sound file that holds no samples
        SilentError                 11   samples, but no sound
        TooShortError               12   less sound than it takes to judge anything
        BadSamplesError             13   NaN or infinite samples
        NoSpeechError               14   sound, but no speech was found in it
        NotAConversationError       15   a JSON file that is not a saved conversation, or of an unknown version
        LabelsError                 16   labels that are none, or of another sample
        CorrectionsError            17   corrections that do not fit their conversation
        WrongRecordingError         18   not the recording that was analysed
        TranscriptError             19   a transcript that cannot be read, or that is of something else
        TooLargeError               50   more than a limit allows: sample rate, channels, duration, bytes
        StillBeingWrittenError      51   a file that changed while it was read
      ModelError                    20   a model is missing, damaged or not what it should be
        GatedModelError             21   the hub wants accepted conditions or another token
        NoRouteError                22   the hub cannot be reached, or does not answer properly
        InterruptedDownloadError    23   the connection was lost inside a file; what is there is kept
        WrongHashError              24   a file of a model is not the one that was noted
        UnknownModelError           25   the hub has no such model or revision, or nothing in it that can be used
        NotInstalledError           26   a model that was never fetched
        BadArchiveError             27   a file to import that `models export` did not write, or that is damaged
        UntrustedModelError         28   a pickled checkpoint that neither a manifest nor the user trusts
      OutputError                   30   a result could not be written
        OutputExistsError           31   it exists already and --overwrite was not given
        DiskFullError               32   no room left for it
        ClaimedError                33   another run is working on this recording, into this folder
      TimedOutError                 52   one recording took longer than it may
      CancelledError                53   the progress hook raised it, to stop an analysis

Of several recordings the command line ends with 40 where some failed, and with 41 where all did.

A message says what was got, what was expected and what to do next. Errors of third parties are
wrapped with `from exc`.
"""

from __future__ import annotations


class RessentiError(Exception):
    """Base of every error that is raised on purpose."""

    exit_code = 1


class ConfigError(RessentiError):
    """An option, preset or role that does not fit."""

    exit_code = 2


class InputError(RessentiError):
    """Something is wrong with a recording or a saved conversation."""

    exit_code = 3


class NotFoundError(InputError):
    """No file of that name."""

    exit_code = 4


class IsFolderError(InputError):
    """A folder where a file was expected."""

    exit_code = 5


class UnreadableError(InputError):
    """No permission, or the disk refused."""

    exit_code = 6


class EmptyFileError(InputError):
    """The file has no bytes."""

    exit_code = 7


class NotAudioError(InputError):
    """Nothing in the file can be decoded as sound."""

    exit_code = 8


class TruncatedError(InputError):
    """The file ends before its header says, or is damaged inside."""

    exit_code = 9


class ZeroLengthError(InputError):
    """A sound file that holds no samples."""

    exit_code = 10


class SilentError(InputError):
    """Samples, but no sound."""

    exit_code = 11


class TooShortError(InputError):
    """Less sound than it takes to judge anything."""

    exit_code = 12


class BadSamplesError(InputError):
    """NaN or infinite samples."""

    exit_code = 13


class NoSpeechError(InputError):
    """Sound, but no speech was found in it."""

    exit_code = 14


class NotAConversationError(InputError):
    """A JSON file that is not a saved conversation, or one of an unknown version."""

    exit_code = 15


class LabelsError(InputError):
    """A file of labels that is none, or labels of another sample."""

    exit_code = 16


class CorrectionsError(InputError):
    """Corrections that do not fit their conversation, or that may not be made."""

    exit_code = 17


class WrongRecordingError(InputError):
    """A recording that is not the one of the conversation."""

    exit_code = 18


class TranscriptError(InputError):
    """A transcript that cannot be read, or that is not of this recording."""

    exit_code = 19


class TooLargeError(InputError):
    """More than a limit allows; the message names the option that raises it."""

    exit_code = 50


class StillBeingWrittenError(InputError):
    """A file that changed while it was read."""

    exit_code = 51


class ModelError(RessentiError):
    """A model is missing, damaged or not what it should be."""

    exit_code = 20


class GatedModelError(ModelError):
    """The hub wants accepted conditions or another token."""

    exit_code = 21


class NoRouteError(ModelError):
    """The hub cannot be reached, or does not answer as a hub does."""

    exit_code = 22


class InterruptedDownloadError(ModelError):
    """The connection was lost inside a file; what is there is kept, and another get goes on from it."""

    exit_code = 23


class WrongHashError(ModelError):
    """A file of a model is not the one that was noted."""

    exit_code = 24


class UnknownModelError(ModelError):
    """The hub has no such model or revision, or nothing in it that can be used."""

    exit_code = 25


class NotInstalledError(ModelError):
    """A model that was never fetched."""

    exit_code = 26


class BadArchiveError(ModelError):
    """A file to import that `models export` did not write, or that is damaged."""

    exit_code = 27


class UntrustedModelError(ModelError):
    """A pickled checkpoint that neither a manifest nor the user trusts."""

    exit_code = 28


class OutputError(RessentiError):
    """A result could not be written."""

    exit_code = 30


class OutputExistsError(OutputError):
    """A result exists already and overwriting was not asked for."""

    exit_code = 31


class DiskFullError(OutputError):
    """No room left for a result or a model."""

    exit_code = 32


class ClaimedError(OutputError):
    """Another run is working on this recording, into this folder."""

    exit_code = 33


class TimedOutError(RessentiError):
    """One recording took longer than it may."""

    exit_code = 52


class CancelledError(RessentiError):
    """Raised by a progress hook to stop an analysis; nothing is left behind."""

    exit_code = 53
