"""The language in which a person says what a dream looks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesica.errors import VesicaError
from vesica.image.objective import Term, parse_objective
from vesica.weights.efficientnet_lite import LAYERS, channels_of
from vesica.weights.imagenet import class_names, classes_called


@st.composite
def terms(draw: st.DrawFn) -> Term:
    weight = draw(st.integers(1, 999)) / 100 * draw(st.sampled_from([1, -1]))
    if draw(st.booleans()):
        return Term(weight, label=draw(st.integers(0, 999)))
    layer = draw(st.sampled_from(LAYERS))
    channel = draw(st.none() | st.integers(0, channels_of(layer) - 1))
    place = draw(st.none() | st.tuples(*2 * [st.integers(0, 100).map(lambda share: share / 100)]))
    return Term(weight, layer, channel, place if channel is not None else None)


def written(term: Term) -> str:
    what = class_names()[term.label][0] if term.label is not None else term.layer
    if term.channel is not None:
        what += f":{term.channel}"
    if term.place:
        what += f"@{term.place[0]},{term.place[1]}"
    return f"{'-' if term.weight < 0 else '+'} {abs(term.weight)}*{what}"


@given(
    st.lists(terms(), min_size=1, max_size=6, unique_by=lambda term: (term.layer, term.channel, term.place, term.label))
)
def test_what_is_written_out_reads_as_it_was(wish: list[Term]) -> None:
    assert parse_objective(" ".join(map(written, wish))) == tuple(wish)


@given(st.text(max_size=60) | st.text(alphabet="eb19:@,.*+- lighthouse", max_size=40))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    try:
        parse_objective(text)
    except VesicaError as fault:
        assert str(fault).endswith((".", "?"))


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("E9 + b8+e9", (Term(2.0, "e9"), Term(1.0, "b8"))),
        ("0.5*e9:123-0.2*b4", (Term(0.5, "e9", 123), Term(-0.2, "b4"))),
        ("e9:123@0.5,.25", (Term(1.0, "e9", 123, (0.5, 0.25)),)),
        ("-b8:3", (Term(-1.0, "b8", 3),)),
        ("Lighthouse", (Term(1.0, label=437),)),
        ("jack-o'-lantern + three-toed sloth", (Term(1.0, label=607), Term(1.0, label=364))),
        ("German shepherd dog - 0.5*b4", (Term(1.0, label=235), Term(-0.5, "b4"))),
    ],
)
def test_wishes_are_read(text: str, wish: tuple[Term, ...]) -> None:
    assert parse_objective(text) == wish


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("b99", "choose among b0 to b15"),
        ("", "no layer ''"),
        ("e9++b8", "choose among b0 to b15"),
        ("conv1", "choose among b0 to b15"),
        ("b18", "did you mean b8?"),
        ("e9:9999", "e9 has channels 0 to 671"),
        ("e9:1@3,0", "runs from 0,0"),
        ("b4 - b4", "adds up to nothing"),
        ("lighthuose", "did you mean lighthouse"),
        ("shark", "tiger shark"),
        ("crane", "'crane bird' or 'construction crane'"),
        ("+".join(f"e9:{channel}" for channel in range(17)), "up to 16"),
    ],
)
def test_what_is_not_known_is_refused_with_what_there_is(text: str, told: str) -> None:
    with pytest.raises(VesicaError) as fault:
        parse_objective(text)
    assert told in str(fault.value)


def test_there_are_a_thousand_things_each_called_by_a_name_of_its_own() -> None:
    firsts = [names[0] for names in class_names()]
    assert len(firsts) == 1000
    assert all(list(classes_called(name)) == [number] for number, name in enumerate(firsts))
