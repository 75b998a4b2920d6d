"""Looking things up in what the program asked for."""

from typing import Any

from tests.infra.recording import Program, statements


def policies(program: Program) -> dict[str, list[dict[str, Any]]]:
    """The statements of every policy of ours, by the name of the resource."""
    found = program.of("iam/rolePolicy:RolePolicy")
    return {each.name: list(statements(each.inputs["policy"])) for each in found}


def objects(program: Program) -> list[dict[str, Any]]:
    """All that is applied to the cluster as YAML."""
    groups = program.of("yaml/v2:ConfigGroup")
    return [manifest for group in groups for manifest in group.inputs["objs"]]


def manifest(program: Program, kind: str, name: str) -> dict[str, Any]:
    return next(
        each
        for each in objects(program)
        if each["kind"] == kind and each["metadata"]["name"] == name
    )
