"""Paths of a recording's results, and writing them as a set."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.markup import escape

from ressenti.pipeline import export, store
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.cli.workbook import workbook
from ressenti.pipeline.errors import ConfigError, OutputError, OutputExistsError
from ressenti.pipeline.extras import need
from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.language import Lang
from ressenti.pipeline.library.calls import metadata_beside
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.store.corrections_file import stem_of_corrections
from ressenti.pipeline.store.disk_errors import output_error

log = logging.getLogger(__name__)
SIDECAR = {"mp3": ".report.mp3"}  # the page's sound, if it is not in the page
DEFAULT = ("html", "json", "csv", "rttm")
_TABLES = {f"parquet-{table}": f".{table}.parquet" for table in export.TABLES}
ENDINGS = {
    "html": ".report.html",
    "json": ".json",
    "csv": ".turns.csv",
    "rttm": ".rttm",
    "textgrid": ".TextGrid",
    "srt": ".srt",
    "vtt": ".vtt",
    "aws": ".aws.json",
    "said": ".said.csv",
    "xlsx": ".xlsx",
    "quotes-md": ".quotes.md",
    "quotes-docx": ".quotes.docx",
    **_TABLES,
}
_CSV = frozenset({"csv", "said"})
FORMATS = (*(name for name in ENDINGS if name not in _TABLES), "parquet")


def parse_formats(text: str) -> tuple[str, ...]:
    """Formats from a comma-separated list, with `parquet` as all its tables; raises `ConfigError`."""
    requested = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    formats = tuple(name for part in requested for name in (_TABLES if part == "parquet" else (part,)))
    unknown = [name for name in formats if name not in ENDINGS]
    if unknown or not formats:
        raise ConfigError(f"--format: got {text!r}; expected one or more of {', '.join(FORMATS)}.")
    if not _TABLES.keys().isdisjoint(formats):
        need("pyarrow", "--format parquet", "or choose csv")
    if "quotes-docx" in formats:
        need("docx", "--format quotes-docx", "or choose quotes-md")
    if "xlsx" in formats:
        need("xlsxwriter", "--format xlsx", "or choose csv")
    return tuple(dict.fromkeys(formats))


def check_csv_locale(locale: Lang | None, formats: Sequence[str]) -> None:
    """Raise `ConfigError` if a way to write CSV is asked for, and no CSV."""
    if locale is not None and _CSV.isdisjoint(formats):
        raise ConfigError(
            f"--csv-locale: got {locale}, but --format asks for no CSV. Add one of {', '.join(sorted(_CSV))} to "
            "--format, or leave --csv-locale out."
        )


def with_sidecar(formats: tuple[str, ...], how: str) -> tuple[str, ...]:
    """Formats, plus the page's sound if it goes beside the page."""
    return (*formats, *SIDECAR) if how == "sidecar" and "html" in formats else formats


def stored(paths: Sequence[Path]) -> list[Path]:
    """Paths without exports in the format `aws` and saved corrections, which `*.json` matches, too."""
    return [path for path in paths if (name := _conversation_of(path)) is None or not is_there(path.with_name(name))]


def _conversation_of(path: Path) -> str | None:
    """The name of the conversation that a file belongs to, by its name; None if it may be a conversation itself."""
    if path.name.endswith(ENDINGS["aws"]):
        return path.name.removesuffix(ENDINGS["aws"]) + ENDINGS["json"]
    stem = stem_of_corrections(path)
    return None if stem is None else stem + ENDINGS["json"]


@dataclass(frozen=True)
class Plan:
    """The results of one recording (or stored conversation), with the path for each format.

    All paths lie in `folder` and their names begin with `stem`.
    """

    source: Path
    folder: Path
    stem: str
    paths: Mapping[str, Path]


def plan(
    sources: Sequence[Path],
    out: Path | None,
    formats: Sequence[str],
    name: Callable[[Path], str] = lambda path: path.stem,
    read: Sequence[Path] = (),
) -> list[Plan]:
    """Plan the results of each source; raises `ConfigError` if two share a file or one would overwrite an input.

    `name` gives the stem of a source's files; `read` are inputs besides the sources.
    """
    endings = ENDINGS | SIDECAR
    plans: list[Plan] = []
    owner: dict[Path, Path] = {}
    given = {_of_file(path, follow=follow) for path in (*sources, *read) for follow in (False, True)} - {None}
    for source in dict.fromkeys(sources):
        folder, stem = out if out is not None else source.parent, name(source)
        paths = {kind: folder / f"{stem}{endings[kind]}" for kind in formats}
        for path in paths.values():
            if path in owner:
                raise ConfigError(f"{owner[path]} and {source} would both write {path}. Use different --out folders.")
            if path == source or _of_file(path, follow=False) in given:
                lost = source if path == source else path
                raise ConfigError(f"{lost} is an input, but a result would overwrite it. Choose a folder with --out.")
            owner[path] = source
        plans.append(Plan(source, folder, stem, paths))
    return plans


def _of_file(path: Path, *, follow: bool) -> tuple[int, int] | None:
    """Device and inode of a file, which identify it under any name; None if it does not exist.

    Without `follow`, a link counts as itself: a result replaces the link and keeps its target.
    """
    try:
        about = path.stat(follow_symlinks=follow)
    except (OSError, ValueError):
        return None
    return about.st_dev, about.st_ino


def check_free(paths: Sequence[Path], overwrite: bool) -> None:
    """Raise `OutputExistsError` if a result already exists, `OutputError` if its folder is a file."""
    for path in paths:
        try:
            folder_is_file = path.parent.exists() and not path.parent.is_dir()
            exists = path.exists()
        except OSError as exc:
            raise output_error(path, exc) from exc
        if folder_is_file:
            raise OutputError(f"{path.parent}: is a file; expected a folder for the results. Choose one with --out.")
        if exists and not overwrite:
            raise OutputExistsError(f"{path}: already exists. Add --overwrite, or choose another folder with --out.")


def rendered(
    conversation: Conversation,
    paths: Mapping[str, Path],
    lang: Lang | None = None,
    sound: bytes | None = None,
    csv_locale: Lang | None = None,
    metadata: Sequence[tuple[str, str]] = (),
) -> dict[Path, str | bytes]:
    """Render every format from the stored form, so that rendering again gives the same result.

    `sound` goes into the page, or beside it if `paths` has an mp3. `lang` and `csv_locale` win over the conversation's.
    `metadata` is shown in the page's head, and goes into all other formats that have a place for it.
    """
    conversation = store.loads(store.dumps(conversation))
    shown = export.with_csv_locale(export.in_language(conversation, lang), csv_locale)
    files: dict[Path, str | bytes] = {}
    for name, path in paths.items():
        if name == "mp3":
            files[path] = sound or b""
            continue
        if name == "html":
            from ressenti.reports.page import render

            heard = paths["mp3"].name if "mp3" in paths else sound
            files[path] = render(conversation, lang, sound=heard, metadata=metadata)
        else:
            files[path] = store.dumps(conversation) if name == "json" else _writer(name, metadata)(shown)
    return files


def write(
    conversation: Conversation,
    plan: Plan,
    made: store.Made,
    lang: Lang | None = None,
    sound: bytes | None = None,
    csv_locale: Lang | None = None,
    more: Mapping[str, str] | None = None,
) -> None:
    """Render and write every format as one set, with `more` files by name: all files or none."""
    files = rendered(conversation, plan.paths, lang, sound, csv_locale, metadata_beside(plan.source))
    named = {path.name: content for path, content in files.items()} | dict(more or {})
    store.write_set(plan.folder, plan.stem, named, made)
    log.info("written: %s", ", ".join(plan.paths))
    log.debug("written: %s", ", ".join(map(str, files)))


def tell_stale(paths: Mapping[str, Path], terminal: Terminal) -> None:
    """Print which existing results of other formats lack the latest changes."""
    kind, path = next((kind, path) for kind, path in paths.items() if kind != "mp3")
    stem = path.name.removesuffix(ENDINGS[kind])
    old = [path.with_name(stem + ending) for name, ending in ENDINGS.items() if name not in paths]
    names = [escape(found.name) for found in old if is_there(found)]
    if names:
        terminal.say(f"    [yellow]not updated: {', '.join(names)}[/]; add their formats to --format to update them")


def _writer(name: str, metadata: Sequence[tuple[str, str]]) -> Callable[[Conversation], str | bytes]:
    writers: dict[str, Callable[..., str | bytes]] = {
        "csv": export.turns_csv,
        "vtt": export.vtt,
        "aws": export.aws,
        "said": export.said_csv,
        "xlsx": workbook,
        "quotes-md": export.quotes_md,
        "quotes-docx": export.quotes_docx,
        **{f"parquet-{table}": partial(export.parquet, table=table) for table in export.TABLES},
    }
    without_place = {"rttm": export.rttm, "textgrid": export.textgrid, "srt": export.srt}
    return without_place.get(name) or partial(writers[name], metadata=metadata)
