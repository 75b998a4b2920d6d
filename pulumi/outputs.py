"""What `pulumi up` prints at its end: how to look, who may sign in, what it costs."""

from dataclasses import dataclass

from access import Access
from broker import Broker
from camera import Camera
from cluster import Cluster
from network import Network
from storage import EVIDENCE_PREFIX, Storage

import pulumi
from ops.aws_settings import Settings


@dataclass(frozen=True, slots=True)
class Outputs:
    """The parts of the stack that a person has to do with."""

    settings: Settings
    network: Network
    cluster: Cluster
    storage: Storage
    broker: Broker
    camera: Camera
    access: Access
    stop_at: str


def exports(parts: Outputs) -> dict[str, pulumi.Input[object]]:
    """Return the stack's outputs by name; `pulumi stack output --show-secrets` shows them all."""
    region = parts.settings.region
    cost = parts.settings.cost
    return {
        "kubeconfig_command": (
            f"aws eks update-kubeconfig --region {region} --name {parts.cluster.name}"
        ),
        "vpc_id": parts.network.vpc.id,
        "evidence_bucket": parts.storage.evidence.id,
        "evidence_url": pulumi.Output.concat(
            "https://s3.console.aws.amazon.com/s3/buckets/",
            parts.storage.evidence.id,
            f"?region={region}&prefix={EVIDENCE_PREFIX}/",
        ),
        "reviewer_sign_in_url": parts.access.sign_in_url,
        "reviewer_user": parts.settings.reviewer,
        "reviewer_first_password": parts.access.first_password,
        "broker_instance": parts.broker.instance.id,
        "broker_address": parts.broker.access.bootstrap_servers,
        "broker_user": parts.broker.access.username,
        "broker_password": parts.broker.access.password,
        "broker_ca_certificate": parts.broker.access.ca_certificate,
        "camera_address": parts.camera.access.address,
        "camera_password": parts.camera.access.password,
        "usd_per_day": round(cost.usd_per_day, 2),
        "inr_per_day": round(cost.inr_per_day),
        "inr_per_day_after_the_stop": round(cost.inr_per_day_stopped),
        "stops_at": parts.stop_at,
    }


def export(parts: Outputs) -> None:
    """Export them."""
    for name, value in exports(parts).items():
        pulumi.export(name, value)
