"""Someone with only a file learns what is known of it, and no more."""

import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import c2pa
import encypher_c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from test_export_credential import BESIDE, DREAM, FILES, HEAD, NOW, PASSPHRASE
from vesica.errors import VesicaError
from vesica.export.certificate import Identity, issue
from vesica.export.check import FAULTS, SOURCES, check, type_of
from vesica.export.credential import Action, Facts, embed, read, seal, sidecar
from vesica.export.facts import IPTC, SOURCE_TYPES
from vesica.export.manifest import settings
from vesica.export.own_certificate import own_identity, shown
from vesica.studio import Studio

Run = Callable[..., tuple[int, str, str]]
NAMES = {
    "text/plain": "a.txt",
    "text/markdown": "a.md",
    "text/html": "a.html",
    "audio/midi": "a.mid",
    "application/vnd.recordare.musicxml+xml": "a.musicxml",
    "application/json": "a.json",
}
MADE = Facts(
    "Sea", (Action("created", "machine", "image.dream", "1", DREAM.actions[1].models),), (), HEAD, {"machine": 9}
)


@pytest.fixture(scope="module")
def identity() -> Identity:
    return issue(PASSPHRASE, NOW)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A computer without studio, key or passphrase."""
    monkeypatch.delenv("VESICA_PASSPHRASE")
    monkeypatch.setenv("VESICA_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("VESICA_STUDIO", str(tmp_path / "none"))
    return tmp_path


@pytest.mark.parametrize("media_type", [*FILES, *BESIDE])
def test_every_format_is_known_by_its_bytes_and_holds(media_type: str, identity: Identity) -> None:
    data, beside = seal({**FILES, **BESIDE}[media_type], media_type, MADE, identity, PASSPHRASE)
    name = NAMES.get(media_type, "without-an-ending")
    assert type_of(data, name) == media_type
    report = check(data, name, beside, roots=[identity.root_pem])
    assert report.holds and report.verdict.state == "trusted"
    assert report.where == ("inside" if beside is None else "beside")
    assert "Created by image.dream 1: made by a trained model (AI)." in report.claimed
    assert second_opinion(data, media_type, beside, identity) in ("Trusted", None)


def second_opinion(data: bytes, media_type: str, beside: bytes | None, identity: Identity) -> str | None:
    """The state that a second implementation finds; None where it has no reading of such files."""
    if media_type in ("text/plain", "application/json"):
        return None  # it binds these by rules of its own (annexes A.8 and A.9)
    if beside is not None and not media_type.startswith("text/"):
        media_type = "application/xml"  # it knows no notation; a file beside a credential is bytes to it
    try:
        told = encypher_c2pa.verify(
            *(data, media_type),
            manifest_store=beside,
            trust_pem=identity.root_pem.decode(),
            no_default_trust=True,
            telemetry=False,
        )
    except ValueError:
        return "Invalid"  # it can't read what is left of the format
    return str(told["validation_state"]) if told else "Invalid"


def content(data: bytes, media_type: str) -> list[int]:
    """The places of a signed file's content: all that the credential's own digest covers."""
    with c2pa.Reader(media_type, io.BytesIO(data)) as reader:
        store = json.loads(reader.detailed_json())
    bound = store["manifests"][store["active_manifest"]]["assertion_store"]["c2pa.hash.data"]
    skipped = {place for one in bound["exclusions"] for place in range(one["start"], one["start"] + one["length"])}
    return [place for place in range(len(data)) if place not in skipped]


@pytest.mark.slow
def test_one_bit_flipped_at_200_places_of_the_content_is_found_by_two_verifiers(identity: Identity) -> None:
    random, missed, tried = Random(4), [], 0
    kinds = [*FILES, *BESIDE]
    sealed = {kind: seal({**FILES, **BESIDE}[kind], kind, MADE, identity, PASSPHRASE) for kind in kinds}
    for turn in range(210):
        kind = kinds[turn % len(kinds)]
        data, beside = sealed[kind]
        place = random.choice(content(data, kind)) if beside is None else random.randrange(len(data))
        changed = bytearray(data)
        changed[place] ^= 1 << random.randrange(8)
        tried += 1
        first = read(bytes(changed), kind, beside, roots=[identity.root_pem]).state
        second = second_opinion(bytes(changed), kind, beside, identity)
        if first not in ("invalid", "none") or second in ("Trusted", "Valid"):
            missed.append((kind, place, first, second))
    assert tried >= 200
    assert missed == []


def other_program(data: bytes, identity: Identity, told: dict[str, object], *parents: bytes, remote: str = "") -> bytes:
    """A PNG as another program would sign it; with ``remote``, it only says where its credential lies."""
    key = serialization.load_pem_private_key(identity.key_pem, PASSPHRASE)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    out = io.BytesIO()
    with (
        c2pa.Context.from_dict({**settings(), "builder": {"thumbnail": {"enabled": False}}}) as context,
        c2pa.Signer.from_callback(
            lambda message: key.sign(message, ec.ECDSA(hashes.SHA256())),
            *(c2pa.C2paSigningAlg.ES256, identity.chain_pem.decode()),
        ) as signer,
        c2pa.Builder(told, context=context) as builder,
    ):
        for parent in parents:
            builder.add_ingredient(
                {"title": "before.png", "relationship": "parentOf", "label": "before"}, "image/png", io.BytesIO(parent)
            )
        if remote:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        builder.sign(signer, "image/png", io.BytesIO(data), out)
    return out.getvalue()


CAMERA = {
    "claim_generator_info": [{"name": "A Camera", "version": "9"}],
    "title": "Capture",
    "assertions": [
        {
            "label": "c2pa.actions.v2",
            "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": IPTC + "digitalCapture"}]},
        }
    ],
}
EDITOR = {
    "claim_generator_info": [{"name": "An Editor"}],
    "assertions": [
        {
            "label": "c2pa.actions.v2",
            "data": {"actions": [{"action": "c2pa.opened", "parameters": {"ingredientIds": ["before"]}}]},
        }
    ],
}


def test_a_chain_of_other_programs_is_told_to_its_end(identity: Identity) -> None:
    first = other_program(FILES["image/png"], identity, CAMERA)
    report = check(first, "a.png")
    assert report.holds and "With the program A Camera 9." in report.signed
    assert "Created: captured by a camera or microphone." in report.claimed
    second = other_program(first, identity, EDITOR, first)
    third = other_program(second, identity, EDITOR, second)
    report = check(third, "a.png")
    assert [(link.depth, link.title, link.relationship) for link in report.verdict.chain] == [
        (1, "before.png", "parentOf"),
        (2, "before.png", "parentOf"),
    ]
    assert all(link.signer == "vesica studio (self-signed)" for link in report.verdict.chain)


def test_a_broken_ingredient_is_told(identity: Identity) -> None:
    first = bytearray(other_program(FILES["image/png"], identity, CAMERA))
    first[-40] ^= 4  # in its pixels
    report = check(other_program(FILES["image/png"], identity, EDITOR, bytes(first)), "a.png")
    assert any(sentence.startswith("Ingredient “before.png”: ") for sentence in report.changed)


def test_a_credential_on_the_network_is_not_fetched(identity: Identity) -> None:
    report = check(other_program(FILES["image/png"], identity, CAMERA, remote="https://example.org/a.c2pa"), "a.png")
    assert (report.verdict.state, report.where, report.holds) == ("none", "nowhere", False)
    assert "vesica fetches nothing" in report.verdict.sentence and "fetch it yourself" in report.unknown[0]


def test_files_of_authors_are_checked_where_they_are(run: Run, photo: Path, tmp_path: Path) -> None:
    run("new", "sea")
    run("import", "sea", photo)
    assert run("export", "sea", "--out", "sea.png", "--authors")[0] == 0
    assert run("check", "sea.png")[0] == 0
    legend = tmp_path / "sea.png.authors.json"
    kept = legend.read_bytes()
    legend.write_bytes(kept + b" ")
    code, out, _ = run("check", "sea.png")
    assert code == 1 and "sea.png.authors.json, which tells who made what, was changed" in out
    legend.unlink()
    code, out, _ = run("check", "sea.png")
    assert code == 0 and "sea.png.authors.json, which tells who made what, is missing." in out


def test_a_genuine_head_is_checked_and_a_forged_one_told(identity: Identity, studio: Studio) -> None:
    studio.new("sea")
    for told, holds in ((json.loads(studio.ledger.head().to_bytes()), True), (HEAD, False)):
        facts = Facts("Sea", MADE.actions, (), told, {})
        report = check(embed(FILES["image/png"], "image/png", facts, identity, PASSPHRASE), "a.png")
        assert (
            any("ledger's head" in one and "signed by the studio's own key" in one for one in report.checked) == holds
        )
        assert any("ledger's head" in one for one in report.changed) != holds


def test_the_command_needs_no_studio_and_no_key(run: Run, silent: Path, identity: Identity) -> None:
    data, beside = seal(BESIDE["audio/midi"], "audio/midi", MADE, identity, PASSPHRASE)
    assert beside
    (silent / "a.mid").write_bytes(data)
    (silent / "root.pem").write_bytes(identity.root_pem)
    (silent / "stranger.pem").write_bytes(issue(PASSPHRASE, NOW).root_pem)
    code, out, err = run("check", "a.mid")
    assert (code, err) == (1, "") and "carries no credential" in out and "Unsigned, the file says of itself" in out
    (silent / "kept.c2pa").write_bytes(beside)
    assert run("check", "a.mid", "--credential", "kept.c2pa")[0] == 0
    (silent / "a.mid.c2pa").write_bytes(beside)
    code, out, _ = run("check", "a.mid")
    assert code == 0 and "for whom nobody vouches" in out and "Can't be known" in out
    assert "whom you trust" in run("check", "a.mid", "--trust", "root.pem")[1]
    code, out, _ = run("check", "a.mid", "--trust", "stranger.pem")
    assert code == 1 and "does not lead to the root that you gave" in out
    told = json.loads(run("check", "a.mid", "--json")[1])
    assert (told["holds"], told["state"], told["credential"]) == (True, "valid", "beside")
    (silent / "a.mid").write_bytes(data.replace(b"IPTC", b"") + b"\0")
    code, out, _ = run("check", "a.mid")
    assert code == 1 and FAULTS["assertion.dataHash.mismatch"] in out
    assert not (silent / "none").exists()


@pytest.mark.parametrize(
    ("files", "words", "said"),
    [
        ({}, ["a.png"], "There is no file"),
        ({"a.png": b""}, ["a.png"], "is empty"),
        ({"a.png": b"x", "b": b"not one"}, ["a.png", "--credential", "b"], "not a C2PA credential"),
        ({"a.png": b"x", "r": b"not one"}, ["a.png", "--trust", "r"], "holds no certificate"),
    ],
)
def test_what_can_not_be_read_is_one_sentence(
    run: Run, silent: Path, files: dict[str, bytes], words: list[str], said: str
) -> None:
    for name, data in files.items():
        (silent / name).write_bytes(data)
    code, out, err = run("check", *words)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1


def test_a_credential_that_was_named_is_looked_at_whatever_lies_inside(
    run: Run, silent: Path, identity: Identity
) -> None:
    (silent / "a.png").write_bytes(embed(FILES["image/png"], "image/png", MADE, identity, PASSPHRASE))
    (silent / "b.mid.c2pa").write_bytes(sidecar(BESIDE["audio/midi"], "audio/midi", MADE, identity, PASSPHRASE))
    assert run("check", "a.png")[0] == 0
    code, out, _ = run("check", "a.png", "--credential", "b.mid.c2pa")
    assert code == 1 and FAULTS["assertion.dataHash.mismatch"] in out
    assert "assertion." not in out, "a person reads sentences, no codes"


def test_a_terminal_is_safe_from_what_a_file_claims(run: Run, silent: Path, identity: Identity) -> None:
    facts = Facts("Sea\x1b]0;owned\x07\nSigned\n  By you", MADE.actions)
    (silent / "a.png").write_bytes(embed(FILES["image/png"], "image/png", facts, identity, PASSPHRASE))
    out = run("check", "a.png")[1]
    assert "\x1b" not in out and "\x07" not in out and "\n  By you" not in out


def test_every_source_type_has_words_or_its_name() -> None:
    assert {IPTC + name for name in SOURCES} - SOURCE_TYPES <= {IPTC + "minorHumanEdits", IPTC + "digitalArt"}


# A certificate of one's own


def authority(key: object, purposes: list[x509.ObjectIdentifier], *, days: int = 30) -> tuple[bytes, bytes]:
    """A chain for ``key`` under an authority that is not ours, and the authority's root."""
    root = ec.generate_private_key(ec.SECP384R1())
    names = [x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, one)]) for one in ("Sea Trust", "Ada Lovelace")]
    made = []
    for subject, public, ca in ((names[0], root.public_key(), True), (names[1], key.public_key(), False)):  # type: ignore[attr-defined]
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(names[0])
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - dt.timedelta(days=60))
            .not_valid_after(NOW + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
            .add_extension(x509.KeyUsage(not ca, *[False] * 4, ca, ca, False, False), critical=True)
        )
        if not ca and purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        made.append(builder.sign(root, hashes.SHA384()).public_bytes(serialization.Encoding.PEM))
    return made[1] + made[0], made[0]


def pem(key: object, passphrase: bytes = b"") -> bytes:
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)  # type: ignore[attr-defined, no-any-return]


KEYS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
}

MAIL = [ExtendedKeyUsageOID.EMAIL_PROTECTION]


@pytest.mark.parametrize("kind", KEYS)
def test_a_persons_own_certificate_signs_and_is_trusted_under_its_authority(kind: str) -> None:
    key = KEYS[kind]()
    chain, root = authority(key, MAIL)
    own = own_identity(chain, pem(key, b"hush"), b"hush")
    signed = embed(FILES["image/png"], "image/png", MADE, own, b"hush")
    report = check(signed, "a.png", roots=[root])
    assert report.verdict.state == "trusted"
    assert (report.verdict.signature.signer, report.verdict.signature.issuer) == ("Ada Lovelace", "Sea Trust")
    assert "by “Sea Trust”" in shown(own) and "don't know" in shown(own)
    second = encypher_c2pa.verify(
        *(signed, "image/png"), trust_pem=root.decode(), no_default_trust=True, telemetry=False
    )
    assert second["validation_state"] == "Trusted"


def test_a_certificate_that_can_not_sign_says_why() -> None:
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain, root = authority(key, MAIL)
    one, _ = authority(key, [])
    weak = ec.generate_private_key(ec.SECP256K1())
    for chain_pem, key_pem, phrase, said in (
        (b"nothing", pem(key), b"", "not a chain"),
        (chain, pem(other), b"", "not the one"),
        (chain, pem(key, b"hush"), b"loud", "VESICA_KEY_PASSPHRASE"),
        (chain, b"nothing", b"", "does not open"),
        (one, pem(key), b"", "not meant for signing"),
        (root + chain, pem(key), b"", "not the one"),
        (chain.replace(root, authority(key, MAIL)[1]), pem(key), b"", "did not issue"),
        (authority(weak, MAIL)[0], pem(weak), b"", "does not sign with a key"),
    ):
        with pytest.raises(VesicaError, match=said) as fault:
            own_identity(chain_pem, key_pem, phrase)
        assert "hush" not in str(fault.value) and "PRIVATE" not in str(fault.value)
    over = own_identity(authority(key, MAIL, days=-1)[0], pem(key))
    with pytest.raises(VesicaError, match="Your certificate is good until"):
        embed(FILES["image/png"], "image/png", MADE, over, b"")


def test_the_command_signs_with_it_and_asks_for_no_passphrase_in_its_words(
    run: Run, tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    chain, root = authority(key, MAIL)
    for name, data in (("chain.pem", chain), ("key.pem", pem(key, b"hush")), ("root.pem", root)):
        (tmp_path / name).write_bytes(data)
    run("new", "sea")
    run("import", "sea", photo)
    export = ("export", "sea", "--out", "sea.png", "--certificate", "chain.pem")
    assert "belong together" in run(*export)[2]
    code, _, err = run(*export, "--key", "key.pem")
    assert code == 2 and "set VESICA_KEY_PASSPHRASE" in err
    monkeypatch.setenv("VESICA_KEY_PASSPHRASE", "hush")
    code, _, err = run(*export, "--key", "key.pem")
    assert code == 0 and "Ada Lovelace" in err and "hush" not in err
    assert run("check", "sea.png", "--trust", "root.pem")[0] == 0
    assert b"hush" not in (tmp_path / "sea.png").read_bytes()
