"""Sentiment of words: the classifier with weights made up here, what is read of a conversation, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from installing import install

from commands import ressenti
from conftest import SEGMENTS, by_loudness
from ressenti import analyze, load_config, report_html
from ressenti.pipeline import export, sentiment, store
from ressenti.pipeline.cli.edits import Additions
from ressenti.pipeline.cli.made_from import made_from
from ressenti.pipeline.config import SentimentOptions, build_config
from ressenti.pipeline.derive import derive, with_corrections
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.edits.bleeps import with_bleeps
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import ConfigError, ModelError, NotAConversationError, NotInstalledError, WrongHashError
from ressenti.pipeline.models import registry
from ressenti.pipeline.models.parallel import computing
from ressenti.pipeline.records import (
    Conversation,
    Corrections,
    Sentiment,
    Span,
    SpeakerKind,
    TurnCorrection,
    Use,
    Word,
)
from ressenti.pipeline.roles import People
from ressenti.pipeline.sentiment.classifier import TextClassifier, parts_of
from ressenti.pipeline.sentiment.fake import FakeSentiment
from ressenti.pipeline.sentiment.labels import columns_of
from ressenti.pipeline.sentiment.turns import with_sentiment
from ressenti.pipeline.sounds.fake import FakeSounds
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.pipeline.transcription.fake import FakeTranscriber

Make = Callable[..., Conversation]
KNOWN = next(i for i, entry in registry.known().items() if entry.task == "sentiment")
GOOD, BAD = ("good", "thanks", "great"), ("bad", "awful", "hate")
PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *GOOD, *BAD, "this", "is", "a", "call", ".")
LABELS = ("positive", "neutral", "negative")
DEFAULT = SentimentOptions()


def write_model(folder: Path, labels: Sequence[str] = LABELS, *, pickled: bool = False, **config: Any) -> Path:
    """A BERT of one layer that does nothing but look words up and mix them: good ones and bad ones."""
    from ressenti.pipeline.models.torchaudio_import import import_torchaudio

    import_torchaudio()
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertForSequenceClassification

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    own = {"vocab_size": len(PIECES), "max_position_embeddings": 18, "id2label": dict(enumerate(labels))}
    full = BertConfig(**sizes, **own)  # type: ignore[arg-type]
    model = BertForSequenceClassification(full)
    for name, value in model.named_parameters():
        if "LayerNorm" not in name:
            torch.nn.init.zeros_(value)
    with torch.no_grad():
        for k, piece in enumerate(PIECES):
            of = 0 if piece in GOOD else 2 if piece in BAD else 1
            model.bert.embeddings.word_embeddings.weight[k, of] = 1
        mixing = model.bert.encoder.layer[0].attention
        mixing.self.value.weight.copy_(torch.eye(8))
        mixing.self.value.bias.fill_(0.378)  # what a normalised vector with a single one has elsewhere, taken off
        mixing.output.dense.weight.copy_(torch.diag(torch.tensor([200.0, 4, 200, 4, 4, 4, 4, 4])))
        model.bert.pooler.dense.weight.copy_(torch.eye(8))
        for k, label in enumerate(labels):
            model.classifier.weight[k, LABELS.index(label) if label in LABELS else k % 3] = 3
    folder.mkdir(parents=True, exist_ok=True)
    full.architectures = ["BertForSequenceClassification"]
    settings = {**json.loads(full.to_json_string()), **config}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(PIECES), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": False}), encoding="utf-8"
    )
    weights = {name: value.detach().clone().contiguous() for name, value in model.state_dict().items()}
    if pickled:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("sentiment") / "model")


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "installed"))
    monkeypatch.setenv("RESSENTI_SETTINGS", str(tmp_path / "settings"))


def chosen(folder: Path | str, **options: Any) -> TextClassifier:
    found = sentiment.choose(SentimentOptions(model=str(folder), **options))
    assert found is not None
    return found


def said(made: Conversation, *lines: tuple[float, str]) -> Conversation:
    """Words from these times on; turns are S1 .5-4, S2 5-9, S1 9.5-20, S2 19-24, S1 26-29."""
    words = [
        Spoken(at + 0.4 * k, at + 0.4 * k + 0.3, text) for at, line in lines for k, text in enumerate(line.split())
    ]
    return with_words(made, words)


def by_words(text: str) -> tuple[float, float, float]:
    return (0.9, 0.05, 0.05) if "hate" in text else (0.02, 0.08, 0.9) if "great" in text else (0.1, 0.5, 0.4)


def judged(made: Conversation, fake: FakeSentiment | None = None, options: SentimentOptions = DEFAULT) -> Conversation:
    """The conversation with the sentiment of its words, as the analysis makes it."""
    told = with_sentiment(made, fake or FakeSentiment(by_words), options, 0.5)
    return derive(told, build_config({**told.config, "sentiment": options.model_dump()}))


# the classifier


def test_a_model_tells_how_words_are_meant_whatever_the_order_of_its_labels(model: Path, tmp_path: Path) -> None:
    texts = ["this is good", "this is a bad call .", "this is a call"]
    told = chosen(model).judge(texts)
    assert [int(np.argmax(shares)) for shares in told] == [2, 0, 1]
    assert all(abs(sum(shares) - 1) < 1e-6 for shares in told)
    other = chosen(write_model(tmp_path / "other", ("negative", "neutral", "positive"))).judge(texts)
    assert np.allclose(told, other, atol=1e-6)
    assert chosen(model).info.task == "sentiment"
    assert chosen(model).info.sha256


def test_it_judges_as_transformers_itself_does(tmp_path: Path) -> None:
    """A model with weights drawn by chance: nothing is lost between its files and our answer."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(3)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    full = BertConfig(vocab_size=len(PIECES), **sizes, id2label=dict(enumerate(LABELS)))
    network = BertForSequenceClassification(full).eval()
    network.save_pretrained(tmp_path, safe_serialization=True)
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(tmp_path / "vocab.txt"), do_lower_case=False)
    tokenizer.save_pretrained(tmp_path)
    for text in ("this is good", "a bad call ."):
        with torch.inference_mode():
            shares = network(**tokenizer(text, return_tensors="pt")).logits[0].softmax(-1)
        positive, neutral, negative = shares.tolist()
        assert chosen(tmp_path).judge([text])[0] == pytest.approx((negative, neutral, positive), abs=1e-6)


def test_a_model_of_another_architecture_is_used_too(tmp_path: Path) -> None:
    """RoBERTa's head has another name, and its checkpoints may hold a pooler that nothing uses."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForSequenceClassification

    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    full = RobertaConfig(vocab_size=len(PIECES), max_position_embeddings=20, **sizes, id2label=dict(enumerate(LABELS)))
    RobertaForSequenceClassification(full).save_pretrained(tmp_path, safe_serialization=True)
    weights = load_file(tmp_path / "model.safetensors")
    weights |= {"roberta.pooler.dense.weight": torch.zeros(16, 16), "roberta.pooler.dense.bias": torch.zeros(16)}
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    from tokenizers import Tokenizer, models, pre_tokenizers

    whole = Tokenizer(models.WordLevel({piece: k for k, piece in enumerate(PIECES)}, unk_token="[UNK]"))  # noqa: S106
    whole.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=whole, unk_token="[UNK]").save_pretrained(tmp_path)  # noqa: S106
    (shares,) = chosen(tmp_path).judge(["this is good " * 30])
    assert sum(shares) == pytest.approx(1)


def test_a_long_text_counts_by_the_lengths_of_its_parts(model: Path) -> None:
    finder = chosen(model)
    good, bad = "this is good .", "this is bad ."
    (alone,), (against,) = finder.judge([" ".join([good] * 3)]), finder.judge([" ".join([bad] * 3)])
    (mixed,) = finder.judge([" ".join([good] * 9 + [bad] * 9)])
    assert mixed[2] == pytest.approx((alone[2] + against[2]) / 2, abs=0.15)
    (mostly,) = finder.judge([" ".join([good] * 30 + [bad] * 6)])
    assert mostly[2] > mixed[2] > finder.judge([" ".join([good] * 6 + [bad] * 30)])[0][2]


def test_answers_do_not_depend_on_the_number_of_cores(model: Path) -> None:
    texts = ["this is good", "this is a bad call ." * 9, "a call"] * 5
    found = []
    for threads in (1, 3):
        with computing(threads):
            found.append(chosen(model).judge(texts))
    assert found[0] == found[1]


def test_a_text_without_any_piece_says_nothing(model: Path) -> None:
    (shares,) = chosen(model).judge(["\u200b"])  # BERT's tokenizer drops such characters
    assert shares[1] == max(shares)


def test_parts_lose_no_word_and_end_with_sentences_where_they_can() -> None:
    text = "one two three . four five six seven . eight nine ten eleven twelve"

    def length(part: str) -> int:
        return len(part.split()) + 2

    assert parts_of(text, length, 100) == [text]
    parts = parts_of(text, length, 9)
    assert " ".join(parts) == text
    assert all(length(part) <= 9 for part in parts)
    assert parts[0].endswith(".")
    assert parts_of("", length, 9) == [""]
    for most in range(3, 20):
        assert " ".join(parts_of(text, length, most)).split() == text.split()
    letters = parts_of("x" * 50, len, 8)  # some languages write no spaces
    assert "".join(letters) == "x" * 50
    assert max(map(len, letters)) <= 8
    unsplittable = parts_of("ab", lambda _: 1000, 8)  # a tokenizer that always has more pieces ends, too
    assert unsplittable == ["a", "b"]


def test_labels_have_several_names_and_can_be_given() -> None:
    source = Path("model")
    stars = {k: f"{k + 1} star{'s' if k else ''}" for k in range(5)}
    assert columns_of(stars, source, {}, None) == ((0, 1), (2,), (3, 4))
    assert columns_of({0: "NEG", 1: "NEU", 2: "POS"}, source, {}, None) == ((0,), (1,), (2,))
    assert columns_of({0: "Very_Negative", 1: "Positive"}, source, {}, None) == ((0,), (), (1,))
    own = {0: "LABEL_0", 1: "LABEL_1"}
    with pytest.raises(ModelError, match=r"label 'LABEL_0'.*sentiment: \{labels: \{LABEL_0"):
        columns_of(own, source, {}, None)
    assert columns_of(own, source, {}, {"LABEL_0": "positive", "LABEL_1": "negative"}) == ((1,), (), (0,))
    assert columns_of(own, source, {"LABEL_0": "negative", "LABEL_1": "positive"}, None) == ((0,), (), (1,))
    with pytest.raises(ConfigError, match=r"sentiment\.labels: got LABEL_0; expected the labels of this model"):
        columns_of(own, source, {}, {"LABEL_0": "positive"})
    with pytest.raises(ConfigError, match="at least one that means negative and one that means positive"):
        columns_of(own, source, {}, {"LABEL_0": "positive", "LABEL_1": "neutral"})
    with pytest.raises(ModelError, match="label 'PER'"):
        columns_of({0: "PER", 1: "O"}, source, {}, None)


def test_of_equals_the_neutral_one_counts() -> None:
    assert Sentiment(0.4, 0.4, 0.2, 5).top == "neutral"
    assert Sentiment(0.5, 0.0, 0.5, 5).top == "negative"
    with pytest.raises(ValueError, match="sum to 1"):
        Sentiment(0.5, 0.5, 0.5, 5)


def test_without_an_installed_model_nobody_judges_words(model: Path) -> None:
    assert sentiment.choose(DEFAULT) is None
    assert sentiment.choose(SentimentOptions(model="off")) is None
    folder = install(KNOWN, model)
    found = sentiment.choose(DEFAULT)
    assert found is not None
    assert (found.info.name, found.info.licence, found.info.commercial) == (KNOWN, "Apache-2.0", True)
    assert sentiment.choose(DEFAULT, "commercial") is not None
    (folder / "vocab.txt").write_text("changed", encoding="utf-8")
    with pytest.raises(WrongHashError):
        sentiment.choose(DEFAULT)


@pytest.mark.parametrize("licence", [None, "CC BY-NC 4.0", "somebody's"])
def test_commercial_use_loads_no_model_whose_licence_does_not_allow_it(
    model: Path, monkeypatch: pytest.MonkeyPatch, licence: str | None
) -> None:
    install(KNOWN, model)
    commercial = False if licence == "CC BY-NC 4.0" else None
    entry = registry.known()[KNOWN].model_copy(update={"licence": licence, "commercial": commercial})
    monkeypatch.setitem(registry.known(), KNOWN, entry)
    use: Use = "commercial"
    assert sentiment.choose(DEFAULT, use) is None
    why = "forbids this use" if commercial is False else "is not known"
    with pytest.raises(ConfigError, match=rf"sentiment\.model: got {KNOWN} under commercial use, but .*{why}"):
        sentiment.choose(SentimentOptions(model=KNOWN), use)
    with pytest.raises(ConfigError, match=r"its licence is not known"):
        sentiment.choose(SentimentOptions(model=str(model)), use)
    assert sentiment.choose(DEFAULT) is not None
    assert chosen(model)


def test_a_missing_model_or_one_of_another_task_is_told_with_what_to_do(model: Path) -> None:
    with pytest.raises(NotInstalledError, match=f"ressenti models get {KNOWN}"):
        chosen(KNOWN)
    with pytest.raises(ConfigError, match="expected auto, off, the id of an installed model of sentiment"):
        chosen("no such model")
    other = next(i for i, entry in registry.known().items() if entry.task == "names")
    install(other, model)
    with pytest.raises(ConfigError, match="installed as a model of names"):
        chosen(other)


def settings(**changed: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changed}), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (settings(architectures=["BertForTokenClassification"]), "expected a text classifier"),
        (settings(model_type="wav2vec2"), "expected a text classifier"),
        (settings(auto_map={"AutoModel": "own.py"}), "own code, which is never run"),
        (settings(problem_type="multi_label_classification"), "labels exclude each other"),
        (settings(id2label={"0": "positive", "1": "joy", "2": "negative"}), "label 'joy'"),
        (settings(id2label={"0": "positive", "1": "negative"}), "expected a row for each of 2 labels"),
        (settings(hidden_size=1 << 40), "hidden_size"),
        (lambda folder: (folder / "vocab.txt").unlink(), "has none of tokenizer.json"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 100), "cannot be read"),
    ],
)
def test_what_tells_no_sentiment_is_refused_before_anything_is_analysed(
    tmp_path: Path, change: Callable[[Path], object], told: str
) -> None:
    folder = write_model(tmp_path / "model")
    change(folder)
    with pytest.raises(ModelError, match=told):
        chosen(folder)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"pytorch_model\.bin, which are not read"):
        chosen(write_model(tmp_path / "model", pickled=True))


def test_weights_that_do_not_fit_are_refused_when_it_is_loaded(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    settings(num_hidden_layers=2)(folder)
    with pytest.raises(ModelError, match="cannot be used to tell the sentiment of words"):
        chosen(folder).judge(["good"])


# what is read of a conversation


def test_turns_with_words_enough_are_judged_and_others_are_not(make_conversation: Make) -> None:
    fake = FakeSentiment(by_words)
    made = judged(said(make_conversation(), (0.5, "this is great"), (5, "yes 12 15"), (9.6, "I hate this queue")), fake)
    assert fake.read == ["this is great", "I hate this queue"]
    found = {t.index: t.sentiment for t in made.turns if t.sentiment}
    assert {k: (one.top, one.words) for k, one in found.items()} == {0: ("positive", 3), 2: ("negative", 4)}
    assert fake.info in made.models
    assert store.dumps(store.loads(store.dumps(made))) == store.dumps(made)
    again = FakeSentiment(by_words)
    assert with_sentiment(made, again, DEFAULT, 0.5) is made  # what is told is not asked again
    assert not again.read


def test_words_that_are_not_sure_do_not_count_as_words_enough(make_conversation: Make) -> None:
    made = make_conversation()
    words = tuple(Word(0.6 + k, 0.9 + k, "great", 0, confidence=c) for k, c in enumerate((0.9, 0.9, 0.4)))
    made = replace(made, words=words)
    assert with_sentiment(made, FakeSentiment(), DEFAULT, 0.5) is made
    assert with_sentiment(made, FakeSentiment(), DEFAULT, 0.3).turns[0].sentiment is not None


def test_on_one_channel_words_in_overlap_are_not_read(make_conversation: Make) -> None:
    """S2 speaks from 19 s into S1's turn, which ends at 20 s."""
    made = said(make_conversation(), (18.0, "one two three four"), (20.1, "five six seven"))
    inside = [w for w in made.words if 19 < (w.start_s + w.end_s) / 2 < 20]
    assert inside
    fake = FakeSentiment()
    with_sentiment(made, fake, SentimentOptions(least_words=1), 0.5)
    assert [text for text in fake.read if inside[0].text in text.split()] == []
    split = replace(made, layout="split")  # each on a channel of their own: it is known whose words they are
    with_sentiment(split, fake, SentimentOptions(least_words=1), 0.5)
    assert [text for text in fake.read if inside[0].text in text.split()]


def test_what_was_silenced_is_never_read_and_takes_what_was_told_of_it_along(make_conversation: Make) -> None:
    made = judged(said(make_conversation(), (0.5, "this is great Anna"), (9.6, "I hate this queue here now")))
    assert {m.kind for m in made.moments} >= {"contrast"}
    quiet = with_bleeps(made, [Span(9.5, 9.9)])  # the first word
    assert [t.index for t in quiet.turns if t.sentiment] == [0]
    assert "contrast" not in {m.kind for m in quiet.moments}
    fake = FakeSentiment(by_words)
    told = with_sentiment(quiet, fake, DEFAULT, 0.5)
    assert fake.read == ["hate this queue here now"]
    assert told.turns[2].sentiment is not None
    assert not any(t.sentiment for t in with_words(made, []).turns)
    assert not any(m.task == "sentiment" for m in with_words(made, []).models)


def test_an_analysis_redacts_before_words_are_judged(recording: Path) -> None:
    heard, fake = FakeTranscriber("my card is 4111 1111 1111 1111 and this is great"), FakeSentiment(by_words)
    given: dict[str, Any] = {"diarizer": FakeDiarizer(SEGMENTS), "emotion_model": FakeEmotion(by_loudness)}
    config = load_config("default", {"content": {"redact": True}})
    made = analyze(recording, config, transcriber=heard, sentiment_model=fake, sound_detector=FakeSounds(), **given)
    assert fake.read
    assert not any("1111" in text for text in fake.read)
    assert any(turn.sentiment for turn in made.turns)
    assert [m.task for m in made.models][-1] == "sentiment"


def test_an_analysis_tells_how_far_it_is(recording: Path) -> None:
    stages = []
    given: dict[str, Any] = {"diarizer": FakeDiarizer(SEGMENTS), "emotion_model": FakeEmotion(by_loudness)}
    analyze(
        recording,
        transcriber=FakeTranscriber(),
        sentiment_model=FakeSentiment(),
        sound_detector=FakeSounds(),
        progress=lambda stage, *_: stages.append(stage),
        **given,
    )
    assert "sentiment" in stages


def test_an_analysis_without_its_model_ends_before_it_begins(recording: Path) -> None:
    with pytest.raises(NotInstalledError):
        analyze(recording, load_config("default", {"sentiment": {"model": KNOWN}}), diarizer=None)


def test_results_are_made_anew_where_another_model_is_the_default(model: Path) -> None:
    config = load_config()
    before = made_from(config, People(), Additions(), "call")
    install(KNOWN, model)
    assert made_from(config, People(), Additions(), "call") != before


# whose emotion is not computed


def test_of_whom_emotion_is_not_computed_no_word_is_read(make_conversation: Make) -> None:
    people = People(roles=("S1=client", "S2=agent"))
    fake = FakeSentiment(by_words)
    made = said(make_conversation("default", None, people), (0.5, "this is great"), (5, "I hate this queue"))
    made = judged(made, fake)
    assert fake.read == ["this is great"]
    moved = with_corrections(made, Corrections(turns=(TurnCorrection(0, speaker="S2"),)))
    assert not any(turn.sentiment for turn in moved.turns)
    back = with_corrections(moved, Corrections())
    assert not any(turn.sentiment for turn in back.turns)  # deleted for good
    everybody = make_conversation("recruitment", {"diarization": {"speakers": None}})
    assert with_sentiment(said(everybody, (0.5, "this is great")), fake, DEFAULT, 0.5).models == everybody.models


def test_an_announcement_says_nothing_until_it_is_a_person_again(make_conversation: Make) -> None:
    made = judged(said(make_conversation(), (0.5, "this is great")))
    played = with_corrections(made, Corrections(kinds=(SpeakerKind("S1", "announcement"),)))
    assert not played.sentiments
    assert "positive 90" not in report_html(played)
    assert with_corrections(played, Corrections()).sentiments


# what becomes of it


def mixed(make: Make) -> Conversation:
    """S1 sounds pleased and says that they hate it; S2 sounds tense and says that it is great."""
    return judged(
        said(
            make(),
            (0.5, "this is a call"),
            (5.1, "this is great news"),
            (9.6, "I hate this queue"),
            (20.1, "so what now"),
        )
    )


def test_words_against_the_voice_are_a_moment_that_may_be_chance(make_conversation: Make) -> None:
    made = mixed(make_conversation)
    found = [m for m in made.moments if m.kind == "contrast"]
    assert [(m.speaker, m.values["voice"], m.values["words"], m.certain) for m in found] == [
        ("S2", "Tension", "positive", False),
        ("S1", "Pleased", "negative", False),
    ]
    assert not [m for m in mixed(lambda: make_conversation("default", {"moments": {"contrasts": 0}})).moments
                if m.kind == "contrast"]  # fmt: skip
    person = with_corrections(made, Corrections(turns=(TurnCorrection(2, emotion="Relaxed"),)))
    (sure,) = [m for m in person.moments if m.kind == "contrast" and m.certain]
    assert (sure.values["voice"], sure.values["by_person"]) == ("Relaxed", 1.0)
    agreeing = with_corrections(made, Corrections(turns=(TurnCorrection(2, emotion="Sad"),)))
    assert [m.speaker for m in agreeing.moments if m.kind == "contrast"] == ["S2"]
    unsure = judged(made, options=SentimentOptions(unsure_below=0.95))
    assert not [m for m in unsure.moments if m.kind == "contrast"]


def plainly(page: str) -> str:
    """A page with plain spaces alone."""
    return page.replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_page_shows_words_beside_the_voice(make_conversation: Make, lang: Any) -> None:
    made = mixed(make_conversation)
    page = plainly(report_html(made, lang=lang))
    heads = {"en": ("Words: sentiment", "Voice: class"), "fr": ("Sentiment des paroles", "Classe de la voix")}[lang]
    assert all(f">{head}</th>" in page for head in heads)
    cells = [part.split("</td>")[0] for part in page.split('<td class="sentiment">')[1:]]
    words = {
        "en": ["neutral? 50", "positive 90", "negative 90", "", ""],
        "fr": ["neutre ? 50", "positif 90", "négatif 90"],
    }
    assert all(cell.startswith(word) for cell, word in zip(cells, words[lang], strict=False))
    assert len(cells) == len(made.turns)
    assert 'class="m-contrast"' in page
    assert {"en": "does not sound like it", "fr": "sans en avoir le ton"}[lang] in page
    assert "fake-sentiment" in page
    plain = plainly(report_html(said(make_conversation(), (0.5, "this is great")), lang=lang))
    assert f">{heads[0]}</th>" not in plain
    assert f">{heads[1]}</th>" not in plain


def test_nothing_else_changes(make_conversation: Make) -> None:
    """Classes, places, trajectories, tables and files of turns are the same with and without it."""
    made = mixed(make_conversation)
    bare = with_bleeps(replace(made, turns=tuple(replace(t, sentiment=None) for t in made.turns)), [])
    bare = derive(bare, build_config(bare.config))
    assert [t.emotion for t in made.turns] == [t.emotion for t in bare.turns]
    assert (made.trajectories, made.speakers, made.exchange) == (bare.trajectories, bare.speakers, bare.exchange)
    for write in (export.turns_csv, export.rttm, export.textgrid, export.srt, export.vtt, export.said_csv):
        assert write(made) == write(bare)
    assert [m for m in made.moments if m.kind != "contrast"] == list(bare.moments)


def test_the_call_analytics_json_has_the_sentiment_of_words(make_conversation: Make) -> None:
    data = json.loads(export.aws(mixed(make_conversation)))
    told = [turn.get("Sentiment") for turn in data["Transcript"]]
    assert told[:3] == ["NEUTRAL", "POSITIVE", "NEGATIVE"]
    overall = data["ConversationCharacteristics"]["Sentiment"]["OverallSentiment"]
    assert overall["S1"] == round(5 * (4 * 0.3 - 4 * 0.85) / 8, 1)
    quarters = data["ConversationCharacteristics"]["Sentiment"]["SentimentByPeriod"]["QUARTER"]
    assert all(-5 <= entry["Score"] <= 5 for own in quarters.values() for entry in own)
    assert data["Transcript"][1]["Ressenti"]["Words"] == {"Negative": 0.02, "Neutral": 0.08, "Positive": 0.9}
    silent = json.loads(export.aws(said(make_conversation(), (0.5, "this is great"))))
    assert "Sentiment" not in silent["ConversationCharacteristics"]
    assert not any("Sentiment" in turn or "Words" in turn["Ressenti"] for turn in silent["Transcript"])


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["turns"][0]["sentiment"].update(negative=0.9),
        lambda data: data["turns"][0]["sentiment"].update(words=0),
        lambda data: data["moments"][0]["values"].update(voice="Angry"),
        lambda data: data["moments"][0]["values"].pop("share"),
        lambda data: data["moments"][0].update(speaker=None),
    ],
)
def test_a_stored_sentiment_that_cannot_be_is_refused(
    make_conversation: Make, change: Callable[[dict[str, Any]], object]
) -> None:
    made = mixed(make_conversation)
    data = json.loads(store.dumps(replace(made, moments=tuple(m for m in made.moments if m.kind == "contrast"))))
    store.loads(json.dumps(data))
    change(data)
    with pytest.raises(NotAConversationError):
        store.loads(json.dumps(data))


# the commands


def test_a_transcript_is_judged_when_it_is_brought_and_after_it_was_silenced(
    make_conversation: Make, model: Path, tmp_path: Path
) -> None:
    transcript = tmp_path / "call.srt"
    lines = ("00:00:01,000 --> 00:00:03,000\nthis is a good call", "00:00:09,600 --> 00:00:12,000\nthis is a bad call")
    transcript.write_text("\n\n".join(f"{k}\n{line}" for k, line in enumerate(lines, 1)), encoding="utf-8")
    options = SentimentOptions(model=str(model))
    added = Additions(transcript, bleep="1.0-1.2", sentiment=options)
    made = added.apply(make_conversation(), added.words("call"))
    assert {t.index: t.sentiment.top for t in made.turns if t.sentiment} == {2: "negative"}
    assert [m.values["words"] for m in made.moments if m.kind == "contrast"] == ["negative"]
    assert Additions(transcript).apply(made, Additions(transcript).words("call")).sentiments == {}
    with pytest.raises(NotInstalledError):
        Additions(transcript, sentiment=SentimentOptions(model=KNOWN)).check(1)


def test_the_command_line_tells_where_it_is_used(model: Path) -> None:
    install(KNOWN, model)
    listed = ressenti("models", "list").stdout
    assert f"sentiment: the default is {KNOWN}" in listed
    assert "(sentiment.model)" in listed
    said_by = " ".join(ressenti("doctor").stdout.split())
    assert f"{KNOWN} Apache-2.0 any verified sentiment:" in said_by
    made_default = ressenti("models", "default", KNOWN)
    assert made_default.returncode == 0
    assert "now the default" in made_default.stdout
