"""Writes the pages that follow from the code: `configuration.md`, `command-line.md`, the rooms in `architecture.md`.

    python docs/generate.py             # all pages
    python docs/generate.py --picture   # also images/report.png, the sample's report (needs Chromium and playwright)

`tests/test_docs.py` fails while a page differs from what this writes.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import shutil
import sys
import tempfile
import tomllib
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
CHECKOUT = DOCS.parent
WIDTH, HEIGHT = 1280, 1090  # pixels of the picture
_TYPES = {int: "N", float: "NUMBER", Path: "PATH", str: "TEXT"}

_CONFIGURATION = """\
# Configuration

<!-- Written by `python docs/generate.py` from the files in configs/. Change those, then run it again. -->

Options come from a YAML file, a preset, or the command line. To set your own:

1. Copy [`configs/default.yaml`](../configs/default.yaml), which holds every option with its default.
2. Keep only the lines that you change, below the name of their group.
3. Pass the file with `--config my.yaml`.

```yaml
preset: call-center
turns:
  merge_gap_s: 1.0
```

A file may begin with `preset: call-center` (or another preset) and change that. Without this line it changes `default`,
in which nobody has a role and everybody is scored. Options on the command line win over the file. The error for an
unknown option names the option that you may have meant. Anchors, tags and repeated keys are refused. Dates, `no` and
`1:30` are read as text.
"""

_COMMANDS = """\
# Command line

<!-- Written by `python docs/generate.py` from the command's own help. Change that, then run it again. -->

`--help` after a command prints the same text in a terminal. The [exit codes](#exit-codes) are at the end.
An option that is given twice is an error, unless its line says that it may be repeated.
"""


def configuration() -> str:
    """The page of all options: `default.yaml` group by group with its comments, then the other presets."""
    from ressenti.pipeline.config import Config

    text = (CHECKOUT / "configs" / "default.yaml").read_text(encoding="utf-8")
    head, *groups = re.split(r"\n(?=\w+:)", text)
    note = " ".join(line.lstrip("# ") for line in head.splitlines() if line.startswith("# Times"))
    parts = [_CONFIGURATION, f"{note}\n", "## Options\n"]
    for group in groups:
        (name, _, about), *rows = _options(group)
        about = about or (inspect.getdoc(Config.model_fields[name].annotation) or "").partition("\n\n")[0]
        if not rows:  # an option of its own
            (_, default, about), *_ = _options(group)
            parts.append(f"### {name}\n\nDefault: {_code(default)}. {_sentence(about)}\n")
            continue
        lines = [f"| `{key}` | {_code(default)} | {_cell(comment)} |" for key, default, comment in rows]
        parts.append(f"### {name}\n\n{_sentence(about)}\n\n| option | default | meaning |\n|---|---|---|")
        parts += [*lines, ""]
    parts.append("## Presets\n\nEach preset changes a few options and keeps the other defaults.\n")
    presets = {p.stem: p.read_text(encoding="utf-8").strip() for p in sorted((CHECKOUT / "configs").glob("*.yaml"))}
    parts += [f"### {name}\n\n```yaml\n{text}\n```\n" for name, text in presets.items() if name != "default"]
    return "\n".join(parts)


def _options(group: str) -> Iterator[tuple[str, str, str]]:
    """Key, default and comment of each line of a group, its own first; `thresholds.Sad` for a key within a key."""
    outer = ""
    for line in filter(str.strip, group.splitlines()):
        found = re.fullmatch(r"(\s*)([\w-]+):\s*(.*?)\s*(?:#\s*(.*))?", line)
        if found is None:
            raise ValueError(f"configs/default.yaml: got {line!r}; expected `key: value  # comment`")
        indent, key, default, comment = found.groups()
        if len(indent) == 2:
            outer = "" if default else key
        yield f"{outer}.{key}" if len(indent) > 2 else key, default, comment or ""


def _sentence(text: str) -> str:
    said = " ".join(text.split()).rstrip(".")
    return f"{said[:1].upper()}{said[1:]}."


def command_line() -> str:
    """The page of all commands with their arguments and options."""
    import typer

    from ressenti.pipeline.cli.app import app

    top = typer.main.get_command(app)
    return "\n".join([_COMMANDS, *_chapters(top, "ressenti"), _exit_codes()])


def _exit_codes() -> str:
    from ressenti.pipeline import errors
    from ressenti.pipeline.cli import INTERRUPTED
    from ressenti.pipeline.cli.batch import ALL_FAILED, SOME_FAILED

    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.RessentiError)
    ]
    rows = {
        **{kind.exit_code: (f"`{kind.__name__}`", _cell(inspect.getdoc(kind) or "")) for kind in kinds},
        SOME_FAILED: ("", "Of several recordings, some failed."),
        ALL_FAILED: ("", "Of several recordings, all failed."),
        INTERRUPTED: ("", "Interrupted (Ctrl-C)."),
    }
    lines = [f"| {code} | {name} | {meaning} |" for code, (name, meaning) in sorted(rows.items())]
    about = "0 means that everything was done. The names are those of the errors in `ressenti.errors`."
    return "\n".join(["## Exit codes\n", f"{about}\n", "| code | error | meaning |", "|---|---|---|", *lines, ""])


def _chapters(command: Any, name: str) -> Iterator[str]:
    children = getattr(command, "commands", {})
    about = _paragraphs(command.help or "")
    if children:
        if name != "ressenti":
            yield f"## {name}\n\n{about}\n"
        for child, inner in children.items():
            yield from _chapters(inner, f"{name} {child}")
        return
    level = "##" if name.count(" ") == 1 else "###"
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *map(_argument, arguments)])
    yield f"{level} {name}\n\n```\n{usage}\n```\n\n{about}\n"
    hints = typing.get_type_hints(inspect.unwrap(command.callback))
    rows = [(_argument(p), *_meaning(p)) for p in arguments]
    rows += [(" ".join([", ".join(p.opts), *_value(p, hints)]), *_meaning(p)) for p in options]
    if rows:
        lines = [f"| {_code(what)} | {default} | {meaning} |" for what, default, meaning in rows]
        yield "\n".join(["| argument or option | default | meaning |", "|---|---|---|", *lines, ""])


def _argument(parameter: Any) -> str:
    named = parameter.metavar or parameter.name.upper()
    if parameter.nargs == -1 and not named.endswith(("...", "...]")):
        named += "..."
    return named if parameter.required or named.startswith("[") else f"[{named}]"


def _value(parameter: Any, hints: dict[str, Any]) -> list[str]:
    """What an option takes: nothing for a flag, a name or its choices otherwise."""
    if parameter.is_flag or parameter.count:
        return []
    if parameter.metavar:
        return [parameter.metavar]
    kind = hints[parameter.name]
    inner = [part for part in typing.get_args(kind) if part is not type(None)]
    if typing.get_origin(kind) is not typing.Literal and inner:  # X | None, or a list of X
        kind = inner[0]
        if typing.get_origin(kind) is list:
            kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is typing.Literal:
        return ["|".join(map(str, typing.get_args(kind)))]
    return [_TYPES[kind]]


def _meaning(parameter: Any) -> tuple[str, str]:
    """The default and the help of a parameter, as cells of a table."""
    text, _, said = (parameter.help or "").partition("[default: ")
    default, value = said.rstrip().removesuffix("]"), parameter.default
    if not default and value not in (None, False, "", 0) and not callable(value):
        default = _code(value.as_posix() if isinstance(value, Path) else str(value))
    if parameter.required:
        default = "required"
    if getattr(parameter, "multiple", False) and not re.search(r"repeat|again|once for each", text):
        text += "May be repeated."
    return default, _cell(text)


def _paragraphs(text: str) -> str:
    parts = [" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n")]
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return text and "`" + text.replace("|", "\\|") + "`"


_ROOMS = re.compile(r"(<!-- rooms: [^\n]*-->\n).*?(<!-- end of rooms -->)", re.DOTALL)


def architecture() -> str:
    """The page on the architecture, with the rooms as they are: floors of the contract, arrows of the code."""
    contract = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = [[room.strip() for room in floor.split("|")] for floor in contract["contracts"][0]["layers"]]
    rooms = [room for floor in floors for room in floor]
    lines = ["| floor | room | what it does | imports |", "|---|---|---|---|"]
    for number, floor in zip(range(len(floors), 0, -1), floors, strict=True):
        for room in floor:
            used = sorted({_room_of(name, rooms) for name in _imports_of(room)} - {room, ""})
            lines.append(f"| {number} | {_short(room)} | {_about(room)} | {', '.join(map(_short, used))} |")
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    return _ROOMS.sub(lambda found: found[1] + "\n" + "\n".join(lines) + "\n\n" + found[2], page)


def _short(room: str) -> str:
    return f"`{room.removeprefix('ressenti.').removeprefix('pipeline.')}`"


def _files_of(room: str) -> list[Path]:
    place = CHECKOUT.joinpath(*room.split(".")[1:])
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def _about(room: str) -> str:
    text = ast.get_docstring(ast.parse(_files_of(room)[0].read_text(encoding="utf-8"))) or ""
    return _cell(text.partition("\n\n")[0].partition("\n")[0]).rstrip(".")


def _imports_of(room: str) -> Iterator[str]:
    for path in _files_of(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _room_of(name: str, rooms: Sequence[str]) -> str:
    return next((room for room in rooms if f"{name}.".startswith(f"{room}.")), "")


_TABLES = re.compile(r"(<!-- tables: [^\n]*-->\n).*?(<!-- end of tables -->)", re.DOTALL)


def library() -> str:
    """The page on libraries, with the tables as they are."""
    from ressenti.pipeline.library.schema import TABLES, columns_of

    shared = {column.name for column in columns_of("turns")[:10]}
    parts = ["### In every table\n", *_column_rows(column for column in columns_of("turns") if column.name in shared)]
    for table in TABLES:
        own = (column for column in columns_of(table) if column.name not in shared)
        parts += [f"### {table}\n", *_column_rows(own)]
    page = (DOCS / "library.md").read_text(encoding="utf-8")
    return _TABLES.sub(lambda found: found[1] + "\n" + "\n".join(parts) + "\n" + found[2], page)


def _column_rows(columns: typing.Iterable[Any]) -> list[str]:
    rows = [f"| `{column.name}` | {column.type} | {_cell(column.meaning)} |" for column in columns]
    return ["| column | type | meaning |", "|---|---|---|", *rows, ""]


PAGES = {
    "library.md": library,
    "architecture.md": architecture,
    "configuration.md": configuration,
    "command-line.md": command_line,
}


def picture(path: Path) -> None:
    """The first screen of the sample's report, as Chromium shows it."""
    from playwright.sync_api import sync_playwright

    from ressenti.pipeline.cli.app import app

    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app(["sample", "--out", folder, "--quiet"], standalone_mode=False)
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto((Path(folder) / "sample.report.html").as_uri())
        page.wait_for_function("document.fonts.status === 'loaded'")
        page.screenshot(path=path, animations="disabled")
        chromium.close()


def main() -> None:
    """Write the pages, and the picture if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--picture", action="store_true", help="also take the picture of the sample's report")
    wanted = parser.parse_args()
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8", newline="\n")
    if wanted.picture:
        (DOCS / "images").mkdir(exist_ok=True)
        picture(DOCS / "images" / "report.png")


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))  # what lies beside this folder, whatever is installed
    main()
