"""The writing engine: poems, titles, prose."""

import pytest

from vesica.engines import find
from vesica.errors import Cancelled
from vesica.text.params import WriteParams
from vesica.text.prose import sentences
from vesica.text.prosody import words_of
from vesica.text.scansion import faults
from vesica.text.titles import SHAPES, decent, novelty, title_case
from vesica.text.write import write
from vesica.weights.minilm import embed
from vesica.work import Step
from vesica.worker import Worker

BRIEF = "A lighthouse keeper's last winter, when the sea went quiet"
STORY = "Anna opened the last hive before the frost. The bees were silent, and the honey had run down the boards."


@pytest.mark.parametrize(
    ("feet", "rhyme"),
    [(3, "ABBA"), pytest.param(4, "ABAB", marks=pytest.mark.slow), pytest.param(5, "AABB", marks=pytest.mark.slow)],
)
def test_every_line_of_a_poem_scans_and_every_rhyme_is_in_the_dictionary(feet: int, rhyme: str) -> None:
    params = WriteParams(form="poem", about=BRIEF, stanzas=1, feet=feet, rhyme=rhyme)  # type: ignore[arg-type]
    assert faults(write(params=params, seed=2), feet=feet, rhyme=rhyme) == []


@pytest.mark.parametrize(
    "params",
    [
        {"form": "poem", "about": "bees", "stanzas": 1, "feet": 3},
        pytest.param({"form": "title", "about": BRIEF}, marks=pytest.mark.slow),
        pytest.param(
            {"form": "prose", "about": "A story of Anna, who keeps bees.", "sentences": 1, "tries": 3},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["poem", "title", "prose"],
)
def test_the_same_seed_gives_the_same_bytes_on_one_thread_and_on_two(params: dict[str, object]) -> None:
    made = []
    for threads in (1, 2):
        with Worker() as worker:
            made.append(worker.run("text.write", params, {}, seed=11, threads=threads).data)
    assert made[0] == made[1] != b""


@pytest.mark.parametrize("form", ["poem", "title", "prose"])
def test_it_can_be_stopped_at_each_step(form: str) -> None:
    seen: list[Step] = []

    def stop(step: Step) -> None:
        seen.append(step)
        if len(seen) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        write(params=WriteParams(form=form, about="bees", stanzas=1, feet=3), seed=1, progress=stop)  # type: ignore[arg-type]
    assert len(seen) == 3 and isinstance(seen[-1].preview, str)


def test_prose_goes_on_by_whole_sentences_and_says_nothing_again() -> None:
    found = write(params=WriteParams(sentences=2, tries=3), seed=3, text=STORY)
    assert len(sentences(found)) == 2 and " ".join(sentences(found)) == found
    assert not set(sentences(STORY)) & set(sentences(found))


@pytest.mark.parametrize(
    "about", ["", pytest.param("x" * 100_000, marks=pytest.mark.slow), "The sea. " * 11_112], ids=["none", "x", "long"]
)
def test_any_brief_gives_a_title(about: str) -> None:
    found = write(params=WriteParams(form="title", about=about), seed=4)
    assert 2 <= len(words_of(found)) <= 6 and title_case(found) == found


def test_a_title_is_judged_by_its_form() -> None:
    assert decent("Night at the Lighthouse") and not decent("The Last Crossing")
    assert not decent("Winter Winters") and not decent("Zorbling Sea") and not decent("Winter")
    assert novelty("The Last Winter", BRIEF) == 0 and novelty("Salt and Winter", BRIEF) == 0.5
    assert title_case("the salt of a night") == "The Salt of a Night"


def test_a_title_has_one_of_our_shapes_and_says_something_of_its_brief() -> None:
    found = write(params=WriteParams(form="title", about=BRIEF), seed=5).lower()
    assert any(fills(found.split(), shape) for shape in SHAPES) and found != BRIEF.lower()
    near, far = (float(rows[0] @ rows[1]) for rows in (embed([BRIEF, found]), embed(["Tax law for dentists", found])))
    assert near > far


def fills(words: list[str], shape: tuple[str, ...]) -> bool:
    return len(words) == len(shape) and all(
        slot == word or slot.isupper() for word, slot in zip(words, shape, strict=True)
    )


def test_the_row_names_what_it_needs() -> None:
    engine = find("text.write")
    assert engine.load() is write and engine.load_params() is WriteParams
    assert set(engine.models) == {"smollm2-135m-instruct", "minilm"} and not engine.inputs["text"].needed
