"""A wrong setting stops `pulumi up` before anything is created, and is named."""

from dataclasses import asdict, fields

import pytest
import yaml
from broker import HEAP

from ops.aws_settings import Settings, WrongSettings, settings_from
from ops.costs import Deployment
from tests.infra.conftest import PROGRAM

OWNER = {"framerail:owner_email": "owner@example.com"}


def test_a_new_stack_needs_nothing_but_its_owner() -> None:
    settings = settings_from(OWNER)
    assert settings.reviewer == "founders@optifye.ai"
    assert settings.deployment == Deployment()


def test_values_arrive_as_text_as_pulumi_hands_them_over() -> None:
    settings = settings_from(
        OWNER
        | {
            "aws:region": "us-east-1",
            "framerail:cameras": "3",
            "framerail:api_allowed_cidrs": '["192.0.2.0/24"]',
        }
    )
    assert (settings.region, settings.cameras) == ("us-east-1", 3)
    assert settings.api_allowed_cidrs == ("192.0.2.0/24",)


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(WrongSettings) as raised:
        settings_from(
            {
                "framerail:node_count": "many",
                "framerail:reviewer": "no body",
                "framerail:api_allowed_cidrs": '["192.0.2.1/24"]',
                "framerail:nodecount": "2",
                "framerail:kubernetes_version": "1.34",
                "framerail:region": "us-east-1",
                "framerail:node_type": "t3.xlarge",
                "aws:region": "mars-north-1",
            }
        )
    said = str(raised.value)
    for name in ("owner_email", "node_count", "reviewer", "api_allowed_cidrs", "nodecount"):
        assert f"  framerail:{name}" in said
    assert "  framerail:kubernetes_version: Input should be '1.35'" in said
    assert "  framerail:region: the region is set as aws:region" in said
    assert "  framerail:node_type: t3.xlarge: expected one of c6a.xlarge" in said
    assert "  aws:region: no prices for region mars-north-1" in said
    assert said.startswith("9 setting(s) of this stack are wrong:\n  ")


def test_a_bill_above_the_budget_is_named_beside_what_is_wrong_besides() -> None:
    with pytest.raises(WrongSettings) as raised:
        settings_from({"framerail:node_count": "4", "framerail:reviewer": "no body"})
    said = str(raised.value)
    assert said.startswith("3 setting(s) of this stack are wrong:")
    for name in ("framerail:owner_email", "framerail:reviewer", "together: this configuration"):
        assert f"\n  {name}" in said


def test_no_bill_is_made_of_a_size_that_is_wrong() -> None:
    with pytest.raises(WrongSettings) as raised:
        settings_from(OWNER | {"framerail:node_count": "4", "framerail:cameras": "none"})
    assert "together" not in str(raised.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"aws:region": "mars-north-1"}, "no prices for region mars-north-1"),
        ({"framerail:region": "us-east-1"}, "framerail:region: the region is set as aws:region"),
        ({"framerail:node_type": "x9.large"}, "framerail:node_type: .*x9.large: expected one of"),
        ({"framerail:node_type": "t3.medium"}, "CPU above the baseline of a T is billed"),
        ({"framerail:node_type": "c6a.large"}, "the pods ask for nearly four cores"),
        ({"framerail:broker_type": "t3.micro"}, "Kafka's heap takes 896 MiB"),
        ({"framerail:camera_type": "m7g.medium"}, "framerail:camera_type: .*expected one of"),
        ({"framerail:api_allowed_cidrs": "0.0.0.0/0"}, "expected a JSON list of networks"),
        ({"framerail:api_allowed_cidrs": '"0.0.0.0/0"'}, "expected a JSON list of networks"),
        ({"framerail:api_allowed_cidrs": "[]"}, "expected a JSON list of networks"),
        ({"framerail:reviewer": "r\u00e9viseuse"}, "framerail:reviewer"),
        ({"framerail:owner_email": "o%owner@example.com"}, "framerail:owner_email"),
        ({"framerail:owner_email": "\u00f6wner@example.com"}, "framerail:owner_email"),
        ({"framerail:budget_inr_per_day": "inf"}, "framerail:budget_inr_per_day"),
        ({"framerail:budget_inr_per_day": "nan"}, "framerail:budget_inr_per_day"),
        ({"framerail:node_count": "4"}, "above budget_inr_per_day 1000"),
        ({"framerail:stop_after_hours": "0"}, "framerail:stop_after_hours"),
        ({"framerail:owner_email": "nobody"}, "framerail:owner_email"),
    ],
)
def test_what_aws_or_the_budget_would_refuse_is_refused_with_the_reason(
    wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(WrongSettings, match=said):
        settings_from(OWNER | wrong)


def test_a_higher_budget_lets_a_dearer_stack_through() -> None:
    dearer = {"framerail:node_count": "4", "framerail:budget_inr_per_day": "2000"}
    assert settings_from(OWNER | dearer).cost.inr_per_day > 1000


@pytest.mark.parametrize(
    "chosen",
    [
        {"framerail:node_type": "c6a.2xlarge", "framerail:budget_inr_per_day": "1500"},
        {"framerail:broker_type": "t3.medium"},
        {"framerail:camera_type": "t3.small"},
        {"pulumi:disable-default-providers": "[]"},
    ],
)
def test_larger_machines_and_what_is_pulumis_own_are_let_through(chosen: dict[str, str]) -> None:
    settings_from(OWNER | chosen)


def test_the_heap_of_the_broker_is_what_its_type_is_refused_for() -> None:
    with pytest.raises(WrongSettings, match=HEAP.removesuffix("m") + " MiB"):
        settings_from(OWNER | {"framerail:broker_type": "t3.micro"})


def test_the_example_file_holds_every_setting_with_its_default() -> None:
    config = yaml.safe_load((PROGRAM / "Pulumi.example.yaml").read_text())["config"]
    given = {key: str(value) for key, value in config.items()}
    named = {key.partition(":")[2] for key in given}
    assert named == set(Settings.model_fields)
    example = settings_from(given).model_dump() | {"owner_email": "owner@example.com"}
    assert example == settings_from(OWNER).model_dump()


def test_what_a_stack_is_priced_by_is_what_it_sets() -> None:
    chosen = {"framerail:broker_disk_gb": "100", "framerail:evidence_kept_days": "30"}
    deployment = settings_from(OWNER | chosen).deployment
    changed = {
        field.name
        for field in fields(Deployment)
        if asdict(deployment)[field.name] != asdict(Deployment())[field.name]
    }
    assert changed == {"broker_disk_gb", "evidence_kept_days"}
