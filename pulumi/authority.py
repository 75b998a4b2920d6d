"""A certificate authority of this stack alone, and the broker's certificate and passwords."""

import pulumi_random as random
import pulumi_tls as tls
from naming import Component

import pulumi

ALGORITHM = "ECDSA"
CURVE = "P256"
VALID_H = 365 * 24
PASSWORD_CHARACTERS = 40


class Authority(Component):
    """Signs the broker's certificate. All keys are secret, and live in the stack's state only."""

    def __init__(self, addresses: list[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Authority", opts)
        root_key, broker_key = self._key("root"), self._key("broker")
        root = self._root(root_key)
        broker = self._signed(self._request(broker_key, addresses), root_key, root)
        self.root_certificate = root.cert_pem
        self.certificate = broker.cert_pem
        # Kafka reads keys as PKCS#8 only.
        self.key: pulumi.Output[str] = pulumi.Output.secret(broker_key.private_key_pem_pkcs8)
        self.register_outputs({"root_certificate": self.root_certificate})

    def _root(self, key: tls.PrivateKey) -> tls.SelfSignedCert:
        return tls.SelfSignedCert(
            "root",
            private_key_pem=key.private_key_pem,
            is_ca_certificate=True,
            set_subject_key_id=True,
            set_authority_key_id=True,
            allowed_uses=["cert_signing", "crl_signing"],
            validity_period_hours=VALID_H,
            subject={"common_name": "framerail", "organization": "framerail"},
            opts=self.child(),
        )

    def _request(self, key: tls.PrivateKey, addresses: list[str]) -> tls.CertRequest:
        return tls.CertRequest(
            "broker",
            private_key_pem=key.private_key_pem,
            ip_addresses=addresses,
            subject={"common_name": "broker", "organization": "framerail"},
            opts=self.child(),
        )

    def _signed(
        self, request: tls.CertRequest, root_key: tls.PrivateKey, root: tls.SelfSignedCert
    ) -> tls.LocallySignedCert:
        return tls.LocallySignedCert(
            "broker",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=root_key.private_key_pem,
            ca_cert_pem=root.cert_pem,
            set_subject_key_id=True,
            # The controller's listener asks the other controllers for theirs, hence the client.
            allowed_uses=["digital_signature", "server_auth", "client_auth"],
            validity_period_hours=VALID_H,
            opts=self.child(),
        )

    def _key(self, name: str) -> tls.PrivateKey:
        return tls.PrivateKey(name, algorithm=ALGORITHM, ecdsa_curve=CURVE, opts=self.child())


def password(name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Return a secret password of letters and digits, so that no file format has to quote it."""
    made = random.RandomPassword(name, length=PASSWORD_CHARACTERS, special=False, opts=opts)
    return pulumi.Output.secret(made.result)
