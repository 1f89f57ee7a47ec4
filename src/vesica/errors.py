"""What can go wrong in a person's words. Anything else that is raised is our bug and keeps its traceback."""

import difflib
import errno
from collections.abc import Iterable


class VesicaError(Exception):
    """A fault a person can mend: one sentence that says what is wrong, then what to do.

    ``main()`` prints it and exits with 2; the server answers 422.
    """


class Cancelled(Exception):
    """Raised by a progress callback to stop an engine between two steps. Nothing is kept of the step."""


class ModelMissing(VesicaError):
    """A model file is not installed; the sentence says which command brings it."""


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """The end of a sentence about an unknown name: the nearest one there is, or ``otherwise``."""
    near = difflib.get_close_matches(name[:100], list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else otherwise


_DISK = {
    errno.ENOSPC: "The disk is full; free some space, then try again",
    errno.EDQUOT: "Your disk quota is full; free some space, then try again",
    errno.EROFS: "The disk can't be written to; choose another folder",
    errno.EACCES: "There is no right to write or read there; choose another folder or change its rights",
    errno.EPERM: "There is no right to write or read there; choose another folder or change its rights",
    errno.ENOENT: "A folder on the way is missing; make it first",
    errno.ENOTDIR: "A part of the path is a file, not a folder; choose another path",
    errno.EISDIR: "That is a folder; give a file",
    errno.ENAMETOOLONG: "That name is too long; choose a shorter one",
    errno.EIO: "The disk does not answer; look at its health and your copies",
}


def in_words(fault: OSError) -> str:
    """What the system refused, as a sentence: what is wrong, what to do, and with which file."""
    why = _DISK.get(fault.errno or 0, f"The system refused: {fault.strerror or fault}")
    return f"{why}{f' ({fault.filename})' if fault.filename else ''}."


def is_of_the_disk(fault: OSError) -> bool:
    """Whether a person can mend it: a disk that is full, failing or may not be written to."""
    return fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
