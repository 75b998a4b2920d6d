"""The git-ignored folder in which prepared servers survive and a running stack keeps its files."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where everything lies: `cache/` may be shared and kept, `stack/` is one stack's own.

    `root` is `.framerail/` of the checkout unless the caller says otherwise. `shared_cache`
    replaces `root/cache`, so that throw-away workspaces (tests) use servers built once.
    """

    root: Path
    shared_cache: Path | None = None

    @property
    def cache(self) -> Path:
        """Prepared servers; safe to delete, costs minutes to build again."""
        return self.shared_cache if self.shared_cache is not None else self.root / "cache"

    @property
    def stack(self) -> Path:
        """All that belongs to one stack."""
        return self.root / "stack"

    @property
    def logs(self) -> Path:
        """One file a part: `<part>.log`, and `<part>.log.1` of the run before."""
        return self.stack / "logs"

    @property
    def configuration(self) -> Path:
        """The servers' configuration files, written anew at each start."""
        return self.stack / "config"

    @property
    def storage(self) -> Path:
        """What the servers store: topics, objects."""
        return self.stack / "data"

    @property
    def state_file(self) -> Path:
        """Which processes run, and where they listen (`local.state`)."""
        return self.stack / "state.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor for as long as it lives."""
        return self.stack / "supervisor.lock"

    @property
    def credentials_file(self) -> Path:
        """An AWS shared-credentials file with the one profile `framerail`, mode 0600."""
        return self.stack / "credentials"

    def create(self) -> None:
        """Make the folders; what exists is left alone."""
        for folder in (self.cache, self.logs, self.configuration, self.storage):
            folder.mkdir(parents=True, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
