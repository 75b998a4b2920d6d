"""A day costs less than 1000 rupees, by the same function for the command and the guard."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from local.stack import CHECKOUT
from ops.aws_settings import BROKER_TYPES, CAMERA_TYPES, NODE_TYPES, read_stack_file
from ops.cli import app
from ops.costs import (
    FRAMES_PER_BATCH,
    GST,
    Deployment,
    Unpriced,
    cost_of,
    usd_of_use_per_camera_hour,
)
from ops.prices import INR_PER_USD_AS_OF, PRICE_LISTS, PRICES_AS_OF
from runtime.errors import ConfigurationError
from runtime.settings import KafkaSettings
from runtime.topics import SEGMENT_BYTES

BUDGET_INR = 1000
# A frame of the clip at quality 85 in base64, and 25 frames of detections.
RESULT_BYTES = 87_000 * 4 // 3 + 4_000
EXAMPLE = CHECKOUT / "pulumi" / "Pulumi.example.yaml"


@pytest.mark.parametrize("region", sorted(PRICE_LISTS))
def test_a_day_of_the_defaults_costs_less_than_the_budget(region: str) -> None:
    bill = cost_of(Deployment(region=region))
    assert bill.inr_per_day < BUDGET_INR
    assert bill.inr_per_day * (1 + GST) < BUDGET_INR


def test_a_day_stays_below_the_budget_when_the_rupee_falls_by_a_quarter() -> None:
    fallen = replace(Deployment(), inr_per_usd=Deployment().inr_per_usd * 1.25)
    assert cost_of(fallen).inr_per_day < BUDGET_INR


def test_the_bill_is_the_sum_of_prices_worked_out_by_hand() -> None:
    bill = cost_of(Deployment())
    rented = 0.10 + 0.0935 + 0.0224 + 0.0112 + 3 * 0.005  # EKS, node, broker, camera, IPv4
    disks = (40 + 20 + 2 * 10) * 0.0912 / 730
    key, images, logs = 1 / 730, 3 * 0.10 / 730, 0.05 / 24 * 0.67
    pictures = 10 * 3600 / 25
    stored = pictures * 150_000 / 2**30 * (7 * 24 / 730) * 0.025
    evidence = pictures * 0.005 / 1000 + stored
    assert bill.usd_per_hour == pytest.approx(
        rented + disks + key + images + logs + evidence, rel=1e-9
    )
    assert bill.usd_per_day == pytest.approx(bill.usd_per_hour * 24)
    assert bill.inr_per_day == pytest.approx(bill.usd_per_day * 94.81)


def test_requests_are_most_of_what_a_camera_hour_uses() -> None:
    # 1440 pictures at USD 5 a million.
    assert usd_of_use_per_camera_hour(Deployment()) == pytest.approx(0.0072, rel=0.2)
    every_frame = replace(Deployment(), evidence_per_batch=25)
    assert usd_of_use_per_camera_hour(every_frame) > 25 * 0.0072


def test_cameras_share_the_machines() -> None:
    one, four = cost_of(Deployment()), cost_of(Deployment(cameras=4))
    assert four.usd_per_camera_hour < one.usd_per_camera_hour / 3
    more = four.usd_per_hour - one.usd_per_hour
    assert more == pytest.approx(3 * usd_of_use_per_camera_hour(Deployment()))


def test_what_goes_on_after_the_stop_is_the_control_plane_and_what_is_stored() -> None:
    kept = {line.what.partition(":")[0] for line in cost_of(Deployment()).lines if line.is_kept}
    assert {"EKS control plane", "disks"} <= kept
    assert not {"nodes", "broker", "camera", "public IPv4 addresses"} & kept


def test_prices_and_rate_carry_their_days() -> None:
    assert date(2026, 1, 1) < INR_PER_USD_AS_OF <= PRICES_AS_OF


def test_unknown_regions_and_machines_are_refused_by_name() -> None:
    with pytest.raises(Unpriced, match="mars-1; known: ap-south-1, us-east-1"):
        cost_of(Deployment(region="mars-1"))
    with pytest.raises(Unpriced, match=r"m5\.huge in ap-south-1; known: c6a"):
        cost_of(Deployment(node_type="m5.huge"))


def test_the_command_prints_one_json_document_on_its_last_line() -> None:
    result = CliRunner().invoke(app, ["cost", "--cameras", "4", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout.splitlines()[-1])
    bill = cost_of(Deployment(cameras=4))
    assert document["usd_per_hour"] == pytest.approx(bill.usd_per_hour, abs=1e-5)
    assert document["inr_per_day"] == pytest.approx(bill.inr_per_day, abs=0.01)
    assert document["usd_per_camera_hour"] == pytest.approx(bill.usd_per_hour / 4, abs=1e-5)


def test_the_command_prints_a_table_for_people() -> None:
    result = CliRunner().invoke(app, ["cost", "--config", str(EXAMPLE)])
    assert result.exit_code == 0, result.output
    assert "EKS control plane" in result.stdout
    assert "INR" in result.stdout


def stack_file(folder: Path, config: str, owner: str = "owner@example.com") -> Path:
    path = folder / "Pulumi.demo.yaml"
    path.write_text(f"encryptionsalt: v1:x\nconfig:\n  framerail:owner_email: {owner}\n{config}")
    return path


def test_the_command_reads_the_settings_of_a_stack(tmp_path: Path) -> None:
    stack = stack_file(tmp_path, "  aws:region: us-east-1\n  framerail:node_count: 2\n")
    chosen = Deployment(region="us-east-1", node_count=2)
    assert read_stack_file(stack).deployment == chosen
    result = CliRunner().invoke(app, ["cost", "--config", str(stack), "--json"])
    document = json.loads(result.stdout.splitlines()[-1])
    assert document["inr_per_day"] == pytest.approx(cost_of(chosen).inr_per_day, abs=0.01)


def test_a_stack_above_its_budget_is_priced_and_told_that_it_would_be_refused(
    tmp_path: Path,
) -> None:
    stack = stack_file(tmp_path, "  framerail:node_count: 4\n")
    result = CliRunner().invoke(app, ["cost", "--config", str(stack)])
    assert result.exit_code == 0, result.output
    assert "refuses it: this configuration costs INR" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("framerail:node_count: two", "framerail:node_count: Input should be a valid integer"),
        ("framerail:cameras: 0", "framerail:cameras: Input should be greater than or equal to 1"),
        ("framerail:cameras: true", "framerail:cameras: Input should be a valid integer"),
        ("framerail:broker_disk_gb: -20", "framerail:broker_disk_gb: "),
        ("framerail:frames_per_s: .nan", "framerail:frames_per_s: "),
        ("framerail:frames_per_s: nan", "framerail:frames_per_s: Input should be a finite number"),
        ("framerail:inr_per_usd:", "framerail:inr_per_usd: Input should be a valid number"),
        ("framerail:nodecount: 2", "framerail:nodecount: Extra inputs are not permitted"),
        ("framerail:root_disk_gb: 20", "framerail:root_disk_gb: Extra inputs"),
        ("node_count: 2", "node_count: not a setting of this stack; expected framerail:<name>"),
        ("framerail:region: us-east-1", "framerail:region: the region is set as aws:region"),
        ("aws:profile: mine", "aws:profile: not read"),
        ("7: 7", "7: not a setting of this stack"),
    ],
)
def test_a_setting_that_pulumi_up_would_refuse_is_refused_by_the_price_too(
    tmp_path: Path, setting: str, said: str
) -> None:
    stack = stack_file(tmp_path, f"  {setting}\n  framerail:stop_after_hours: 0\n")
    with pytest.raises(ConfigurationError) as raised:
        read_stack_file(stack)
    assert f"\n  {said}" in str(raised.value)
    assert "\n  framerail:stop_after_hours: " in str(raised.value)
    assert "2 setting(s)" in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("text", ["[]", "", "config:\n", "config: [1]\n", "a: b: c", "\x00"])
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str) -> None:
    stack = tmp_path / "Pulumi.demo.yaml"
    stack.write_text(text)
    with pytest.raises(ConfigurationError, match=r"Pulumi\.demo\.yaml: no settings of a stack"):
        read_stack_file(stack)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no settings of a stack"):
        read_stack_file(tmp_path / "none.yaml")


@pytest.mark.parametrize("region", sorted(PRICE_LISTS))
def test_every_machine_that_may_be_chosen_has_a_price_in_every_region(region: str) -> None:
    prices = PRICE_LISTS[region].instance_usd_per_hour
    assert {*NODE_TYPES, *BROKER_TYPES, *CAMERA_TYPES} <= set(prices)


def test_the_brokers_disk_holds_what_the_cameras_of_the_example_fill_it_with() -> None:
    example = read_stack_file(EXAMPLE)
    assert kept_in_kafka_gib(example.cameras) <= 0.8 * example.broker_disk_gb


def test_the_guide_says_how_many_cameras_the_default_disk_holds() -> None:
    said = (CHECKOUT / "docs" / "capacity.md").read_text(encoding="utf-8")
    disk_gb = Deployment().broker_disk_gb
    held = max(n for n in range(1, 20) if kept_in_kafka_gib(n) <= 0.8 * disk_gb)
    assert f"{disk_gb} GB: {held} cameras" in said
    assert kept_in_kafka_gib(2) - kept_in_kafka_gib(1) < 0.8 * 3
    assert "raise `broker_disk_gb` by 3 for each more" in said


def kept_in_kafka_gib(cameras: int) -> float:
    """What the topics of so many cameras take on AWS: the frames by bytes, the results by time."""
    path = CHECKOUT / "kserve" / "overlays" / "aws" / "settings.yaml"
    of_the_yaml = yaml.safe_load(path.read_text(encoding="utf-8"))["data"]
    settings = KafkaSettings()
    batches_per_s = cameras * Deployment().frames_per_s / FRAMES_PER_BATCH
    results_bytes_per_s = batches_per_s * RESULT_BYTES
    results = results_bytes_per_s * int(of_the_yaml["FRAMERAIL_RESULTS_RETENTION_S"])
    # A segment is deleted when it is full and all of it is too much.
    frames = cameras * (settings.frames_retention_bytes + SEGMENT_BYTES)
    return (frames + results + SEGMENT_BYTES) / 2**30
