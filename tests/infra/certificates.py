"""Certificates of the kinds that `pulumi/authority.py` asks pulumi-tls for, made with openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    root: str
    certificate: str
    key: str


def make_certificates(folder: Path, common_name: str, address: str) -> Certificates:
    folder.mkdir(parents=True, exist_ok=True)
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    root = ("-x509", "-keyout", "root.key", "-out", "root.pem", "-days", "2")
    signing = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(folder, "req", *curve, *root, "-subj", "/O=framerail/CN=framerail", *signing)
    request = (
        "-keyout",
        "broker.key",
        "-out",
        "broker.csr",
        "-subj",
        f"/O=framerail/CN={common_name}",
    )
    _openssl(folder, "req", *curve, *request)
    (folder / "extensions").write_text(
        f"subjectAltName=IP:{address}\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth,clientAuth\n",
        encoding="ascii",
    )
    issuer = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "2")
    files = ("-in", "broker.csr", "-out", "broker.pem", "-extfile", "extensions")
    _openssl(folder, "x509", "-req", *issuer, *files)
    return Certificates(
        root=(folder / "root.pem").read_text(encoding="ascii"),
        certificate=(folder / "broker.pem").read_text(encoding="ascii"),
        key=(folder / "broker.key").read_text(encoding="ascii"),
    )


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)
