"""Holds every example of an OpenAPI document to the schema that it stands in. Says what does not fit."""

import json
import sys

import jsonschema_rs

document = json.load(open(sys.argv[1]))
schemas = document["components"]["schemas"]
misfits = []
count = 0


def fits(where, schema, value):
    global count
    count += 1
    whole = {**schema, "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    misfits.extend(f"{where}: {error.message}" for error in validator.iter_errors(value))


def visit(where, thing):
    if isinstance(thing, list):
        for number, one in enumerate(thing):
            visit(f"{where}/{number}", one)
    elif isinstance(thing, dict):
        if isinstance(thing.get("examples"), list):
            for example in thing["examples"]:
                fits(where, thing, example)
        if "schema" in thing and "example" in thing:
            fits(where, thing["schema"], thing["example"])
        for name, one in thing.items():
            visit(f"{where}/{name}", one)


visit("", document)
print("\n".join(misfits) or f"{count} examples fit")
sys.exit(bool(misfits) or count == 0)
