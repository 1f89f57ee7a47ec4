"""Content Credentials (C2PA 2.4) in files, or beside those that can't hold one. See ``verdict`` for their reading.

One credential per export, not one per turn: a chain of forty manifests weighs 356 kB, while the ledger's signed head
inside one manifest ties the file to every turn. Nothing here uses the network; no thumbnail is stored.
"""

import datetime as dt
import io

import c2pa

from vesica.errors import VesicaError
from vesica.export.certificate import Identity, ends, expired, open_key, signing
from vesica.export.facts import Action, Facts, Ingredient, ModelUse, source_of_work
from vesica.export.manifest import ingredient, manifest, settings
from vesica.export.marks.formats import in_words, marked
from vesica.export.verdict import EMBEDS, Verdict, read

__all__ = ["Action", "Facts", "Ingredient", "ModelUse", "Verdict", "can_embed", "embed", "read", "seal", "sidecar"]

BESIDE = frozenset(
    {
        "text/plain",
        "text/markdown",
        "text/html",
        "audio/midi",
        "application/vnd.recordare.musicxml+xml",
        "application/vnd.vesica.score+json",
        "application/json",
    }
)


def can_embed(media_type: str) -> bool:
    """Whether a credential fits into files of ``media_type``; others get a ``sidecar``."""
    return media_type in EMBEDS


def seal(
    data: bytes,
    media_type: str,
    facts: Facts,
    identity: Identity,
    passphrase: bytes,
    *,
    visible: bool = False,
) -> tuple[bytes, bytes | None]:
    """``data`` marked where machines took part, and its credential: inside, or beside it where it can't be inside.

    visible : say it in words too (``marks.formats.in_words``)
    """
    source = source_of_work(facts)
    if visible:
        data = in_words(data, media_type, source)
    data = marked(data, media_type, source)
    if can_embed(media_type):
        return embed(data, media_type, facts, identity, passphrase), None
    return data, sidecar(data, media_type, facts, identity, passphrase)


def embed(
    data: bytes,
    media_type: str,
    facts: Facts,
    identity: Identity,
    passphrase: bytes,
    *,
    now: dt.datetime | None = None,
) -> bytes:
    """``data`` with a credential inside.

    Raises ``VesicaError`` for a media type that holds none, data that is not of its type, facts the standard refuses,
    an expired certificate or a wrong passphrase.
    """
    if media_type not in EMBEDS:
        raise VesicaError(f"A file of type {media_type} can't hold a credential; write a sidecar beside it.")
    out = io.BytesIO()
    _sign(data, media_type, facts, identity, passphrase, now, out)
    return out.getvalue()


def sidecar(
    data: bytes,
    media_type: str,
    facts: Facts,
    identity: Identity,
    passphrase: bytes,
    *,
    now: dt.datetime | None = None,
) -> bytes:
    """The credential of ``data`` as bytes of their own, to be kept beside the file as ``<file>.c2pa``."""
    if media_type not in BESIDE:
        raise VesicaError(f"A file of type {media_type} gets no sidecar here; it holds its credential itself.")
    return _sign(data, media_type, facts, identity, passphrase, now, None)


def _sign(
    data: bytes,
    media_type: str,
    facts: Facts,
    identity: Identity,
    passphrase: bytes,
    now: dt.datetime | None,
    out: io.BytesIO | None,
) -> bytes:
    now = now or dt.datetime.now(dt.UTC)
    if expired(identity, now):
        whose = "Your" if identity.own else "The studio's"
        renew = (
            "bring a new one" if identity.own else "move the claim-*.pem files out of the studio's keys for new ones"
        )
        raise VesicaError(
            f"{whose} certificate is good until "
            f"{ends(identity):%Y-%m-%d}, not on {now:%Y-%m-%d}; check this computer's clock, or {renew}."
        )
    told = manifest(facts, media_type)
    algorithm, sign = signing(open_key(identity, passphrase))
    try:
        with (
            c2pa.Context.from_dict(settings(identity.root_pem.decode())) as context,
            c2pa.Signer.from_callback(sign, c2pa.C2paSigningAlg[algorithm], identity.chain_pem.decode()) as signer,
            c2pa.Builder(told, context=context) as builder,
        ):
            for index, part in enumerate(facts.ingredients):
                if part.data is not None:
                    builder.add_ingredient(ingredient(part, index), part.media_type, io.BytesIO(part.data))
            if out is None:
                builder.set_no_embed()
            signed: bytes = builder.sign(signer, media_type, io.BytesIO(data), out or io.BytesIO())
    except c2pa.C2paError as fault:
        said = " ".join(str(fault).split())[:200].rstrip(".")
        raise VesicaError(f"{facts.title or 'This file'} can't be signed as {media_type}: {said}.") from fault
    return signed
