"""Which passages of a new text stood in the old one: unchanged in place, or moved and copied.

Exact where that is affordable (a longest common subsequence of words), anchored on words that occur once where it is
not (patience diff, B. Cohen), so that no input is slow: 'aaaa…' costs no more than prose.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

Block = tuple[int, int, int]
"""Start in the old text, start in the new one, length in characters."""

EXACT = 1 << 24
"""Pairs of words up to which the longest common subsequence is found exactly (a few tenths of a second)."""

SHORTEST = 20
"""Characters from which a passage found elsewhere in the old text counts as moved or copied, not as written anew."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_GRAM, _EVERY = 12, 9  # a passage of GRAM + EVERY - 1 = 20 characters holds an indexed gram wherever it starts


def kept(old: str, new: str) -> list[Block]:
    """Passages that stayed where they were, in order: rising in both texts, never overlapping.

    A line that stands once in each text but in another order has moved, and is left to ``found_elsewhere``.
    """
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    # Whole lines only, or else the end of a moved line would be taken for one that stayed.
    start = old.rfind("\n", 0, start) + 1
    tail = old.find("\n", len(old) - end) + 1
    end = len(old) - tail if tail and end else 0
    middle = _words_kept(old[start : len(old) - end], new[start : len(new) - end])
    blocks = [(0, 0, start), *((i + start, j + start, n) for i, j, n in middle), (len(old) - end, len(new) - end, end)]
    return _joined([block for block in blocks if block[2]])


def found_elsewhere(old: str, new: str, blocks: Sequence[Block]) -> list[Block]:
    """Passages of ``SHORTEST`` characters or more between ``blocks`` of the new text that stand in the old one.

    They were moved or copied. Of several places the one that is no longer in ``blocks`` (moved) comes first.
    """
    gaps = [gap for gap in _gaps(blocks, len(new)) if gap[1] - gap[0] >= SHORTEST]
    if not gaps:
        return []
    index: dict[str, list[int]] = {}
    taken = [(i, i + n) for i, _, n in blocks]
    for place in range(0, len(old) - _GRAM + 1, _EVERY):
        places = index.setdefault(old[place : place + _GRAM], [])
        if len(places) < 8:
            places.append(place)
    found = []
    for start, end in gaps:
        j = start
        while j <= end - _GRAM:
            # Places are indexed every few characters, so the longest passage may begin to show a little later.
            window = range(j, min(j + _EVERY, end - _GRAM + 1)) if new[j : j + _GRAM] in index else ()
            best = max((_passage(old, new, index, taken, start, at, end) for at in window), default=None)
            if best and best[0] >= SHORTEST:
                length, _, i, at = best
                found.append((i, at, length))
                j = start = at + length
            else:
                j += 1
    return found


def _passage(
    old: str, new: str, index: dict[str, list[int]], taken: Sequence[tuple[int, int]], start: int, j: int, end: int
) -> tuple[int, bool, int, int]:
    """The longest passage of the old text around ``j`` in the new one: length, whether it moved, and both places."""
    best = (0, False, 0, j)
    for i in index.get(new[j : j + _GRAM], ()):
        back = _common(old[max(0, i - j + start) : i][::-1], new[start:j][::-1])
        ahead = _common(old[i : i + end - j], new[j:end])
        best = max(best, (back + ahead, not _inside(taken, i), i - back, j - back))
    return best


def _gaps(blocks: Sequence[Block], length: int) -> Iterator[tuple[int, int]]:
    """Stretches of the new text that no block covers."""
    before = 0
    for _, j, n in blocks:
        if j > before:
            yield before, j
        before = j + n
    if length > before:
        yield before, length


def _inside(taken: Sequence[tuple[int, int]], place: int) -> bool:
    at = bisect_left(taken, (place + 1,)) - 1
    return at >= 0 and taken[at][0] <= place < taken[at][1]


def _common(one: str, other: str) -> int:
    """Length of the common beginning, by halving: slices compare at the speed of memory."""
    low, high = 0, min(len(one), len(other))
    step = 64
    while low < high:
        size = min(step, high - low)
        if one[low : low + size] == other[low : low + size]:
            low += size
            step *= 2
        elif size == 1:
            break
        else:
            high, step = low + size, max(1, size // 2)
    return low


def _words_kept(old: str, new: str) -> list[Block]:
    if not old or not new:
        return []
    moved = _moved_lines(old.splitlines(keepends=True), new.splitlines(keepends=True))
    left, starts_left = _words(old, moved, "old")
    right, starts_right = _words(new, moved, "new")
    pairs = _words_first(left, right)
    blocks = []
    last = (-1, -1)
    for i, j in [*pairs, (len(left), len(right))]:
        still = not any(word.startswith("\0") for word in (*left[last[0] + 1 : i], *right[last[1] + 1 : j]))
        if still:  # stretch what was kept into the changed words between, so that 'colour' to 'color' keeps letters
            blocks += _edges(
                old, new, starts_left[last[0] + 1], starts_left[i], starts_right[last[1] + 1], starts_right[j]
            )
        if i < len(left):
            blocks.append((starts_left[i], starts_right[j], len(left[i])))
        last = (i, j)
    return _joined(blocks)


def _words_first(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of the same words, then of spaces and signs between them: no word is given up for two spaces."""
    mine, theirs = (
        [place for place, word in enumerate(side) if word[0].isalnum() or word[0] == "_"] for side in (left, right)
    )
    words = _pairs([left[place] for place in mine], [right[place] for place in theirs])
    pairs: list[tuple[int, int]] = []
    after = (0, 0)
    for i, j in [*sorted((mine[a], theirs[b]) for a, b in words), (len(left), len(right))]:
        between = _pairs(left[after[0] : i], right[after[1] : j])
        pairs += [*sorted((after[0] + a, after[1] + b) for a, b in between), (i, j)]
        after = (i + 1, j + 1)
    return pairs[:-1]


def _edges(old: str, new: str, i: int, i_end: int, j: int, j_end: int) -> list[Block]:
    """The common beginning and end of two changed passages."""
    ahead = _common(old[i:i_end], new[j:j_end])
    back = _common(old[i + ahead : i_end][::-1], new[j + ahead : j_end][::-1])
    one, other = old[i:i_end], new[j:j_end]
    # A word with a third of its letters or less is another word: the s of 'is' is not the s of 'rises'.
    if one.isalnum() and other.isalnum() and 3 * (ahead + back) <= max(len(one), len(other)):
        return []
    return [block for block in ((i, j, ahead), (i_end - back, j_end - back, back)) if block[2]]


def _moved_lines(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """Lines of ``SHORTEST`` characters or more that stand once in each text, but out of order."""
    mine, theirs = _once(old), _once(new)
    common = {line for line in mine.keys() & theirs.keys() if len(line) >= SHORTEST}
    still = {old[place] for place, _ in _rising(sorted((mine[line], theirs[line]) for line in common))}
    return common - still


def _words(text: str, moved: set[str], side: str) -> tuple[list[str], list[int]]:
    """Words, spaces and signs with their places, and the text's end; a moved line is one word that matches nothing."""
    words: list[str] = []
    starts: list[int] = []
    place = 0
    for line in text.splitlines(keepends=True):
        if line in moved:
            words.append(f"\0{side}{place}")
            starts.append(place)
        else:
            for found in _WORDS.finditer(line):
                words.append(found[0])
                starts.append(place + found.start())
        place += len(line)
    return words, [*starts, place]


def _pairs(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Places of the same words in both lists, rising in both, in any order."""
    waiting = [(left, right, 0, 0)]
    while waiting:
        one, other, i, j = waiting.pop()
        if not one or not other:
            continue
        if len(one) * len(other) <= EXACT:
            yield from ((i + a, j + b) for a, b in _longest(one, other))
            continue
        anchors = _unique(one, other)
        if not anchors:
            continue  # nothing to hold on to: the whole stretch counts as written anew
        yield from ((i + a, j + b) for a, b in anchors)
        bounds = [(-1, -1), *anchors, (len(one), len(other))]
        for (a, b), (c, d) in pairwise(bounds):
            waiting.append((one[a + 1 : c], other[b + 1 : d], i + a + 1, j + b + 1))


def _longest(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """A longest common subsequence, by bits of long integers.

    H. Hyyrö, "Bit-parallel LCS-length computation revisited" (AWOCA 2004), with the rows kept for the way back.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    row = full = (1 << len(one)) - 1
    rows = [row]
    for word in other:
        hits = row & places.get(word, 0)
        row = ((row + hits) | (row - hits)) & full
        rows.append(row)
    pairs = []
    i, j = len(one), len(other)
    while i and j:
        if rows[j] >> (i - 1) & 1:  # a zero bit says that the subsequence grows at this word
            i -= 1
        else:
            j -= 1
            if rows[j] >> (i - 1) & 1:
                i -= 1
                pairs.append((i, j))
    return pairs[::-1]


def _unique(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Words that stand once in each list, as the longest run of pairs rising in both."""
    mine, theirs = _once(one), _once(other)
    return _rising(sorted((place, theirs[word]) for word, place in mine.items() if word in theirs))


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of ``pairs`` (sorted by the first) that rises in the second too, by patience sorting."""
    piles: list[int] = []
    tops: list[int] = []
    below = [-1] * len(pairs)
    for index, (_, j) in enumerate(pairs):
        pile = bisect_left(piles, j)
        below[index] = tops[pile - 1] if pile else -1
        piles[pile : pile + 1] = [j]
        tops[pile : pile + 1] = [index]
    chain = []
    index = tops[-1] if tops else -1
    while index >= 0:
        chain.append(pairs[index])
        index = below[index]
    return chain[::-1]


def _once(words: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, word in enumerate(words):
        places[word] = -1 if word in places else place
    return {word: place for word, place in places.items() if place >= 0}


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """Blocks in order, those that touch on both sides made one."""
    joined: list[Block] = []
    for i, j, n in sorted(blocks, key=lambda block: block[1]):
        if joined and joined[-1][0] + joined[-1][2] == i and joined[-1][1] + joined[-1][2] == j:
            joined[-1] = (joined[-1][0], joined[-1][1], joined[-1][2] + n)
        else:
            joined.append((i, j, n))
    return joined
