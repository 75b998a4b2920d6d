"""What docs/traces.md tells an operator to write fits the base that it is added to."""

import re
from typing import Any

import yaml

from local.stack import CHECKOUT
from runtime.settings import ENV_PREFIX, ServiceSettings, load_settings
from tests.unit.kserve_objects import overlay_objects

PAGE = (CHECKOUT / "docs" / "traces.md").read_text(encoding="utf-8")


def manifests() -> list[dict[str, Any]]:
    (block,) = re.findall(r"```yml\n(.*?)```", PAGE, re.DOTALL)
    return list(yaml.safe_load_all(block))


def test_the_settings_of_the_page_are_ours_and_are_taken() -> None:
    settings, _ = manifests()
    given = {name.removeprefix(ENV_PREFIX).lower(): text for name, text in settings["data"].items()}
    assert set(given) == {"traces_endpoint", "traces_every_s"}
    assert load_settings(ServiceSettings, **given).traces_every_s == 10


def test_the_policy_of_the_page_lets_out_the_three_services_on_the_port_of_the_endpoint() -> None:
    settings, policy = manifests()
    (chosen,) = policy["spec"]["podSelector"]["matchExpressions"]
    workloads = {
        found["spec"]["template"]["metadata"]["labels"][chosen["key"]]
        for found in overlay_objects("aws")
        if found["kind"] in ("Deployment", "StatefulSet")
    }
    assert set(chosen["values"]) == {"producer", "consumer", "postproc"} <= workloads
    (port,) = policy["spec"]["egress"][0]["ports"]
    assert settings["data"]["FRAMERAIL_TRACES_ENDPOINT"].endswith(f":{port['port']}")
