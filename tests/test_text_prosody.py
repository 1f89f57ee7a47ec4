"""Rhyme and metre, held against lines and words scanned by hand."""

import pytest

from vesica.text.prosody import fits, rhymes, sounds, words_of
from vesica.text.scansion import faults, scans, stress, syllables

TETRAMETER = [
    "Because I could not stop for death",
    "The sea is calm tonight, my love",
    "I wandered lonely as a cloud",
    "That floats on high above the hills",
    "A porter yawns and stamps his feet",
]
PENTAMETER = [
    "The curfew tolls the knell of parting day",
    "And all the air a solemn stillness holds",
    "But soft, what light through yonder window breaks",
    "When I do count the clock that tells the time",
]
OTHER = [
    "Tyger, tyger, burning bright in the forest",
    "This is the forest primeval",
    "Once upon a midnight dreary",
    "The lighthouse keeper stands alone tonight, my friend",
]
BY_HAND = {
    "sea": (1, 0), "winter": (2, 0), "away": (2, 1), "alone": (2, 1), "lantern": (2, 0), "forgotten": (3, 1),
    "waited": (2, 0), "walked": (1, 0), "waves": (1, 0), "roses": (2, 0), "table": (2, 0), "people": (2, 0),
    "nation": (2, 0), "musician": (3, 1), "believe": (2, 1), "patient": (2, 0), "silent": (2, 0), "window": (2, 0),
    "beneath": (2, 1), "harvest": (2, 0), "engineer": (3, 2), "balloon": (2, 1), "quiet": (2, 0), "into": (2, 1),
}  # fmt: skip


@pytest.mark.parametrize("line", TETRAMETER)
def test_iambic_tetrameter_scans_by_both_checkers(line: str) -> None:
    assert fits(words_of(line), 4) and scans(line, 4)


@pytest.mark.parametrize("line", PENTAMETER)
def test_iambic_pentameter_scans_by_the_dictionary(line: str) -> None:
    assert fits(words_of(line), 5) and not fits(words_of(line), 4)


@pytest.mark.parametrize("line", OTHER)
def test_other_metres_do_not_pass_both_checkers(line: str) -> None:
    for feet in (4, 5):
        assert not (fits(words_of(line), feet) and scans(line, feet))


@pytest.mark.parametrize("word", BY_HAND)
def test_spelling_gives_syllables_and_stress_as_by_hand(word: str) -> None:
    assert (syllables(word), stress(word)) == BY_HAND[word]


def test_a_rhyme_is_alike_from_the_vowel_on_and_unlike_before_it() -> None:
    assert rhymes("sea", "free") and rhymes("stone", "alone") and rhymes("tonight", "light")
    assert not rhymes("light", "light") and not rhymes("sea", "see")
    assert not rhymes("love", "move") and not rhymes("winter", "printer")


def test_a_word_outside_the_dictionary_is_named_apart() -> None:
    poem = "The zorbling sea is calm tonight,\nThe boat is gone,\nA light,\nGo."
    assert not sounds("zorbling")
    assert "Not in the dictionary: zorbling." in faults(poem, feet=4, rhyme="ABAB")


def test_each_fault_of_form_is_named() -> None:
    told = "\n".join(faults("The sea is calm,\nThe sea is wide,\nThe sea is calm,\nThe sea.", feet=4, rhyme="ABAB"))
    assert "Not 4 iambs by the dictionary: The sea is calm," in told and "No rhyme in stanza 1: wide, sea." in told
    assert "No rhyme in stanza 1: calm, calm." in told
    assert faults("One line", feet=4, rhyme="ABAB") == ["Stanza 1 has 1 lines, not 4."]
