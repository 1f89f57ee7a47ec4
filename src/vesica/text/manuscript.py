"""Texts in and out of bytes."""

from vesica.errors import VesicaError

LARGEST = 5 << 20
"""Bytes of the longest text; a novel of 50,000 words has 300,000."""


def read_text(data: bytes) -> str:
    """The text of UTF-8 bytes: a byte order mark is dropped, line ends become LF.

    Raises ``VesicaError`` for more than 5 MB, for what is not UTF-8 (with the place), and for NUL characters.
    """
    if len(data) > LARGEST:
        raise VesicaError(f"This text has {len(data) >> 20} MB; the longest is {LARGEST >> 20} MB, so split it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise VesicaError(
            f"This text is not UTF-8 (byte {fault.start}); save it as UTF-8 in your editor, then bring it again."
        ) from None
    if (place := text.find("\0")) >= 0:
        raise VesicaError(f"This is not a text: it has a NUL at character {place}; bring a text file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def write_text(text: str) -> bytes:
    """UTF-8 bytes, line ends as LF."""
    return text.encode("utf-8", "replace")
