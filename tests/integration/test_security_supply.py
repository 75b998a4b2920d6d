"""The bill of materials names the servers that really run."""

import httpx

from local.stack import EmbeddedStack
from supply.sbom import TRITON_VERSION


def test_triton_is_of_the_version_that_the_bill_names(triton: EmbeddedStack) -> None:
    told = httpx.get(f"{triton.addresses.triton_http}/v2", timeout=5).json()
    assert (told["name"], told["version"]) == ("triton", TRITON_VERSION)
