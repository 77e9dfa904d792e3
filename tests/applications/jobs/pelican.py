"""Builds a site with both of Pelican's themes."""

from pathlib import Path

from pelican import Pelican
from pelican.settings import read_settings

content = Path("content")
(content / "pages").mkdir(parents=True)
for number in range(12):
    (content / f"article{number}.md").write_text(
        f"Title: Article {number} & more\nDate: 2020-01-{number + 1:02} 10:00\nCategory: {'ab'[number % 2]}\n"
        f"Tags: one, t{number % 3}\nAuthor: Ann\n\nText *{number}*.\n"
    )
(content / "pages/about.md").write_text("Title: About\n\nAbout.\n")
for theme in ("notmyidea", "simple"):
    settings = read_settings(
        override={
            "PATH": "content",
            "OUTPUT_PATH": f"out/{theme}",
            "THEME": theme,
            "SITENAME": "Demo",
            "SITEURL": "https://example.org",
            "TIMEZONE": "UTC",
            "DEFAULT_PAGINATION": 5,
            "FEED_ALL_ATOM": "feed.xml",
            "LINKS": (("One", "https://example.org/1"),),
        }
    )
    Pelican(settings).run()
