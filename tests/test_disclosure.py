"""What leaves is what a person lets leave, and a preview names all of it."""

import getpass
import json
import os
import re
import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import c2pa
import pytest
from cryptography import x509
from PIL import Image

from vesica.export.check import type_of
from vesica.export.disclosure import Level, Terms, disclosed
from vesica.export.facts import IPTC, Action, Facts, Ingredient, ModelUse, source_of_work
from vesica.export.marks.source import said
from vesica.studio import Studio
from vesica.work import Partner

Run = Callable[..., tuple[int, str, str]]
EYES = ModelUse("eyes", "57" * 32, "Apache-2.0")
SECRET = "a secret wish"
PHOTO = Ingredient("ada-at-home.png", "image/png", "ab" * 32, relationship="parentOf", rights="CC0-1.0")
FACTS = Facts(
    "Harbour",
    (
        Action("opened", "human", when="2026-11-23T19:00:00Z", turn="0a" * 32, name="Ada"),
        Action(
            "edited",
            "machine",
            "image.field",
            "1",
            (EYES,),
            {"words": SECRET, "brush": 1.5},
            7,
            "2026-11-23T19:02:00Z",
            "0b" * 32,
            words=frozenset({"words"}),
        ),
        Action("edited", "human", when="2026-11-23T19:03:00Z", turn="0c" * 32, description="my remark", name="Eve"),
    ),
    (PHOTO,),
    {"schema": "head/1"},
    {"imported": 9, "human": 1},
)


def everything(facts: Facts) -> str:
    return repr(facts)


def test_a_summary_says_who_made_what_and_how_and_not_in_which_words_it_was_asked_for() -> None:
    told = disclosed(FACTS, "summary", person="Ada")
    assert [(act.kind, act.by, act.models) for act in told.actions] == [
        (act.kind, act.by, act.models) for act in FACTS.actions
    ]
    assert (told.head, told.authorship, told.complete) == (FACTS.head, FACTS.authorship, True)
    assert (told.actions[1].params, told.actions[1].seed) == ({"brush": 1.5}, 7)
    assert not re.search(f"{SECRET}|Ada|Eve|ada-at-home|my remark|2026-11", everything(told))
    assert (told.ingredients[0].digest, told.ingredients[0].rights) == (PHOTO.digest, "CC0-1.0")


def test_the_law_asks_for_the_source_alone() -> None:
    told = disclosed(FACTS, "law", person="Ada")
    assert source_of_work(told) == source_of_work(FACTS) == IPTC + "compositeWithTrainedAlgorithmicMedia"
    assert len(told.actions) == 1 and not told.complete
    assert not (told.ingredients or told.head or told.authorship or told.title)


def test_a_name_leaves_only_when_it_is_given_once_more() -> None:
    assert [act.name for act in disclosed(FACTS, "all").actions] == ["", "", ""]
    assert [act.name for act in disclosed(FACTS, "all", person="Ada").actions] == ["Ada", "", ""]


def test_what_a_file_said_of_itself_is_not_lost_by_an_edit() -> None:
    drawn = Ingredient("x.png", "image/png", "ab" * 32, None, "parentOf", sources=(IPTC + "trainedAlgorithmicMedia",))
    opened = Facts("", (Action("opened", "human"), Action("edited", "human")), (drawn,))
    assert source_of_work(opened) == IPTC + "compositeWithTrainedAlgorithmicMedia"


@pytest.fixture
def sea(tmp_path: Path, photo: Path, run: Run) -> Iterator[tuple[Studio, Path]]:
    """A studio with a picture, a text and a score that machines had a hand in."""
    (tmp_path / "own.musicxml").write_bytes(TUNE)
    (tmp_path / "own.md").write_text("The sea is calm tonight.\n")
    studio = ("--studio", "my", "--as", "Quillfeather")
    assert run(*studio, "make", "image.dream", photo, "--steps", 1, "--octaves", 1, "--out", "dream.png")[0] == 0
    for name, file in (("poem", "own.md"), ("tune", "own.musicxml")):
        run(*studio, "new", name)
        assert run(*studio, "import", name, file)[0] == 0
    with Studio(tmp_path / "my", person="Quillfeather") as opened:
        yield opened, tmp_path


TUNE = b"""<?xml version="1.0"?><score-partwise version="4.0">
<part-list><score-part id="P1"><part-name>Flute</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions></attributes>
<note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration></note></measure></part></score-partwise>"""
EXPORTS = {
    "dream": ("png", "jpg", "webp"),
    "poem": ("txt", "md"),
    "tune": ("svg", "pdf", "wav", "mp3", "flac", "mid", "musicxml", "json"),
}


def unpacked(data: bytes) -> Iterator[bytes]:
    """The bytes, and every zlib stream in them."""
    yield data
    for start in re.finditer(rb"x[\x01\x5e\x9c\xda]", data):
        try:
            yield zlib.decompressobj().decompress(data[start.start() :], 1 << 22)
        except zlib.error:
            continue
    yield data.decode("utf-16-le", "ignore").encode()
    yield data[1:].decode("utf-16-le", "ignore").encode()


@pytest.mark.parametrize("level", ["all", "summary", "law"])
def test_no_export_names_the_user_the_computer_or_a_place(
    sea: tuple[Studio, Path], level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, folder = sea
    studio.person = Partner("person")  # nothing is given now
    monkeypatch.setenv("USER", "quillfeather")
    monkeypatch.setenv("LOGNAME", "quillfeather")
    names = [os.fsencode(name) for name in (getpass.getuser(), socket.gethostname()) if len(name) >= 4]
    # A name of two or three letters stands in any compressed picture by chance.
    words = [name for name in (socket.gethostname(), Path.home().name, "Quillfeather") if len(name) >= 5]
    told = re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
    places = [
        os.fsencode(place) for place in (f"{Path.home()}/", f"{studio.path}", f"{folder}", f"{Path.cwd()}/", "/tmp/")
    ]
    for work, endings in EXPORTS.items():
        for ending in endings:
            out = folder / f"{work}.{ending}"
            for path in studio.export(work, out, Terms(level)):
                for data in unpacked(path.read_bytes()):
                    assert not [name for name in (*places, *names) if name.lower() in data.lower()], path.name
            # Short names stand by chance in any sound; in what a credential says they don't.
            for one in studio.preview(work, out, Terms(level)):
                assert not told.search(one.value.replace("vesica studio root", "")), one


@pytest.mark.parametrize("level", ["all", "summary", "law"])
def test_the_preview_names_every_value_of_the_credential_and_writes_nothing(
    sea: tuple[Studio, Path], level: Level
) -> None:
    studio, folder = sea
    for name, file in (("dream", "a.png"), ("poem", "b.md")):
        told = studio.preview(name, folder / file, Terms(level))
        assert not (folder / file).exists()
        values = {one.value for one in told}
        written = studio.export(name, folder / file, Terms(level))
        type_ = type_of(written[0].read_bytes(), file)
        beside = written[1].read_bytes() if len(written) > 1 else None
        with written[0].open("rb") as stream, c2pa.Reader(type_, stream, manifest_data=beside) as reader:
            store = json.loads(reader.json())
        manifest = store["manifests"][store["active_manifest"]]
        for assertion in manifest["assertions"]:
            for leaf in leaves(assertion["data"]):
                assert leaf in values, (level, leaf)
        if level == "law":
            assert len(told) < 25


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("hash", "url", "pad", "ingredients"):
                yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value if isinstance(value, str) else json.dumps(value)


def test_the_command_previews_and_says_what_verifiers_will_show(run: Run, sea: tuple[Studio, Path]) -> None:
    studio = ("--studio", "my", "--as", "Quillfeather")
    code, out, err = run(*studio, "export", "poem", "--out", "p.md", "--disclose", "all", "--preview")
    assert (code, err) == (0, "") and "org.vesica.name: Quillfeather" in out and not Path("p.md").exists()
    code, out, _ = run(*studio, "export", "poem", "--out", "p.md", "--preview")
    assert code == 0 and "Quillfeather" not in out and "poem.md" not in out
    code, out, err = run(*studio, "export", "poem", "--out", "p.md")
    assert code == 0 and "don't know this signer" in err


def test_files_of_authors_name_nobody_who_did_not_say_so(run: Run, sea: tuple[Studio, Path]) -> None:
    _, folder = sea
    studio = ("--studio", "my", "--as", "Quillfeather")
    assert run(*studio, "export", "poem", "--out", "p.md", "--authors")[0] == 0
    assert not [path for path in folder.glob("p.md*") if b"Quillfeather" in path.read_bytes()]
    assert run(*studio, "export", "poem", "--out", "p.md", "--authors", "--disclose", "all")[0] == 0
    assert [path for path in folder.glob("p.md*") if b"Quillfeather" in path.read_bytes()]
    code, _, err = run(*studio, "export", "poem", "--out", "p.md", "--authors", "--disclose", "law")
    assert code == 2 and "more than the law asks" in err


def test_a_persons_own_work_is_not_marked_and_a_machines_is(sea: tuple[Studio, Path], photo: Path) -> None:
    studio, folder = sea
    with Image.open(studio.export("dream", folder / "d.png")[0]) as opened:
        assert b"compositeWithTrainedAlgorithmicMedia" in opened.info["xmp"]
    studio.new("mine")
    studio.write("mine", "I wrote this.")
    (written, beside) = studio.export("mine", folder / "mine.md")
    assert written.read_text() == "I wrote this.\n"
    assert said(written.read_bytes()) == ()
    assert said(beside.read_bytes()) == (IPTC + "digitalCreation",)


def test_the_certificate_names_nobody(sea: tuple[Studio, Path]) -> None:
    certificate = x509.load_pem_x509_certificate(sea[0].signer().chain_pem)
    assert certificate.subject.rfc4514_string() == "CN=vesica studio,O=vesica studio (self-signed)"
