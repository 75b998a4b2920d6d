"""The JSON Schema of the records, for readers in other languages."""

from pathlib import Path

import msgspec

from contracts.results import BatchResult

SCHEMAS = Path(__file__).parent / "schemas"


def schema_files() -> dict[Path, str]:
    """Return each schema file's path and the text that it should hold."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "framerail batch result, version 1",
        **msgspec.json.schema(BatchResult),
    }
    text = msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
    return {SCHEMAS / "result.v1.json": text}


def write_schemas() -> None:
    """Write every schema file."""
    SCHEMAS.mkdir(exist_ok=True)
    for path, text in schema_files().items():
        path.write_text(text)
