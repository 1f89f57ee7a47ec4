"""Every model has a complete, honest card, and its file is found without importing the package that carries it."""

import sys
from pathlib import Path

import pytest

from vesica.engines import engines
from vesica.errors import ModelMissing, VesicaError
from vesica.weights import cards as module
from vesica.weights.cards import Card, card, cards, digest, locate, place, read_card

FULL = Path(module.__file__).parent.joinpath("minilm", "card.toml").read_text("utf-8")


def test_every_folder_with_a_card_has_a_complete_one_named_after_it() -> None:
    folders = {page.parent.name for page in Path(module.__file__).parent.glob("*/card.toml")}
    assert {name.replace("-", "_") for name in cards()} == folders
    assert {"minilm", "efficientnet-lite0", "smollm2-135m-instruct", "fluidr3mono"} <= set(cards())


def test_every_model_an_engine_names_has_a_card() -> None:
    assert {model for engine in engines().values() for model in engine.models} <= set(cards())


@pytest.mark.parametrize("name", list(cards()))
def test_a_card_speaks_in_sentences_and_names_a_licence_for_all_it_learned_from(name: str) -> None:
    told = card(name)
    assert told.licence in {"Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0", "MPL-2.0"}
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in (told.purpose, *told.cannot))
    assert len(told.cannot) >= 2 and all(data.licence for data in told.learned_from)
    assert 10**6 < told.size < 10**9 and told.page.startswith("https://")


@pytest.mark.parametrize("line", ["name", "licence", "sha256", "size", "purpose", "cannot", "authors"])
def test_a_card_without_one_of_its_lines_is_our_bug(line: str) -> None:
    lines = FULL.splitlines()
    start = next(number for number, text in enumerate(lines) if text.startswith(f"{line} = "))
    end = next(n for n in range(start + 1, len(lines)) if not lines[n].startswith((" ", "]")))
    with pytest.raises(ValueError, match="incomplete"):
        read_card("\n".join(lines[:start] + lines[end:]))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('licence = "Apache-2.0"', 'licence = ""', "nothing under 'licence'"),
        ('licence = "unknown"', 'licence = ""', "nothing under 'licence'"),
        ('sha256 = "53aa', 'sha256 = "XXaa', "for a SHA-256"),
        ('"tokenizer.json" = "be50', '"tokenizer.json" = "be5', "for a SHA-256"),
        ('kind = "pypi"', 'kind = "ftp"', "where its file comes from"),
        ('kind = "pypi"', 'kind = "npm"', "where its file comes from"),
        ('kind = "pypi"', 'kind = "pypi"\ncolour = "red"', "incomplete"),
    ],
)
def test_a_card_with_nonsense_is_our_bug(old: str, new: str, complaint: str) -> None:
    assert old in FULL
    with pytest.raises(ValueError, match=complaint):
        read_card(FULL.replace(old, new, 1))


def test_an_unknown_model_is_named_in_the_sentence() -> None:
    with pytest.raises(VesicaError, match="No model is called 'gpt-9'"):
        card("gpt-9")


def fake(name: str, source: module.Source) -> Card:
    """A card of a model that is not there."""
    return Card(
        name, name, "1", "MIT", ("me",), "https://x", "Tests.", 0, 3, "0" * 64, source, (), (), ()
    )  # fmt: skip


def test_a_model_in_a_package_is_found_without_importing_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "vesica_trap"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "deep" / "model.bin").write_bytes(b"abc")
    monkeypatch.syspath_prepend(tmp_path)
    trap = fake("trap", module.Source("pypi", "vesica-trap", "1", "vesica_trap/deep/model.bin"))
    monkeypatch.setattr(module, "cards", lambda: {"trap": trap})
    assert locate("trap") == package / "deep" / "model.bin"
    assert "vesica_trap" not in sys.modules
    assert digest("trap") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (package / "deep" / "model.bin").write_bytes(b"abcd")
    assert digest("trap").startswith("88d4266f")
    (package / "deep" / "model.bin").unlink()
    with pytest.raises(ModelMissing, match="vesica models install trap"):
        locate("trap")


def test_a_model_whose_package_is_missing_says_how_to_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = fake("gone", module.Source("pypi", "vesica-gone", "1", "vesica_gone/model.bin"))
    monkeypatch.setattr(module, "cards", lambda: {"gone": gone})
    with pytest.raises(ModelMissing, match="vesica models install gone"):
        locate("gone")


def test_a_model_from_npm_lies_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESICA_CACHE", str(tmp_path))
    assert place("fluidr3mono") == tmp_path / "models" / "fluidr3mono" / "FluidR3Mono_GM.sf3"
    with pytest.raises(ModelMissing):
        locate("fluidr3mono")
