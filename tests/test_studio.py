"""The studio: a person leads, partners offer, and everyone's part is kept apart."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vesica.errors import Cancelled, VesicaError
from vesica.ledger.chain import Head
from vesica.studio import Studio
from vesica.work import Imported, Offered, Picked, Step


def manuscript(tmp_path: Path, words: str, name: str = "story.txt") -> Path:
    path = tmp_path / name
    path.write_text(words, "utf-8")
    return path


# Writing: the whole round without a model


def test_only_the_difference_of_an_edit_becomes_the_person_s(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    first = studio.import_file("story", manuscript(tmp_path, "The lamp was dark.\nNobody came.\n"), rights="mine")
    second = studio.edit("story", manuscript(tmp_path, "The lamp was dark.\nNobody ever came.\n"))
    assert studio.authors(second) == {first.tip: (32, 32), second.tip: (5, 5)}
    assert studio.content(second) == "The lamp was dark.\nNobody ever came.\n"


def test_undo_returns_text_and_authors_and_can_be_undone(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    first = studio.import_file("story", manuscript(tmp_path, "One."))
    second = studio.edit("story", manuscript(tmp_path, "One. Two."))
    back = studio.undo("story")
    assert (back.content, studio.authors(back)) == (first.content, studio.authors(first))
    forth = studio.undo("story", to=second.tip)
    assert (forth.content, studio.authors(forth)) == (second.content, studio.authors(second))
    studio.undo("story")
    empty = studio.undo("story")
    assert empty.content is None
    with pytest.raises(VesicaError, match="nothing to undo"):
        studio.undo("story")


def test_branches_go_their_own_ways(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    first = studio.import_file("story", manuscript(tmp_path, "One."))
    studio.edit("story", manuscript(tmp_path, "One. Two."))
    night = studio.branch("story", "night", at=first.tip)
    assert studio.content(night) == "One."
    studio.edit("story", manuscript(tmp_path, "One. Night."))
    main = studio.branch("story", "main")
    assert studio.content(main) == "One. Two."
    assert studio.content(studio.branch("story", "night")) == "One. Night."
    assert studio.verify() == []


def test_a_locked_passage_can_t_be_edited_until_it_is_released(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    studio.import_file("story", manuscript(tmp_path, "One.\nTwo.\nThree."))
    studio.lock("story", "lines 2-3")
    with pytest.raises(VesicaError, match="locked"):
        studio.edit("story", manuscript(tmp_path, "One.\nTwo!\nThree."))
    studio.edit("story", manuscript(tmp_path, "Zero.\nTwo.\nThree."))
    studio.lock("story", "Two.\nThree.", off=True)
    assert studio.content(studio.edit("story", manuscript(tmp_path, "Nothing."))) == "Nothing."


def test_a_turn_worked_out_from_an_older_state_is_refused(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    old = studio.import_file("story", manuscript(tmp_path, "One."))
    with Studio(studio.path) as second:
        second.edit("story", manuscript(tmp_path, "One. Two."))
    with pytest.raises(VesicaError, match="changed meanwhile"):
        studio._turn("story", studio.person, Picked("0" * 64, None, None), expect=studio._unchanged(old))


# Pictures: a real engine in its process


def test_a_machine_s_take_is_offered_picked_replayed_and_known_for_what_it_is(studio: Studio, photo: Path) -> None:
    studio.new("sea", title="Sea")
    brought = studio.import_file("sea", photo, rights="CC0-1.0")
    seen: list[Step] = []
    takes = studio.offer("sea", "image.dream", {"steps": "1", "octaves": 1}, seed=5, takes=2, progress=seen.append)
    assert [take.seed for take in takes] == [5, 6]
    assert seen[-1].done == seen[-1].total
    assert studio.work("sea").content == brought.content
    picked = studio.pick("sea", takes[0].turn[:8])
    assert picked.content == takes[0].content
    authors = studio.authors(picked)
    assert set(authors) == {brought.tip, takes[0].turn}
    assert authors[brought.tip][0] == 64 * 64 and authors[takes[0].turn][0] == 0
    assert [one.verdict for one in studio.replay("sea")] == ["equal", "equal"]
    assert studio.verify(head=Head.from_bytes(studio.ledger.head().to_bytes())) == []
    runtime = studio.ledger.turn(takes[0].turn).partner.runtime
    assert len(runtime["models"]["efficientnet-lite0"]) == 64 and runtime["threads"] >= 1


def test_a_locked_box_is_kept_when_a_take_is_picked(studio: Studio, photo: Path) -> None:
    studio.new("sea")
    studio.import_file("sea", photo)
    studio.lock("sea", "box 8,8,16,16")
    before = studio.content(studio.work("sea"))
    take = studio.offer("sea", "image.dream", {"steps": 1, "octaves": 1}, seed=5)[0]
    after = studio.content(studio.pick("sea"))
    assert np.array_equal(after[8:24, 8:24], before[8:24, 8:24])
    assert not np.array_equal(after, before)
    assert take.content != studio.work("sea").content


def test_a_changed_seed_in_the_record_is_a_different_replay(studio: Studio, photo: Path) -> None:
    from dataclasses import replace

    from vesica.replay import replay

    studio.new("sea")
    studio.import_file("sea", photo)
    take = studio.offer("sea", "image.dream", {"steps": 2, "octaves": 1}, seed=5)[0]
    turn = replace(studio.ledger.turn(take.turn), seed=6)
    (again,) = replay([turn], studio.assets, studio.worker)
    assert again.verdict in ("different", "close") and (again.difference or 0) > 0


def test_cancelling_ends_the_process_and_leaves_no_turn(studio: Studio, photo: Path) -> None:
    studio.new("sea")
    studio.import_file("sea", photo)
    size = studio.ledger.head().size

    def stop(step: Step) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        studio.offer("sea", "image.dream", {}, progress=stop)
    assert studio.worker._process is None
    assert studio.ledger.head().size == size
    assert studio.verify() == []


def test_redaction_takes_a_picture_out_of_every_file_and_all_else_holds(studio: Studio, photo: Path) -> None:
    studio.new("sea")
    brought = studio.import_file("sea", photo, source="a private place")
    studio.redact("sea", brought.tip[:8], reason="private")
    assert studio.verify() == []
    assert studio.work("sea").content is None
    needle = photo.read_bytes()[100:160]
    for path in studio.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert needle not in data and b"a private place" not in data, path
    act = studio.ledger.turn(brought.tip).act
    assert isinstance(act, Imported) and act.content is None
    with pytest.raises(VesicaError, match="already"):
        studio.redact("sea", brought.tip)


def test_a_copied_studio_is_whole_and_can_be_read_without_its_passphrase(
    studio: Studio, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.new("sea")
    studio.import_file("sea", photo)
    studio.close()
    shutil.copytree(studio.path, tmp_path / "copy")
    monkeypatch.setenv("VESICA_PASSPHRASE", "another")
    with Studio(tmp_path / "copy") as copy:
        assert copy.verify() == []
        assert copy.content(copy.work("sea")).shape == (64, 64, 3)
        with pytest.raises(VesicaError, match="passphrase"):
            copy.lock("sea", "all")


def test_undo_goes_back_over_a_take_picked_twice_and_over_a_new_branch(
    studio: Studio, photo: Path, tmp_path: Path
) -> None:
    studio.new("sea")
    brought = studio.import_file("sea", photo)
    studio.offer("sea", "image.dream", {"steps": 1, "octaves": 1}, seed=5)
    studio.pick("sea")
    twice = studio.pick("sea")
    Image.fromarray(255 - studio.content(twice)).save(tmp_path / "inverted.png")
    edited = studio.edit("sea", tmp_path / "inverted.png")
    assert set(studio.authors(edited)) == {brought.tip, edited.tip}
    studio.branch("sea", "night")
    assert studio.undo("sea").content == twice.content
    back = studio.undo("sea")
    assert (back.content, back.branch) == (brought.content, "night")
    assert studio.undo("sea").content is None
    assert studio.content(studio.branch("sea", "main")).shape == (64, 64, 3)
    assert studio.verify() == []


def test_undo_does_not_empty_a_work_where_what_was_before_is_redacted(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    first = studio.import_file("story", manuscript(tmp_path, "One private word."))
    last = studio.import_file("story", manuscript(tmp_path, "Another."))
    studio.redact("story", first.tip)
    with pytest.raises(VesicaError, match="redacted"):
        studio.undo("story")
    with pytest.raises(VesicaError, match="redacted"):
        studio.undo("story", to=first.tip)
    assert studio.work("story").content == last.content


def test_redaction_takes_the_map_too_where_no_other_turn_needs_it(studio: Studio, tmp_path: Path, photo: Path) -> None:
    studio.new("story")
    story = studio.import_file("story", manuscript(tmp_path, "One private word."))
    studio.new("sea")
    sea = studio.import_file("sea", photo)
    Image.new("RGB", (64, 64)).save(tmp_path / "black.png")
    studio.new("night")
    night = studio.import_file("night", tmp_path / "black.png")
    assert story.authorship and sea.authorship == night.authorship
    studio.redact("story", story.tip)
    assert not studio.assets.has(story.authorship.digest)
    studio.redact("sea", sea.tip)
    assert studio.authors(studio.work("night")) == {night.tip: (64 * 64, 64 * 64)}
    assert studio.verify() == []


def test_an_export_that_was_not_touched_is_no_edit(studio: Studio, tmp_path: Path, photo: Path) -> None:
    studio.new("story")
    studio.import_file("story", manuscript(tmp_path, "No line end behind the last line"))
    studio.export("story", tmp_path / "out.txt")
    with pytest.raises(VesicaError, match="nothing to bring back"):
        studio.edit("story", tmp_path / "out.txt")
    studio.new("sea")
    studio.import_file("sea", photo)
    studio.export("sea", tmp_path / "out.png")
    with pytest.raises(VesicaError, match="nothing to bring back"):
        studio.edit("sea", tmp_path / "out.png")


def test_a_lock_can_be_released_by_the_words_that_made_it_and_is_not_made_twice(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    studio.import_file("story", manuscript(tmp_path, "One.\nTwo.\nThree."))
    studio.lock("story", "lines 2-3")
    with pytest.raises(VesicaError, match="already"):
        studio.lock("story", "lines 2-3")
    assert studio.lock("story", "lines 2-3", off=True).locked == ()
    with pytest.raises(VesicaError, match="locked: nothing"):
        studio.lock("story", "lines 2-3", off=True)


def test_what_can_t_be_made_begins_no_work(studio: Studio, tmp_path: Path) -> None:
    for out in ("dream.png", "dream.wav", "nowhere/dream.png"):
        with pytest.raises(VesicaError):
            studio.make("image.dream", [], tmp_path / out, wishes={})
    assert studio.works() == []


def test_a_cancelled_offer_leaves_no_bytes_of_its_inputs_behind(studio: Studio, photo: Path, tmp_path: Path) -> None:
    studio.new("sea")
    studio.import_file("sea", photo)
    Image.new("L", (64, 64), 255).save(tmp_path / "mask.png")
    before = list(studio.assets.names())

    def stop(step: Step) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        studio.offer("sea", "image.dream", {}, inputs={"mask": tmp_path / "mask.png"}, progress=stop)
    assert list(studio.assets.names()) == before


def test_a_work_goes_into_an_engines_first_input_and_into_no_other(studio: Studio, photo: Path, tmp_path: Path) -> None:
    def inputs(name: str) -> list[set[str]]:
        turns = [turn for _, turn in studio.log(name)]
        return [set(turn.act.inputs or ()) for turn in turns if isinstance(turn.act, Offered)]

    quick = {"steps": 1, "octaves": 1}
    studio.new("sea")
    studio.import_file("sea", photo)
    studio.offer("sea", "image.dream", quick, seed=5)
    studio.offer("sea", "image.dream", quick, inputs={"guide": photo}, seed=5)
    assert inputs("sea") == [{"picture"}, {"picture", "guide"}]
    noise = {**quick, "start": "noise", "width": 64, "height": 64}
    work, _ = studio.make("image.dream", [], tmp_path / "led.png", wishes=noise, inputs={"guide": photo}, seed=5)
    assert inputs(work.name) == [{"guide"}]
