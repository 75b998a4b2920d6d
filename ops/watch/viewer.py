"""The edge to the viewer: where it is, and what it tells."""

import httpx
import msgspec

from contracts.wall import Wall
from local.state import read_state
from ops.options import demo_workspace, lasting_workspace
from runtime.errors import ConfigurationError, DependencyError
from runtime.logs import redacted

VIEWER_VARIABLE = "FRAMERAIL_VIEWER_URL"
ANSWER_WITHIN_S = 2.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def viewer_address(given: str | None = None) -> str:
    """Return the URL that was given, else that of the pipeline, or the demo, which runs here.

    Raises ConfigurationError for a URL that cannot be a viewer's, DependencyError if there is none.
    """
    if given is not None:
        return _checked(given)
    for workspace in (lasting_workspace(), demo_workspace()):
        state = read_state(workspace)
        if state is not None and state.is_supervised() and "viewer" in state.addresses:
            return state.addresses["viewer"]
    raise DependencyError(
        f"no viewer runs here: `framerail up` starts one, --viewer or {VIEWER_VARIABLE} names one "
        "elsewhere"
    )


def _checked(given: str) -> str:
    try:
        url = httpx.URL(given)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"--viewer {redacted(given)}: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(f"--viewer {redacted(given)}: expected http://host:port")
    return given


class ViewerClient:
    """Asks one viewer after the other for its wall; keeps the connection between two questions."""

    def __init__(self, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        self._timeout_s = answer_within_s
        self._client: httpx.Client | None = None
        self._url = ""

    def __enter__(self) -> "ViewerClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()

    def wall(self, url: str) -> Wall:
        """Return what the viewer at a URL tells now; raise DependencyError if it does not."""
        place = f"the viewer at {redacted(url)}"
        try:
            answer = self._at(url).get("api/wall").raise_for_status()
            return msgspec.json.decode(answer.content, type=Wall)
        except httpx.HTTPStatusError as error:
            raise DependencyError(f"{place} answers {error.response.status_code}") from error
        except httpx.HTTPError as error:
            raise DependencyError(f"{place} does not answer: {error}") from error
        except msgspec.MsgspecError as error:
            raise DependencyError(
                f"{place} tells no wall that this version reads: {error}"
            ) from error

    def _at(self, url: str) -> httpx.Client:
        if self._client is None or url != self._url:
            self.close()
            # A proxy of the environment cannot reach what listens on this machine alone.
            is_here = httpx.URL(url).host in LOOPBACK
            base_url = url if url.endswith("/") else f"{url}/"
            self._client = httpx.Client(
                base_url=base_url, timeout=self._timeout_s, trust_env=not is_here
            )
            self._url = url
        return self._client
