"""Whose voice a poem speaks in, and what its words are."""

import pytest

from vesica.text.lexicon import DEEDS, PEOPLE, QUALITIES, STUFF, THINGS, UNSEEMLY, WORN, concrete, singular
from vesica.text.prosody import SMALL, sounds, words_of
from vesica.text.quatrains import QUATRAINS, SHOWN, nearest
from vesica.text.voice import BETWEEN, FILLERS, PRESENT, TURNS, barred, follows, has_verb


def said(text: str) -> frozenset[str]:
    return frozenset(text.split())


@pytest.mark.parametrize(
    ("brief", "poem", "fine", "not_fine"),
    [
        ("the harbour in winter", "", "the", "he she it they i you is"),
        ("the harbour in winter", "a sailor sat", "he she", "they i"),
        ("the harbour in winter", "the boats", "they", "he she it"),
        ("the harbour in winter", "the lamp", "it", "they"),
        ("my father's hands", "", "i my we", "you she"),
        ("my mother sells bread", "", "she her", "he him"),
        ("the harbour", "the sailor lost his hat", "he", "she"),
        ("the harbour", "the sailor and she", "she", "he"),
    ],
)
def test_a_pronoun_needs_someone_to_stand_for(brief: str, poem: str, fine: str, not_fine: str) -> None:
    out = barred(said(brief), said(poem))
    assert not out & said(fine) and out >= said(not_fine)


def test_after_an_article_stands_what_a_noun_may_begin_with() -> None:
    assert "and" in follows("the") and "own" not in follows("his") and follows("and") == {"and"}


def test_a_sentence_without_a_verb_is_known() -> None:
    assert has_verb("the boat was left".split()) and has_verb(["she", "kept", "bread"])  # noqa: SIM905
    assert not has_verb(["a", "woman", "with", "a", "smile"])


def test_words_of_the_voice_are_english() -> None:
    assert all(sounds(word) for word in FILLERS | TURNS | BETWEEN | PRESENT)


def test_the_lists_name_english_words_once_and_nothing_unwanted() -> None:
    every = THINGS | PEOPLE | QUALITIES | DEEDS
    assert not [word for word in sorted(every) if not sounds(word)]
    assert not every & (WORN | UNSEEMLY) and not every & SMALL
    assert STUFF < THINGS


def test_more_than_one_thing_is_led_back_to_one() -> None:
    assert [singular(word) for word in ("boats", "leaves", "cherries", "glass", "houses", "was")][:3] == [
        "boat",
        "leaf",
        "",
    ]
    assert singular("glass") == "" and singular("houses") == "house" and singular("was") == ""
    assert concrete("boats") == 1 and concrete("rusted") == 0.5 and concrete("freedom") == -1 == concrete("loneliness")


@pytest.mark.parametrize("feet", sorted(QUATRAINS))
def test_the_quatrains_shown_are_near_the_subject_and_told_in_the_past(feet: int) -> None:
    assert nearest("a sleeping guard in the museum", feet)[-1][0] == "a guard in a museum"
    assert len(nearest("bees", feet)) == min(SHOWN, len(QUATRAINS[feet]))
    for _, quatrain in QUATRAINS[feet]:
        words = words_of(quatrain.lower())
        assert quatrain.count("\n") == 3 and has_verb(words) and not (PRESENT - {"here"}) & set(words)
