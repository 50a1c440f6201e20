"""The file of a compiled function: a checksum, a head that says what it is and what it needs, and an object file."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

_MAGIC = b"fastact object 4"
_CHECKSUM_BYTES = hashlib.sha256().digest_size


class Entry(NamedTuple):
    """A compiled C function."""

    outside: tuple[str, ...]  #: symbols that the process must have
    features: tuple[str, ...]  #: that the processor must have, by LLVM's names
    code: bytes  #: an object file


def packed(entry: Entry, symbol: str) -> bytes:
    """The content of the file of an entry."""
    lines = (_head(symbol), " ".join(entry.outside).encode(), " ".join(entry.features).encode(), entry.code)
    body = b"\n".join(lines)
    return hashlib.sha256(body).digest() + body


def unpacked(content: bytes, symbol: str) -> Entry | None:
    """The entry of a symbol; None where the file is damaged or another's."""
    checksum, body = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if hashlib.sha256(body).digest() != checksum:
        return None
    head, outside, features, code = body.split(b"\n", 3)
    if head != _head(symbol):
        return None
    return Entry(tuple(outside.decode().split()), tuple(features.decode().split()), code)


def _head(symbol: str) -> bytes:
    """The first line: a file under another's name is not taken for it."""
    return _MAGIC + b" " + symbol.encode()
