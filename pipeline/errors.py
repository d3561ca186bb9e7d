"""Every error that Ressenti raises on purpose, with its exit code on the command line.

    RessentiError                    1
      ConfigError                    2   an invalid option, preset or role
      InputError                     3   a problem with a recording or a saved conversation
        NotFoundError                4   no file with that name
        IsFolderError                5   a folder where a file was expected
        UnreadableError              6   no permission, or the disk refused
        EmptyFileError               7   the file has no bytes
        NotAudioError                8   nothing that FFmpeg's libraries can decode as sound
        TruncatedError               9   a file that ends before its header says, or is damaged inside
        ZeroLengthError             10   a sound file without samples
        SilentError                 11   samples, but no sound
        TooShortError               12   too little sound to analyse
        BadSamplesError             13   NaN or infinite samples
        NoSpeechError               14   sound, but no speech was found
        NotAConversationError       15   a JSON file that is not a saved conversation, or of an unknown version
        LabelsError                 16   a file without valid labels, or labels of another sample
        CorrectionsError            17   corrections that do not fit their conversation
        WrongRecordingError         18   not the recording that was analysed
        TranscriptError             19   a transcript that cannot be read, or is of another recording
        TooLargeError               50   a limit exceeded: sample rate, channels, duration, bytes
        StillBeingWrittenError      51   a file that changed while it was read
      ModelError                    20   a model is missing, damaged or of the wrong kind
        GatedModelError             21   the hub requires accepted conditions or another token
        NoRouteError                22   the hub cannot be reached, or does not answer properly
        InterruptedDownloadError    23   the connection was lost within a file; the part so far is kept
        WrongHashError              24   a model file does not have the recorded hash
        UnknownModelError           25   the hub has no such model or revision, or no usable file in it
        NotInstalledError           26   a model that is not installed
        BadArchiveError             27   a damaged file to import, or one not written by `models export`
        UntrustedModelError         28   a pickled checkpoint trusted neither by a manifest nor by the user
      OutputError                   30   a result could not be written
        OutputExistsError           31   a result already exists, without --overwrite
        DiskFullError               32   the disk is full
        ClaimedError                33   another run is working on this recording in this folder
      TimedOutError                 52   one recording exceeded its time limit
      CancelledError                53   raised by the progress hook to stop an analysis
      VoicesError                   54   known voices that cannot be read or used
      WorkerDiedError               56   the process that analysed a recording ended
      LibraryError                  57   a library that cannot be read, or a query that it refuses
      ClusterError                  58   a Ray cluster that cannot be reached or used, or was lost

With several recordings the command line exits with 40 if some failed and with 41 if all failed.

A message says what was got, what was expected and what to do next. Third-party errors are wrapped with `from exc`.
"""

from __future__ import annotations


class RessentiError(Exception):
    """Base of every error that is raised on purpose."""

    exit_code = 1


class ConfigError(RessentiError):
    """An invalid option, preset or role."""

    exit_code = 2


class InputError(RessentiError):
    """A problem with a recording or a saved conversation."""

    exit_code = 3


class NotFoundError(InputError):
    """No file with that name."""

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
    """Nothing in the file that can be decoded as sound."""

    exit_code = 8


class TruncatedError(InputError):
    """A file that ends before its header says, or is damaged inside."""

    exit_code = 9


class ZeroLengthError(InputError):
    """A sound file without samples."""

    exit_code = 10


class SilentError(InputError):
    """Samples, but no sound."""

    exit_code = 11


class TooShortError(InputError):
    """Too little sound to analyse."""

    exit_code = 12


class BadSamplesError(InputError):
    """NaN or infinite samples."""

    exit_code = 13


class NoSpeechError(InputError):
    """Sound, but no speech was found."""

    exit_code = 14


class NotAConversationError(InputError):
    """A JSON file that is not a saved conversation, or one of an unknown version."""

    exit_code = 15


class LabelsError(InputError):
    """A file without valid labels, or labels of another sample."""

    exit_code = 16


class CorrectionsError(InputError):
    """Corrections that do not fit their conversation, or that are not allowed."""

    exit_code = 17


class WrongRecordingError(InputError):
    """Not the recording that was analysed."""

    exit_code = 18


class TranscriptError(InputError):
    """A transcript that cannot be read, or is of another recording."""

    exit_code = 19


class TooLargeError(InputError):
    """A limit exceeded; the message names the option that raises it."""

    exit_code = 50


class StillBeingWrittenError(InputError):
    """A file that changed while it was read."""

    exit_code = 51


class ModelError(RessentiError):
    """A model is missing, damaged or of the wrong kind."""

    exit_code = 20


class GatedModelError(ModelError):
    """The hub requires accepted conditions or another token."""

    exit_code = 21


class NoRouteError(ModelError):
    """The hub cannot be reached, or does not answer properly."""

    exit_code = 22


class InterruptedDownloadError(ModelError):
    """The connection was lost within a file; the part so far is kept, and another get resumes from it."""

    exit_code = 23


class WrongHashError(ModelError):
    """A model file does not have the recorded hash."""

    exit_code = 24


class UnknownModelError(ModelError):
    """The hub has no such model or revision, or no usable file in it."""

    exit_code = 25


class NotInstalledError(ModelError):
    """A model that is not installed."""

    exit_code = 26


class BadArchiveError(ModelError):
    """A damaged file to import, or one not written by `models export`."""

    exit_code = 27


class UntrustedModelError(ModelError):
    """A pickled checkpoint trusted neither by a manifest nor by the user."""

    exit_code = 28


class OutputError(RessentiError):
    """A result could not be written."""

    exit_code = 30


class OutputExistsError(OutputError):
    """A result already exists, without --overwrite."""

    exit_code = 31


class DiskFullError(OutputError):
    """The disk is full."""

    exit_code = 32


class ClaimedError(OutputError):
    """Another run is working on this recording in this folder."""

    exit_code = 33


class TimedOutError(RessentiError):
    """One recording exceeded its time limit."""

    exit_code = 52


class CancelledError(RessentiError):
    """Raised by a progress hook to stop an analysis; nothing is left behind."""

    exit_code = 53


class VoicesError(RessentiError):
    """Known voices that cannot be read or used: damaged, readable by others, or of another encoder."""

    exit_code = 54


class WorkerDiedError(RessentiError):
    """The process that analysed a recording ended: out of memory, or a crash in a decoder or a model."""

    exit_code = 56


class LibraryError(RessentiError):
    """A library that cannot be read, or a query that it refuses."""

    exit_code = 57


class ClusterError(RessentiError):
    """A Ray cluster that cannot be reached or used, or was lost."""

    exit_code = 58
