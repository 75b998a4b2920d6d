"""The whole of framerail on AWS: settings, then one component a concern, then what to do next."""

from datetime import UTC, datetime

from access import Access
from broker import Broker
from camera import Camera
from cluster import Cluster
from guard import Guard, stop_time
from images import Images
from kserve_install import KServe
from naming import Names, check_names, tagging_provider
from network import Network
from outputs import Outputs, export
from pulumi.runtime.config import get_config_env
from storage import Storage
from workloads import Workloads

import pulumi
from ops.aws_settings import PROJECT, Settings, WrongSettings, settings_from


def read_settings() -> Settings:
    """Return the stack's settings; a wrong name or setting ends all before anything is made."""
    try:
        check_names(pulumi.get_project(), pulumi.get_stack())
        return settings_from(get_config_env() | _asked_for_by_name())
    except WrongSettings as error:
        raise pulumi.RunError(str(error)) from None


def _asked_for_by_name() -> dict[str, str]:
    """Return the settings as Pulumi's own reader finds them, also outside of its environment."""
    ours = pulumi.Config(PROJECT)
    known = {f"{PROJECT}:{name}": ours.get(name) for name in Settings.model_fields}
    known["aws:region"] = pulumi.Config("aws").get("region")
    return {key: value for key, value in known.items() if value is not None}


def build(settings: Settings) -> Outputs:
    """Create everything and return what a person needs next."""
    names = Names(pulumi.get_project(), pulumi.get_stack(), settings.owner_email)
    provider = tagging_provider(names, settings.region)
    on_aws = pulumi.ResourceOptions(providers=[provider])
    deployment = settings.deployment
    network = Network(names, settings.region, opts=on_aws)
    storage = Storage(names, settings.evidence_kept_days, opts=on_aws)
    images = Images(names, opts=on_aws)
    cluster = Cluster(names, settings, network, outlived_by=[storage.evidence], opts=on_aws)
    broker = Broker(names, deployment, network, cluster.nodes_group, opts=on_aws)
    camera = Camera(names, deployment, network, storage, cluster.nodes_group, opts=on_aws)
    in_cluster = pulumi.ResourceOptions(providers=[provider, cluster.kubernetes])
    kserve = KServe(cluster.eks, opts=in_cluster)
    Workloads(
        names,
        deployment,
        cluster=cluster,
        storage=storage,
        images=images.references,
        kafka=broker.access,
        camera=camera.access,
        after=[kserve.ready],
        opts=in_cluster,
    )
    stop_at = stop_time(datetime.now(UTC), settings.stop_after_hours)
    Guard(
        names,
        budget_usd_per_day=settings.budget_usd_per_day,
        stop_at=stop_at,
        cluster=cluster.name,
        node_count=settings.node_count,
        instances={"broker": broker.instance, "camera": camera.instance},
        after=[cluster.nodes],
        opts=on_aws,
    )
    access = Access(settings.reviewer, cluster.eks_name, opts=on_aws)
    return Outputs(settings, network, cluster, storage, broker, camera, access, stop_at)


export(build(read_settings()))
