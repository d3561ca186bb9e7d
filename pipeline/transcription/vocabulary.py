"""The words of a user's file that the model shall expect, such as names of products and people."""

from __future__ import annotations

from pathlib import Path
from unicodedata import category

from ressenti.pipeline.errors import ConfigError, ModelError
from ressenti.pipeline.files.untrusted import RefusedError, read_text

MOST_BYTES = 64 * 1024
MOST_LETTERS = 600  # about 200 tokens of English
MOST_TOKENS = 223  # what the model reads before the speech; faster-whisper leaves out what comes after


def read_vocabulary(path: str | None) -> str:
    """The words of a text file, one or several on each line; lines that begin with # are remarks.

    Raises `ConfigError` for a file that cannot be read, holds no words or what are none, or is too long.
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
    if strange := next((sign for sign in words if category(sign) == "Cc"), None):
        raise ConfigError(
            f"words.vocabulary: {path} holds the character U+{ord(strange):04X}, a control character; expected names "
            "and words alone."
        )
    if "<|" in words:
        raise ConfigError(
            f"words.vocabulary: {path} holds <|, with which the model's own commands begin; expected names and words "
            "alone."
        )
    if len(words) > MOST_LETTERS:
        raise ConfigError(
            f"words.vocabulary: {path} holds {len(words)} letters; expected at most {MOST_LETTERS}, which is what the "
            "model can keep in mind. Leave out words that it writes right anyway."
        )
    return words


def check_tokens(words: str, folder: Path) -> None:
    """Check that the model of a folder reads all of a vocabulary.

    Raises `ConfigError` if it has too many tokens, `ModelError` if the model's tokenizer is damaged.
    """
    if not words:
        return
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        count = len(tokenizer.encode(f" {words}", add_special_tokens=False).ids)
    except Exception as exc:  # tokenizers' errors have no class of their own
        raise ModelError(f"{folder}: its tokenizer.json cannot be read ({exc}). Install the model again.") from exc
    if count > MOST_TOKENS:
        raise ConfigError(
            f"words.vocabulary: {count} tokens of the model; expected at most {MOST_TOKENS}, which is what it reads "
            "before the speech. Leave out words that it writes right anyway. Scripts other than Latin take more tokens."
        )
