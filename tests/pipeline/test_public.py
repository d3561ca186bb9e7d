"""What a program uses of the package; `tests/test_docs.py` runs the examples of the documentation."""

from collections.abc import Callable
from typing import Any

import pytest

import ressenti
from ressenti import RessentiError, dumps, loads
from ressenti.pipeline import errors
from ressenti.pipeline.records import Conversation
from ressenti.reports import report_html
from ressenti.reports.page import render


def test_all_public_names_are_there() -> None:
    for name in ressenti.__all__:
        assert getattr(ressenti, name) is not None
    assert set(ressenti.__all__) == {*ressenti._HOMES, "errors"}
    with pytest.raises(AttributeError, match="nonsense"):
        _ = ressenti.nonsense


def test_every_error_on_purpose_is_one() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, RessentiError) for kind in kinds)
    assert ressenti.errors is errors


def test_a_page_is_the_same_before_and_after_its_json(make_conversation: Callable[..., Conversation]) -> None:
    made = make_conversation()
    page = report_html(made)
    assert page == report_html(loads(dumps(made))) == render(loads(dumps(made)))
    assert report_html(made, "fr") != page
    assert '<html lang="fr"' in report_html(made, lang="fr")


@pytest.mark.parametrize("lang", ["de", "", "../en"])
def test_a_language_that_there_is_not_is_said_in_words(
    make_conversation: Callable[..., Conversation], lang: Any
) -> None:
    with pytest.raises(errors.ConfigError, match="expected one of en, fr"):
        report_html(make_conversation(), lang)
