"""An exhibition from one sentence, made by the real partners and looked at in a real browser."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import chromium, open_page
from vesica.errors import Cancelled, VesicaError
from vesica.exhibiting import LONGEST_BRIEF, check_place
from vesica.export.credential import read
from vesica.export.files import FORMATS
from vesica.ledger.chain import Head
from vesica.music.midi import write_midi
from vesica.music.score import Note, Part, Pitch, Score
from vesica.studio import Studio
from vesica.work import Edited, Offered, Picked, Step

BRIEF = "The café by the harbour, the winter the sea went quiet"
PHOTO = Path(__file__).parents[1] / "examples" / "photo.jpg"
TUNE = ("D4", "E4", "F4", "D4", "G4", "A4", "A4", "D4")


def melody(path: Path) -> Path:
    """A tune of two bars, as a MIDI file."""
    notes = [
        Note(f"n{place}", place * Score().metres[0].length / 4, Score().metres[0].length / 4, Pitch(name[0], 0, 4))
        for place, name in enumerate(TUNE)
    ]
    path.write_bytes(write_midi(Score(parts=(Part("Melody", 0, tuple(notes)),))))
    return path


@pytest.fixture(scope="module")
def hung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Path]]:
    """A studio with one exhibition, made once for all tests here as a person would make it."""
    place = tmp_path_factory.mktemp("gallery")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESICA_CONFIG", str(place / "config"))
        patch.setenv("VESICA_PASSPHRASE", "only for tests")
        tune = melody(place / "tune.mid")
        command = [sys.executable, "-m", "vesica", "--studio", str(place / "studio"), "--as", "Ada", "exhibit", BRIEF]
        more = ["--photo", str(PHOTO), "--melody", str(tune), "--rights", "CC0-1.0", "--seed", "7"]
        done = subprocess.run(
            [*command, *more, "--out", str(place / "show"), "--json"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["name"] == "the-café-by-the-harbour"
        with Studio(place / "studio", person="Ada") as studio:
            yield studio, place / "show"


def test_a_folder_is_replaced_only_while_it_is_as_it_was_hung(tmp_path: Path) -> None:
    show = tmp_path / "show"
    show.mkdir()
    (show / "index.html").write_text("<p>The sea")
    record = {"hung": {"index.html": hashlib.sha256(b"<p>The sea").hexdigest()}}
    (show / "exhibition.json").write_text(json.dumps(record))
    check_place(show)
    for name, words in (("index.html", "<p>The sea, in my words"), ("notes.txt", "my own notes")):
        before = (show / name).read_bytes() if (show / name).exists() else None
        (show / name).write_text(words)
        with pytest.raises(VesicaError, match=rf"^{name} in .* is not as it was hung"):
            check_place(show)
        (show / name).unlink() if before is None else (show / name).write_bytes(before)
    check_place(show)
    (show / "mine").mkdir()
    with pytest.raises(VesicaError, match="mine in "):
        check_place(show)


@pytest.mark.slow
class TestAnExhibition:
    def test_holds_every_piece_in_every_format(self, hung: tuple[Studio, Path]) -> None:
        _, show = hung
        names = {path.name for path in show.iterdir()}
        music = {f"chorale.{ending}" for ending in ("mp3", "wav", "pdf", "svg", "musicxml", "mid")}
        pictures = {f"{room}.{ending}" for room in ("painting", "dream") for ending in ("png", "webp")}
        assert music | pictures | {"poem.txt", "index.html", "making.html", "head.json", "photograph.webp"} <= names

    def test_carries_a_valid_credential_with_every_file(self, hung: tuple[Studio, Path]) -> None:
        _, show = hung
        record = json.loads((show / "exhibition.json").read_text())
        types = {ending: form.type for forms in FORMATS.values() for ending, form in forms.items()}
        assert len(record["files"]) >= 11
        for name in record["files"]:
            beside = show / f"{name}.c2pa"
            found = read(
                (show / name).read_bytes(), types[Path(name).suffix], beside.read_bytes() if beside.exists() else None
            )
            assert found.state == "valid", (name, found)
            assert found.head["size"] <= record["head"]["size"]

    def test_stands_in_a_studio_that_verifies_against_its_head(self, hung: tuple[Studio, Path]) -> None:
        studio, show = hung
        assert studio.verify(head=Head.from_bytes((show / "head.json").read_bytes())) == []

    def test_records_the_brief_as_the_persons_and_every_pick_as_the_programs(self, hung: tuple[Studio, Path]) -> None:
        studio, _ = hung
        turns = [turn for _, turn in studio.ledger.entries()]
        assert {turn.partner.kind for turn in turns if isinstance(turn.act, Picked)} == {"program"}
        assert {turn.partner.kind for turn in turns if isinstance(turn.act, Offered)} == {"engine"}
        assert [turn.partner.name for turn in turns if isinstance(turn.act, Edited)] == ["Ada"]

    def test_keeps_the_persons_melody_note_for_note(self, hung: tuple[Studio, Path]) -> None:
        studio, _ = hung
        score = studio.content(studio.work("the-café-by-the-harbour-chorale"))
        soprano = [str(note.pitch) for note in score.parts[0].notes]
        assert soprano == list(TUNE)
        assert len(score.parts) == 4
        shares = studio.authors(studio.work("the-café-by-the-harbour-chorale"))
        assert any(brought >= len(TUNE) for brought, _ in shares.values())

    def test_names_no_place_on_this_computer(self, hung: tuple[Studio, Path]) -> None:
        studio, show = hung
        for path in show.iterdir():
            data = path.read_bytes()
            assert str(studio.path.parent).encode() not in data, path.name
            assert str(Path.home()).encode() + b"/" not in data, path.name

    def test_replays_to_the_same_bytes(self, hung: tuple[Studio, Path]) -> None:
        studio, _ = hung
        for work in studio.works():
            for one in studio.replay(work.name):
                assert one.verdict == "equal", one

    def test_hangs_again_with_what_the_person_changed(self, hung: tuple[Studio, Path], tmp_path: Path) -> None:
        studio, _ = hung
        name = "the-café-by-the-harbour-poem"
        poem = studio.content(studio.work(name))
        page = tmp_path / "poem.txt"
        page.write_text(poem.rstrip("\n") + "\n\nAnd I was there, and it was cold.\n")
        studio.edit(name, page)
        again = studio.hang("the-café-by-the-harbour", tmp_path / "again")
        assert again.name == "the-café-by-the-harbour"
        said = (tmp_path / "again" / "index.html").read_text()
        assert '<span class="human">And I was there, and it was cold.</span>' in said
        assert "Ada changed it by hand" in said


@pytest.mark.slow
@pytest.mark.browser
class TestThePagesInABrowser:
    @pytest.fixture(params=[(390, 844), (1440, 900), (3840, 2160)], ids=["phone", "desktop", "projector"])
    def driver(self, request: pytest.FixtureRequest) -> Iterator[Chrome]:
        with chromium(*request.param) as driver:
            yield driver

    @pytest.mark.parametrize("name", ["index.html", "making.html"])
    def test_fit_the_screen_and_report_no_fault(self, hung: tuple[Studio, Path], driver: Chrome, name: str) -> None:
        open_page(driver, hung[1] / name)
        wide, shown = driver.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= shown
        assert driver.get_log("browser") == []

    def test_show_every_picture_and_play_the_chorale(self, hung: tuple[Studio, Path], driver: Chrome) -> None:
        open_page(driver, hung[1] / "index.html")
        widths = driver.execute_script("return [...document.images].map((one) => one.naturalWidth)")
        assert widths
        assert all(widths)
        seconds = driver.execute_async_script(
            "const done = arguments[0], audio = document.querySelector('audio'); audio.preload = 'auto'; audio.load();"
            "audio.addEventListener('loadedmetadata', () => done(audio.duration)); audio.onerror = () => done(0)"
        )
        assert seconds > 4

    def test_every_note_of_the_score_sounds_at_its_time(self, hung: tuple[Studio, Path], driver: Chrome) -> None:
        open_page(driver, hung[1] / "index.html")
        heads, times = driver.execute_script(
            "return [[...document.querySelectorAll('.score [data-note]')].map((one) => one.dataset.note),"
            "JSON.parse(document.querySelector('.times').textContent)]"
        )
        assert set(heads) == set(times)

    def test_answer_to_keys_and_to_the_slider(self, hung: tuple[Studio, Path]) -> None:
        with chromium(1440, 900) as driver:
            open_page(driver, hung[1] / "index.html")
            driver.execute_script("document.documentElement.style.scrollBehavior = 'auto'")
            body = driver.find_element(By.TAG_NAME, "body")
            body.send_keys(Keys.ARROW_RIGHT)
            assert driver.execute_script("return scrollY") > 300
            body.send_keys("d")
            assert driver.execute_script("return document.documentElement.dataset.theme") == "dark"
            body.send_keys("p")
            assert "projector" in body.get_attribute("class")
            body.send_keys(Keys.ESCAPE)
            assert "projector" not in (body.get_attribute("class") or "")
            slider = driver.find_element(By.CSS_SELECTOR, ".compare input")
            slider.send_keys(Keys.END)
            assert "100%" in driver.find_element(By.CSS_SELECTOR, ".compare").get_attribute("style")

    def test_follow_the_computers_wish_for_dark(self, hung: tuple[Studio, Path]) -> None:
        with chromium(800, 600, dark=True) as driver:
            open_page(driver, hung[1] / "index.html")
            colour = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
            assert colour == "rgb(20, 19, 17)"


def test_an_empty_and_an_endless_brief_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with Studio.create(tmp_path / "studio") as studio:
        for brief in ("", " \n", "sea " * 25_000):
            with pytest.raises(VesicaError, match="brief"):
                studio.exhibit(brief, tmp_path / "show")
        assert studio.works() == []
    assert LONGEST_BRIEF < 100_000
    assert not (tmp_path / "show").exists()


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with Studio.create(tmp_path / "studio") as studio:
        with pytest.raises(VesicaError, match="holds other things"):
            studio.exhibit("the sea", tmp_path / "mine")
        with pytest.raises(VesicaError, match="is a file"):
            studio.exhibit("the sea", tmp_path / "mine" / "letter.txt")
        assert studio.works() == []


def test_a_photo_that_is_none_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"not a picture")
    with Studio.create(tmp_path / "studio") as studio:
        for wrong in (tmp_path / "photo.jpg", tmp_path / "missing.jpg"):
            with pytest.raises(VesicaError):
                studio.exhibit("the sea", tmp_path / "show", photo=wrong)
        with pytest.raises(VesicaError):
            studio.exhibit("the sea", tmp_path / "show", melody=tmp_path / "photo.jpg")
        assert studio.works() == []


def test_stopping_leaves_a_studio_that_verifies_and_no_half_site(tmp_path: Path) -> None:
    def stop(step: Step) -> None:
        if step.note.startswith("title") and step.done:
            raise Cancelled

    with Studio.create(tmp_path / "studio") as studio:
        with pytest.raises(Cancelled):
            studio.exhibit("the sea", tmp_path / "show", progress=stop)
        assert studio.verify() == []
    assert [path.name for path in tmp_path.iterdir()] == ["studio"]


def test_hanging_again_what_was_never_made_says_so(tmp_path: Path) -> None:
    with Studio.create(tmp_path / "studio") as studio, pytest.raises(VesicaError, match="No exhibition is called"):
        studio.hang("nothing", tmp_path / "show")
