"""`python -m contracts` writes the JSON Schema of each record into `contracts/schemas/`."""

from contracts.schema import write_schemas

if __name__ == "__main__":
    write_schemas()
