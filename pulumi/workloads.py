"""Our services and the model in the cluster: `kserve/` with this stack's values and rights."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi_aws as aws
import pulumi_kubernetes as k8s
import yaml
from broker import KafkaAccess
from camera import CameraAccess
from cluster import Cluster
from manifests import Bindings, Manifest, Stages, bound, staged, streams_file
from naming import Component, Names
from policies import Statement, allow, document
from storage import CHECKOUT, EVIDENCE_PREFIX, LEDGER_PREFIX, MODELS_PREFIX, Storage

import pulumi
from ops.costs import Deployment

OVERLAY = CHECKOUT / "kserve" / "overlays" / "aws"
NAMESPACE = "framerail"
MODEL_READER = "model-reader"
POSTPROC = "postproc"
VIEWER = "viewer"
# Of the service accounts in AWS, where names are short.
ROLES: Mapping[str, str] = {MODEL_READER: "model", POSTPROC: "postproc", VIEWER: "viewer"}


def rendered(overlay: Path) -> list[Manifest]:
    """Return what `kubectl kustomize` makes of an overlay.

    Raises pulumi.RunError where kubectl is absent, or with its own words where it fails.
    """
    try:
        said = subprocess.run(  # noqa: S603 - our own folder
            ("kubectl", "kustomize", str(overlay)),  # noqa: S607 - the user's own kubectl
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        raise pulumi.RunError("kubectl is not on PATH: it renders kserve/overlays/aws") from None
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors="replace").strip()
        raise pulumi.RunError(f"kubectl kustomize {overlay}: {words}") from None
    return [manifest for manifest in yaml.safe_load_all(said.stdout) if manifest]


def service_settings(
    kafka: KafkaAccess, bucket: pulumi.Input[str], region: str
) -> dict[str, pulumi.Input[str]]:
    """Return what differs from stack to stack; how Kafka is spoken to stands in the YAML."""
    return {
        "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "FRAMERAIL_S3_BUCKET": bucket,
        "FRAMERAIL_S3_REGION": region,
    }


def model_rights(storage: Storage) -> list[Statement]:
    """Return what KServe's storage initializer does: list one folder, and read what is in it."""
    listing = allow(["s3:ListBucket"], [storage.models.arn])
    listing["Condition"] = {"StringLike": {"s3:prefix": [MODELS_PREFIX, f"{MODELS_PREFIX}/*"]}}
    objects = pulumi.Output.concat(storage.models.arn, f"/{MODELS_PREFIX}/*")
    return [listing, allow(["s3:GetObject"], [objects])]


def evidence_rights(storage: Storage) -> list[Statement]:
    """Return what postproc does: put pictures, the probe at its start among them."""
    pictures = pulumi.Output.concat(storage.evidence.arn, f"/{EVIDENCE_PREFIX}/*")
    return [allow(["s3:PutObject"], [pictures])]


def viewer_rights(storage: Storage) -> list[Statement]:
    """Return what the viewer does: get pictures and the ledger's verdict, also by what it signs.

    Who may not list is told 403, not 404, where an object is absent, as the verdict is until the
    ledger has run. A GET carries no prefix, so a condition on one would not be met; what can be
    listed can be read anyway.
    """
    arn = storage.evidence.arn
    objects = [
        pulumi.Output.concat(arn, f"/{prefix}/*") for prefix in (EVIDENCE_PREFIX, LEDGER_PREFIX)
    ]
    return [allow(["s3:ListBucket"], [arn]), allow(["s3:GetObject"], objects)]


class Workloads(Component):
    """Applied in four stages, so that `pulumi up` ends when pictures can flow.

    All of it but the roles ends with the cluster, unasked: after the automatic stop nothing runs
    that would take KServe's finalizer off the model, and a deletion would wait for it in vain.
    """

    def __init__(
        self,
        names: Names,
        deployment: Deployment,
        *,
        cluster: Cluster,
        storage: Storage,
        images: Mapping[str, pulumi.Input[str]],
        kafka: KafkaAccess,
        camera: CameraAccess,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Workloads", opts)
        self._cluster = cluster
        self._rights: list[pulumi.Resource] = []
        role_arns = {
            MODEL_READER: self._role(names, MODEL_READER, model_rights(storage)),
            POSTPROC: self._role(names, POSTPROC, evidence_rights(storage)),
            VIEWER: self._role(names, VIEWER, viewer_rights(storage)),
        }
        bindings = Bindings(
            images=images,
            settings=service_settings(kafka, storage.evidence.id, deployment.region),
            streams=streams_file(deployment.cameras, camera.address, deployment.frames_per_s),
            role_arns=role_arns,
            storage_uri=pulumi.Output.concat("s3://", storage.models.id, f"/{MODELS_PREFIX}"),
        )
        stages = staged(bound(rendered(OVERLAY), bindings))
        self._apply(stages, kafka, camera, [*after, *storage.uploads, *self._rights])
        self.register_outputs({})

    def _role(
        self, names: Names, account: str, statements: Sequence[Statement]
    ) -> pulumi.Output[str]:
        role = aws.iam.Role(
            account,
            name_prefix=names.role_prefix(ROLES[account]),
            assume_role_policy=self._cluster.identity.trust(NAMESPACE, account),
            opts=self.child(),
        )
        policy = document(*statements)
        self._rights.append(
            aws.iam.RolePolicy(account, role=role.name, policy=policy, opts=self.child())
        )
        return role.arn

    def _apply(
        self,
        stages: Stages,
        kafka: KafkaAccess,
        camera: CameraAccess,
        after: Sequence[pulumi.Resource],
    ) -> None:
        namespace = self._group("namespace", stages.namespace, [])
        secrets = [
            self._kafka_secret("framerail-kafka", kafka, kafka.password, namespace),
            self._kafka_secret("framerail-kafka-viewer", kafka, kafka.viewer_password, namespace),
            self._secret(
                "framerail-cameras",
                {"CAMERA_USER": camera.username, "CAMERA_PASSWORD": camera.password},
                namespace,
            ),
        ]
        ground = self._group("ground", stages.ground, [namespace, *after])
        model = self._group("model", stages.model, [ground])
        self._group("services", stages.services, [ground, model, *secrets])

    def _kafka_secret(
        self,
        name: str,
        kafka: KafkaAccess,
        password: pulumi.Output[str],
        namespace: pulumi.Resource,
    ) -> k8s.core.v1.Secret:
        return self._secret(
            name,
            {"framerail_kafka_password": password, "ca.pem": kafka.ca_certificate},
            namespace,
        )

    def _secret(
        self, name: str, values: dict[str, pulumi.Input[str]], namespace: pulumi.Resource
    ) -> k8s.core.v1.Secret:
        return k8s.core.v1.Secret(
            name,
            metadata={"name": name, "namespace": NAMESPACE},
            string_data=pulumi.Output.secret(values),
            opts=self._within([namespace]),
        )

    def _group(
        self, name: str, objects: list[dict[str, Any]], after: Sequence[pulumi.Resource]
    ) -> k8s.yaml.v2.ConfigGroup:
        return k8s.yaml.v2.ConfigGroup(name, objs=objects, opts=self._within(after))

    def _within(self, after: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        # The engine hands `deleted_with` on to the objects of a group, though the plugin makes them
        # (TestDeletedWithOptionInheritanceMLC in pulumi/pulumi, pkg/engine/lifecycletest).
        return self.child(depends_on=list(after), deleted_with=self._cluster.eks)
