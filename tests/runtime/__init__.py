"""What templates use while they run, compared with Jinja2's."""
