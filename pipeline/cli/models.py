"""`ressenti models`: lists, downloads, checks, removes, exports and imports models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.commands import Commands
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.errors import ConfigError, NotInstalledError, RessentiError
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.files.paths import is_folder, is_there
from ressenti.pipeline.models import user_choices
from ressenti.pipeline.models.folders import delete, folder_of, models_folder, partial_of
from ressenti.pipeline.models.installed import Installed, default_for, find, installed_ids, need, parts_of, verify
from ressenti.pipeline.models.registry import Task, Used, known, page_of

app = typer.Typer(
    cls=Commands,
    help="Install models besides the built-in ones. Only `get` uses the network.",
    no_args_is_help=True,
)

_TASKS: tuple[Used, ...] = tuple(task for task in get_args(Used) if task != "names")  # those with a default

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="OWNER/NAME, as shown by `ressenti models list`.")]


@app.callback()
def models() -> None:
    """Install models besides the built-in ones. Only `get` uses the network."""


@app.command("list")
def list_models() -> None:
    """List known and installed models with their licences, and the defaults."""
    terminal = Terminal()
    table = Table(
        "model", "task", "licence", "MB", "installed", title="Models", title_justify="left", box=None, pad_edge=False
    )
    table.columns[0].no_wrap = True  # so that ids can be copied
    table.columns[3].justify = "right"
    defaults = {task: _default_id(task) for task in _TASKS}
    there = installed_ids()
    for model_id in (*known(), *(i for i in there if i not in known())):
        entry = known().get(model_id)
        licence = (entry and entry.licence) or "licence unknown"
        size = f"{entry.size_mb:,}" if entry else "?"
        remarks = ["no commercial use"] if entry and entry.commercial is False else []
        remarks += ["gated"] if entry and entry.gated else []
        state, task = _state(model_id, there)
        what = entry.task if entry else f"{task}, not in the registry"
        if model_id in defaults.values():
            state += ", [bold]default[/]"
        table.add_row(model_id, what, ", ".join([licence, *remarks]), size, state)
    terminal.show(table, width=160)
    for task in _TASKS:
        own = defaults[task] or ("none" if task == "sentiment" else "builtin")
        terminal.say(f"{task}: the default is {own}; a config can name another ({_group(task)}.model).")
    terminal.say("names: none is used unless a config names it (content.redact_names).")
    terminal.say(f"Models are stored in {escape(str(models_folder()))} (RESSENTI_MODELS).")


@app.command("get")
def get_models(
    ids: Ids,
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit.  [default: the installed one, else the newest]")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="Hub token. HF_TOKEN or `hf auth login` are safer: other users cannot see them.")
    ] = None,
    task: Annotated[
        Literal["emotion", "diarization", "transcription", "names", "sentiment"],
        typer.Option(help="Task of a model that the registry does not know."),
    ] = "emotion",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Download models and the models they need, pin their commit, and record the SHA-256 of every file.

    An interrupted download resumes where it stopped. HF_ENDPOINT names a mirror.
    """
    from ressenti.pipeline.models.download import get

    terminal = Terminal(quiet)
    code = 0
    for model_id in dict.fromkeys(ids):
        try:
            with terminal.progress(model_id) as progress:
                got = get(model_id, revision, token, task=task, progress=progress)
            terminal.say(f"[green]✓[/] [bold]{escape(model_id)}[/] {_about(got)}")
            terminal.say(f"    {escape(str(got.folder))}, from {escape(got.source)}")
            _tell_terms(got, terminal)
        except RessentiError as error:
            failed = terminal.fail(error)
            code = code or failed
    raise typer.Exit(code)


@app.command("verify")
def verify_models(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="[default: all]")] = None,
    full: Annotated[bool, typer.Option("--full", help="Hash every file, even if it looks unchanged.")] = False,
) -> None:
    """Check installed models against the hashes recorded at installation."""
    terminal = Terminal()
    code = 0
    for model_id in ids or installed_ids():
        try:
            model = need(model_id)
            with terminal.progress(model_id) as progress:
                verify(model, full, progress)
            how = "every file hashed" if full else "sizes and times unchanged, or hashed"
            terminal.say(f"[green]✓[/] {escape(model_id)} {_about(model)}: {how}")
        except RessentiError as error:
            failed = terminal.fail(error)
            code = code or failed
    raise typer.Exit(code)


@app.command("remove")
def remove_models(ids: Ids) -> None:
    """Delete installed models and unfinished downloads."""
    terminal = Terminal()
    if strange := [i for i in ids if not is_there(folder_of(i)) and not is_there(partial_of(i))]:
        there = ", ".join(installed_ids()) or "none"
        raise NotInstalledError(f"{', '.join(strange)}: not installed (installed: {there}). Nothing was removed.")
    for model_id in dict.fromkeys(ids):
        user_choices.forget(model_id)
        with writing(folder_of(model_id)):
            delete(folder_of(model_id))
            delete(partial_of(model_id))
            partial_of(model_id).with_name(f"{partial_of(model_id).name}.lock").unlink(missing_ok=True)
        terminal.say(f"[green]✓[/] {escape(model_id)} removed")
        for other in known().values():
            if model_id in other.needs and other.id in installed_ids():
                terminal.say(f"    [yellow]{other.id} needs it[/] and does not work without it")
            if other.id == model_id and (left := [part for part in other.needs if part in installed_ids()]):
                terminal.say(f"    models it needed are still installed: ressenti models remove {' '.join(left)}")


@app.command("export")
def export_models(
    ids: Ids,
    file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="File to write.")],
) -> None:
    """Write installed models and the models they need into one file, for a machine without network."""
    from ressenti.pipeline.models import archive

    terminal = Terminal()
    chosen = archive.with_needs(ids)
    with terminal.progress(file.name) as progress:
        archive.export(chosen, file, progress)
    for model in chosen:
        terminal.say(f"[green]✓[/] {escape(model.id)} {_about(model)}")
        for name, sha256 in model.pickles.items():
            terminal.say(f"    {escape(name)}  SHA-256 {sha256}")
    _tell_sum(file, terminal)


@app.command("import")
def import_models(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="File written by `ressenti models export`.")],
    trust_model: Annotated[
        list[str] | None,
        typer.Option("--trust-model", metavar="SHA256", help="SHA-256 of a pickle to trust; may be repeated."),
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Make these models the default.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace other installed commits.")] = False,
) -> None:
    """Install the models of an exported file, all or none. Uses no network.

    The file only vouches for itself: compare each printed SHA-256 with the one printed by the export. Importing does
    not trust a pickle and does not change the default.
    """
    from ressenti.pipeline.models import archive

    terminal = Terminal()
    with terminal.progress(file.name) as progress:
        loaded = archive.load(file, overwrite, progress, trust_model or ())
    for model in loaded:
        if default and model.known is not None and model.task not in ("names", "part"):
            _choose(model)
    for model in loaded:
        terminal.say(f"[green]✓[/] [bold]{escape(model.id)}[/] {_about(model)}")
        _tell_terms(model, terminal)
    _tell_sum(file, terminal)


@app.command("trust")
def trust_pickles(
    hashes: Annotated[list[str], typer.Argument(metavar="SHA256...", help="Full SHA-256, as printed.")],
    forget: Annotated[bool, typer.Option("--forget", help="Stop trusting them.")] = False,
) -> None:
    """Allow pickled checkpoints with these SHA-256 hashes to be loaded, under any name.

    First compare each hash with the one that the model's maker publishes. Hashes are stored in your settings
    (RESSENTI_SETTINGS), never beside a model. A file that changes is no longer trusted.
    """
    terminal = Terminal()
    typed = list(dict.fromkeys(map(user_choices.sha256_of, hashes)))
    (user_choices.distrust if forget else user_choices.trust)(typed)
    there = {sha256: f"{model.id} {name}" for model in _whole() for name, sha256 in model.pickles.items()}
    for sha256 in typed:
        what = there.get(sha256, "no installed model has a pickle with this hash; recorded anyway")
        terminal.say(f"[green]✓[/] {sha256} {'forgotten' if forget else 'trusted'}: {escape(what)}")


@app.command("default")
def choose_default(
    model_id: Annotated[str, typer.Argument(metavar="ID", help="Installed model from the registry.")],
) -> None:
    """Make an installed or imported model the default."""
    model = need(model_id)
    if model.known is None or model.task == "part":
        why = "a part of other models" if model.task == "part" else "not in the registry"
        raise ConfigError(
            f"{model_id}: {why}, so it cannot be the default. Name it in a config: {_group(model.task)}.model."
        )
    if model.task == "names":
        raise ConfigError(f"{model_id}: finds names, and is used only where it is named: content.redact_names.")
    verify(model)
    for part in parts_of(model):
        need(part)
    _choose(model)
    Terminal().say(f"[green]✓[/] {escape(model_id)} is now the default")


def _about(model: Installed) -> str:
    licence = (model.known and model.known.licence) or "licence unknown"
    return f"commit {model.commit[:12]}, {model.size / 1e6:,.1f} MB, {licence}"


def _tell_terms(model: Installed, terminal: Terminal) -> None:
    """Print a model's licence limits, untrusted pickles, and whether it is the default."""
    _tell_pickles(model, terminal)
    if model.known is None:
        terminal.say(f"    [yellow]not in the registry[/]: see {page_of(model.id)} for its licence and labels")
        if model.task != "part":
            where = f"content: {{redact_names: {model.id}}}" if model.task == "names" else None
            where = where or f"{_group(model.task)}: {{model: {model.id}}}"
            terminal.say(f"    to use it, name it in a config: {where}")
        return
    if model.not_commercial:
        terminal.say(f"    [yellow]no commercial use[/]: {model.not_commercial}")
    if _default_id(model.task) == model.id:
        terminal.say(f"    it is now the default ({_group(model.task)}.model: auto)")
    elif model.task == "names":
        terminal.say(f"    to use it: analyze --redact-names {model.id}")
    elif model.imported and model.task != "part":
        terminal.say(
            f"    imported, so it is not the default. To make it the default: ressenti models default {model.id}"
        )


def _tell_pickles(model: Installed, terminal: Terminal) -> None:
    """Print which pickles are not trusted yet, and how to trust them."""
    if model.task == "emotion":  # only tensors are read from these
        return
    trusted = user_choices.trusted_hashes()
    if waiting := {name: sha256 for name, sha256 in model.pickles.items() if sha256 not in trusted}:
        named = escape(", ".join(waiting))
        terminal.say(f"    [yellow]not loaded until you trust it[/]: {named} (pickles) may run code")
        for name, sha256 in waiting.items():
            terminal.say(f"    {escape(name)}  SHA-256 {sha256}")
        terminal.say(f"    compare with the hash from its maker ({page_of(model.id)}) or from the export, then:")
        terminal.say(f"    ressenti models trust {' '.join(waiting.values())}")


def _choose(model: Installed) -> None:
    if model.task != "part":
        user_choices.choose(model.task, model.id, model.together)


def _group(task: str) -> str:
    """The group of options in which a config names a model for a task."""
    return "words" if task == "transcription" else task


def _whole() -> Iterator[Installed]:
    """Yield the installed models with readable manifests."""
    for model_id in installed_ids():
        with suppress(RessentiError):
            if (found := find(model_id)) is not None:
                yield found


def _tell_sum(file: Path, terminal: Terminal) -> None:
    from ressenti.pipeline.files.hashes import digest_of

    terminal.say(f"{escape(str(file))}: {file.stat().st_size / 1e6:,.1f} MB, SHA-256 {digest_of(file)}")


def _default_id(task: Task) -> str | None:
    """The installed default, or None; a damaged one counts as None and is reported in its row."""
    if task not in _TASKS:
        return None
    try:
        default = default_for(task)
    except RessentiError:
        return None
    return default.id if default else None


def _state(model_id: str, there: tuple[str, ...]) -> tuple[str, str]:
    """State (with commit and size if installed) and task of a model."""
    if model_id not in there:
        return ("unfinished download" if is_folder(partial_of(model_id)) else "-"), "?"
    try:
        model = find(model_id)
        if model is None:
            return "-", "?"
        verify(model)
    except RessentiError:
        return "[red]damaged[/] (see `models verify`)", "?"
    return f"{model.commit[:12]}, {model.size / 1e6:,.0f} MB{', imported' if model.imported else ''}", model.task
