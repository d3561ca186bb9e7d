"""The documentation says what holds: examples run, commands and links exist, generated pages are up to date."""

import importlib.util
import re
import shlex
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pytest
import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token

from conftest import CHECKOUT
from ressenti import load, load_config
from ressenti.pipeline import errors
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.content import read_phrases

DOCS = CHECKOUT / "docs"
PAGES = [CHECKOUT / "README.md", *sorted(DOCS.glob("*.md"))]
PAPERS = [*PAGES, CHECKOUT / "CONTRIBUTING.md", CHECKOUT / "CHANGELOG.md"]
CARDS = sorted((CHECKOUT / "pipeline" / "models").glob("*.md"))
MARKDOWN = MarkdownIt().enable("table")
COMMAND = typer.main.get_command(app)


def named(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def tokens(path: Path) -> Iterator[Token]:
    for token in MARKDOWN.parse(path.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a page that are of a language."""
    return [token.content for token in tokens(path) if token.type == "fence" and token.info.strip() == language]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    found = [token.content for token in tokens(path) if token.type == "inline" and token.level == 1]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["architecture.md", "configuration.md", "command-line.md", "library.md"])
def test_generated_pages_are_up_to_date(
    name: str, generator: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "40")  # neither the terminal nor the folder matters
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    said = "run `python docs/generate.py`"
    assert (DOCS / name).read_text(encoding="utf-8") == generator.PAGES[name](), said


def test_the_page_of_options_has_all_of_them_and_that_of_commands_too() -> None:
    options = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert "### use\n" in options
    for group, values in load_config().model_dump(exclude={"use"}).items():
        assert f"### {group}\n" in options
        assert all(f"\n| `{key}` |" in options for key in values)
    commands = (DOCS / "command-line.md").read_text(encoding="utf-8")
    for name, command in leaves(COMMAND, ()):
        assert f"# ressenti {' '.join(name)}\n" in commands
        assert all(option in commands for parameter in command.params for option in parameter.opts if option[0] == "-")


def test_the_readme_is_short_and_has_its_picture_and_its_two_commands() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert blocks(CHECKOUT / "README.md", "sh")[:2] == [
        "pip install . && ressenti sample\n",
        "pip install '.[test]' && pytest\n",
    ]
    picture = (DOCS / "images" / "report.png").read_bytes()
    assert len(picture) < 250_000
    assert struct.unpack(">I", picture[16:20]) == (1280,)
    linked = {target for token in tokens(CHECKOUT / "README.md") if (target := str(token.attrGet("href") or ""))}
    assert {named(page) for page in PAGES} - {"README.md"} <= linked


@pytest.mark.parametrize("path", [*PAPERS, *CARDS], ids=named)
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    for token in tokens(path):
        target = token.attrGet("href") or token.attrGet("src")
        if not isinstance(target, str) or urlsplit(target).scheme:
            continue
        parts = urlsplit(target)
        there = path.parent / unquote(parts.path) if parts.path else path
        assert there.exists(), f"{named(path)}: {target}"
        assert there.resolve().is_relative_to(CHECKOUT)
        if parts.fragment:
            assert parts.fragment in anchors(there), f"{named(path)}: {target}"


def leaves(command: Any, name: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands that are no groups, with their names."""
    children = getattr(command, "commands", None)
    if not children:
        yield name, command
        return
    for child, inner in children.items():
        yield from leaves(inner, (*name, child))


def shown(path: Path) -> Iterator[str]:
    """Every `ressenti ...` command that a page shows, in blocks and in running text."""
    for token in tokens(path):
        if token.type == "fence" and token.info.strip() == "sh":
            for line in token.content.splitlines():
                yield from (part.strip() for part in line.split("&&") if part.strip().startswith("ressenti "))
        elif token.type == "code_inline" and token.content.startswith("ressenti "):
            yield token.content


def complaint(line: str) -> str | None:
    """What is wrong with the command's name, its options or their values; nothing is run."""
    command, arguments = COMMAND, shlex.split(line, comments=True)[1:]
    context = command.context_class(command, info_name="ressenti")
    while children := getattr(command, "commands", None):
        if not arguments or arguments[0].startswith("-"):
            break
        if arguments[0] not in children:
            return f"no command {arguments[0]!r}"
        command = children[arguments.pop(0)]
        context = command.context_class(command, info_name=command.name, parent=context)
    try:
        *_, rest, _ = command.make_parser(context).parse_args(args=arguments)
    except Exception as exc:  # noqa: BLE001  # click's own, under whatever name
        return str(exc)
    return f"more arguments than it takes: {rest}" if rest else None


@pytest.mark.parametrize(
    "line",
    [
        "ressenti nonsense",
        "ressenti models nonsense",
        "ressenti analyze call.wav --nonsense",
        "ressenti models default ONE TWO",
        "ressenti analyze call.wav --speakers",
        "ressenti sample --nonsense",
        "ressenti models --nonsense",
    ],
)
def test_a_command_that_there_is_not_is_found(line: str) -> None:
    assert complaint(line)


@pytest.mark.parametrize("path", PAPERS, ids=named)
def test_commands_that_are_shown_exist(path: Path) -> None:
    assert {line: said for line in shown(path) if (said := complaint(line))} == {}


def test_enough_commands_are_shown() -> None:
    assert sum(1 for path in PAGES for _ in shown(path)) > 50


@pytest.mark.parametrize("path", [page for page in PAGES if page.name != "campaign.md"], ids=named)
def test_options_that_are_named_exist(path: Path) -> None:
    known = {option for _, command in leaves(COMMAND, ()) for p in command.params for option in p.opts} | {"--help"}
    spans = [token.content for token in tokens(path) if token.type == "code_inline"]
    assert {span.split()[0].rstrip(",") for span in spans if span.startswith("--")} <= known


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_examples_of_configs_and_phrases_are_taken(path: Path, tmp_path: Path) -> None:
    for block in blocks(path, "yaml"):
        (tmp_path / "my.yaml").write_text(block, encoding="utf-8")
        (read_phrases if block.startswith("language:") else load_config)(tmp_path / "my.yaml")


@pytest.fixture
def call(sample: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a recording in it."""
    shutil.copyfile(sample[0], tmp_path / "call.wav")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(code: str, path: Path, names: dict[str, object] | None = None) -> None:
    exec(compile(code, named(path), "exec"), {"__name__": "example"} if names is None else names)  # noqa: S102  # our own text


def test_the_example_of_the_readme_runs(call: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(CHECKOUT / "README.md", "python")
    assert len(code.splitlines()) <= 12
    run(code, CHECKOUT / "README.md")
    assert {path.name for path in call.iterdir()} == {"call.wav", "call.report.html"}
    assert "<audio" in (call / "call.report.html").read_text(encoding="utf-8")
    assert "valence" in capsys.readouterr().out


def test_the_examples_for_programs_run(call: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, *others = blocks(DOCS / "python.md", "python")
    names: dict[str, object] = {"__name__": "example"}
    run(first, DOCS / "python.md", names)
    assert {path.name for path in call.iterdir()} == {
        "call.wav",
        "call.report.html",
        "call.json",
        "call.turns.parquet",
    }
    page = (call / "call.report.html").read_text(encoding="utf-8")
    assert "<audio" in page
    conversation = load("call.json")
    assert {turn.speaker for turn in conversation.turns} == {"S1", "S2"}
    with duckdb.connect() as base:
        (count,) = base.execute("select count(*) from 'call.turns.parquet'").fetchall()
    assert count == (len(conversation.turns),)
    printed = capsys.readouterr().out
    assert conversation.id in printed
    assert "emotion" in printed
    for code in others:
        run(code, DOCS / "python.md", names)
    assert capsys.readouterr().out == f"conversation-{conversation.recording.sha256[:6]} True\n"


def test_what_the_example_for_programs_does_with_a_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        run(blocks(DOCS / "python.md", "python")[0], DOCS / "python.md")
    assert caught.value.code == errors.NotFoundError.exit_code
    assert "call.wav" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_files_and_modules_that_contributing_names_exist() -> None:
    path = CHECKOUT / "CONTRIBUTING.md"
    spans = [token.content for token in tokens(path) if token.type == "code_inline"]
    files = [span for span in spans if re.fullmatch(r"(pipeline|reports|configs|tests|docs)/[\w./-]+", span)]
    modules = re.findall(r"python -m ressenti\.([\w.]+)", path.read_text(encoding="utf-8"))
    assert len(files) > 10
    assert [name for name in files if not (CHECKOUT / name).exists()] == []
    assert [name for name in modules if not (CHECKOUT / f"{name.replace('.', '/')}.py").is_file()] == []


def test_python_is_shown_only_where_it_is_run() -> None:
    """That of docs/library.md in tests/test_library.py."""
    assert {named(page) for page in PAGES if blocks(page, "python")} == {
        "README.md",
        "docs/python.md",
        "docs/library.md",
    }
