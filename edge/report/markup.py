"""Elements of HTML and SVG: the one place where text becomes markup, and there it is escaped. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

# In a table, where there is no value.
NOTHING = "\N{EN DASH}"
# HTML, section 13.1.2: elements that have no end tag.
_VOID = frozenset({"br", "img", "meta"})

# SVG writes these in camel case, all others that are used here with dashes.
_CAMEL = frozenset({"viewBox", "preserveAspectRatio"})


class Markup(str):
    """Text that is markup already; any other text is escaped when it is put into an element."""

    __slots__ = ()

    def __add__(self, other: str) -> Markup:
        return Markup(str(self) + str(safe(other)))


def element(name: str, /, *content: str, **attributes: str | float | bool | None) -> Markup:
    """An element around its content.

    attributes  class_ is class, text_anchor is text-anchor; True is written bare, None and False are left out
    """
    inner = "".join(safe(one) for one in content)
    start = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Markup(start if name in _VOID else f"{start}{inner}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """The parts one after another."""
    return Markup("".join(safe(part) for part in parts))


def safe(text: str) -> Markup:
    """The text as markup: escaped, unless it is markup already."""
    return text if isinstance(text, Markup) else Markup(escape(text, quote=True))


def jpeg_uri(jpeg: bytes) -> str:
    """The picture as a data: URI (RFC 2397)."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _attribute(key: str, value: str | float | bool | None) -> str:  # noqa: FBT001 - True is a bare attribute
    name = key.rstrip("_").replace("_", "-") if key not in _CAMEL else key
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    said = value if isinstance(value, str) else f"{value:.6g}"
    return f' {name}="{escape(said, quote=True)}"'
