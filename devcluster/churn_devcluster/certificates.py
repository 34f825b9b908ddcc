"""The devcluster's own certificate authority: serving certificate, client certificates, signing key."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALIDITY = timedelta(days=30)
_SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default.svc")


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True)
class CertificateAuthority:
    """Signs what one devcluster needs; lives in files so that a restart keeps every credential valid."""

    folder: Path

    @property
    def certificate_file(self) -> Path:
        """The authority's certificate, PEM."""
        return self.folder / "ca.crt"

    @property
    def key_file(self) -> Path:
        """The authority's private key, PEM."""
        return self.folder / "ca.key"

    @property
    def serving_certificate_file(self) -> Path:
        """The API server's certificate, PEM."""
        return self.folder / "apiserver.crt"

    @property
    def serving_key_file(self) -> Path:
        """The API server's private key, PEM."""
        return self.folder / "apiserver.key"

    @property
    def service_account_key_file(self) -> Path:
        """The key that signs ServiceAccount tokens, PEM."""
        return self.folder / "service-account.key"

    def create(self) -> None:
        """Makes all files, unless they are there from an earlier start."""
        if self.service_account_key_file.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._create_authority()
        serving = self._issue(_name("kube-apiserver"), ExtendedKeyUsageOID.SERVER_AUTH)
        self.serving_certificate_file.write_bytes(serving.certificate)
        _write_private(self.serving_key_file, serving.key)
        _write_private(self.service_account_key_file, _pem(ec.generate_private_key(ec.SECP256R1())))

    def client_certificate(self, user: str, groups: Sequence[str] = ()) -> KeyPair:
        """A certificate that authenticates as `user` in `groups` (its common name and organizations)."""
        return self._issue(_name(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH)

    def _create_authority(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name("churn-devcluster")
        certificate = (
            _builder(subject, subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_AUTHORITY_USAGE, critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_private(self.key_file, _pem(key))

    def _issue(self, subject: x509.Name, usage: x509.ObjectIdentifier) -> KeyPair:
        authority = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        signer = serialization.load_pem_private_key(self.key_file.read_bytes(), password=None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.key_file} does not hold an elliptic curve key")
        key = ec.generate_private_key(ec.SECP256R1())
        identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            _builder(subject, authority.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )
        if usage == ExtendedKeyUsageOID.SERVER_AUTH:
            builder = builder.add_extension(_SERVER_ALTERNATIVES, critical=False)
        certificate = builder.sign(signer, hashes.SHA256())
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


_SERVER_ALTERNATIVES = x509.SubjectAlternativeName(
    [*(x509.DNSName(name) for name in _SERVER_NAMES), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
)

_AUTHORITY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _name(common_name: str, organizations: Sequence[str] = ()) -> x509.Name:
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # kube-apiserver reads a ServiceAccount key only in the traditional form.
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
