"""What a page is made of: a name or a text that became markup changes it."""

from __future__ import annotations

from html.parser import HTMLParser

Part = tuple[str, tuple[str, ...]]


class _Parts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Part] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]

    def handle_comment(self, data: str) -> None:
        self.parts.append(("!--", ()))


def _read(page: str) -> _Parts:
    parser = _Parts()
    parser.feed(page)
    parser.close()
    return parser


def skeleton(page: str) -> list[Part]:
    """Every element of a page with the names of its attributes, in order: the same whatever a recording is called."""
    return _read(page).parts


def scripts_in(page: str) -> list[str]:
    """What no page has, where it is there: handlers in attributes, elements that run or fetch, links that do."""
    read = _read(page)
    found = [f"<{tag}>" for tag, _ in read.parts if tag in ("img", "iframe", "object", "embed", "base")]
    found += [f"{tag} {name}" for tag, names in read.parts for name in names if name.startswith("on")]
    return found + [link for link in read.links if link.strip().lower().startswith(("javascript:", "http:", "//"))]
