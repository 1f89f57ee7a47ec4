"""The certificate with which a studio signs Content Credentials: a small authority of its own and one leaf below it.

Nobody vouches for a studio but itself. A verifier says "not trusted" until a person adds the studio's root to the ones
they trust; that the file is unchanged since it was signed shows without that. Neither certificate names a user, a
computer or a place. Extensions follow C2PA 2.4, section 14.5: both extended key usages, because verifiers in the field
want e-mail protection and the standard's own.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vesica.errors import VesicaError
from vesica.ledger.keys import write_secret

ORGANISATION = "vesica studio (self-signed)"
CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
LEAF_DAYS = 365
ROOT_DAYS = 3650
# Clocks of two computers differ: a file signed now must not seem to come from before its certificate.
SLACK = dt.timedelta(hours=1)
_CURVES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "secp256r1": ("ES256", hashes.SHA256()),
    "secp384r1": ("ES384", hashes.SHA384()),
    "secp521r1": ("ES512", hashes.SHA512()),
}
CHAIN, ROOT, KEY = "claim-chain.pem", "claim-root.pem", "claim-key.pem"


@dataclass(frozen=True, slots=True)
class Identity:
    """What credentials are signed with. All three are PEM; ``chain_pem`` is leaf first.

    own : whether a person brought it; else it is the studio's, whose ``key_pem`` is always encrypted
    """

    chain_pem: bytes
    root_pem: bytes
    key_pem: bytes = field(repr=False)
    own: bool = False


def issue(passphrase: bytes, now: dt.datetime) -> Identity:
    """Make a root, a leaf of one year from ``now`` (with time zone), and the leaf's key under ``passphrase``.

    The root's own key is forgotten: a renewed leaf comes with a root of its own, and no key that could sign for others
    lies on the disk.
    """
    if not passphrase:
        raise VesicaError("A signing key needs a passphrase; set VESICA_PASSPHRASE to one.")
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, leaf_name = _name("vesica studio root"), _name("vesica studio")
    root = (
        _certificate(root_name, root_name, root_key.public_key(), root_key.public_key(), now, ROOT_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _certificate(leaf_name, root_name, leaf_key.public_key(), root_key.public_key(), now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, CLAIM_SIGNING]),
            critical=False,
        )
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return Identity(
        chain_pem=leaf.public_bytes(pem) + root.public_bytes(pem),
        root_pem=root.public_bytes(pem),
        key_pem=leaf_key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase),
        ),
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    issuer_public: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _leaf(identity: Identity) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(identity.chain_pem)
    except ValueError as fault:
        raise VesicaError("The studio's certificate is broken; restore the folder keys from a copy.") from fault


def ends(identity: Identity) -> dt.datetime:
    """When the leaf ends, UTC."""
    return _leaf(identity).not_valid_after_utc


def expired(identity: Identity, now: dt.datetime) -> bool:
    """Whether the leaf can no longer, or not yet, sign at ``now`` (with time zone)."""
    leaf = _leaf(identity)
    return not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc


def encrypted(key_pem: bytes) -> bool:
    """Whether a key needs a passphrase to open."""
    return b"ENCRYPTED" in key_pem


def open_key(identity: Identity, passphrase: bytes) -> PrivateKeyTypes:
    """The leaf's key. Raises ``VesicaError`` for a wrong passphrase or a broken file."""
    try:
        return serialization.load_pem_private_key(identity.key_pem, passphrase if encrypted(identity.key_pem) else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        variable = "VESICA_KEY_PASSPHRASE" if identity.own else "VESICA_PASSPHRASE"
        raise VesicaError(
            f"The key for credentials does not open with this passphrase; set {variable} to the one it was made with."
        ) from fault


def signing(key: PrivateKeyTypes) -> tuple[str, Callable[[bytes], bytes]]:
    """The name of the algorithm that C2PA 2.4 (13.2) has for a key, and what signs with it.

    Raises ``VesicaError`` for keys it has none for.
    """
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        name, digest = _CURVES[key.curve.name]
        return name, lambda message: key.sign(message, ec.ECDSA(digest))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ED25519", key.sign
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
        return "PS256", lambda message: key.sign(message, pss, hashes.SHA256())
    raise VesicaError(
        "C2PA does not sign with a key of this kind; use P-256, P-384, P-521, Ed25519 or RSA of 2048 bits."
    )


def roots(data: bytes, name: str) -> bytes:
    """The certificates in a file of those that a reader trusts, as PEM. Raises ``VesicaError`` where there are none."""
    try:
        found = x509.load_pem_x509_certificates(data)
    except ValueError as fault:
        raise VesicaError(f"{name} holds no certificate in PEM; give the root of a signer whom you trust.") from fault
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in found)


def save(identity: Identity, folder: Path) -> None:
    """Keep the three files in ``folder``, readable by their owner alone."""
    for name, data in ((KEY, identity.key_pem), (ROOT, identity.root_pem), (CHAIN, identity.chain_pem)):
        write_secret(folder / name, data)


def load(folder: Path) -> Identity | None:
    """What ``save`` kept in ``folder``; None where there is nothing. Raises ``VesicaError`` where a part is missing."""
    paths = [folder / name for name in (CHAIN, ROOT, KEY)]
    there = [path for path in paths if path.is_file()]
    if not there:
        return None
    if missing := [path.name for path in paths if path not in there]:
        raise VesicaError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing from {folder.name}; "
            f"restore the folder from a copy, or remove the other {' and '.join(p.name for p in there)} to start anew."
        )
    chain_pem, root_pem, key_pem = (path.read_bytes() for path in paths)
    return Identity(chain_pem, root_pem, key_pem)
