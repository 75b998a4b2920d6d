"""Cameras for the demonstration: MediaMTX plays the clip over and over, for the cluster alone."""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi_aws as aws
from authority import password
from cloud_init import CAMERA_FILES, SCRIPTS, user_data
from machine import SECRETS_FOLDER, MachineSpec, machine, reading, security_group, store_secrets
from naming import Component, Names
from network import CAMERA_ADDRESS, Network
from policies import allow
from storage import Storage

import pulumi
from ops.costs import Deployment

RTSP_PORT = 8554
READER = "reader"
IMAGE = "bluenviron/mediamtx:1.15.3-ffmpeg"
CLIP = "/srv/framerail/clip.mp4"


@dataclass(frozen=True, slots=True)
class CameraAccess:
    """How a client reads: rtsp://<username>:<password>@<address>/cam1."""

    address: str
    username: str
    password: pulumi.Output[str]


def camera_environment(
    names: Names, region: str, clip_source: str, secret_names: Iterable[str]
) -> dict[str, str]:
    """Return what the camera's scripts are told."""
    return {
        "REGION": region,
        "PARAMETERS": names.parameter("camera"),
        "SECRET_NAMES": " ".join(secret_names),
        "SECRETS": SECRETS_FOLDER,
        "SCRIPTS": SCRIPTS,
        "PACKAGES": "docker",
        "INSTALL": "camera_install.sh",
        "SERVICE": "camera.service",
        "IMAGE": IMAGE,
        "CLIP": CLIP,
        "CLIP_SOURCE": clip_source,
        "RTSP_ADDRESS": f":{RTSP_PORT}",
    }


class Camera(Component):
    """`access` says how to read; `instance` is what the automatic stop stops."""

    def __init__(
        self,
        names: Names,
        deployment: Deployment,
        network: Network,
        storage: Storage,
        nodes_group: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Camera", opts)
        spec = MachineSpec(
            name="camera",
            instance_type=deployment.camera_type,
            root_disk_gb=deployment.root_disk_gb,
            port=RTSP_PORT,
            reader_group=nodes_group,
            private_ip=CAMERA_ADDRESS,
        )
        reader_password = password("reader-password", self.child())
        secrets = {"reader-password": reader_password}
        parameters = store_secrets(self, names, "camera", secrets)
        rights = [reading(parameters), allow(["s3:GetObject"], [storage.clip.arn])]
        group = security_group(self, names, network.vpc.id, spec)
        script = pulumi.Output.all(storage.models.id, storage.clip.key).apply(
            lambda known: user_data(
                CAMERA_FILES,
                camera_environment(
                    names, deployment.region, f"s3://{known[0]}/{known[1]}", secrets
                ),
            )
        )
        self.instance: aws.ec2.Instance = machine(self, names, spec, network, group, rights, script)
        self.access = CameraAccess(
            address=f"{CAMERA_ADDRESS}:{RTSP_PORT}", username=READER, password=reader_password
        )
        self.register_outputs({"address": self.access.address})
