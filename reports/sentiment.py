"""What the page says of what words say, kept apart from how voices sound (pure)."""

from __future__ import annotations

from ressenti.pipeline.records import Conversation, ModelInfo, Sentiment
from ressenti.reports.page_options import options_of
from ressenti.reports.wording import Wording


def sentiment_model(conversation: Conversation) -> ModelInfo | None:
    """The model that told it, or None."""
    return next((model for model in conversation.models if model.task == "sentiment"), None)


def sentiment_told(found: Sentiment | None, conversation: Conversation, words: Wording) -> str:
    """What the words of a turn say, with its probability and a mark if it is unsure; empty if that is not known."""
    if found is None:
        return ""
    share = found.share(found.top)
    unsure = share < float(options_of(conversation, "sentiment")["unsure_below"])
    says = words(f"says_{found.top}")
    return f"{words('guessed', role=says) if unsure else says} {words.percent(share)}"


def sentiment_rules(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """How it is told, and what it changes; empty if nobody asked."""
    if not conversation.sentiments:
        return ()
    options = options_of(conversation, "sentiment")
    rule = words("th_sentiment", least=options["least_words"], unsure=words.percent(options["unsure_below"]))
    return (rule, words("th_sentiment_alone")) if conversation.layout == "mono" else (rule,)


def sentiment_limits(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """What to expect of it."""
    model = sentiment_model(conversation)
    return (words("limit_sentiment", model=model.name),) if model and conversation.sentiments else ()
