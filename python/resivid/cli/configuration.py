# SPDX-License-Identifier: GPL-3.0-or-later
"""`--config`, `--profile`, `--print-config` and the RESIVID_* variables of every command, in one place.

The command line comes before a variable, that before the file, that before the profile, that before the default. Options
are known from the commands themselves: their names are the keys, and what a value may be is what the option takes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ..errors import ResividError, SettingsError

# The rest is imported where it is used: `resivid doctor` runs where NumPy or PyYAML are what is missing.

PREFIX = "RESIVID_"
# What reads these is no option: a folder of weights, a password that should not be seen in a list of processes.
OTHER_VARIABLES = ("RESIVID_WEIGHTS", "RESIVID_WEB_TOKEN", "RESIVID_LOOPBACK_DIR")
HELD_BY_CONTEXT = "resivid.configuration"


def attach(command: Any, commands: Sequence[str], path: tuple[str, ...] = ()) -> None:
    """Give every command below this one its configuration.

    Args:
        command: a click command or group, as `typer.main.get_command` makes it.
        commands: all commands of the program, which may be sections of a file.
        path: words that lead to it.
    """
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            attach(child, commands, (*path, name))
    else:
        _Configuration(command, path, commands)


def key_of(parameter: Any) -> str:
    """The key of an option or argument: `hysteresis-db` for `--hysteresis-db`."""
    if parameter.param_type_name == "argument":
        return parameter.name.replace("_", "-")
    return max(parameter.opts, key=len).lstrip("-")


def variable_of(key: str) -> str:
    """The variable of a key: RESIVID_HYSTERESIS_DB."""
    return PREFIX + key.upper().replace("-", "_")


def refusal(error: Any) -> str:
    """What click says of a value, without the words of the library which checked it."""
    text = str(error.format_message()).replace(": Value error, ", ": ")
    return re.sub(r"Input should be a valid (integer|number), unable to parse.*", _expected_kind, text)


def _expected_kind(match: re.Match[str]) -> str:
    return "expected a whole number" if match[1] == "integer" else "expected a number"


def origin(error: Any) -> str:
    """Where a value came from that click refuses, as the end of its message; empty for the command line."""
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    known = None if context is None else context.meta.get(HELD_BY_CONTEXT)
    return "" if known is None or parameter is None else known.place(parameter)


def unknown_variables(command: Any, environment: Mapping[str, str]) -> list[str]:
    """A line for each RESIVID_* variable that neither an option of these commands nor anything else reads.

    Args:
        command: a command or group with its configuration attached.
        environment: names and values.
    """
    known = [*_variables(command), *OTHER_VARIABLES]
    lines = []
    for name in sorted(n for n in environment if n.startswith(PREFIX) and n not in known):
        close = difflib.get_close_matches(name, known, 1)
        guess = f" (did you mean {close[0]}?)" if close else ""
        lines.append(f"variable {name} is no option of any command{guess}")
    return lines


def _variables(command: Any) -> Iterator[str]:
    for child in getattr(command, "commands", {}).values():
        yield from _variables(child)
    yield from (p.envvar for p in command.params if isinstance(p.envvar, str))


def _nothing_required(context: typer.Context, value: bool) -> bool:
    """`--print-config`: nothing is run, so nothing is missing."""
    if value:
        for parameter in context.command.params:
            parameter.required = False
    return value


PrintConfigOption = Annotated[
    bool,
    typer.Option(
        "--print-config",
        help="Print the options in force as such a file, with where each comes from, and run nothing.",
        callback=_nothing_required,
        is_eager=True,
    ),
]


class _Configuration:
    """What one command's values are and where they come from.

    Args:
        command: gets the options, and a callback that prints instead of running where this is asked for.
        path: words that lead to it.
        commands: all commands of the program.
    """

    def __init__(self, command: Any, path: tuple[str, ...], commands: Sequence[str]):
        self._path, self._commands = path, commands
        self.parameters = {key_of(p): p for p in command.params if not p.is_eager}
        self._origins: dict[str, str] = {}  # parameter to file and line, or profile
        self._context: Any = None
        self._profile: str | None = None
        for key, parameter in self.parameters.items():
            parameter.show_envvar = False  # the same for all: said once, in the help of --config
            if variable_of(key) not in OTHER_VARIABLES:
                parameter.envvar = variable_of(key)
        if "config" in self.parameters:  # a command with a file of its own
            return
        if {"cbr", "cbrs"} & set(self.parameters):
            profile = _profile_option(self._choose_profile)
            command.params.insert(0, profile)  # before all that it sets
            self.parameters = {"profile": profile, **self.parameters}
        command.params += _file_options(self._read)
        command.callback = self._run(command.callback)

    def _read(self, context: typer.Context, value: Optional[Path]) -> None:
        """`--config`, the first of all: the file's values become defaults."""
        self._context = context
        context.meta[HELD_BY_CONTEXT] = self
        if value is None:
            return
        from .config_file import read_config

        defaults = {}
        for key, entry in read_config(value, self._path, self._commands).items():
            where = f"{value}, line {entry.line}"
            parameter = self.parameters.get(key)
            if parameter is None:
                raise SettingsError(f"{where}: {self._unknown(key)}")
            defaults[parameter.name] = _checked(context, parameter, entry.value, where)
            self._origins[parameter.name] = where
        context.default_map = defaults

    def _choose_profile(self, context: typer.Context, value: Optional[str]) -> None:
        """`--profile`, before all that was not given: its values are the defaults below the file's."""
        from .profiles import PROFILES

        if value is None:
            return
        if value not in PROFILES:
            expected = ", ".join(PROFILES)
            raise typer.BadParameter(f"{value!r} is not one of {expected}", param_hint="'--profile'")
        chosen = {self.parameters[k].name: v for k, v in PROFILES[value].items() if k in self.parameters}
        self._profile = value
        given = context.default_map or {}
        self._origins.update({name: f"profile {value}" for name in chosen if name not in given})
        context.default_map = {**chosen, **given}

    def _run(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        def run(print_config: bool = False, **values: Any) -> Any:
            if print_config:
                print(self.text(), end="")
                return 0
            try:
                return callback(**values)
            except ValueError as error:
                if isinstance(error, ResividError) and not isinstance(error, SettingsError):
                    raise  # of a file or weights
                named = dict.fromkeys(re.findall(r"[a-z][a-z-]*[a-z]", str(error)))
                places = [self.place(self.parameters[key]) for key in named if key in self.parameters]
                raise SettingsError(f"{error}{''.join(places)}") from error

        return run

    def place(self, parameter: Any) -> str:
        """Where its value stands, as the end of a message; empty for the command line and defaults."""
        source = self._source(parameter)
        return f" ({source})" if source not in ("command line", "default") else ""

    def _source(self, parameter: Any) -> str:
        source = self._context.get_parameter_source(parameter.name)
        name = "DEFAULT" if source is None else source.name
        if name == "ENVIRONMENT":
            return f"variable {parameter.envvar}"
        if name == "DEFAULT_MAP":
            return self._origins[parameter.name]
        return "command line" if name == "COMMANDLINE" else "default"

    def text(self) -> str:
        """The configuration in force as a file for --config, each value with its origin."""
        from .config_file import to_text

        lines = [f"# resivid {' '.join(self._path)}"]
        values = {**self._context.params, "profile": self._profile}
        for key, parameter in self.parameters.items():
            value = values.get(parameter.name)
            if value is None or value in ((), []):
                lines.append(f"# {key}:")
            else:
                lines.append(f"{key}: {to_text(value)}  # {self._source(parameter)}")
        return "\n".join(lines) + "\n"

    def _unknown(self, key: str) -> str:
        close = difflib.get_close_matches(key, self.parameters, 1)
        command = f"resivid {' '.join(self._path)}"
        if close:
            return f"unknown key {key!r}: did you mean {close[0]}? `{command} --print-config` lists all"
        return f"unknown key {key!r}; `{command}` takes {', '.join(self.parameters)}"


def _checked(context: typer.Context, parameter: Any, value: Any, where: str) -> Any:
    """The value, which the option takes.

    Raises:
        SettingsError: it does not, with what it takes.
    """
    several = parameter.multiple or parameter.nargs != 1
    if isinstance(value, list) != several:
        value = [value] if several and parameter.nargs in (1, -1) else value
    if isinstance(value, list) and not several:
        raise SettingsError(f"{where}: {key_of(parameter)}: expected one value, got a list")
    try:
        parameter.process_value(context, value)
    except Exception as error:  # click's, of which typer may have its own copy
        if not hasattr(error, "format_message"):
            raise
        raise SettingsError(f"{where}: {refusal(error)}") from error
    return value


def _profile_option(choose: Callable[..., None]) -> Any:
    from .profiles import PROFILES

    def options(
        profile: Optional[str] = typer.Option(
            None,
            metavar="NAME",
            help=f"Options that belong together: {', '.join(PROFILES)}.",
            callback=choose,
            expose_value=False,
            envvar=variable_of("profile"),
            show_envvar=False,
            autocompletion=lambda: list(PROFILES),
        ),
    ) -> None: ...

    return _made_by_typer(options)[0]


def _file_options(read: Callable[..., None]) -> list[Any]:
    def options(
        config: Optional[Path] = typer.Option(
            None,
            metavar="FILE.yaml",
            help="Options from a file; each is also a variable, as RESIVID_STRIDE for --stride.",
            callback=read,
            is_eager=True,
            expose_value=False,
        ),
        print_config: PrintConfigOption = False,
    ) -> None: ...

    return _made_by_typer(options)


def _made_by_typer(options: Callable[..., None]) -> list[Any]:
    """The click options of a function that is never called."""
    app = typer.Typer(add_completion=False)
    app.command()(options)
    return list(typer.main.get_command(app).params)
