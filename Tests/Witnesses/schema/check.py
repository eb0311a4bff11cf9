# SPDX-License-Identifier: Apache-2.0
"""Validates YAML files against a JSON Schema: check.py SCHEMA FILE…

Prints one line a file: `valid FILE`, `invalid FILE: PLACE`, or `unreadable FILE` if it is not YAML. Scalars are read
by the core schema of YAML 1.2, as editors read them: NO is a text there.
"""

import json
import re
import sys

import jsonschema
import yaml


class CoreLoader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}


for tag, pattern, first in [
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
]:
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


def with_text_keys(value):
    if isinstance(value, dict):
        return {str(key): with_text_keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_text_keys(inner) for inner in value]
    return value


with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for path in sys.argv[2:]:
    try:
        with open(path, encoding="utf-8") as file:
            document = with_text_keys(yaml.load(file, CoreLoader))
    except yaml.YAMLError:
        print("unreadable", path)
        continue
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is None:
        print("valid", path)
    else:
        print(f"invalid {path}: /{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")
