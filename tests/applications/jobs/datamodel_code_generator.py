"""Generates Python classes from a JSON schema, for several kinds of models."""

import json
from pathlib import Path

from datamodel_code_generator import DataModelType, InputFileType, generate

schema = {
    "title": "User",
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "description": "The <name>", "minLength": 1},
        "age": {"type": "integer", "default": 3},
        "kind": {"enum": ["a", "b"]},
        "friends": {"type": "array", "items": {"$ref": "#/definitions/Friend"}},
    },
    "definitions": {
        "Friend": {"type": "object", "properties": {"since": {"type": "string", "format": "date"}}}
    },
}
for kind in DataModelType:
    output = Path(f"{kind.value.replace('.', '_')}.py_")
    generate(
        json.dumps(schema),
        input_file_type=InputFileType.JsonSchema,
        output=output,
        output_model_type=kind,
        disable_timestamp=True,
    )
