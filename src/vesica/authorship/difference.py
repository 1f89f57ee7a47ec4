"""Which passages of a new text stood in the old one: unchanged in place, or moved and copied.

Exact where that is affordable (a longest common subsequence of words), anchored on words that occur once where it is
not (patience diff, B. Cohen), so that no input is slow: 'aaaa…' costs no more than prose.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

Block = tuple[int, int, int]
"""Start in the old text, start in the new one, length in characters."""

EXACT = 1 << 24
"""Pairs of words up to which the longest common subsequence is found exactly (a few tenths of a second)."""

SHORTEST = 20
"""Characters from which a passage found elsewhere in the old text counts as moved or copied, not as written anew."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_GRAM, _EVERY = 12, 9  # a passage of GRAM + EVERY - 1 = 20 characters holds an indexed gram wherever it starts


def kept(old: str, new: str) -> list[Block]:
    """Passages that stayed where they were, in order: rising in both texts, never overlapping."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
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
            best: Block = (0, 0, 0)
            for i in sorted(index.get(new[j : j + _GRAM], ()), key=lambda i: _inside(taken, i)):
                back = _common(old[:i][::-1], new[start:j][::-1]) if i and j > start else 0
                ahead = _common(old[i:], new[j:end])
                if back + ahead > best[2]:
                    best = (i - back, j - back, back + ahead)
            if best[2] >= SHORTEST:
                found.append(best)
                j = start = best[1] + best[2]
            else:
                j += 1
    return found


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
    left, right = _WORDS.findall(old), _WORDS.findall(new)
    pairs = list(_pairs(left, right, 0, 0))
    starts_left, starts_right = _starts(left), _starts(right)
    blocks = _joined([(starts_left[i], starts_right[j], len(left[i])) for i, j in pairs])
    return _grown(old, new, blocks)


def _starts(words: Sequence[str]) -> list[int]:
    starts, place = [], 0
    for word in words:
        starts.append(place)
        place += len(word)
    return starts


def _pairs(left: Sequence[str], right: Sequence[str], i0: int, j0: int) -> Iterator[tuple[int, int]]:
    """Places of the same words in both lists, rising in both."""
    waiting = [(list(left), list(right), i0, j0)]
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
        for (a, b), (c, d) in zip(bounds, bounds[1:], strict=False):
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
    """Words that stand once in each list, as the longest run of pairs rising in both (patience sorting)."""
    mine, theirs = _once(one), _once(other)
    pairs = sorted((place, theirs[word]) for word, place in mine.items() if word in theirs)
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


def _grown(old: str, new: str, blocks: Sequence[Block]) -> list[Block]:
    """Blocks stretched into the changed words between them, so that 'colour' to 'color' keeps five letters."""
    grown: list[Block] = []
    bounds = [*blocks, (len(old), len(new), 0)]
    before_i = before_j = 0
    for i, j, n in bounds:
        ahead = _common(old[before_i:i], new[before_j:j])
        if ahead:
            grown.append((before_i, before_j, ahead))
        left, right = old[before_i + ahead : i], new[before_j + ahead : j]
        back = _common(left[::-1], right[::-1])
        grown.append((i - back, j - back, n + back))
        before_i, before_j = i + n, j + n
    return _joined([block for block in grown if block[2]])


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """Blocks in order, those that touch on both sides made one."""
    joined: list[Block] = []
    for i, j, n in sorted(blocks, key=lambda block: block[1]):
        if joined and joined[-1][0] + joined[-1][2] == i and joined[-1][1] + joined[-1][2] == j:
            joined[-1] = (joined[-1][0], joined[-1][1], joined[-1][2] + n)
        else:
            joined.append((i, j, n))
    return joined
