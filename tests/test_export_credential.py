"""What leaves the studio says how it was made, and shows when it was changed."""

import datetime as dt
import getpass
import hashlib
import io
import re
import socket
import stat
from dataclasses import replace
from pathlib import Path

import c2pa
import encypher_c2pa
import numpy as np
import pytest
import soundfile
import typst
from cryptography import x509
from PIL import Image

from vesica.errors import VesicaError
from vesica.export.certificate import Identity, expired, issue, load, save
from vesica.export.credential import Action, Facts, Ingredient, ModelUse, can_embed, embed, read, sidecar
from vesica.export.facts import IPTC, SOURCE_TYPES, source_of, source_of_work
from vesica.export.marks.formats import marked

NOW = dt.datetime.now(dt.UTC)
PASSPHRASE = b"a long walk by the sea"
EYES = ModelUse("efficientnet-lite0", "57" * 32, "Apache-2.0")
HEAD = {"schema": "head/1", "size": 12, "link": "ab" * 32, "public": "cHVibGlj", "signature": "c2lnbmVk"}

PICTURE = Image.fromarray(np.random.default_rng(3).integers(0, 255, (48, 64, 3), dtype=np.uint8))


def picture(kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    PICTURE.save(out, kind, **how)
    return out.getvalue()


def sound(kind: str) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.sin(np.arange(8820) / 20).astype("f4") / 2, 44100, format=kind)
    return out.getvalue()


FILES = {
    "image/png": picture("PNG"),
    "image/jpeg": picture("JPEG"),
    "image/webp": picture("WEBP", lossless=True),
    "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0L9 9"/></svg>',
    "audio/wav": sound("WAV"),
    "audio/mpeg": sound("MP3"),
    "audio/flac": sound("FLAC"),
    "application/pdf": typst.compile(b"Here two circles meet."),
}
BESIDE = {
    "text/plain": b"Here two circles meet.\n",
    "text/markdown": b"# Vesica\n\nHere two circles meet.\n",
    "text/html": b"<!doctype html><title>Vesica</title><p>Here two circles meet.",
    "audio/midi": b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0",
    "application/vnd.recordare.musicxml+xml": b'<?xml version="1.0"?><score-partwise version="4.0"/>',
    "application/json": b'{"size": 12}',
}
# The second verifier reads neither MIDI nor MusicXML, and binds plain text and JSON by rules of its own (annex A.8).
SECOND_READS_BESIDE = ("text/markdown", "text/html")

PHOTO = Ingredient(
    "harbour.png", "image/png", hashlib.sha256(FILES["image/png"]).hexdigest(), FILES["image/png"], "parentOf", "CC0"
)
OPENED = Action("opened", "human", when="2026-11-23T19:00:00Z", turn="0a" * 32)
DREAMT = Action(
    "edited",
    "machine",
    "image.dream",
    "1",
    (EYES,),
    {"steps": 20, "rate": 0.02},
    7,
    "2026-11-23T19:02:00Z",
    "0b" * 32,
    "DeepDream",
)
DREAM = Facts("Harbour, dreaming", (OPENED, DREAMT), (PHOTO,), HEAD, {"human": 1024, "machine": 2048})


@pytest.fixture(scope="module")
def identity() -> Identity:
    return issue(PASSPHRASE, NOW)


@pytest.mark.parametrize("media_type", FILES)
def test_an_embedded_credential_holds_for_two_verifiers(media_type: str, identity: Identity) -> None:
    signed = embed(FILES[media_type], media_type, DREAM, identity, PASSPHRASE)
    assert can_embed(media_type)
    assert read(signed, media_type, roots=[identity.root_pem]).state == "trusted"
    second = encypher_c2pa.verify(
        signed, media_type, trust_pem=identity.root_pem.decode(), no_default_trust=True, telemetry=False
    )
    assert second["validation_state"] == "Trusted"


@pytest.mark.parametrize("media_type", BESIDE)
def test_a_sidecar_holds_and_a_changed_file_shows(media_type: str, identity: Identity) -> None:
    data = BESIDE[media_type]
    beside = sidecar(data, media_type, DREAM, identity, PASSPHRASE)
    assert not can_embed(media_type)
    assert read(data, media_type, beside, roots=[identity.root_pem]).state == "trusted"
    assert read(data, media_type).state == "none"
    if media_type in SECOND_READS_BESIDE:
        second = encypher_c2pa.verify(
            data,
            media_type,
            manifest_store=beside,
            trust_pem=identity.root_pem.decode(),
            no_default_trust=True,
            telemetry=False,
        )
        assert second["validation_state"] == "Trusted"
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        verdict = read(changed, media_type, beside, roots=[identity.root_pem])
        assert verdict.state == "invalid"
        assert verdict.faults == ("assertion.dataHash.mismatch",)


@pytest.mark.parametrize("media_type", FILES)
def test_a_flipped_byte_of_the_content_is_found(media_type: str, identity: Identity) -> None:
    signed = embed(FILES[media_type], media_type, DREAM, identity, PASSPHRASE)
    content = FILES[media_type]
    # The tail of the original stands unchanged in the signed file: flip there, away from the manifest itself.
    tail = content[-24:-12]
    start = signed.rindex(tail)
    for at in range(start, start + len(tail)):
        changed = signed[:at] + bytes([signed[at] ^ 0x10]) + signed[at + 1 :]
        verdict = read(changed, media_type, roots=[identity.root_pem])
        assert verdict.state == "invalid", at
        assert verdict.faults
        assert "does not match" in verdict.sentence


def test_what_was_said_comes_back(identity: Identity) -> None:
    verdict = read(embed(FILES["image/png"], "image/png", DREAM, identity, PASSPHRASE), "image/png")
    opened, dreamt = verdict.actions
    assert (opened["action"], dreamt["action"]) == ("c2pa.opened", "c2pa.edited")
    assert "digitalSourceType" not in opened
    assert dreamt["digitalSourceType"] == IPTC + "compositeWithTrainedAlgorithmicMedia"
    models = [{"name": "efficientnet-lite0", "digest": f"sha256:{EYES.digest}"}]
    assert dreamt["softwareAgent"] == {"name": "image.dream", "version": "1", "org.vesica.models": models}
    assert dreamt["parameters"]["org.vesica.params"] == {"steps": 20, "rate": 0.02}
    assert dreamt["parameters"]["org.vesica.seed"] == 7
    assert dreamt["parameters"]["org.vesica.turn"] == "0b" * 32
    assert verdict.head == HEAD
    assert verdict.authorship == {"human": 1024, "machine": 2048}
    assert [model["modelName"] for model in verdict.models] == ["efficientnet-lite0"]
    assert verdict.models[0]["modelIdentifier"] == "sha256:" + EYES.digest
    assert [part["relationship"] for part in verdict.ingredients] == ["parentOf"]
    assert verdict.title == "Harbour, dreaming"
    assert verdict.signer == "vesica studio (self-signed)"


def test_an_unknown_signer_is_valid_and_not_trusted(identity: Identity) -> None:
    signed = embed(FILES["image/png"], "image/png", DREAM, identity, PASSPHRASE)
    stranger = issue(PASSPHRASE, NOW)
    assert read(signed, "image/png").state == "valid"
    assert read(signed, "image/png", roots=[stranger.root_pem]).state == "valid"
    assert read(signed, "image/png", roots=[stranger.root_pem, identity.root_pem]).state == "trusted"


def test_an_ingredient_whose_bytes_stay_at_home_is_named_by_its_digest(identity: Identity) -> None:
    facts = replace(DREAM, ingredients=(replace(PHOTO, data=None),))
    signed = embed(FILES["image/jpeg"], "image/jpeg", facts, identity, PASSPHRASE)
    verdict = read(signed, "image/jpeg", roots=[identity.root_pem])
    assert verdict.state == "trusted"
    assert verdict.ingredients[0]["instance_id"] == f"sha256:{PHOTO.digest}"


def test_a_credential_inside_an_ingredient_travels_along(identity: Identity) -> None:
    first = embed(FILES["image/png"], "image/png", Facts("Sketch", (Action("created", "human"),)), identity, PASSPHRASE)
    photo = replace(PHOTO, data=first, digest=hashlib.sha256(first).hexdigest())
    signed = embed(first, "image/png", replace(DREAM, ingredients=(photo,)), identity, PASSPHRASE)
    verdict = read(signed, "image/png", roots=[identity.root_pem])
    assert verdict.state == "trusted"
    assert verdict.ingredients[0]["active_manifest"]


def test_nothing_tells_who_or_where_we_are(identity: Identity, tmp_path: Path) -> None:
    places = (str(Path.home()) + "/", str(Path.cwd()), str(tmp_path), "site-packages")
    names = re.compile(rf"\b({re.escape(socket.gethostname())}|{re.escape(getpass.getuser())})\b", re.IGNORECASE)
    for media_type, data in FILES.items():
        signed = embed(data, media_type, DREAM, identity, PASSPHRASE)
        assert not [place for place in places if place.encode() in signed]
        with c2pa.Reader(media_type, io.BytesIO(signed)) as reader:
            told = reader.detailed_json()
        assert "org.vesica.ledger" in told
        assert not names.search(re.sub(r"vesica studio root", "", told))
    certificate = x509.load_pem_x509_certificate(identity.chain_pem)
    assert certificate.subject.rfc4514_string() == "CN=vesica studio,O=vesica studio (self-signed)"
    assert certificate.issuer.rfc4514_string() == "CN=vesica studio root,O=vesica studio (self-signed)"


def test_an_expired_certificate_does_not_sign(identity: Identity) -> None:
    later = NOW + dt.timedelta(days=366)
    assert expired(identity, later)
    assert not expired(identity, NOW)
    with pytest.raises(VesicaError, match="certificate is good until"):
        embed(FILES["image/png"], "image/png", DREAM, identity, PASSPHRASE, now=later)


def test_a_wrong_passphrase_gives_one_sentence(identity: Identity) -> None:
    with pytest.raises(VesicaError, match="does not open with this passphrase"):
        embed(FILES["image/png"], "image/png", DREAM, identity, b"another")
    with pytest.raises(VesicaError, match="needs a passphrase"):
        issue(b"", NOW)


@pytest.mark.parametrize("media_type", FILES)
def test_data_of_another_type_gives_one_sentence(media_type: str, identity: Identity) -> None:
    for broken in (b"", b"\0", b"not at all this", FILES[media_type][:7]):
        try:
            signed = embed(broken, media_type, DREAM, identity, PASSPHRASE)
        except VesicaError as fault:
            assert "\n" not in str(fault)
        else:  # some readers are lenient; then at least the credential must hold
            assert read(signed, media_type).state == "valid"
    assert read(b"not at all this", media_type).state in ("none", "invalid")


def test_an_unknown_type_is_refused(identity: Identity) -> None:
    with pytest.raises(VesicaError, match="sidecar"):
        embed(b"x", "text/plain", DREAM, identity, PASSPHRASE)
    with pytest.raises(VesicaError, match="no sidecar"):
        sidecar(FILES["image/png"], "image/png", DREAM, identity, PASSPHRASE)


def test_an_identity_is_kept_for_its_owner_alone(identity: Identity, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    assert load(keys) is None
    save(identity, keys)
    assert load(keys) == identity
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == {0o600}
    assert b"ENCRYPTED" in identity.key_pem
    (keys / "claim-root.pem").unlink()
    with pytest.raises(VesicaError, match=r"claim-root\.pem is missing"):
        load(keys)


@pytest.mark.parametrize(
    ("facts", "source"),
    [
        (Facts("", (Action("created", "machine", models=(EYES,)),)), "trainedAlgorithmicMedia"),
        (Facts("", (Action("created", "machine"),)), "algorithmicMedia"),
        (Facts("", (Action("created", "human"),)), "digitalCreation"),
        (
            Facts("", (Action("created", "machine", models=(EYES,)), Action("edited", "human"))),
            "compositeWithTrainedAlgorithmicMedia",
        ),
        (
            Facts(
                "",
                (Action("created", "machine", models=(EYES,)), Action("edited", "human")),
                authorship={"human": 0, "machine": 9},
            ),
            "trainedAlgorithmicMedia",
        ),
        (Facts("", (Action("created", "machine"), Action("edited", "human"))), "composite"),
        (DREAM, "compositeWithTrainedAlgorithmicMedia"),
        (Facts("", (OPENED, Action("edited", "human")), (PHOTO,)), "humanEdits"),
    ],
)
def test_the_source_type_follows_from_who_made_what(facts: Facts, source: str) -> None:
    assert source_of_work(facts) == IPTC + source
    assert source_of_work(facts) in SOURCE_TYPES
    assert all(source_of(action) in SOURCE_TYPES for action in facts.actions)


def test_what_the_standard_refuses_we_refuse_first(identity: Identity) -> None:
    for actions, ingredients in (
        ((), ()),
        ((DREAMT,), ()),
        ((OPENED,), ()),
        ((OPENED, OPENED), (PHOTO,)),
        ((OPENED,), (PHOTO, PHOTO)),
        ((replace(DREAMT, kind="invented"),), ()),
    ):
        with pytest.raises(VesicaError):
            embed(FILES["image/png"], "image/png", Facts("", actions, ingredients), identity, PASSPHRASE)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
@pytest.mark.parametrize("how", [{}, {"lossless": True}, {"exif": Image.Exif()}])
def test_pictures_also_say_it_in_xmp_and_keep_their_pixels(media_type: str, how: dict[str, object]) -> None:
    data = picture(media_type.removeprefix("image/").upper(), **how)
    source = IPTC + "trainedAlgorithmicMedia"
    after_mark = marked(data, media_type, source)
    assert source.encode() in after_mark
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(after_mark)) as after:
        assert before.size == after.size
        assert before.tobytes() == after.tobytes()
        assert source.encode() in after.info["xmp"]
    assert marked(after_mark, media_type, source) == after_mark
