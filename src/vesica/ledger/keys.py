"""The studio's signing key: Ed25519, kept as an encrypted PEM inside the studio.

The passphrase never lies in the studio. It comes from the environment (``VESICA_PASSPHRASE``), from the keyring of the
operating system, or else from a random one in the person's own configuration folder (mode 0600), so that a copied
studio alone can be read and verified but not signed for.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vesica.errors import VesicaError
from vesica.ledger.assets import write_durably

_SERVICE = "vesica"


def fingerprint(public: bytes) -> str:
    """SHA-256 of the 32 raw bytes of a public key, as 64 hex digits."""
    return hashlib.sha256(public).hexdigest()


def signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether ``signature`` over ``message`` was made with the key whose 32 public bytes are ``public``."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Key:
    """The private half, opened."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self.fingerprint = fingerprint(self.public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes over ``message``."""
        return self._private.sign(message)


def make(path: Path, passphrase: bytes) -> Key:
    """Make a key and keep it at ``path``, encrypted, readable by its owner alone."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    write_secret(path, pem)
    return Key(private)


def open_key(path: Path, passphrase: bytes) -> Key:
    """Open the key at ``path``. Raises ``VesicaError`` when it is missing, broken or has another passphrase."""
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), passphrase)
    except FileNotFoundError:
        raise VesicaError(
            f"The studio's signing key {path.name} is missing; restore the folder {path.parent.name} from a copy."
        ) from None
    except (ValueError, TypeError) as fault:
        raise VesicaError(
            "The studio's signing key does not open with the passphrase of this computer; "
            "set VESICA_PASSPHRASE to the one it was made with."
        ) from fault
    if not isinstance(private, Ed25519PrivateKey):
        raise VesicaError(f"{path.name} is not an Ed25519 key; restore it from a copy.")
    return Key(private)


def write_secret(path: Path, data: bytes) -> None:
    """Write ``data`` durably, with mode 0600 from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _private_umask():
        write_durably(path, iter((data,)))


@contextlib.contextmanager
def _private_umask() -> Iterator[None]:
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def passphrase(config: Path) -> bytes:
    """This computer's passphrase: from the environment, ``config``/passphrase or the keyring; made if there is none."""
    if said := os.environ.get("VESICA_PASSPHRASE"):
        return said.encode()
    path = config / "passphrase"
    if path.is_file():
        return path.read_bytes().strip()
    if from_keyring := _keyring_passphrase():
        return from_keyring
    made = secrets.token_urlsafe(32).encode()
    write_secret(path, made + b"\n")
    return made


def _keyring_passphrase() -> bytes | None:
    """The passphrase in the keyring, made there when the keyring works; None where there is no usable keyring."""
    import keyring
    from keyring.backends import fail
    from keyring.errors import KeyringError

    try:
        if isinstance(keyring.get_keyring(), fail.Keyring):
            return None
        if found := keyring.get_password(_SERVICE, "studios"):
            return found.encode()
        made = secrets.token_urlsafe(32)
        keyring.set_password(_SERVICE, "studios", made)
        return made.encode()
    except (KeyringError, RuntimeError):
        return None
