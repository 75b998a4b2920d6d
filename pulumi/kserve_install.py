"""KServe and the cert-manager that its webhooks need, from their Helm charts, versions fixed."""

from pathlib import Path

import pulumi_kubernetes as k8s
import yaml
from naming import Component

import pulumi

# The first to support Kubernetes 1.35 to the end of its life; KServe asks for 1.15 or newer.
CERT_MANAGER_VERSION = "v1.20.0"
KSERVE_VERSION = "v0.20.0"
KSERVE_NAMESPACE = "kserve"
KSERVE_CHARTS = "oci://ghcr.io/kserve/charts"
INSTALL_WITHIN_S = 600
STORAGE_CONTAINER_PATCH = (
    Path(__file__).resolve().parents[1] / "kserve" / "storage-container.patch.yaml"
)


class KServe(Component):
    """`ready` is what an InferenceService has to wait for. All of it ends with `cluster`."""

    def __init__(
        self, cluster: pulumi.Resource, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("KServe", opts)
        self._cluster = cluster
        cert_manager = self._release(
            "cert-manager",
            chart="cert-manager",
            repository="https://charts.jetstack.io",
            version=CERT_MANAGER_VERSION,
            values={"crds": {"enabled": True}},
            after=[],
        )
        resources = self._release(
            "kserve-crd",
            chart=f"{KSERVE_CHARTS}/kserve-crd",
            version=KSERVE_VERSION,
            values={},
            after=[cert_manager],
        )
        controller = self._release(
            "kserve",
            chart=f"{KSERVE_CHARTS}/kserve-resources",
            version=KSERVE_VERSION,
            values=controller_values(),
            after=[cert_manager, resources],
        )
        self.ready = self._storage_container(controller)
        self.register_outputs({})

    def _storage_container(self, controller: pulumi.Resource) -> pulumi.Resource:
        """Give KServe's storage initializer what `restricted` asks for, or no predictor starts."""
        patch = yaml.safe_load(STORAGE_CONTAINER_PATCH.read_text(encoding="utf-8"))
        return k8s.apiextensions.CustomResourcePatch(
            "storage-container",
            api_version="serving.kserve.io/v1alpha1",
            kind="ClusterStorageContainer",
            # The chart made it; these fields are ours from now on.
            metadata={"name": "default", "annotations": {"pulumi.com/patchForce": "true"}},
            spec=patch["spec"],
            opts=self.child(depends_on=[controller], deleted_with=self._cluster),
        )

    def _release(
        self,
        name: str,
        *,
        chart: str,
        version: str,
        values: dict[str, object],
        after: list[pulumi.Resource],
        repository: str | None = None,
    ) -> k8s.helm.v3.Release:
        return k8s.helm.v3.Release(
            name,
            name=name,
            chart=chart,
            version=version,
            repository_opts={"repo": repository} if repository else None,
            namespace=KSERVE_NAMESPACE if name.startswith("kserve") else name,
            create_namespace=True,
            # Ready means ready: webhooks that do not answer yet refuse what comes next.
            skip_await=False,
            atomic=True,
            timeout=INSTALL_WITHIN_S,
            values=values,
            opts=self.child(depends_on=after, deleted_with=self._cluster),
        )


def controller_values() -> dict[str, object]:
    """Return KServe's values: plain Deployments and Services, and no ingress of any kind."""
    return {
        "kserve": {
            "controller": {
                "deploymentMode": "Standard",
                "gateway": {"disableIngressCreation": True},
            }
        }
    }
