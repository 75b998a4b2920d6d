"""Apache Kafka on one EC2 instance: KRaft, TLS and SCRAM, its records on a volume of their own."""

import base64
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi_aws as aws
from authority import Authority, password
from cloud_init import BROKER_FILES, SCRIPTS, user_data
from machine import SECRETS_FOLDER, MachineSpec, machine, reading, security_group, store_secrets
from naming import Component, Names
from network import BROKER_ADDRESS, Network

import pulumi
from ops.costs import Deployment

CLIENTS_PORT = 9094
CONTROLLER_PORT = 9093
USERNAME = "framerail"
MOUNT = "/var/lib/kafka"
# Half of a t3.small; the page cache needs the other half.
HEAP = "896m"
NODE_ID = 1
# Maven's own, and the one that binds it to this Java.
PACKAGES = "java-17-amazon-corretto-headless maven maven-amazon-corretto17"


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """How a client gets in, in the words of `runtime.settings`.

    The viewer signs in as a user of its own, `viewer`, who may only read.
    """

    bootstrap_servers: str
    username: str
    password: pulumi.Output[str]
    viewer_password: pulumi.Output[str]
    ca_certificate: pulumi.Output[str]


def cluster_id(names: Names) -> str:
    """Return the KRaft cluster's id: 16 bytes, the same at every `pulumi up` of this stack."""
    return base64.urlsafe_b64encode(uuid.uuid5(uuid.NAMESPACE_DNS, names.prefix).bytes)[
        :22
    ].decode()


def broker_environment(
    names: Names, region: str, volume_id: str, secret_names: Iterable[str]
) -> dict[str, str]:
    """Return what the broker's scripts are told; a controller of one node stays on loopback."""
    return {
        "REGION": region,
        "PARAMETERS": names.parameter("broker"),
        "SECRET_NAMES": " ".join(secret_names),
        "SECRETS": SECRETS_FOLDER,
        "SCRIPTS": SCRIPTS,
        "PACKAGES": PACKAGES,
        "INSTALL": "broker_install.sh",
        "SERVICE": "kafka.service",
        "RECORDS_VOLUME": volume_id,
        "KAFKA_MOUNT": MOUNT,
        "KAFKA_RECORDS": f"{MOUNT}/records",
        "KAFKA_LIBS": "/opt/kafka/libs",
        "KAFKA_HEAP": HEAP,
        "JAVA": "/usr/bin/java",
        "CLUSTER_ID": cluster_id(names),
        "NODE_ID": str(NODE_ID),
        "ADVERTISED_HOST": BROKER_ADDRESS,
        "BIND_HOST": "0.0.0.0",  # noqa: S104 - the security group lets only the cluster in
        "CLIENTS_PORT": str(CLIENTS_PORT),
        "CONTROLLER_HOST": "127.0.0.1",
        "CONTROLLER_PORT": str(CONTROLLER_PORT),
        "CONTROLLER_VOTERS": f"{NODE_ID}@127.0.0.1:{CONTROLLER_PORT}",
        "REPLICATION": "1",
    }


class Broker(Component):
    """`access` says how to get in; `instance` is what the automatic stop stops."""

    def __init__(
        self,
        names: Names,
        deployment: Deployment,
        network: Network,
        nodes_group: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Broker", opts)
        authority = Authority([BROKER_ADDRESS, "127.0.0.1"], opts=self.child())
        secrets = {
            "key": authority.key,
            "certificate": authority.certificate,
            "ca": authority.root_certificate,
            "broker-password": password("broker-password", self.child()),
            "framerail-password": password("framerail-password", self.child()),
            "viewer-password": password("viewer-password", self.child()),
        }
        self.instance = self._instance(
            names,
            network,
            _spec(deployment, nodes_group),
            self._volume(names, network, deployment.broker_disk_gb),
            secrets,
        )
        self.access = KafkaAccess(
            bootstrap_servers=f"{BROKER_ADDRESS}:{CLIENTS_PORT}",
            username=USERNAME,
            password=secrets["framerail-password"],
            viewer_password=secrets["viewer-password"],
            ca_certificate=authority.root_certificate,
        )
        self.register_outputs({"bootstrap_servers": self.access.bootstrap_servers})

    def _volume(self, names: Names, network: Network, size_gb: int) -> aws.ebs.Volume:
        return aws.ebs.Volume(
            "records",
            availability_zone=network.zone,
            size=size_gb,
            type="gp3",
            encrypted=True,
            final_snapshot=False,
            tags=names.tagged("records"),
            opts=self.child(),
        )

    def _instance(
        self,
        names: Names,
        network: Network,
        spec: MachineSpec,
        volume: aws.ebs.Volume,
        secrets: Mapping[str, pulumi.Input[str]],
    ) -> aws.ec2.Instance:
        region = volume.arn.apply(lambda arn: arn.split(":")[3])
        script = pulumi.Output.all(region, volume.id).apply(
            lambda known: user_data(
                BROKER_FILES, broker_environment(names, known[0], known[1], secrets)
            )
        )
        group = security_group(self, names, network.vpc.id, spec)
        right = reading(store_secrets(self, names, "broker", secrets))
        instance = machine(self, names, spec, network, group, [right], script)
        aws.ec2.VolumeAttachment(
            "records",
            device_name="/dev/sdf",
            instance_id=instance.id,
            volume_id=volume.id,
            # Kafka writes until the instance is stopped; a volume in use does not detach.
            stop_instance_before_detaching=True,
            opts=self.child(delete_before_replace=True),
        )
        return instance


def _spec(deployment: Deployment, nodes_group: pulumi.Input[str]) -> MachineSpec:
    return MachineSpec(
        name="broker",
        instance_type=deployment.broker_type,
        root_disk_gb=deployment.root_disk_gb,
        port=CLIENTS_PORT,
        reader_group=nodes_group,
        private_ip=BROKER_ADDRESS,
    )
