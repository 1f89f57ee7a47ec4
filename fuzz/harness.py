"""What every fuzzer shares: a reader may return or raise ``VesicaError``; anything else, or two seconds, is a finding.

Run one: python fuzz/fuzz_midi.py -max_total_time=60 fuzz/corpus/midi
"""

import sys
import time
from collections.abc import Callable

import atheris

from vesica.errors import VesicaError

SECONDS = 2
MEGABYTES = 1024
LARGEST = 1 << 16
"""Bytes of an input: what costs more than it weighs shows in small files too."""


class Slow(Exception):
    """An input that took longer than it may."""


def fuzz(read: Callable[[bytes], object], change: Callable[[bytes, int, int], bytes] | None = None) -> None:
    """Feed ``read`` until something other than ``VesicaError`` leaves it; arguments are libFuzzer's.

    ``change`` makes one input out of another, no longer than its second argument; bytes are changed blindly without.
    New inputs go to the first folder that is named, so a copy of the corpus in a folder of the moment comes first.
    """

    def once(data: bytes) -> None:
        began = time.process_time()
        try:
            read(data)
        except VesicaError as fault:
            if "\n" in str(fault):
                raise AssertionError(f"more than one line: {fault}") from fault
        if time.process_time() - began > SECONDS:
            raise Slow

    limits = [f"-timeout={20 * SECONDS}", f"-rss_limit_mb={2 * MEGABYTES}", f"-malloc_limit_mb={MEGABYTES}"]
    atheris.Setup([sys.argv[0], *limits, f"-max_len={LARGEST}", *sys.argv[1:]], once, custom_mutator=change)
    atheris.Fuzz()
