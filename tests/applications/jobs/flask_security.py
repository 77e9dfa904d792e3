"""The pages of Flask-Security, and its messages."""

import re

from flask import Flask, render_template_string
from flask_security import RoleMixin, Security, UserMixin
from flask_security.datastore import UserDatastore


class Store(UserDatastore):
    def __init__(self):
        super().__init__(User, Role)

    def find_user(self, case_insensitive=False, **kwargs):
        return None

    def find_role(self, role):
        return None


class User(UserMixin):
    fs_uniquifier = "x"
    email = "a@example.com"


class Role(RoleMixin):
    pass


application = Flask("application")
application.config.update(
    SECRET_KEY="secret",
    SECURITY_PASSWORD_SALT="1",
    SECURITY_REGISTERABLE=True,
    SECURITY_RECOVERABLE=True,
    SECURITY_CONFIRMABLE=True,
    SECURITY_PASSWORD_HASH="plaintext",
    SECURITY_PASSWORD_SCHEMES=["plaintext"],
    TESTING=True,
)
Security(application, Store())
client = application.test_client()
for address in ("/login", "/register", "/reset", "/confirm"):
    answer = client.get(address)
    print(
        address,
        answer.status_code,
        re.sub(r'value="I[\w.\-]{30,}"', 'value="TOKEN"', answer.get_data(as_text=True)),
    )
answer = client.post("/login", data={"email": "<nobody>", "password": "x"})
print(answer.status_code, re.sub(r'value="I[\w.\-]{30,}"', 'value="TOKEN"', answer.get_data(as_text=True)))
with application.test_request_context():
    print(
        render_template_string(
            "{% from 'security/_macros.html' import render_field, render_form_errors %}{{ render_field is defined }}"
        )
    )
