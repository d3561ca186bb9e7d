"""People's names: the finder with a model whose weights are set by hand, and what redaction makes of what it finds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from installing import install

from commands import ressenti
from conftest import SEGMENTS
from ressenti import analyze, load_config, report_html
from ressenti.pipeline import export, names, store
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.edits.names import names_in
from ressenti.pipeline.edits.redaction import AFTER_S, PADDING_S, with_redaction
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import ConfigError, ModelError, NotInstalledError, WrongHashError
from ressenti.pipeline.models import registry
from ressenti.pipeline.records import Conversation, ModelInfo, Word
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.pipeline.transcription.fake import FakeTranscriber

Make = Callable[..., Conversation]
KNOWN = next(i for i, entry in registry.known().items() if entry.task == "names")
NAMES = ("Anna", "Du", "##pont", "Zoé")
PIECES = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *NAMES,
    "hello",
    "this",
    "is",
    "speaking",
    ",",
    "'",
    "s",
    "Lyon",
)
LABELS = ("O", "B-PER", "I-PER", "B-LOC")


def write_model(folder: Path, labels: Sequence[str] = LABELS, *, pickled: bool = False, **config: Any) -> Path:
    """A BERT of one layer that does nothing but look words up: those of `NAMES` are persons, Lyon is a place."""
    from ressenti.pipeline.models.torchaudio_import import import_torchaudio

    import_torchaudio()
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertForTokenClassification

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    own = {"vocab_size": len(PIECES), "max_position_embeddings": 18, "id2label": dict(enumerate(labels))}
    full = BertConfig(**sizes, **own)  # type: ignore[arg-type]
    model = BertForTokenClassification(full)
    for name, value in model.named_parameters():
        if "LayerNorm" not in name:
            torch.nn.init.zeros_(value)
    with torch.no_grad():
        for k, piece in enumerate(PIECES):
            of = 2 if piece.startswith("##") else 1 if piece in NAMES else 3 if piece == "Lyon" else 0
            model.bert.embeddings.word_embeddings.weight[k, of] = 1
        for k in range(min(4, len(labels))):
            model.classifier.weight[k, k] = 3
    folder.mkdir(parents=True, exist_ok=True)
    full.architectures = ["BertForTokenClassification"]
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
    return write_model(tmp_path_factory.mktemp("names") / "model")


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "installed"))


class Listed:
    """Finds the names of a list."""

    info = ModelInfo("names", "listed", "none", commercial=True)

    def __init__(self, *listed: str) -> None:
        self.listed = listed

    def find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [[(t.index(n), t.index(n) + len(n)) for n in self.listed if n in t] for t in texts]


def said(make: Make, *lines: tuple[float, str]) -> Conversation:
    """Words from these times on; turns are S1 .5-4, S2 5-9, S1 9.5-20, S2 19-24, S1 26-29."""
    words = [
        Spoken(at + 0.4 * k, at + 0.4 * k + 0.3, text) for at, line in lines for k, text in enumerate(line.split())
    ]
    return with_words(make(), words)


# what a finder marks becomes personal data


def test_a_name_is_silenced_in_words_and_sound_like_other_personal_data(make_conversation: Make) -> None:
    before = said(make_conversation, (0.5, "hello this is Anna Dupont, speaking"), (9.5, "thanks Anna"))
    after = with_redaction(before, names=Listed("Anna Dupont"))
    assert [(p.kind, p.start_s, p.end_s) for p in after.personal_data] == [
        ("name", pytest.approx(1.7), pytest.approx(2.4))
    ]
    (bleep,) = after.bleeps
    assert (bleep.start_s, bleep.end_s) == (pytest.approx(1.7 - PADDING_S), pytest.approx(2.4 + AFTER_S))
    assert Listed.info in after.models
    written = [report_html(after), store.dumps(after), export.srt(after), export.said_csv(after)]
    assert not any("Dupont" in text for text in written)
    assert "[name]" in export.srt(after)
    assert "[name]" in written[0]
    assert "names by a model" in written[0]
    assert "[nom]" in report_html(after, lang="fr")
    assert "par un modèle" in report_html(after, lang="fr")
    assert "personal_data,name" in export.said_csv(after)
    assert store.dumps(store.loads(store.dumps(after))) == store.dumps(after)
    assert with_redaction(after, names=Listed("Anna Dupont")) == after


def test_no_name_is_looked_for_unless_asked(make_conversation: Make) -> None:
    conversation = said(make_conversation, (0.5, "hello this is Anna Dupont"))
    assert with_redaction(conversation) is conversation


def test_names_of_speakers_stay(make_conversation: Make) -> None:
    before = said(make_conversation, (0.5, "hello this is Anna"))
    named = replace(before, speakers=tuple(replace(s, name="Anna") for s in before.speakers))
    assert [s.name for s in with_redaction(named, names=Listed("Anna")).speakers] == ["Anna", "Anna"]


def test_what_the_guards_dropped_is_searched_for_names(make_conversation: Make) -> None:
    conversation = said(make_conversation, (0.5, "hello this is"))
    after = with_redaction(conversation, [Word(2.0, 2.3, "Anna", conversation.words[0].turn)], names=Listed("Anna"))
    assert [p.kind for p in after.personal_data] == ["name"]


def test_each_turn_is_a_text_and_a_word_is_marked_whole() -> None:
    words = [Word(0, 1, "Mrs", 0), Word(1, 2, "Du", 1), Word(1.5, 2, "Anna's", 0), Word(9, 10, "Anna", 0)]
    seen: list[str] = []

    class Finder(Listed):
        def find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
            seen.extend(texts)
            return [[(3, 6), (11, 15)], []]  # from the space before the first "Anna"

    found = names_in(words, Finder())
    assert seen == ["Mrs Anna's Anna", "Du"]
    assert [(p.start_s, p.end_s) for p in found] == [(1.5, 2), (9, 10)]  # a long pause parts them
    assert names_in([], Finder()) == []


# the finder


def test_a_model_finds_names_and_their_places_in_texts(model: Path) -> None:
    finder = names.choose(str(model))
    assert finder is not None
    text = "hello this is Anna Dupont, Zoé's Lyon"
    found = finder.find([text, "hello", "this is Zoé"])
    assert [[text[a:b] for a, b in found[0]], found[1], found[2]] == [["Anna", "Du", "pont", "Zoé"], [], [(8, 11)]]
    assert finder.info.task == "names"
    assert finder.info.sha256


def test_a_long_text_is_read_in_parts(model: Path) -> None:
    finder = names.choose(str(model))
    assert finder is not None
    text = "hello " * 40 + "Anna " + "is " * 40 + "Zoé"
    assert [text[a:b] for a, b in finder.find([text])[0]] == ["Anna", "Zoé"]


@pytest.mark.parametrize("label", ["PER", "I-PER", "person", "E-PERSON"])
def test_labels_for_persons_go_by_several_names(tmp_path: Path, label: str) -> None:
    finder = names.choose(str(write_model(tmp_path / "model", ("O", label))))
    assert finder is not None
    assert finder.find(["is Anna"]) == [[(3, 7)]]


def test_off_finds_nothing_and_loads_nothing() -> None:
    assert names.choose("off") is None


def test_an_installed_model_is_used_by_its_id_and_not_if_it_was_changed(model: Path) -> None:
    folder = install(KNOWN, model)
    finder = names.choose(KNOWN)
    assert finder is not None
    assert (finder.info.name, finder.info.licence, finder.info.commercial) == (KNOWN, "AFL-3.0", True)
    assert finder.find(["is Anna"]) == [[(3, 7)]]
    (folder / "vocab.txt").write_text("changed", encoding="utf-8")
    with pytest.raises(WrongHashError):
        names.choose(KNOWN)


def test_a_missing_model_is_told_with_what_to_do() -> None:
    with pytest.raises(NotInstalledError, match=f"ressenti models get {KNOWN}"):
        names.choose(KNOWN)
    with pytest.raises(ConfigError, match="expected off, the id of an installed model that finds names"):
        names.choose("no such model")


def test_a_model_of_another_task_is_refused(model: Path) -> None:
    other = next(i for i, entry in registry.known().items() if entry.task == "emotion")
    install(other, model)
    with pytest.raises(ConfigError, match="installed as a model of emotion"):
        names.choose(other)


def settings(**changed: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changed}), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (settings(architectures=["BertForSequenceClassification"]), "expected a token classifier"),
        (settings(architectures=None), "expected a token classifier"),
        (settings(model_type="wav2vec2"), "expected a token classifier"),
        (settings(auto_map={"AutoModel": "own.py"}), "own code, which is never run"),
        (settings(hidden_size=1 << 40), "hidden_size"),
        (settings(num_hidden_layers="many"), "num_hidden_layers"),
        (settings(id2label={"0": "O", "1": "LOC", "2": "ORG", "3": "MISC"}), "expected one for persons"),
        (settings(id2label={"0": "O", "1": "PER"}), "expected a row for each of 2 labels"),
        (settings(id2label={"x": "O"}), "expected labels from 0 on"),
        (lambda folder: (folder / "vocab.txt").unlink(), "has none of tokenizer.json"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "expected settings by name"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 100), "cannot be read"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\x10" + b"\0" * 50), "cannot be read"),
    ],
)
def test_what_is_no_finder_of_names_is_refused_before_anything_is_analysed(
    tmp_path: Path, change: Callable[[Path], object], told: str
) -> None:
    folder = write_model(tmp_path / "model")
    change(folder)
    with pytest.raises(ModelError, match=told):
        names.choose(str(folder))


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", pickled=True)
    with pytest.raises(ModelError, match=r"pytorch_model\.bin, which are not read"):
        names.choose(str(folder))


@pytest.mark.parametrize(
    "change",
    [
        settings(num_hidden_layers=2),
        settings(intermediate_size=16),
        lambda f: (f / "vocab.txt").write_text("\n".join((*PIECES, "more"))),
    ],
)
def test_parts_that_do_not_fit_are_refused_when_it_is_loaded(tmp_path: Path, change: Callable[[Path], object]) -> None:
    folder = write_model(tmp_path / "model")
    change(folder)
    finder = names.choose(str(folder))
    assert finder is not None
    with pytest.raises(ModelError, match="cannot be used to find names"):
        finder.find(["is Anna"])


# the whole way


def test_an_analysis_silences_names_and_the_rest_too(recording: Path, model: Path) -> None:
    config = load_config("default", {"content": {"redact_names": str(model)}})
    heard = FakeTranscriber("this is Anna 06 12 34 56 78 speaking")
    made = analyze(recording, config, diarizer=FakeDiarizer(SEGMENTS), emotion_model=FakeEmotion(), transcriber=heard)
    assert "name" in {p.kind for p in made.personal_data}
    assert {p.kind for p in made.personal_data} & {"phone", "number"}
    assert "Anna" not in store.dumps(made)
    assert [m.name for m in made.models if m.task == "names"] == ["model"]


def test_an_analysis_without_its_model_ends_before_it_begins(recording: Path) -> None:
    with pytest.raises(NotInstalledError):
        analyze(recording, load_config("default", {"content": {"redact_names": KNOWN}}), diarizer=None)


def test_a_stored_conversation_is_redacted_by_the_command(make_conversation: Make, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(store.dumps(said(make_conversation, (0.5, "hello this is Zoé speaking"))), encoding="utf-8")
    done = ressenti("report", path, "--redact-names", model, "--format", "html,srt", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "personal data found in 1 place" in done.stdout
    assert "[name]" in (tmp_path / "out" / "call.srt").read_text(encoding="utf-8")
    assert "Zoé" not in (tmp_path / "out" / "call.report.html").read_text(encoding="utf-8")
    missing = ressenti("report", path, "--redact-names", KNOWN, "--out", tmp_path / "none")
    assert missing.returncode == NotInstalledError.exit_code
    assert not (tmp_path / "none").exists()


def test_a_stored_conversation_is_redacted_by_a_model_that_its_use_allows(
    make_conversation: Make, model: Path, tmp_path: Path
) -> None:
    made = said(make_conversation, (0.5, "hello this is Zoé speaking"))
    path = tmp_path / "call.json"
    path.write_text(store.dumps(replace(made, config={**made.config, "use": "commercial"})), encoding="utf-8")
    asked = ("report", path, "--redact-names", model, "--format", "srt", "--out", tmp_path / "out")
    refused = ressenti(*asked)
    assert refused.returncode == ConfigError.exit_code
    assert "under commercial use, but its licence is not known" in " ".join(refused.stderr.split())
    research = tmp_path / "research.yaml"
    research.write_text("use: research", encoding="utf-8")
    assert ressenti(*asked, "--config", research).returncode == 0
    stated = tmp_path / "stated"
    shutil.copytree(model, stated)
    (stated / "README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    done = ressenti("report", path, "--redact-names", stated, "--format", "srt", "--out", tmp_path / "free")
    assert done.returncode == 0, done.stderr
    finder = names.choose(str(stated), "commercial")
    assert finder is not None
    assert (finder.info.licence, finder.info.commercial) == ("MIT", True)


def test_the_command_line_tells_where_it_is_used(model: Path) -> None:
    install(KNOWN, model)
    assert KNOWN in ressenti("models", "list").stdout
    refused = ressenti("models", "default", KNOWN)
    assert refused.returncode == ConfigError.exit_code
    assert "content.redact_names" in refused.stderr
