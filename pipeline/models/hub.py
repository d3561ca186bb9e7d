"""Access the hub through huggingface_hub, in this module only, and turn its errors into ours.

huggingface_hub reads HF_ENDPOINT (a mirror) and HF_HUB_OFFLINE on import, so it is imported inside functions. Its
`http_get` writes to a file of ours. Its `hf_hub_download` (2.4) cannot resume a killed download, as it gives its
temporary file a new name in every process and deletes it on failure.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ressenti.pipeline.errors import (
    GatedModelError,
    InterruptedDownloadError,
    ModelError,
    NoRouteError,
    UnknownModelError,
)
from ressenti.pipeline.models.registry import known, page_of

_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Listing:
    """A revision of a repository: its commit, its files, and the hub it comes from."""

    commit: str
    names: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Remote:
    """A file on the hub: its size in bytes, and its SHA-256 (large files) or git's SHA-1 (small ones)."""

    name: str
    url: str
    size: int
    etag: str


def list_files(model_id: str, revision: str | None, token: str | None) -> Listing:
    """List the files of a model's revision (a branch, tag or commit; None: the main branch)."""
    with _translated(model_id):
        from huggingface_hub import HfApi, constants

        info = HfApi(token=token, library_name="ressenti").model_info(model_id, revision=revision, timeout=_TIMEOUT_S)
        names = tuple(sibling.rfilename for sibling in info.siblings or ())
        if not re.fullmatch(r"[0-9a-f]{40}", info.sha or ""):
            raise ValueError(f"commit {info.sha!r}")
        return Listing(str(info.sha), names, constants.ENDPOINT)


def ask_file(model_id: str, name: str, commit: str, token: str | None) -> Remote:
    """Get the size and hash of one file; `GatedModelError` if access is refused."""
    with _translated(model_id):
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = hf_hub_url(model_id, name, revision=commit)
        about = get_hf_file_metadata(url, token=token, timeout=_TIMEOUT_S, library_name="ressenti")
        etag = (about.etag or "").lower()
        if about.size is None or len(etag) not in {40, 64} or set(etag) - set("0123456789abcdef"):
            raise NoRouteError(
                f"{url}: answered with size {about.size} and hash {about.etag!r}, which is not a hub's answer. "
                "Check HF_ENDPOINT and the proxy."
            )
        return Remote(name, url, about.size, etag)


def fetch(model_id: str, remote: Remote, part: Path, token: str | None, count: Callable[[float], None]) -> None:
    """Download the missing rest of a file to `part`; `count` is called with the bytes received.

    Retries a lost connection a few times, then raises `InterruptedDownloadError`. Disk errors are passed on.
    """
    with _translated(model_id, receiving=remote.name), part.open("ab") as file:
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        headers = build_hf_headers(token=token, library_name="ressenti")
        headers["Accept-Encoding"] = "identity"  # a compressed download cannot be resumed in the middle
        http_get(
            remote.url,
            file,
            resume_size=file.tell(),
            headers=headers,
            expected_size=remote.size,
            displayed_filename=remote.name,
            tqdm_class=_bar(count),
        )


def _bar(count: Callable[[float], None]) -> Any:
    """Make a progress bar for huggingface_hub that draws nothing and calls `count`."""

    class Bar:
        def __init__(self, **about: object) -> None:
            del about

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            return

        def update(self, size: float) -> None:
            count(size)

    return Bar


@contextmanager
def _translated(model_id: str, receiving: str | None = None) -> Iterator[None]:
    """Turn errors of huggingface_hub and its HTTP client into ours, with advice."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import constants, errors

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its logs would overwrite the progress bars
    mro = errors.HfHubHTTPError.__mro__
    failed: type[Exception] = next(kind for kind in mro if kind.__name__ == "HTTPError")  # httpx's or httpx2's
    try:
        yield
    except errors.OfflineModeIsEnabled as exc:
        raise NoRouteError(
            f"{model_id}: offline mode is on, either by HF_HUB_OFFLINE or because this process loaded a model. "
            "Unset it, and run `ressenti models get` separately."
        ) from exc
    except failed as exc:
        raise _ours(exc, model_id, receiving) from exc
    except (ValueError, TypeError, KeyError) as exc:  # an answer from something else, such as a hotel's login page
        raise NoRouteError(
            f"{model_id}: {constants.ENDPOINT} does not answer like a hub ({type(exc).__name__}: {exc}). "
            "Check HF_ENDPOINT, the proxy, and whether this network needs a login first."
        ) from exc
    except OSError as exc:
        if exc.errno is None:  # http_get received fewer bytes than announced
            raise _lost(exc, model_id, receiving or "") from exc
        raise


def _ours(exc: BaseException, model_id: str, receiving: str | None) -> ModelError:
    """Our error for an error of the HTTP client."""
    from huggingface_hub import constants, errors

    entry = known().get(model_id)
    status = exc.response.status_code if isinstance(exc, errors.HfHubHTTPError) else None
    reason = str(getattr(exc, "server_message", "") or "").strip()
    if isinstance(exc, errors.RevisionNotFoundError):
        return UnknownModelError(
            f"{model_id}: the hub has the model, but not that revision. See {page_of(model_id)}/commits"
        )
    gated = isinstance(exc, errors.GatedRepoError) or (entry is not None and entry.gated)
    if isinstance(exc, errors.RepositoryNotFoundError) and not gated:
        return UnknownModelError(
            f"{model_id}: {constants.ENDPOINT} has no such model, or it is private. Check the name on "
            f"{page_of(model_id)}; for a private one give a token (HF_TOKEN, or --token)."
        )
    if status in {401, 403} and not gated:
        return GatedModelError(
            f"{model_id}: the hub answered {status}{f' ({reason})' if reason else ''}: the token gives no access. Use "
            "another (HF_TOKEN, --token), or none for a public model (unset HF_TOKEN, `hf auth logout`)."
        )
    if status in {401, 403}:
        return GatedModelError(
            f"{model_id}: the hub answered {status}{f' ({reason})' if reason else ''}. Accept the conditions on "
            f"{page_of(model_id)}, create a token for that account that may read gated models on "
            "https://huggingface.co/settings/tokens, and use it: HF_TOKEN=..., --token, or `hf auth login`."
        )
    if status == 404:
        return UnknownModelError(f"{model_id}: {constants.ENDPOINT} does not have it ({reason or 'not found'}).")
    if status is not None:
        return NoRouteError(
            f"{model_id}: {constants.ENDPOINT} answered {status}{f' ({reason})' if reason else ''}. Try again later."
        )
    if receiving is not None:
        return _lost(exc, model_id, receiving)
    return NoRouteError(
        f"{model_id}: {constants.ENDPOINT} cannot be reached ({exc}). Check network, proxy (HTTPS_PROXY) and mirror "
        "(HF_ENDPOINT); without network, copy models with `ressenti models export` and `import`."
    )


def _lost(exc: BaseException, model_id: str, receiving: str) -> InterruptedDownloadError:
    return InterruptedDownloadError(
        f"{model_id}: the connection was lost while downloading {receiving} ({exc}). Run the same command again to "
        "resume."
    )
