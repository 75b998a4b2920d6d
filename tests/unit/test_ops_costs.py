"""A day costs less than 1000 rupees, by the same function for the command and the guard."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.stack import CHECKOUT
from ops.cli import app
from ops.cost_command import deployment_in
from ops.costs import GST, Deployment, Unpriced, cost_of, usd_of_use_per_camera_hour
from ops.prices import INR_PER_USD_AS_OF, PRICE_LISTS, PRICES_AS_OF
from runtime.errors import ConfigurationError

BUDGET_INR = 1000
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


def test_the_command_reads_the_settings_of_a_stack(tmp_path: Path) -> None:
    stack = tmp_path / "Pulumi.demo.yaml"
    stack.write_text("config:\n  aws:region: us-east-1\n  framerail:node_count: 2\n")
    assert deployment_in(stack) == Deployment(region="us-east-1", node_count=2)


@pytest.mark.parametrize(
    ("text", "said"),
    [("config:\n  framerail:node_count: two\n", "framerail:node_count"), ("[]", "no settings")],
)
def test_a_wrong_file_of_settings_is_refused(tmp_path: Path, text: str, said: str) -> None:
    stack = tmp_path / "Pulumi.demo.yaml"
    stack.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        deployment_in(stack)
