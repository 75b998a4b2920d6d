"""Disks are encrypted, and secrets are secret wherever they go."""

import json

from cloud_init import LIMIT_BYTES

from tests.infra.recording import Program
from tests.infra.unpacked import cloud_config


def test_every_disk_is_encrypted(program: Program) -> None:
    machines = program.of("ec2/instance:Instance")
    assert [each.inputs["rootBlockDevice"]["encrypted"] for each in machines] == [True, True]
    assert program.one("ebs/volume:Volume").inputs["encrypted"] is True
    (disk,) = program.one("LaunchTemplate").inputs["blockDeviceMappings"]
    assert disk["ebs"]["encrypted"] == "true"
    encryption = program.of("BucketServerSideEncryptionConfiguration")
    assert {each.name for each in encryption} == {"evidence", "models"}


def test_the_clusters_secrets_are_encrypted_with_a_key_of_its_own(program: Program) -> None:
    key = program.one("kms/key:Key")
    assert program.one("eks:index:Cluster").inputs["encryptionConfigKeyArn"].endswith(key.name)
    assert key.inputs["enableKeyRotation"] is True


def test_metadata_wants_a_token_and_ends_at_the_machine(program: Program) -> None:
    machines = program.of("ec2/instance:Instance") + program.of("LaunchTemplate")
    assert len(machines) == 3
    for machine in machines:
        options = machine.inputs["metadataOptions"]
        assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_passwords_and_keys_are_secret_wherever_they_go(program: Program) -> None:
    parameters = program.of("ssm/parameter:Parameter")
    assert len(parameters) == 7
    for parameter in parameters:
        assert parameter.inputs["type"] == "SecureString"
        assert "value" in parameter.secret
    for secret in program.of("core/v1:Secret"):
        assert "stringData" in secret.secret
    for image in program.of("docker-build:index:Image"):
        assert "registries" in image.secret
    assert program.secret_exports == {
        "reviewer_first_password",
        "broker_password",
        "camera_password",
    }


def test_a_private_key_or_password_stands_in_no_input_that_is_not_secret(program: Program) -> None:
    for resource in program.resources:
        open_inputs = {
            key: value for key, value in resource.inputs.items() if key not in resource.secret
        }
        written = json.dumps(open_inputs, default=str)
        for secret in ("PRIVATE-KEY", "made-password", "first-password"):
            assert secret not in written, (resource.type, resource.name)


def test_user_data_fits_and_holds_no_secret(program: Program) -> None:
    for machine in program.of("ec2/instance:Instance"):
        packed = machine.inputs["userDataBase64"]
        assert len(packed) * 3 // 4 <= LIMIT_BYTES
        written = json.dumps(cloud_config(packed))
        for secret in ("PRIVATE-KEY", "made-password", "CERTIFICATE"):
            assert secret not in written
