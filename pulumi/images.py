"""The images of the services: built from this checkout's Dockerfiles, kept in ECR."""

from collections.abc import Mapping

import pulumi_aws as aws
import pulumi_docker_build as docker_build
from naming import Component, Names
from storage import CHECKOUT

import pulumi

# By the name that the Kubernetes YAML calls the image.
DOCKERFILES: Mapping[str, str] = {
    "framerail/producer": "producer/Dockerfile",
    "framerail/consumer": "consumer/Dockerfile",
    "framerail/postproc": "postproc/Dockerfile",
    "framerail/viewer": "viewer/Dockerfile",
    "framerail/triton": "serving/Dockerfile",
}


class Images(Component):
    """`references` maps the YAML's image names to ECR's, by digest, so that nodes run these."""

    def __init__(self, names: Names, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Images", opts)
        self._token = aws.ecr.get_authorization_token_output(opts=pulumi.InvokeOptions(parent=self))
        self.references: dict[str, pulumi.Output[str]] = {
            image: self._build(names, image.rpartition("/")[2], dockerfile)
            for image, dockerfile in DOCKERFILES.items()
        }
        self.register_outputs({})

    def _build(self, names: Names, service: str, dockerfile: str) -> pulumi.Output[str]:
        repository = aws.ecr.Repository(
            service,
            name=f"{names.prefix}/{service}",
            force_delete=True,
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "AES256"}],
            opts=self.child(),
        )
        built = docker_build.Image(
            service,
            context={"location": str(CHECKOUT)},
            dockerfile={"location": str(CHECKOUT / dockerfile)},
            platforms=[docker_build.Platform.LINUX_AMD64],
            tags=[pulumi.Output.concat(repository.repository_url, ":", names.stack)],
            push=True,
            # A preview tells what would change; it builds nothing.
            build_on_preview=False,
            registries=[
                {
                    "address": repository.repository_url,
                    "username": self._token.user_name,
                    "password": pulumi.Output.secret(self._token.password),
                }
            ],
            opts=self.child(),
        )
        return built.ref
