"""The configuration of the plugin: three kinds of files, the section [tmplmon], and the files that are searched."""

import os
import re
import subprocess
import sys
from pathlib import Path

import coverage
import pytest

from tmplmon import Environment, FileSystemLoader, PackageLoader
from tmplmon.ext import Extension, tag

from .conftest import Measure, counting, table

ROOT = Path(__file__).parents[2]


def run(*words: str) -> str:
    """The output of a process in the current folder, including standard error."""
    environment = {**os.environ, "PYTHONPATH": f"{os.getcwd()}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


class Shout(Extension):
    @tag(body=True)
    def shout(self, *, caller):  # type: ignore[no-untyped-def]
        return caller().upper()


# --- files -------------------------------------------------------------------------------------------------

FILES = {
    ".coveragerc": "[run]\nplugins = tmplmon\nsource = .\n[tmplmon]\npatterns =\n    *.tmpl\n    *.html\n",
    "setup.cfg": "[coverage:run]\nplugins = tmplmon\nsource = .\n[coverage:tmplmon]\npatterns = *.tmpl, *.html\n",
    "pyproject.toml": '[tool.coverage.run]\nplugins = ["tmplmon"]\nsource = ["."]\n'
    '[tool.coverage.tmplmon]\npatterns = ["*.tmpl", "*.html"]\n',
}


@pytest.mark.parametrize("name", FILES)
def test_each_kind_of_file(folder: Path, name: str) -> None:
    (folder / name).write_text(FILES[name])
    (folder / "page.html").write_text("{{ 1 }}\n{% if no %}\n3\n{% endif %}\n")
    (folder / "never.tmpl").write_text("{{ 1 }}\n")
    counter = coverage.Coverage(data_file=None)
    with counter.collect():
        Environment(loader=FileSystemLoader(".")).get_template("page.html").render()
    assert table(counter) == {"page.html": "3 1 67% 3", "never.tmpl": "1 1 0% 1"}


def test_nothing_is_imported_without_need() -> None:
    assert run("-c", "import tmplmon, sys; print('coverage' in sys.modules)") == "False\n"


def test_an_unknown_option_is_an_error(measure: Measure) -> None:
    with pytest.raises(coverage.CoverageException, match=r"Unrecognized option '\[tmplmon\] enviroment='"):
        measure("1", tmplmon__enviroment="a")


# --- the syntax --------------------------------------------------------------------------------------------


def test_delimiters(measure: Measure) -> None:
    environment = Environment(loader=FileSystemLoader("."), block_start_string="<%", block_end_string="%>")
    counter = measure(
        "<% if no %>",
        "2",
        "<% endif %>",
        environment=environment,
        tmplmon__block_start_string="<%",
        tmplmon__block_end_string="%>",
    )
    assert table(counter)["page.html"] == "2 1 2 1 50% 2"


def test_delimiters_need_no_option(measure: Measure) -> None:
    environment = Environment(loader=FileSystemLoader("."), block_start_string="<%", block_end_string="%>")
    counter = measure("<% if no %>", "2", "<% endif %>", environment=environment)
    assert table(counter)["page.html"] == "2 1 2 1 50% 2"


def test_tags_need_no_option(folder: Path, measure: Measure) -> None:
    environment = Environment(loader=FileSystemLoader("."), extensions=[Shout])
    (folder / "other.html").write_text("{% shout %}\na\n{% endshout %}\n")
    counter = measure("{% shout %}", "a", "{% endshout %}", environment=environment)
    assert table(counter) == {"other.html": "2 2 0 0 0% 1-2", "page.html": "2 0 0 0 100%"}


def test_the_report_of_another_process_knows_the_syntax(folder: Path) -> None:
    """Also of an environment that is gone, with extensions whose classes cannot be imported."""
    (folder / "pages").mkdir()
    (folder / "pages" / "a.html").write_text(
        "<% shout %>\na\n<% endshout %>\n<% mark %>\n<% if no %>\nb\n<% endif %>\n"
    )
    (folder / "pages" / "never.html").write_text("<% shout %>\na\n<% endshout %>\n")
    (folder / "site.py").write_text(
        "from tmplmon import Environment, FileSystemLoader\n"
        "from tmplmon.ext import Extension, tag\n"
        "def main():\n"
        "    class Own(Extension):\n"
        "        @tag(body=True)\n"
        "        def shout(self, *, caller):\n"
        "            return caller().upper()\n"
        "        @tag()\n"
        "        def mark(self):\n"
        "            return '!'\n"
        "    delimiters = {'block_start_string': '<%', 'block_end_string': '%>'}\n"
        "    loader = FileSystemLoader('pages')\n"
        "    Environment(loader=loader, extensions=[Own], **delimiters).get_template('a.html').render()\n"
        "main()\n"
    )
    (folder / ".coveragerc").write_text("[run]\nplugins = tmplmon\nbranch = true\nsource = .\n")
    run("-m", "coverage", "run", "site.py")
    report = run("-m", "coverage", "report", "-m", "--include=pages/*")
    assert re.findall(r"pages/(\w+).html +(\d.*)", report) == [
        ("a", "5      1      2      1    71%   6"),
        ("never", "2      2      0      0     0%   1-2"),
    ]


def test_a_warning_about_options_for_other_delimiters(measure: Measure) -> None:
    environment = Environment(loader=FileSystemLoader("."), block_start_string="<%", block_end_string="%>")
    with pytest.warns(
        coverage.exceptions.CoverageWarning, match="have delimiters that differ from the coverage conf"
    ):
        measure(
            "<% if no %>", "2", "<% endif %>", environment=environment, tmplmon__line_statement_prefix="#"
        ).get_data()


def test_a_warning_about_options_without_a_tag(folder: Path, measure: Measure) -> None:
    environment = Environment(loader=FileSystemLoader("."), extensions=[Shout])
    made(folder, "other.html")
    options = {"tmplmon__extensions": "tmplmon.ext.do"}
    counter = measure("{% shout %}", "a", "{% endshout %}", environment=environment, **options)
    with pytest.warns(coverage.exceptions.CoverageWarning) as caught:
        table(counter)
    messages = [str(warning.message) for warning in caught]
    assert any("use tags that the coverage configuration does not name (shout)" in text for text in messages)
    assert any("Couldn't parse the template 'page.html'" in text for text in messages)


def test_tags(measure: Measure) -> None:
    environment = Environment(loader=FileSystemLoader("."), extensions=[Shout])
    options = {"tmplmon__extensions": f"{Shout.__module__}.Shout"}
    counter = measure("{% shout %}", "a", "{% endshout %}", environment=environment, **options)
    assert table(counter)["page.html"] == "2 0 0 0 100%"


@pytest.mark.parametrize("name", ["pages:made", "pages:make", "pages:Site.environment"])
def test_environment(folder: Path, measure: Measure, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (folder / "pages.py").write_text(
        "from tmplmon import Environment\n"
        "def make():\n    return Environment(block_start_string='<%', block_end_string='%>')\n"
        "made = make()\n"
        "class Site:\n    environment = made\n"
    )
    monkeypatch.delitem(sys.modules, "pages", raising=False)
    environment = Environment(loader=FileSystemLoader("."), block_start_string="<%", block_end_string="%>")
    lines = ("<% if no %>", "2", "<% endif %>")
    counter = measure(*lines, environment=environment, tmplmon__environment=name)
    assert table(counter)["page.html"] == "2 1 2 1 50% 2"
    assert str(folder) not in sys.path


def test_several_environments(folder: Path, measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "kinds.py").write_text(
        "from tmplmon import Environment, FileSystemLoader\n"
        "html = Environment(loader=FileSystemLoader('.'))\n"
        "tex = Environment(loader=FileSystemLoader('tex'), block_start_string='<%', block_end_string='%>')\n"
    )
    monkeypatch.delitem(sys.modules, "kinds", raising=False)
    (folder / "tex").mkdir()
    (folder / "tex" / "a.tex").write_text("<% if no %>\n2\n<% endif %>")
    tex = Environment(loader=FileSystemLoader("tex"), block_start_string="<%", block_end_string="%>")
    html = Environment(loader=FileSystemLoader("."))
    html.globals["tex"] = tex.get_template("a.tex").render
    counter = measure(
        "{{ tex() }}",
        "{% if no %}",
        "3",
        "{% endif %}",
        environment=html,
        tmplmon__environment="kinds:tex, kinds:html",
    )
    assert table(counter) == {
        "kinds.py": "3 3 0 0 0% 1-3",
        "page.html": "3 1 2 1 60% 3",
        "tex/a.tex": "2 1 2 1 50% 2",
    }


@pytest.mark.parametrize(
    ("name", "why"),
    [("nowhere:a", "No module named"), ("os:nothing", "no attribute"), ("os:sep", "not an environment")],
)
def test_an_environment_that_does_not_exist(measure: Measure, name: str, why: str) -> None:
    with pytest.raises(coverage.CoverageException, match=f"environment = {name}: .*{why}"):
        table(measure("1", tmplmon__environment=name))


# --- never rendered ----------------------------------------------------------------------------------------


def made(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{{ 1 }}")


def test_templates_are_recognized_by_their_names(folder: Path, measure: Measure) -> None:
    made(folder, "a.j2", "b.html.jinja", "c.jinja2", "templates/d.html", "x/templates/y/e.txt", "sub/f.html")
    made(folder, "g.woff", "templates/h.png", ".hidden/i.j2", "node_modules/j.j2", "venv/pyvenv.cfg")
    made(folder, "venv/l.j2", "templates/m.woff")
    assert set(table(measure("1"))) == {
        *("a.j2", "b.html.jinja", "c.jinja2", "templates/d.html", "x/templates/y/e.txt"),
        # in the folder of a loaded template, by its loader
        *("page.html", "sub/f.html"),
    }


def test_files_with_the_suffix_of_a_loaded_template(folder: Path, measure: Measure) -> None:
    made(folder, "pages/page.tex", "pages/other.tex", "elsewhere/other.tex")
    environment = Environment(loader=FileSystemLoader("pages"))
    (folder / "pages" / "page.html").write_text("{% include 'page.tex' %}")
    assert set(table(measure(environment=environment))) == {
        "pages/page.tex",
        "pages/other.tex",
        "pages/page.html",
    }


def test_own_patterns(folder: Path, measure: Measure) -> None:
    made(folder, "a.j2", "b.tmpl", "sub/c.html")
    assert set(table(measure("1", tmplmon__patterns="*.tmpl"))) == {"page.html", "b.tmpl"}


def test_omit(folder: Path, measure: Measure) -> None:
    made(folder, "a.html", "sub/c.html")
    assert set(table(measure("1", run__omit=["sub/*"]))) == {"page.html", "a.html"}


def test_include(folder: Path) -> None:
    made(folder, "a.html", "sub/c.html", "sub/d.html", "page.html")
    counter = coverage.Coverage(data_file=None, config_file=False, include=["sub/*"])
    counter.set_option("run:plugins", ["tmplmon"])
    environment = Environment(loader=FileSystemLoader("."))
    with counter.collect():
        environment.get_template("page.html").render()
        environment.get_template("sub/c.html").render()
    assert table(counter) == {"sub/c.html": "1 0 100%", "sub/d.html": "1 1 0% 1"}


def test_without_a_source_no_files_are_searched(folder: Path) -> None:
    made(folder, "a.html", "page.html")
    counter = coverage.Coverage(data_file=None, config_file=False)
    counter.set_option("run:plugins", ["tmplmon"])
    with counter.collect():
        Environment(loader=FileSystemLoader(".")).get_template("page.html").render()
    result = table(counter)
    assert result["page.html"] == "1 0 100%" and "a.html" not in result


@pytest.mark.parametrize("option", ["source", "source_pkgs"])
def test_the_templates_of_a_package(folder: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """A package on the path that is not in the current folder, as with a src layout."""
    name = f"packaged_{option}"
    made(folder, f"src/{name}/templates/a.html", f"src/{name}/templates/b.html")
    (folder / "src" / name / "__init__.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(folder / "src"))
    counter = coverage.Coverage(data_file=None, config_file=False, **{option: [name]})
    counter.set_option("run:plugins", ["tmplmon"])
    with counter.collect():
        Environment(loader=PackageLoader(name)).get_template("a.html").render()
    assert table(counter) == {
        f"src/{name}/__init__.py": "1 0 100%",
        f"src/{name}/templates/a.html": "1 0 100%",
        f"src/{name}/templates/b.html": "1 1 0% 1",
    }


# --- paths and debugging -----------------------------------------------------------------------------------


def test_paths_are_mapped(folder: Path) -> None:
    """The data is combined and reported in another folder than it was measured in."""
    for place in ("there", "here"):
        made(folder / place, "page.html", "never.html")
    os.chdir(folder / "there")
    first = coverage.Coverage(data_file="../.coverage.one", config_file=False, source=["."])
    first.set_option("run:plugins", ["tmplmon"])
    with first.collect():
        Environment(loader=FileSystemLoader(".")).get_template("page.html").render()
    first.save()
    os.chdir(folder / "here")
    for name in ("page.html", "never.html"):
        (folder / "there" / name).unlink()
    second = coverage.Coverage(data_file="../.coverage", config_file=False)
    second.set_option("run:plugins", ["tmplmon"])
    second.set_option("paths", {"source": [str(folder / "here"), str(folder / "there")]})
    second.combine()
    assert table(second) == {"never.html": "1 1 0% 1", "page.html": "1 0 100%"}


def test_debugging_plugins(folder: Path) -> None:
    made(folder, "page.html")
    counter = coverage.Coverage(data_file=None, config_file=False, source=["."], debug=["plugin", "sys"])
    counter.set_option("run:plugins", ["tmplmon"])
    with counter.collect():
        Environment(loader=FileSystemLoader(".")).get_template("page.html").render()
    assert table(counter) == {"page.html": "1 0 100%"}
    [plugin] = counter._plugins
    assert [name for name, _ in plugin.sys_info()] == ["templates loaded", "options"]


def test_a_plugin_passed_as_a_function(folder: Path) -> None:
    import tmplmon

    made(folder, "page.html")
    try:
        counter = coverage.Coverage(
            data_file=None, config_file=False, source=["."], plugins=[tmplmon.coverage_init]
        )
    except TypeError:
        pytest.skip("this version of coverage.py takes no plugins")
    with counter.collect():
        Environment(loader=FileSystemLoader(".")).get_template("page.html").render()
    assert table(counter) == {"page.html": "1 0 100%"}


def test_a_report_without_the_engine_does_not_change_the_data(folder: Path, measure: Measure) -> None:
    (folder / ".coveragerc").write_text("[run]\nplugins = tmplmon\nsource = .\n")
    made(folder, "page.html")
    (folder / "main.py").write_text(
        "from tmplmon import Environment, FileSystemLoader\n"
        "Environment(loader=FileSystemLoader('.')).get_template('page.html').render()\n"
    )
    run("-m", "coverage", "run", "main.py")
    made(folder, "later.html")
    before = (folder / ".coverage").read_bytes()
    (folder / ".coverage").chmod(0o444)
    assert "later" not in run("-m", "coverage", "report")
    assert (folder / ".coverage").read_bytes() == before


def test_two_measurements_one_without_the_plugin(folder: Path) -> None:
    made(folder, "page.html")
    plain = coverage.Coverage(data_file=None, config_file=False, source=["."])
    environment = Environment(loader=FileSystemLoader("."))
    with plain.collect():
        environment.get_template("page.html").render()
    data = plain.get_data()
    assert {data.file_tracer(file) for file in data.measured_files()} == {""}
    assert counting(folder) is not None
