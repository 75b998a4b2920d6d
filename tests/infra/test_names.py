"""Names tell whose a thing is, and fit where they go."""

import json

import pytest
from naming import ROLE_PREFIX_LIMIT, STACK_LIMIT, Names, check_names

import pulumi
from ops.aws_settings import PROJECT, WrongSettings
from tests.infra.conftest import PROGRAM
from tests.infra.recording import Program, run_into

LONGEST = "a" * STACK_LIMIT
# 63 characters, of which the provider takes 26 for what makes the name unique.
BUCKET_PREFIX_LIMIT = 37
SETTINGS = {"aws:region": "ap-south-1", "framerail:owner_email": "owner@example.com"}


def test_every_role_and_instance_profile_begins_with_the_name_of_the_stack(
    program: Program,
) -> None:
    made = program.of("iam/role:Role") + program.of("iam/instanceProfile:InstanceProfile")
    assert sorted(each.inputs["namePrefix"] for each in made) == [
        "framerail-test-broker-",
        "framerail-test-broker-",
        "framerail-test-camera-",
        "framerail-test-camera-",
        "framerail-test-control-",
        "framerail-test-model-",
        "framerail-test-nodes-",
        "framerail-test-postproc-",
        "framerail-test-stop-",
        "framerail-test-viewer-",
    ]
    assert not [each for each in made if "name" in each.inputs]


def test_prefixes_fit_with_the_longest_name_of_a_stack(program: Program) -> None:
    longer = len(LONGEST) - len("test")
    roles = program.of("iam/role:Role")
    buckets = program.of("s3/bucket:Bucket")
    assert max(len(each.inputs["namePrefix"]) for each in roles) + longer <= ROLE_PREFIX_LIMIT
    assert max(len(each.inputs["bucketPrefix"]) for each in buckets) + longer <= BUCKET_PREFIX_LIMIT
    check_names(PROJECT, LONGEST)


def test_a_role_whose_prefix_iam_would_not_take_is_refused() -> None:
    names = Names(PROJECT, LONGEST, "owner@example.com")
    assert names.role_prefix("postproc") == f"framerail-{LONGEST}-postproc-"
    with pytest.raises(ValueError, match=r"control-plane.*38"):
        names.role_prefix("control-plane")


@pytest.mark.parametrize("stack", ["d", "demo", "demo-2", "a--b", LONGEST])
def test_a_stack_may_be_called(stack: str) -> None:
    check_names(PROJECT, stack)


@pytest.mark.parametrize(
    "stack", ["", "Demo", "2nd", "-demo", "demo-", "de_mo", "a.b", LONGEST + "a"]
)
def test_a_stack_may_not_be_called(stack: str) -> None:
    with pytest.raises(WrongSettings) as raised:
        check_names(PROJECT, stack)
    said = str(raised.value)
    assert f"this stack is called {stack!r}" in said
    assert f"expected a to z first, then up to {STACK_LIMIT - 1} of a-z, 0-9 and '-'" in said
    assert "pulumi stack rename" in said


def test_another_name_of_the_project_is_refused_as_its_settings_would_not_be_found() -> None:
    with pytest.raises(WrongSettings, match="'elsewhere'; expected 'framerail'"):
        check_names("elsewhere", "demo")


def test_a_wrong_name_stops_the_program_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(SETTINGS))
    program = Program()
    with pytest.raises(pulumi.RunError, match="this stack is called 'Demo_1'"):
        run_into(program, PROGRAM / "__main__.py", "Demo_1")
    assert program.resources == []
