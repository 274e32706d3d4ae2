"""Every command in the documentation can be typed: its program, subcommand, options and arguments exist.

Each fenced block must be accounted for. Commands of programs that use click are parsed by these programs
themselves. Those that need more than this machine are in ONLY_ELSEWHERE, with what runs them.
"""

from __future__ import annotations

import configparser
import json
import re
from typing import Callable, Dict, List, Set

import click
import pytest
import yaml
from packaging.requirements import Requirement

from kedro_prefect_hooks.cli import prefect as our_commands
from tests.docs.pages import ALL_PAGES, ROOT, Block, all_blocks
from tests.docs.shell import Command, commands_of
from tests.scenarios.project_factory import KEDRO

LANGUAGES = {
    "console": "this file",
    "sh": "this file",
    "ini": "this file",
    "json": "this file",
    "yaml": "test_snippets.py",
    "python": "test_snippets.py",
    "text": "test_outputs.py",
    "nginx": "nothing: there is no nginx in the tests",
}
"""The languages of code blocks, and what tests them."""

BLOCKS = list(all_blocks())
CONSOLE = [block for block in BLOCKS if block.language in ("console", "sh")]

ONLY_ELSEWHERE = {
    "docker build": "tests/places/conftest.py",
    "docker push": "nothing: there is no registry of images",
    "systemctl daemon-reload": "nothing: there is no systemd in containers",
    "systemctl enable": "nothing: there is no systemd in containers",
    "tar -xf": "tests/places/test_packaged_on_dask.py",
    "kedro docker build": "tests/places/conftest.py",
    "kedro prefect --help": "tests/cli/test_help.py",
    ".venv/bin/python -m uv pip install axe-playwright-python": "nothing: an addition for tests/page",
    "git clone": "tests/cli/test_tutorial.py, with a project that is there already",
    "python3 -m": "the Makefile, for .venv",
    ". hello-env/bin/activate": "tests/cli/test_tutorial.py, with the environment of the tests",
    "python register_prefect_flow.py": "tests/registration/test_from_the_script.py, with a script like it",
    "mlflow ui": "nothing: tests/plugins reads what it would show",
    "rm data/deploy/08_reporting/worst_routes.csv": "nothing: it needs a run of the example",
    "mkdir data/deploy/08_reporting/worst_routes.csv": "nothing: it needs a run of the example",
    "rmdir data/deploy/08_reporting/worst_routes.csv": "nothing: it needs a run of the example",
}
"""The beginnings of commands that are not parsed here, and what runs them."""


def flows_of_example() -> Dict[str, List[str]]:
    """The flows of the example project, and their parameters."""
    text = (ROOT / "conf_example" / "base" / "prefect.yml").read_text(encoding="utf-8")
    return {name: flow.get("parameters", []) for name, flow in yaml.safe_load(text)["flows"].items()}


EXAMPLE = flows_of_example()


# --- each block is accounted for --------------------------------------------------------------------


def test_each_block_says_a_known_language_and_nothing_else() -> None:
    for page in ALL_PAGES:
        fences = [line.strip() for line in page.read_text(encoding="utf-8").splitlines() if "```" in line]
        assert all(re.fullmatch(r"```\w*", fence) for fence in fences), page
    unknown = [block.place for block in BLOCKS if block.language not in LANGUAGES]
    assert not unknown, f"say a language of {sorted(LANGUAGES)}, or add one with what tests it: {unknown}"


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.place)
def test_each_command_is_accounted_for(block: Block) -> None:
    commands = list(commands_of(block))
    assert commands or "^C" in block.text, f"{block.place} has no command"
    for command in commands:
        check(command)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "text"], ids=lambda block: block.place
)
def test_commands_among_text_exist(block: Block) -> None:
    for line in block.text.splitlines():
        if line.startswith("kedro "):  # a command, and after two spaces what it does
            command = Block(block.place, line.partition("  ")[0], "", "console")
            for each in commands_of(command):
                check(each)


def test_the_table_of_other_commands_has_nothing_that_is_gone() -> None:
    commands = [command for block in CONSOLE for command in commands_of(block)]
    unused = [start for start in ONLY_ELSEWHERE if not any(begins_with(each, start) for each in commands)]
    assert not unused
    for place in ONLY_ELSEWHERE.values():
        file = place.partition(",")[0]
        assert not file.startswith("tests/") or (ROOT / file).exists(), file


def test_json_can_be_read() -> None:
    found = [block for block in BLOCKS if block.language == "json"]
    assert found
    for block in found:
        json.loads(block.text)


def test_systemd_units_start_commands_that_exist() -> None:
    found = [block for block in BLOCKS if block.language == "ini"]
    assert found
    for block in found:
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(block.text)
        program, *words = unit["Service"]["ExecStart"].split()
        assert program.endswith("/kedro"), block.place
        check(Command(block, ["kedro", *words], []))


# --- one command ------------------------------------------------------------------------------------


def begins_with(command: Command, start: str) -> bool:
    words = start.split()
    return command.words[: len(words)] == words


def check(command: Command) -> None:
    """Fail, naming the block, if a command cannot be typed."""
    try:
        check_variables(command)
        if any(begins_with(command, start) for start in ONLY_ELSEWHERE) or not command.words:
            return
        program, *words = command.words
        checker = PROGRAMS.get(program)
        if checker is None:
            known = ", ".join(sorted({*PROGRAMS, *ONLY_ELSEWHERE}))
            pytest.fail(f"not accounted for: teach this file how to check it. Known: {known}")
        checker(words, command.block)
    except (AssertionError, click.ClickException, pytest.fail.Exception) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        raise AssertionError(f"{command}: {message}") from error


def check_kedro(words: List[str], block: Block) -> None:
    if words[0] == "prefect":
        return check_ours(words[1:], block)
    if KEDRO < (0, 19, 6):
        return None  # the options of `kedro new` are those of later versions
    from kedro.framework.cli.project import project_group
    from kedro.framework.cli.starters import create_cli

    check_names(create_cli if words[0] == "new" else project_group, words)
    if "--env" in words:
        check_environment(words[words.index("--env") + 1], block)
    return None


def check_ours(words: List[str], block: Block) -> None:
    """Parse a command of ours in full: also what is required, and the types of arguments."""
    command, names, words = find(our_commands, words)
    context = click.Context(command, info_name=names[-1])
    if "[OPTIONS]" in words:  # the reference shows how a command is used
        usage = click.Context(command, info_name=f"kedro prefect {' '.join(names)}")
        shown = f"Usage: kedro prefect {' '.join([*names, *words])}"
        assert command.get_usage(usage).replace(" [ARGS]...", "") == shown
        return
    command.parse_args(context, list(words))
    given = context.params
    if given.get("env"):
        check_environment(given["env"], block)
    if names[0] in ("run", "graph"):
        check_flow(given["flow"], block)
    for flow in given.get("flows") or given.get("names") or ():
        check_flow(flow, block)
    for parameter in given.get("params") or ():
        check_parameter(parameter, given["flow"], block)


def check_flow(name: str, block: Block) -> None:
    """A flow is one of the example, one that the page declares, or stands for any."""
    is_general = name.isupper() or name in ("__default__", "my-flow")
    assert is_general or name in EXAMPLE or name in declared_on(block), (
        f"neither this page nor the example declares a flow {name!r}"
    )


def check_parameter(given: str, flow: str, block: Block) -> None:
    name = given.partition("=")[0]
    if flow in EXAMPLE and flow not in declared_on(block):
        assert name in EXAMPLE[flow], f"{flow} has the parameters {EXAMPLE[flow]}"
    else:
        assert f"- {name}" in block.page.read_text(encoding="utf-8") or re.search(
            rf"parameters: \[[^]]*{re.escape(name)}", block.page.read_text(encoding="utf-8")
        ), f"this page declares no parameter {name!r}"


def declared_on(block: Block) -> Set[str]:
    """The flows in the YAML blocks of the block's page."""
    found: Set[str] = set()
    for other in all_blocks([block.page]):
        if other.language != "yaml":
            continue
        content = yaml.safe_load(other.text)
        found |= {key[len("flows.") :] for key in content if key.startswith("flows.")}
        found |= set(content.get("flows") or {})
    # `kedro prefect init` declares a flow that is named after the project.
    found |= set(re.findall(r"declares one \[flow\]\([^)]*\),\n?`([\w-]+)`", block.page.read_text("utf-8")))
    return found


def check_environment(name: str, block: Block) -> None:
    text = block.page.read_text(encoding="utf-8")
    is_known = (ROOT / "conf_example" / name).is_dir() or f"conf/{name}" in text or f"[{name}]" in text
    assert is_known, f"neither this page nor the example has an environment {name!r}"


def check_variables(command: Command) -> None:
    """Variables of Prefect are settings that it has; ours are checked in test_reference.py."""
    from prefect import config

    for variable in command.variables:
        name = variable.partition("=")[0]
        if not name.startswith("PREFECT__") or name.startswith("PREFECT__CONTEXT__SECRETS__"):
            continue
        section = config
        for part in name.lower().split("__")[1:]:
            assert part in section, f"Prefect has no setting {name}"
            section = section[part]


def check_python(words: List[str], block: Block) -> None:
    if words[0] != "-m":
        assert (ROOT / words[0]).is_file(), f"there is no file {words[0]}"
    elif words[1] == "kedro_prefect_hooks":
        check_ours(words[2:], block)
    else:  # a packaged project is its own `kedro run`
        assert f"/{words[1]}" in block.page.read_text(encoding="utf-8")
        check_kedro(["run", *words[2:]], block)


def check_make(words: List[str], block: Block) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        name, is_variable, _ = word.partition("=")
        pattern = rf"^{name} \??:?=" if is_variable else rf"^{name}:"
        assert re.search(pattern, makefile, re.MULTILINE), f"the Makefile has no {name}"


def check_uv(words: List[str], block: Block) -> None:
    assert words[0] == "pip"
    check_pip(words[1:], block)


def check_pip(words: List[str], block: Block) -> None:
    """What is installed is this package, with extras that it has, or what it depends on."""
    action, *rest = words
    assert action in ("install", "uninstall")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = {name.lower() for name in re.findall(r'^    "([A-Za-z][\w.-]*)', text, re.MULTILINE)}
    packages |= {"uv", "pip", "kedro-prefect-hooks"}
    declared = text.partition("[project.optional-dependencies]")[2]
    extras = set(re.findall(r"^(\w+) = \[$", declared, re.MULTILINE))
    while rest:
        word = rest.pop(0)
        if word in ("--upgrade", "-e", "--editable"):
            continue
        if word in ("--constraint", "-c"):
            file = rest.pop(0).replace("../kedro-prefect-hooks", str(ROOT))
            assert (ROOT / file).is_file(), f"there is no {file}"
            continue
        assert not word.startswith("-"), f"no option {word} is known to this test"
        if word.endswith(".whl"):
            assert re.fullmatch(r"[\w./]+-[\d.]+-py3-none-any\.whl", word), f"{word} is no wheel"
            continue
        clone = re.fullmatch(r"\.{1,2}(?:/kedro-prefect-hooks(?:-old)?)?(?:\[([\w,]+)\])?", word)
        if clone:
            wanted = set((clone[1] or "").split(",")) - {""}
        else:
            requirement = Requirement(word)
            assert requirement.name in packages, f"{requirement.name} is nothing that this package depends on"
            wanted = requirement.extras if requirement.name == "kedro-prefect-hooks" else set()
        assert wanted <= extras, f"no such extras: {wanted - extras}"


def check_prefect(words: List[str], block: Block) -> None:
    from prefect.cli import cli

    check_names(cli, words)


def check_dask(words: List[str], block: Block) -> None:
    from distributed.cli import dask_scheduler, dask_worker

    commands = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    assert words[0] in commands
    check_names(commands[words[0]], words[1:])


def check_cd(words: List[str], block: Block) -> None:
    (folder,) = words
    created = f'kedro new --name "{folder.replace("-", " ").capitalize()}"'
    is_new = created in block.page.read_text(encoding="utf-8")
    assert is_new or (ROOT / folder).is_dir(), f"there is no folder {folder}"


PROGRAMS: Dict[str, Callable[[List[str], Block], None]] = {
    "kedro": check_kedro,
    "python": check_python,
    "make": check_make,
    "uv": check_uv,
    "pip": check_pip,
    "prefect": check_prefect,
    "dask": check_dask,
    "cd": check_cd,
    "export": lambda words, block: None,  # its variables are checked
}
"""How the commands of a program are checked."""


# --- programs of click ------------------------------------------------------------------------------


def find(command: click.Command, words: List[str]) -> tuple[click.Command, List[str], List[str]]:
    """The subcommand that words name, its names, and the words that follow."""
    names: List[str] = []
    while isinstance(command, click.Group) and words and words[0] != "[OPTIONS]":
        name, *words = words
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"no command {' '.join([*names, name])}"
        command, names = found, [*names, name]
    return command, names, words


def check_names(command: click.Command, words: List[str]) -> None:
    """A command of another package: its options exist, and it accepts as many arguments."""
    command, names, words = find(command, words)
    context = click.Context(command, info_name=" ".join(names))
    _, left, _ = command.make_parser(context).parse_args(args=list(words))
    assert not left, f"too many arguments: {left}"
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert given <= known | {"--help"}, f"no options {given - known}"


# --- the checks can fail ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "kedro prefect rum flight-delays",
        "kedro prefect run flight-delays --wach",
        "kedro prefect run",
        "kedro prefect runs --limit many",
        "kedro prefect run no-such-flow",
        "kedro prefect run flight-delays --param no.such=1",
        "kedro prefect plan --env no-such",
        "kedro prefect run [OPTIONS] FLOWS",
        "kedro run --runer x",
        "kedro runs",
        "python -m kedro_prefect_hooks plam",
        "python examples/no_such.py",
        "make demos",
        "make test NO_SUCH=1",
        "pip install '../kedro-prefect-hooks[no_such]'",
        "pip install kedro-prefect",
        "uv pip install --no-such uv",
        "prefect agent local start --lable x",
        "prefect gets flows",
        "dask worker --no-such 1",
        "cd no/such",
        "helm install x",
        "export PREFECT__SERVER__ENDPOIN=x",
        "PREFECT__NO__SUCH=1 kedro prefect agent",
    ],
)
def test_a_command_that_cannot_be_typed_is_detected(line: str) -> None:
    if line.startswith("kedro run") and KEDRO < (0, 19, 6):
        pytest.skip("commands of this Kedro are not parsed")
    block = Block("README.md:1", line, "", "console")
    with pytest.raises(AssertionError, match=r"^README\.md:1: "):
        for command in commands_of(block):
            check(command)


def test_commands_are_read_as_a_shell_reads_them() -> None:
    text = "$ A=1 kedro run  # why\nprinted\n$ pip install uv && make 'x y'\n"
    found = list(commands_of(Block("README.md:1", text, "", "console")))
    assert [each.words for each in found] == [["kedro", "run"], ["pip", "install", "uv"], ["make", "x y"]]
    assert found[0].variables == ["A=1"]
