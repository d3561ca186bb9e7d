"""Conversation -> what the page needs to be corrected: what was found, the rule of roles, who speaks when (pure)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ressenti.pipeline.language import FORMATS
from ressenti.pipeline.records import Conversation, Speaker, WordsFound
from ressenti.pipeline.roles import KNOWN, RESTRICTED
from ressenti.pipeline.store.corrections_file import turns_sha256
from ressenti.pipeline.text import plain, visible
from ressenti.reports.page_options import options_of, unnamed
from ressenti.reports.recognised_words import unsure_word_limit
from ressenti.reports.sounds import left_out
from ressenti.reports.speech_time import speech_by_turn
from ressenti.reports.wording import Wording

LIMITS = {"by": 100, "name": 100, "note": 5_000, "words": 20_000, "call_note": 20_000}  # letters
OFFERED = ("agent", "client", "interviewer", "participant", "recruiter", "candidate", "employee")


def editing_data(conversation: Conversation, words: Wording) -> dict[str, Any]:
    """What the scripts of the page need to change a conversation, and to compute again what is arithmetic."""
    return {
        "conversation": conversation.id,
        "sha256": conversation.recording.sha256,
        "turns_sha256": turns_sha256(conversation),
        "bleeps": [[span.start_s, span.end_s] for span in conversation.bleeps],
        "corrections": asdict(conversation.corrections),
        "roles": _roles(conversation, words),
        "speech": _speech(conversation, words),
        "found_words": {entry.turn: _parts(entry, conversation) for entry in conversation.words_found},
        "percent": FORMATS[words.lang].percent,
    }


def found_speaker(speaker: Speaker, conversation: Conversation, words: Wording) -> dict[str, Any]:
    """A speaker as shown, and as the analysis found them."""
    was = speaker.found or speaker
    return {
        "label": speaker.label,
        "name": speaker.name,
        "found_name": speaker.name if speaker.original_name is None else speaker.original_name,
        "unnamed": unnamed(speaker, conversation, words),
        "kind": speaker.kind,
        "found_kind": was.kind,
        "person": words.speaker(speaker.label, "", None),
        "role": speaker.role,
        "guess": speaker.role_source == "guess",
        "found_role": was.role,
        "found_guess": was.role_source == "guess",
        "scored": speaker.not_scored is None,
    }


def _parts(found: WordsFound, conversation: Conversation) -> list[list[float | str]]:
    """Words that were found where a person wrote others, in the form of a turn's words on the page."""
    limit, parts = unsure_word_limit(conversation), []
    for word in sorted(found.words, key=lambda word: word.start_s):
        unsure: list[float | str] = ["", 1] if word.confidence is not None and word.confidence < limit else []
        parts.append([round(word.start_s, 2), visible(word.text), *unsure])
    return parts


def _roles(conversation: Conversation, words: Wording) -> dict[str, Any]:
    """The rule of `pipeline/roles.py` as data: beginnings of words, as they are compared."""
    options = options_of(conversation, "roles")
    order = [role.rpartition("=")[2] for role in options.get("order", ())]
    own = [role for s in conversation.speakers for role in (s.role, s.found.role if s.found else None) if role]
    offered = dict.fromkeys((*order, *own, *OFFERED))
    return {
        "restricted": [plain(text) for text in (*RESTRICTED, *options.get("also_restricted", ()))],
        "known": [plain(text) for text in KNOWN],
        "asked": [role.casefold() for role in options.get("emotion_for", ())],
        "named": bool(order),
        "allowed": bool(conversation.allow_restricted),
        "titles": {role: words.role(role) for role in offered},
    }


def _speech(conversation: Conversation, words: Wording) -> dict[str, Any]:
    """Speech by turn, and what the figures of talk and silence are computed with (s) and told in."""
    limits = options_of(conversation, "dynamics")
    return {
        "spans": [[round(start, 3), round(end, 3), owner] for start, end, owner in speech_by_turn(conversation)],
        "played": [[s.start_s, s.end_s] for s in conversation.sounds if s.played],
        "left_out": left_out(conversation),
        **{name: limits[f"{name}_s"] for name in ("silence", "non_talk", "flag_silence")},
        "flag_share": limits["flag_share"],
        # turns of segments without overlap are not those that are counted: these are joined across such pauses
        "merge_gap": options_of(conversation, "turns")["merge_gap_s"] if conversation.diarization.exclusive else None,
        "texts": {
            "share": words("share"),
            "of_talk": words("of_talk", share="{share}"),
            "minutes": words("minutes_value", time="{time}"),
            "hours": words("hours_value", time="{time}"),
            "found": words("silences_found", limit=words.exact(limits["silence_s"])),
            "pauses": words("pauses_in_all", limit=words.exact(limits["non_talk_s"]), length="{length}"),
            "none": words("no_silences"),
            "semicolon": words("semicolon"),
            "flag_share": words("flag_share", limit=words.percent(limits["flag_share"])),
            "flag_silence": words("flag_silence", limit=words.exact(limits["flag_silence_s"])),
        },
    }
