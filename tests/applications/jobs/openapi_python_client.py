"""Generates a client from a description of an API."""

import json
from pathlib import Path

from openapi_python_client.cli import app
from typer.testing import CliRunner

document = {
    "openapi": "3.0.3",
    "info": {"title": "Demo", "version": "1.0"},
    "paths": {
        "/users/{id}": {
            "get": {
                "operationId": "get_user",
                "tags": ["users"],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
                    {"name": "full", "in": "query", "schema": {"type": "boolean", "default": False}},
                ],
                "responses": {
                    "200": {
                        "description": "ok",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}},
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "User": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "born": {"type": "string", "format": "date"},
                    "kind": {"type": "string", "enum": ["a", "b"]},
                    "friends": {"type": "array", "items": {"$ref": "#/components/schemas/User"}},
                },
            }
        }
    },
}
Path("api.json").write_text(json.dumps(document))
Path("config.yml").write_text("post_hooks: []\n")
result = CliRunner().invoke(
    app, ["generate", "--path", "api.json", "--config", "config.yml", "--output-path", "client"]
)
print(result.exit_code, result.output)
