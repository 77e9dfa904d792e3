"""Writes the report of a test run."""

import re
from pathlib import Path

import pytest

Path("test_some.py").write_text(
    "import pytest\ndef test_one(): pass\ndef test_two(): assert [1] == [2]\n@pytest.mark.skip(reason='<&>')\ndef test_three(): pass\n"
)
pytest.main(["-q", "-p", "no:cacheprovider", "--html=report.html", "--self-contained-html", "test_some.py"])
report = Path("report.html").read_text()
Path("report.html").write_text(re.sub(r"\d+:\d\d:\d\d|\d+-\w+-\d+|\d+ ms|0\.\d+s", "TIME", report))
print("(the times are removed)")
