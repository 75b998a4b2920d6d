"""What is needed follows from the figures by arithmetic that can be done by hand."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from consumer.settings import ConsumerSettings
from local.stack import CHECKOUT
from ops.aws_settings import BROKER_TYPES, NODE_TYPES
from ops.costs import FRAMES_PER_BATCH, Deployment, cost_of
from ops.plan.brokers import brokers_for, shared_by, strain
from ops.plan.capacity import (
    PARTITION_FETCH_BYTES,
    POD_CORES,
    POD_MIB,
    PRODUCER_WAITING_FRAMES,
    UPLOAD_THREADS,
    Plan,
    plan_of,
)
from ops.plan.limits import STREAM_LABELS, limits
from ops.plan.machines import MACHINES
from ops.plan.workload import (
    FRAMES_RETENTION_BYTES,
    FRAMES_RETENTION_S,
    MAX_BATCH_AGE_S,
    RESULTS_RETENTION_S,
    UTILISATION,
    Workload,
    kept_bytes_per_camera,
)
from ops.prices import PRICE_LISTS
from postproc.settings import PostprocSettings
from producer.settings import ProducerSettings
from runtime import metrics
from tests.unit.plan_figures import figures

LOAD = figures().sizes["100x100"]
MEMORY = figures().memory_mib


def planned(cameras: int, fps: float = 10) -> Plan:
    return plan_of(LOAD, MEMORY, 2, Workload(cameras, fps), Deployment())


def test_cores_are_frames_times_milliseconds_and_cameras_are_left_out() -> None:
    plan = planned(10)
    assert plan.cores == pytest.approx(
        {"producer": 0.4, "consumer": 0.2, "triton": 0.8, "postproc": 0.04, "kafka": 0.05}
    )
    # The machine that carries it all has the store too, and no camera.
    assert plan.machine_share == pytest.approx(100 * 15.0 / 1000 / 2)


def test_one_machine_is_enough_up_to_the_target_and_no_further() -> None:
    assert planned(8).is_one_machine_enough  # 60 % of two cores to the dot
    assert not planned(9).is_one_machine_enough


def test_a_process_serves_as_many_cameras_as_its_share_of_a_core_allows() -> None:
    each = planned(1).per_process
    assert each.producer_cpu == pytest.approx(15)
    assert each.consumer_cpu == pytest.approx(30)
    assert each.triton_cpu == pytest.approx(15)
    assert each.postproc_cpu == pytest.approx(150)
    assert planned(31).processes == {"producer": 3, "consumer": 2, "triton": 3, "postproc": 1}


def test_slow_cameras_make_more_pictures_for_their_frames() -> None:
    full, slow = planned(100, fps=5), planned(100, fps=1)  # batches of 25, and of 5 by their age
    assert slow.cores["postproc"] == pytest.approx(full.cores["postproc"])
    assert slow.cores["consumer"] == pytest.approx(full.cores["consumer"] / 5)


def test_at_few_frames_a_second_memory_bounds_a_process_before_its_cpu_does() -> None:
    each = planned(1, fps=0.5).per_process
    room_bytes = 400 * 1024 * 1024
    assert each.producer_memory == pytest.approx(room_bytes / (150 * 100_000))
    assert each.consumer_memory == pytest.approx(room_bytes / (25 * 100_000 + 4 * 1024 * 1024))
    assert each.consumer_memory < each.consumer_cpu


def test_a_batch_that_does_not_fill_in_time_makes_more_pictures() -> None:
    assert Workload(1, 10).batches_per_s == pytest.approx(0.4)
    assert Workload(1, 2).batches_per_s == pytest.approx(0.2)  # ten frames, after five seconds
    assert Workload(4, 0.1).batches_per_s == pytest.approx(0.4)  # a frame each


def test_one_camera_is_what_the_default_on_aws_is_made_for() -> None:
    assert planned(1).is_default_enough
    assert planned(5).is_default_enough


def test_the_default_is_too_small_as_soon_as_its_disk_is() -> None:
    plan = planned(8)
    assert not plan.is_default_enough
    assert (plan.brokers.machine.name, plan.brokers.disk_gb) == ("t3.small", 24)


def test_a_brokers_network_decides_before_its_cpu() -> None:
    # 1.05 MB/s a camera of 16 MB/s for good, of which 60 % are to be used.
    assert brokers_for(LOAD, Workload(9, 10)).machine.name == "t3.small"
    assert brokers_for(LOAD, Workload(10, 10)).machine.name == "t3.medium"


def test_what_one_broker_cannot_carry_goes_to_three_or_more_with_three_copies() -> None:
    brokers = planned(140).brokers
    assert brokers.replication == 3
    assert brokers.count >= 3
    assert brokers.network_mb_per_s == pytest.approx(140 * 1.05 * 3 / brokers.count)
    assert brokers.partitions * brokers.count >= 3 * 143


def test_a_postproc_too_few_is_another_pipeline_with_a_kafka_of_its_own() -> None:
    assert planned(150).pipelines == 1
    plan = planned(151)
    assert plan.pipelines == 2
    assert plan.processes["postproc"] == 2
    line = next(line for line in plan.cost.lines if line.what.startswith("broker"))
    assert line.what == f"broker: {2 * plan.brokers.count} {plan.brokers.machine.name}"


def test_a_camera_that_one_process_cannot_follow_is_told() -> None:
    assert planned(3, fps=200).too_slow == ["producer"]
    assert planned(3).too_slow == []


def test_the_bill_has_every_machine_and_no_camera() -> None:
    plan = planned(20)
    what = {line.what.partition(":")[0]: line for line in plan.cost.lines}
    assert "camera" not in what
    assert what["nodes"].what == f"nodes: {plan.node_count} c6a.xlarge"
    assert plan.cost.cameras == 20


def test_each_of_several_brokers_is_billed_with_its_address_disk_and_throughput() -> None:
    one = cost_of(Deployment()).usd_per_hour
    three = cost_of(Deployment(broker_count=3, broker_disk_mibps=225)).usd_per_hour
    broker, address, disks_gb = 0.0224, 0.005, 20 + 10
    more = 2 * (broker + address + disks_gb * 0.0912 / 730) + 3 * 100 * 0.0456 / 730
    assert three - one == pytest.approx(more)
    assert cost_of(Deployment(camera_machines=0)).usd_per_hour < one - 0.0112 - 0.005


@given(st.integers(1, 20_000), st.floats(0.1, 60))
def test_no_machine_of_any_plan_is_used_beyond_the_target(cameras: int, fps: float) -> None:
    plan = planned(cameras, fps)
    assert plan.node_count * plan.node.cores * UTILISATION >= (
        sum(plan.cores.values()) - plan.cores["kafka"]
    ) * (1 - 1e-9)
    share = Workload(-(-cameras // plan.pipelines), fps)
    brokers = plan.brokers
    carried = shared_by(brokers.machine, LOAD, share, brokers.replication, brokers.count)
    assert carried == brokers
    assert strain(brokers) <= 1.01  # partitions are rounded up


@given(st.integers(1, 5000))
def test_more_cameras_never_cost_less_than_fewer_at_ten_times_the_number(cameras: int) -> None:
    assert planned(10 * cameras).cost.usd_per_hour > planned(cameras).cost.usd_per_hour


def test_limits_come_tightest_first_each_with_what_to_do() -> None:
    found = limits(planned(40), LOAD)
    assert [each.cameras for each in found] == sorted(each.cameras for each in found)
    assert all(each.then and each.bound for each in found)
    by_bound = {f"{each.part}: {each.bound}": each.cameras for each in found}
    assert by_bound["broker t3.small: network: 16 MB/s each way for good"] == 9
    assert by_bound["one producer: CPU of one core"] == 15
    assert by_bound["one node c6a.xlarge: CPU of 4 vCPU"] == 16


def test_the_limits_of_the_present_do_not_depend_on_how_many_cameras_are_asked_for() -> None:
    assert limits(planned(3), LOAD) == limits(planned(3000), LOAD)


def test_the_plan_counts_with_the_settings_that_the_services_have() -> None:
    consumer, producer = ConsumerSettings(), ProducerSettings()
    assert consumer.batch_size == FRAMES_PER_BATCH
    assert consumer.max_batch_age_s == MAX_BATCH_AGE_S
    assert consumer.frames_retention_s == FRAMES_RETENTION_S
    assert consumer.frames_retention_bytes == FRAMES_RETENTION_BYTES
    assert producer.buffer_frames + producer.max_in_flight == PRODUCER_WAITING_FRAMES
    assert consumer.max_frame_bytes <= PARTITION_FETCH_BYTES
    assert PostprocSettings(s3_bucket="bucket").upload_threads == UPLOAD_THREADS
    assert metrics.STREAM_LABELS._limit == STREAM_LABELS
    of_aws = of_yaml("overlays/aws/settings.yaml")["data"]
    assert int(of_aws["FRAMERAIL_RESULTS_RETENTION_S"]) == RESULTS_RETENTION_S


@pytest.mark.parametrize("name", ["producer", "consumer", "postproc"])
def test_the_plan_counts_with_the_limits_of_the_pods(name: str) -> None:
    pod = of_yaml(f"base/{name}.yaml")["spec"]["template"]["spec"]
    given = next(each for each in pod["containers"] if each["name"] == name)["resources"]["limits"]
    assert float(given["cpu"]) == POD_CORES[name]
    assert given["memory"] in (f"{POD_MIB[name]}Mi", f"{POD_MIB[name] // 1024}Gi")


def of_yaml(path: str) -> Any:
    text = (CHECKOUT / "kserve" / path).read_text(encoding="utf-8")
    return next(iter(yaml.safe_load_all(text)))


def test_every_machine_that_may_be_chosen_is_in_the_table_and_has_a_price() -> None:
    assert {*NODE_TYPES, *BROKER_TYPES} <= set(MACHINES)
    for prices in PRICE_LISTS.values():
        assert set(MACHINES) <= set(prices.instance_usd_per_hour)


def test_a_disk_is_planned_as_full_as_retention_lets_it_become() -> None:
    slow = Workload(1, 0.1)  # six hours of it are less than the bound by bytes
    by_age = 0.1 * 100_000 * 6 * 3600
    results = 0.1 * 125_000 * 7200
    assert kept_bytes_per_camera(LOAD, slow) == pytest.approx(by_age + 64 * 1024**2 + results)
