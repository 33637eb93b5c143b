"""The key that signs evidence: Ed25519 (RFC 8032), made by this program, kept in one file of its owner.

Such a signature shows that a file was not changed and which key signed it 机器签名/完整性校验. It is no reliable
electronic signature under Arts. 13-14 of 《电子签名法》 and never called 电子签章.
"""

import hashlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from inventory.text import Message, msg, tell

MAX_KEY_BYTES = 16 * 1024


class SigningKeyError(Exception):
    """A key file that cannot be used; the message says which file and what is expected of it."""

    def __init__(self, message: Message) -> None:
        super().__init__(tell(message, "en"))
        self.message = message


def load_or_create_key(path: Path) -> Ed25519PrivateKey:
    """The private key in the file; where there is none, a new one is made, readable by its owner only.

    Raises:
        SigningKeyError: others may read the file, or it holds no Ed25519 key in PEM without a password, or it cannot
            be read or written.
    """
    try:
        if not path.exists():
            _create(path)
        return _load(path)
    except OSError as error:
        raise SigningKeyError(
            msg("{path}: the signing key cannot be read or written: {error}", path=str(path), error=str(error.strerror))
        ) from error


def load_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file.

    Raises:
        SigningKeyError: it cannot be read or holds no Ed25519 public key in PEM.
    """
    try:
        with path.open("rb") as file:
            return parse_public_key(file.read(MAX_KEY_BYTES))
    except (OSError, ValueError) as error:
        raise SigningKeyError(msg("{path}: no Ed25519 public key in PEM", path=str(path))) from error


def parse_public_key(pem: bytes) -> Ed25519PublicKey:
    """The public key in the text.

    Raises:
        ValueError: it is no Ed25519 public key in PEM.
    """
    try:
        key = load_pem_public_key(pem)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 - the text is wrong, not the argument's type
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The key as PEM text (SubjectPublicKeyInfo)."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 (hex) over the DER form: `openssl pkey -pubin -in FILE -outform DER | openssl dgst -sha256`."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def sm3(data: bytes) -> str | None:
    """SM3 (GB/T 32905-2016), hex; None where the cryptography library was built without it."""
    try:
        hasher = hashes.Hash(hashes.SM3())
    except UnsupportedAlgorithm:
        return None
    hasher.update(data)
    return hasher.finalize().hex()


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # A link fails where another process was faster: its key stands, ours is forgotten.
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)


def _load(path: Path) -> Ed25519PrivateKey:
    with path.open("rb") as file:
        # Asked of the open file, so that no other file can take its place in between.
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise SigningKeyError(
                msg(
                    "{path}: the signing key may be read by others (mode {mode}); chmod 600 it",
                    path=str(path),
                    mode=f"{stat.S_IMODE(mode):04o}",
                )
            )
        pem = file.read(MAX_KEY_BYTES)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    return key


def _no_key(path: Path) -> SigningKeyError:
    return SigningKeyError(msg("{path}: no Ed25519 private key in PEM without a password", path=str(path)))
