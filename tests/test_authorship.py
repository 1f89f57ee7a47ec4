"""The fast maps hold against naive ones that keep two facts for every single unit."""

import random
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vesica.authorship import pixels, score, text
from vesica.authorship.difference import found_elsewhere, kept
from vesica.authorship.text import Fresh, Runs, Slice
from vesica.errors import VesicaError

Unit = tuple[str, str, str]
"""A character, the turn that brought it in, the turn that changed it last."""

words = st.text("ab \n", max_size=30)
prose = st.lists(st.sampled_from(["the sea ", "a lamp ", "was ", "dark, ", "and ", "we sang.\n"]), max_size=25).map(
    "".join
)


def runs_of(units: list[Unit]) -> Runs:
    return Runs.of((1, origin, changed) for _, origin, changed in units)


@st.composite
def edit_scripts(draw: st.DrawFn) -> list[tuple[str, int, int, int, str]]:
    """Inserts, deletes, replaces, moves, copies and undos, at places given as shares of a thousand."""
    kinds = st.sampled_from(["insert", "delete", "replace", "move", "copy", "undo"])
    place = st.integers(0, 1000)
    return draw(st.lists(st.tuples(kinds, place, place, place, words), max_size=12))


@given(words, edit_scripts())
def test_weaving_holds_against_a_list_of_characters_with_their_facts(
    start: str, script: list[tuple[str, int, int, int, str]]
) -> None:
    naive: list[Unit] = [(char, "t0", "t0") for char in start]
    fast = text.fresh(start, "t0")
    past = [(naive, fast)]
    for count, (kind, one, two, three, new) in enumerate(script, 1):
        turn, size = f"t{count}", len(naive)
        low, high = sorted((one * size // 1000, two * size // 1000))
        to = three * size // 1000
        if kind == "undo":
            naive, fast = past[three * (len(past) - 1) // 1000]
        else:
            written = [(char, turn, turn) for char in new]
            cut, left, right = naive[low:high], naive[:low], naive[high:]
            pieces: list[Slice | Fresh]
            if kind == "insert":
                naive, pieces = left + written + naive[low:], [Slice(0, 0, low), Fresh(len(new)), Slice(0, low, size)]
            elif kind == "delete":
                naive, pieces = left + right, [Slice(0, 0, low), Slice(0, high, size)]
            elif kind == "replace":
                naive, pieces = left + written + right, [Slice(0, 0, low), Fresh(len(new)), Slice(0, high, size)]
            elif kind == "copy":
                naive, pieces = (
                    naive[:to] + cut + naive[to:],
                    [Slice(0, 0, to), Slice(0, low, high), Slice(0, to, size)],
                )
            else:
                naive, pieces = cut + left + right, [Slice(0, low, high), Slice(0, 0, low), Slice(0, high, size)]
            fast = text.weave([fast], pieces, turn)
        past.append((naive, fast))
        assert fast == runs_of(naive)
        assert Runs.from_bytes(fast.to_bytes()) == fast


@given(prose | words, prose | words)
def test_a_difference_keeps_only_characters_that_are_there_and_covers_a_text_with_itself(old: str, new: str) -> None:
    blocks = kept(old, new)
    assert all(old[i : i + n] == new[j : j + n] for i, j, n in blocks)
    for (i, j, n), (k, m, _) in pairwise(blocks):
        assert i + n <= k and j + n <= m
    elsewhere = found_elsewhere(old, new, blocks)
    assert all(old[i : i + n] == new[j : j + n] and n >= 20 for i, j, n in elsewhere)
    covered = [place for _, j, n in [*blocks, *elsewhere] for place in range(j, j + n)]
    assert len(covered) == len(set(covered))
    assert sum(n for *_, n in kept(new, new)) == len(new)


@given(prose, prose, st.integers(0, 300))
def test_an_edit_has_the_new_text_s_length_and_an_insertion_makes_only_its_own_characters_new(
    old: str, new: str, place: int
) -> None:
    place = min(place, len(old))
    runs = text.fresh(old, "person")
    assert len(text.edit(old, runs, new, "machine")) == len(new)
    inserted = text.edit(old, runs, old[:place] + "§§" + old[place:], "machine")
    assert text.counts(inserted) == {
        key: value for key, value in {"person": (len(old),) * 2, "machine": (2, 2)}.items() if value[0]
    }


def test_a_moved_paragraph_and_a_copied_one_keep_their_authors() -> None:
    one, two, three = (f"{name} walked along the cold shore and counted lamps.\n" for name in ("Ada", "Ben", "Cleo"))
    runs = Runs.of([(len(one), "a", "a"), (len(two), "b", "b"), (len(three), "c", "c")])
    moved = text.edit(one + two + three, runs, three + one + two, "x")
    assert moved == Runs.of([(len(three), "c", "c"), (len(one), "a", "a"), (len(two), "b", "b")])
    copied = text.edit(one + two + three, runs, one + two + three + one, "x")
    assert text.counts(copied) == {"a": (2 * len(one),) * 2, "b": (len(two),) * 2, "c": (len(three),) * 2}


@pytest.mark.parametrize(
    ("old", "new", "letters"),
    [
        ("the moon is full", "the moon rises full", ""),
        ("a loud sun", "a loud moon", ""),
        ("the colour red", "the color red", "color"),
        ("it walked home", "it walks home", "walk"),
    ],
)
def test_letters_of_a_word_stay_their_author_s_only_where_it_is_the_same_word(old: str, new: str, letters: str) -> None:
    at, end = next((one.start(), one.end()) for one in re.finditer(r"\w+", new) if one[0] not in old.split())
    still = {place for _, j, length in kept(old, new) for place in range(j, j + length)}
    assert "".join(new[place] for place in range(at, end) if place in still) == letters
    assert still >= {place for place in range(len(new)) if not at <= place < end}


def test_a_few_words_that_stood_elsewhere_count_as_written_anew() -> None:
    one, two = "A quiet harbour by the sea and many lamps.\n\n\n", "Second line one.\n"  # the gram at 45 is indexed
    written = "Second line one, and with it much that is new.\n"
    runs = text.edit(one + two, text.fresh(one + two, "a"), written + one, "b")
    assert text.counts(runs) == {"b": (len(written),) * 2, "a": (len(one),) * 2}


LETTERS = [chr(0x4E00 + place) for place in range(400)]
"""Characters of which each stands once in a text, so that one in a merge tells where it came from."""


@st.composite
def sides(draw: st.DrawFn) -> tuple[str, str, str]:
    """A base of letters that stand once, and two texts that grew from it by inserts, deletes and replacements."""
    base = LETTERS[: draw(st.integers(0, 30))]
    grown = []
    for side in range(2):
        new = iter(LETTERS[100 + 100 * side :])
        text_: list[str] = list(base)
        for place, length, written in draw(
            st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 4), st.integers(0, 4)), max_size=4)
        ):
            start = place * len(text_) // 1001
            text_[start : start + length] = [next(new) for _ in range(written)]
        grown.append(" ".join(text_))
    return " ".join(base), grown[0], grown[1]


@settings(max_examples=300)
@given(sides())
def test_a_merge_holds_against_a_table_of_every_letter(texts: tuple[str, str, str]) -> None:
    base, ours, theirs = texts
    grown = text.fresh(base, "base")
    our_runs, their_runs = text.edit(base, grown, ours, "ours"), text.edit(base, grown, theirs, "theirs")
    merged, runs, conflicts = text.merge(base, ours, our_runs, theirs, their_runs)
    facts = {
        **dict(zip(base, units(grown), strict=True)),
        **dict(zip(ours, units(our_runs), strict=True)),
        **{letter: fact for letter, fact in zip(theirs, units(their_runs), strict=True) if letter not in base},
    }
    told = units(runs)
    assert len(told) == len(merged)
    for letter, fact in zip(merged, told, strict=True):
        assert letter == " " or fact == facts[letter]
    written_by_us, written_by_them = {*ours} - {*base}, {*theirs} - {*base}
    assert written_by_us <= {*merged}
    lost = {letter for conflict in conflicts for letter in conflict.theirs}
    assert written_by_them - lost <= {*merged} <= {*base, *ours, *theirs, " "}
    if not conflicts:
        assert {*merged} - {" "} == ({*ours} & {*theirs} | written_by_us | written_by_them) - {" "}
    assert text.merge(base, base, grown, theirs, their_runs)[:2] == (theirs, their_runs)
    assert text.merge(base, ours, our_runs, base, grown)[:2] == (ours, our_runs)
    assert text.merge(base, ours, our_runs, ours, our_runs) == (ours, our_runs, [])


def units(runs: Runs) -> list[tuple[str, str]]:
    """Origin and last change of every single character."""
    return [(origin, changed) for length, origin, changed in runs.runs for _ in range(length)]


@given(st.lists(st.integers(0, 99), unique=True, max_size=40), st.data())
def test_words_that_an_edit_leaves_standing_keep_their_facts(old: list[int], data: st.DataObject) -> None:
    """Against a table by word: only deletions and new words, each of letters of its own, so there is one answer."""
    stayed = [number for number in old if data.draw(st.booleans())]
    after = [(LETTERS[number] * 2, (f"t{number % 3}", f"t{number % 5}")) for number in stayed]
    for count, place in enumerate(data.draw(st.lists(st.integers(0, 1000), max_size=5))):
        after.insert(place * (len(after) + 1) // 1001, (LETTERS[200 + count] * 2, ("now", "now")))
    before = Runs.of((3, f"t{number % 3}", f"t{number % 5}") for number in old)
    text_before = "".join(LETTERS[number] * 2 + " " for number in old)
    told = units(text.edit(text_before, before, "".join(word + " " for word, _ in after), "now"))
    assert [told[3 * place : 3 * place + 2] for place in range(len(after))] == [[facts] * 2 for _, facts in after]


def test_both_sides_of_a_merge_arrive_and_a_conflict_is_named() -> None:
    base = "The lamp was dark. The sea was calm. Nobody came."
    ours, theirs = base.replace("dark", "lit"), base.replace("Nobody", "Ada")
    merged, authors, conflicts = text.merge(base, ours, text.fresh(ours, "o"), theirs, text.fresh(theirs, "t"))
    assert merged == "The lamp was lit. The sea was calm. Ada came." and not conflicts
    assert len(authors) == len(merged)
    clash = text.merge(base, ours, text.fresh(ours, "o"), base.replace("dark", "gone"), text.fresh(base, "t"))
    assert [(c.ours, c.theirs) for c in clash[2]] == [("lit", "gone")]


@pytest.mark.parametrize(
    ("old", "new"),
    [("a" * 300_000, "a" * 299_000), ("ab" * 150_000, "ba" * 150_000), ("a " * 100_000, "a b " * 50_000)],
    ids=["one letter", "two letters", "two words"],
)
def test_repetitive_texts_of_any_length_are_compared(old: str, new: str) -> None:
    runs = text.edit(old, text.fresh(old, "a"), new, "b")
    assert len(runs) == len(new)


events = st.dictionaries(st.sampled_from([f"n{count}" for count in range(12)]), st.sampled_from("ABC"), max_size=12)


@given(st.lists(events, min_size=1, max_size=8))
def test_events_hold_against_two_dictionaries(versions: list[dict[str, str]]) -> None:
    fast = score.fresh(versions[0], "t0")
    origin = dict.fromkeys(versions[0], "t0")
    changed = dict(origin)
    for count, (before, after) in enumerate(pairwise(versions), 1):
        fast = score.edit(fast, after, f"t{count}")
        origin = {name: origin[name] if name in before else f"t{count}" for name in after}
        changed = {
            name: changed[name] if name in before and before[name] == after[name] else f"t{count}" for name in after
        }
        assert {name: event.origin for name, event in fast.items()} == origin
        assert {name: event.changed for name, event in fast.items()} == changed
        assert score.from_bytes(score.to_bytes(fast)) == fast


@given(events, events, events)
def test_merged_events_come_from_a_side_that_changed_them(
    first: dict[str, str], second: dict[str, str], third: dict[str, str]
) -> None:
    base = score.fresh(first, "base")
    ours, theirs = score.edit(base, second, "ours"), score.edit(base, third, "theirs")
    merged, conflicts = score.merge(base, ours, theirs)
    for name in {*first, *second, *third} - {*conflicts}:
        sides = [side.get(name) for side in (ours, theirs) if side.get(name) != base.get(name)]
        assert merged.get(name) == (sides[0] if sides else base.get(name))
    assert all(merged.get(name) == ours.get(name) for name in conflicts)
    changed = [{name for name in {*first, *side} if first.get(name) != side.get(name)} for side in (second, third)]
    assert {*conflicts} == {name for name in changed[0] & changed[1] if name in second or name in third}


pictures = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 2, (5, 7, 3)).astype(np.uint8)
)


@given(st.lists(pictures, min_size=2, max_size=6))
def test_pixels_hold_against_a_loop_over_every_pixel(versions: list[NDArray[np.uint8]]) -> None:
    fast = pixels.fresh((5, 7), "t0")
    naive = {(row, column): ("t0", "t0") for row in range(5) for column in range(7)}
    for count, (before, after) in enumerate(pairwise(versions), 1):
        fast = pixels.edit(fast, before, after, f"t{count}")
        for place, (origin, _) in naive.items():
            if any(before[place] != after[place]):
                naive[place] = (origin, f"t{count}")
        fast = pixels.from_bytes(pixels.to_bytes(fast))
        for place, facts in naive.items():
            assert (fast.turns[fast.origin[place]], fast.turns[fast.changed[place]]) == facts
    counted = pixels.counts(fast)
    assert sum(one for one, _ in counted.values()) == sum(two for _, two in counted.values()) == 35


@st.composite
def pixel_scripts(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    kinds = st.sampled_from(["paint", "flip", "crop", "undo", "merge"])
    return draw(st.lists(st.tuples(kinds, st.integers(0, 999), st.integers(0, 2**31)), max_size=8))


@given(pixel_scripts())
def test_pixels_hold_against_a_loop_through_painting_moving_undoing_and_merging(
    script: list[tuple[str, int, int]],
) -> None:
    shape = (5, 7)
    picture = np.zeros((*shape, 3), np.uint8)
    fast = pixels.fresh(shape, "t0")
    naive = [[("t0", "t0")] * 7 for _ in range(5)]
    past = [(picture, fast, naive)]
    for count, (kind, where, seed) in enumerate(script, 1):
        turn = f"t{count}"
        chance = np.random.default_rng(seed)
        mask = chance.random(picture.shape[:2]) < 0.4
        match kind:
            case "paint":
                after = np.where(mask[..., None], chance.integers(0, 3, picture.shape), picture).astype(np.uint8)
                fast = pixels.edit(fast, picture, after, turn)
                naive = [
                    [
                        (
                            naive[row][column][0],
                            turn if any(picture[row, column] != after[row, column]) else naive[row][column][1],
                        )
                        for column in range(picture.shape[1])
                    ]
                    for row in range(picture.shape[0])
                ]
                picture = after
            case "flip":
                rows, columns = np.indices(picture.shape[:2])
                fast = pixels.moved(fast, rows, picture.shape[1] - 1 - columns)
                picture, naive = picture[:, ::-1], [row[::-1] for row in naive]
            case "crop":
                # Made smaller by a program: every pixel was changed, and comes from the nearest of before.
                height, width = max(1, picture.shape[0] - 1), max(1, picture.shape[1] - 1)
                after = picture[:height, :width].copy()
                if after.shape == picture.shape:
                    continue
                fast = pixels.edit(fast, picture, after, turn)
                naive = [
                    [
                        (naive[row * picture.shape[0] // height][column * picture.shape[1] // width][0], turn)
                        for column in range(width)
                    ]
                    for row in range(height)
                ]
                picture = after
            case "undo":
                picture, fast, naive = past[where * len(past) // 1000]
            case _:
                other, other_fast, other_naive = past[where * len(past) // 1000]
                if other.shape != picture.shape:
                    continue
                fast = pixels.where(mask, fast, other_fast)
                naive = [
                    [one if mine else two for one, two, mine in zip(*rows, strict=True)]
                    for rows in zip(naive, other_naive, mask, strict=True)
                ]
                picture = np.where(mask[..., None], picture, other)
        fast = pixels.from_bytes(pixels.to_bytes(fast))
        told = [
            [(fast.turns[one], fast.turns[two]) for one, two in zip(*rows, strict=True)]
            for rows in zip(fast.origin, fast.changed, strict=True)
        ]
        assert told == naive
        past.append((picture, fast, naive))


@given(pictures, pictures, pictures)
def test_merged_pixels_come_from_the_side_the_mask_names(
    first: NDArray[np.uint8], second: NDArray[np.uint8], masks: NDArray[np.uint8]
) -> None:
    mask = masks[..., 0].astype(bool)
    one = pixels.edit(pixels.fresh((5, 7), "a"), first, second, "b")
    other = pixels.edit(pixels.fresh((5, 7), "c"), second, first, "d")
    merged = pixels.where(mask, one, other)
    for place in np.ndindex(5, 7):
        side = one if mask[place] else other
        assert merged.turns[merged.origin[place]] == side.turns[side.origin[place]]
        assert merged.turns[merged.changed[place]] == side.turns[side.changed[place]]


def test_flipped_and_resized_pixels_carry_their_origin() -> None:
    one = pixels.where(np.arange(8).reshape(2, 4) % 4 < 2, pixels.fresh((2, 4), "a"), pixels.fresh((2, 4), "b"))
    rows, columns = np.indices((2, 4))
    flipped = pixels.moved(one, rows, 3 - columns)
    assert [flipped.turns[label] for label in flipped.origin[0]] == ["b", "b", "a", "a"]
    larger = pixels.edit(one, np.zeros((2, 4, 3), np.uint8), np.zeros((4, 8, 3), np.uint8), "c")
    assert [larger.turns[label] for label in larger.origin[3]] == ["a"] * 4 + ["b"] * 4
    assert {larger.turns[label] for label in larger.changed.ravel()} == {"c"}


@settings(max_examples=200)
@given(st.data())
def test_damaged_maps_are_refused_in_a_sentence_or_read_whole(data: st.DataObject) -> None:
    kinds = {
        Runs.from_bytes: Runs.of([(3, "a", "b"), (2, "c", "c")]).to_bytes(),
        score.from_bytes: score.to_bytes(score.fresh({"n1": "C4"}, "a")),
        pixels.from_bytes: pixels.to_bytes(pixels.fresh((3, 3), "a")),
    }
    read = data.draw(st.sampled_from(list(kinds)))
    good = kinds[read]
    cut = data.draw(st.integers(0, len(good)))
    bad = data.draw(st.sampled_from([good[:cut], good[:cut] + data.draw(st.binary(max_size=6)) + good[cut + 1 :]]))
    try:
        read(bad)
    except VesicaError as fault:
        assert "damaged" in str(fault)


def test_relabelling_names_the_turn_that_carries_the_map() -> None:
    assert text.fresh("sea", "this").relabelled({"this": "t9"}) == text.fresh("sea", "t9")
    assert score.relabelled(score.fresh({"n": "C"}, "this"), {"this": "t9"}) == score.fresh({"n": "C"}, "t9")
    named = pixels.relabelled(pixels.fresh((2, 2), "this"), {"this": "t9"})
    assert pixels.counts(named) == {"t9": (4, 4)}


def test_a_novel_with_a_few_changes_is_compared_at_once() -> None:
    chance = random.Random(3)
    lexicon = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(8000)]
    old = " ".join(chance.choices(lexicon, k=500_000))
    new = old[:1_000_000] + " She lit the lamp. " + old[1_000_000:2_000_000] + old[2_000_050:]
    runs = text.edit(old, text.fresh(old, "a"), new, "b")
    assert text.counts(runs)["b"][0] <= 19
