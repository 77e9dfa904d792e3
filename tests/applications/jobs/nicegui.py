"""The page that NiceGUI renders with its own template."""

import re

from fastapi import FastAPI
from fastapi.testclient import TestClient
from nicegui import ui


@ui.page("/", title="A & <B>", favicon="x")
def index():
    ui.add_head_html("<meta name='own'>")
    ui.label("Text & <more>")
    with ui.row():
        ui.button("Press")
        for number in range(3):
            ui.markdown(f"**{number}**")


app = FastAPI()
ui.run_with(app)
answer = TestClient(app).get("/")
text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", answer.text)
print(answer.status_code, re.sub(r"\d{10,}(\.\d+)?", "NUMBER", text))
