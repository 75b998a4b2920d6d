"""A wrong setting stops `pulumi up` before anything is created, and is named."""

from dataclasses import asdict, fields

import pytest
import yaml
from settings import Settings, WrongSettings, settings_from

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
                "framerail:kubernetes_version": "1.20",
            }
        )
    said = str(raised.value)
    for name in ("owner_email", "node_count", "reviewer", "api_allowed_cidrs", "nodecount"):
        assert f"  framerail:{name}" in said
    assert "  framerail:kubernetes_version: Input should be '1.33', '1.34' or '1.35'" in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"aws:region": "mars-north-1"}, "no prices for region mars-north-1"),
        ({"framerail:node_type": "x9.large"}, "no price for x9.large in ap-south-1"),
        ({"framerail:node_count": "4"}, "above budget_inr_per_day 1000"),
        ({"framerail:stop_after_hours": "0"}, "framerail:stop_after_hours"),
        ({"framerail:owner_email": "nobody"}, "framerail:owner_email"),
    ],
)
def test_what_cannot_be_priced_or_costs_too_much_is_refused(
    wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(WrongSettings, match=said):
        settings_from(OWNER | wrong)


def test_a_higher_budget_lets_a_dearer_stack_through() -> None:
    dearer = {"framerail:node_count": "4", "framerail:budget_inr_per_day": "2000"}
    assert settings_from(OWNER | dearer).cost.inr_per_day > 1000


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
