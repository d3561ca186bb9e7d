"""The words of a user's file that the model shall expect, such as names of products and people."""

from __future__ import annotations

from pathlib import Path

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.untrusted import RefusedError, read_text

MOST_BYTES = 64 * 1024
MOST_LETTERS = 600  # about 200 tokens: the model reads at most 223 before the speech


def read_vocabulary(path: str | None) -> str:
    """The words of a text file, one or several on each line; lines that begin with # are remarks.

    Raises `ConfigError` for a file that cannot be read, holds no words, or holds more than the model can take.
    """
    if path is None:
        return ""
    try:
        text = read_text(Path(path), MOST_BYTES)
    except (OSError, RefusedError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise ConfigError(f"words.vocabulary: {path} cannot be read ({why}). Expected a text file of words.") from exc
    lines = [" ".join(line.split()) for line in text.splitlines()]
    words = ", ".join(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not words:
        raise ConfigError(f"words.vocabulary: {path} holds no words; expected one name or word on each line.")
    if len(words) > MOST_LETTERS:
        raise ConfigError(
            f"words.vocabulary: {path} holds {len(words)} letters; expected at most {MOST_LETTERS}, which is what the "
            "model can keep in mind. Leave out words that it writes right anyway."
        )
    return words
