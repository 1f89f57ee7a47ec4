"""What can go wrong in a person's words. Anything else that is raised is our bug and keeps its traceback."""

import difflib
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
