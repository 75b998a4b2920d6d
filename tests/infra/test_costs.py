"""What the program rents is what the cost function counts (its own tests: tests/unit)."""

from ops.costs import Deployment, cost_of
from tests.infra.recording import Program


def test_what_is_rented_is_what_is_priced(program: Program) -> None:
    priced = Deployment()
    machines = program.of("ec2/instance:Instance")
    disks_gb = [each.inputs["rootBlockDevice"]["volumeSize"] for each in machines]
    disks_gb.append(program.one("ebs/volume:Volume").inputs["size"])
    (disk,) = program.one("LaunchTemplate").inputs["blockDeviceMappings"]
    nodes = program.one("eks:index:ManagedNodeGroup").inputs["scalingConfig"]["maxSize"]
    disks_gb += [disk["ebs"]["volumeSize"]] * int(nodes)
    assert f"disks: {sum(disks_gb):.0f} GB gp3" in {line.what for line in cost_of(priced).lines}
    assert len(machines) + nodes == priced.public_addresses
    assert program.exports["inr_per_day"] == round(cost_of(priced).inr_per_day)
