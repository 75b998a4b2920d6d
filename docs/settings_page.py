"""`python -m docs.settings_page` writes the table of settings into README.md; a test compares."""

from pathlib import Path

from pydantic.fields import FieldInfo

from consumer.settings import ConsumerSettings
from postproc.settings import PostprocSettings
from producer.settings import ProducerSettings
from runtime.settings import ENV_PREFIX, KafkaSettings, S3Settings, ServiceSettings
from viewer.settings import ViewerSettings

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def settings_section() -> str:
    """Return the tables of every service's settings, in Markdown."""
    told = dict(KafkaSettings.model_fields)
    parts = [_table("Every service", told)]
    services: tuple[tuple[str, type[ServiceSettings]], ...] = (
        ("`producer`", ProducerSettings),
        ("`consumer`", ConsumerSettings),
        ("`postproc` and `viewer`", S3Settings),
        ("`postproc`", PostprocSettings),
        ("`viewer`", ViewerSettings),
    )
    for title, service in services:
        own = {name: field for name, field in service.model_fields.items() if name not in told}
        told |= own
        parts.append(_table(title, own))
    return "\n\n".join(parts)


def readme_with_settings(readme: str) -> str:
    """Return the page with its section of settings replaced by the current one."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{settings_section()}\n{END}{after}"


def _table(title: str, fields: dict[str, FieldInfo]) -> str:
    rows = [
        f"| `{ENV_PREFIX}{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in fields.items()
    ]
    return "\n".join(
        [f"**{title}**", "", "| variable | default | meaning |", "| --- | --- | --- |", *rows]
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    return "empty" if field.default == "" else f"`{field.default}`"


if __name__ == "__main__":
    README.write_text(readme_with_settings(README.read_text()))
