"""The services in the cluster get this stack's values."""

from cloud_init import TEMPLATES

from tests.infra.lookups import manifest
from tests.infra.recording import Program


def test_services_get_the_addresses_of_this_stack(program: Program) -> None:
    settings = manifest(program, "ConfigMap", "framerail-settings")["data"]
    assert settings["FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS"] == "10.20.0.20:9094"
    assert settings["FRAMERAIL_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    assert settings["FRAMERAIL_S3_REGION"] == "ap-south-1"
    assert settings["FRAMERAIL_S3_BUCKET"] == "evidence-id"
    model = manifest(program, "InferenceService", "ssd")
    assert model["spec"]["predictor"]["model"]["storageUri"] == "s3://models-id/model_repository"
    for name in ("postproc", "viewer"):
        account = manifest(program, "ServiceAccount", name)
        assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].endswith(f":{name}")


def test_pods_run_the_images_of_this_stack_by_digest(program: Program) -> None:
    kinds = {"producer": "StatefulSet", "consumer": "Deployment", "viewer": "Deployment"}
    for name, kind in kinds.items():
        (container,) = manifest(program, kind, name)["spec"]["template"]["spec"]["containers"]
        assert container["image"].startswith(f"{name}@sha256:")
    (runtime,) = manifest(program, "ServingRuntime", "triton")["spec"]["containers"]
    assert runtime["image"].startswith("triton@sha256:")
    for image in program.of("docker-build:index:Image"):
        assert image.inputs["platforms"] == ["linux/amd64"]


def test_the_model_is_served_before_services_that_wait_for_it_are_waited_for(
    program: Program,
) -> None:
    groups = {each.name: each for each in program.of("yaml/v2:ConfigGroup")}

    def waits_for(later: str, earlier: str) -> bool:
        return any(urn.endswith(f"ConfigGroup::{earlier}") for urn in groups[later].depends_on)

    assert waits_for("ground", "namespace")
    assert waits_for("model", "ground")
    assert waits_for("services", "model")
    assert [urn for urn in groups["ground"].depends_on if urn.endswith("::storage-container")]
    (model,) = groups["model"].inputs["objs"]
    assert model["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"


def test_services_sign_in_as_the_user_that_the_broker_makes_and_gives_rights_to(
    program: Program,
) -> None:
    settings = manifest(program, "ConfigMap", "framerail-settings")["data"]
    user = settings["FRAMERAIL_KAFKA_USERNAME"]
    assert user == program.exports["broker_user"]
    (container,) = manifest(program, "Deployment", "viewer")["spec"]["template"]["spec"][
        "containers"
    ]
    own = {entry["name"]: entry["value"] for entry in container["env"]}
    for each in (user, own["FRAMERAIL_KAFKA_USERNAME"]):
        assert f"=[name={each},password=" in (TEMPLATES / "kafka_configure.sh").read_text()
        assert f"\nallow {each} --operation " in (TEMPLATES / "kafka_acls.sh").read_text()
    mechanism = f"sasl.enabled.mechanisms={settings['FRAMERAIL_KAFKA_SASL_MECHANISM']}\n"
    assert mechanism in (TEMPLATES / "kafka.properties").read_text()


def test_network_policies_name_the_addresses_that_the_machines_have(program: Program) -> None:
    fixed = {each.name: each.inputs["privateIp"] for each in program.of("ec2/instance:Instance")}
    for policy, machine in (("to-kafka", "broker"), ("to-cameras", "camera")):
        (way,) = manifest(program, "NetworkPolicy", policy)["spec"]["egress"]
        assert way["to"] == [{"ipBlock": {"cidr": f"{fixed[machine]}/32"}}]


def test_the_brokers_certificate_names_the_address_that_clients_dial(program: Program) -> None:
    request = program.one("tls:index/certRequest:CertRequest").inputs
    assert request["ipAddresses"] == ["10.20.0.20", "127.0.0.1"]
    assert program.one("tls:index/selfSignedCert:SelfSignedCert").inputs["isCaCertificate"] is True
    assert program.exports["broker_address"] == "10.20.0.20:9094"
    uses = program.one("LocallySignedCert").inputs["allowedUses"]
    assert {"server_auth", "client_auth", "digital_signature"} == set(uses)
