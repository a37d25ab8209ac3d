"""The command line as a whole: commands in sections, options that hold anywhere, every error as one line."""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from trackmask.errors import NO_MEMORY, TrackmaskError
from trackmask.files import brief

from .mistakes import meant_command, meant_option

INTERRUPTED = 130
_DEBUG, _LINE = "trackmask.debug", "trackmask.line"  # keys of click's `meta`, which all contexts of one call share
_ALL = 1000  # characters of a command's first sentence in a list of commands: never cut


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_DEBUG] = True


def _verbose(_ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr, force=True)
        logging.getLogger("trackmask").setLevel(logging.INFO)


#: Every command has them, so that they may stand anywhere on the line.
EVERYWHERE = (
    click.Option(
        ["-v", "--verbose"], is_flag=True, expose_value=False, is_eager=True, callback=_verbose,
        help="Tell on stderr what is being done.",
    ),
    click.Option(
        ["--debug"], is_flag=True, expose_value=False, is_eager=True, callback=_debug,
        help="Show the traceback of an error.",
    ),
)  # fmt: skip


class Commands(click.Group):
    """A group whose help lists its commands in sections, and that turns every error into one line on stderr and the
    exit code that belongs to it."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **{"no_args_is_help": False, **more})
        self.params += EVERYWHERE
        self.sections: dict[str, list[str]] = {}

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        if not isinstance(cmd, Commands):
            cmd.params += [option for option in EVERYWHERE if option not in cmd.params]
        super().add_command(cmd, name)

    def add_section(self, title: str, *commands: click.Command) -> None:
        """Commands that the help lists together, in this order."""
        for command in commands:
            self.add_command(command)
        self.sections[title] = [str(command.name) for command in commands]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in (self.sections or {"Commands": self.list_commands(ctx)}).items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(_ALL)) for name in names])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta.setdefault(_LINE, list(args))
        with one_line(ctx):
            if "" in args:
                raise click.UsageError("a word of the line is empty, as a variable without a value makes it", ctx)
            return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(meant_command(args, self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **more: Any) -> Any:
        open_streams()
        return super().main(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with one_line(ctx):
            result = super().invoke(ctx)
            sys.stdout.flush()  # a full disk behind it is told of here, not when Python ends
            return result


def open_streams() -> None:
    """What the caller has closed of input, output and errors leads nowhere from here on: the first files that a program
    opens would take their places, and what is meant for a person would be written into them.
    """
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123  # until the end


@contextmanager
def interruptible(left: str) -> Iterator[None]:
    """Around work of which something is left when it is interrupted; `left` says what, and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {left}") from None


class Interrupted(click.ClickException):
    exit_code = INTERRUPTED


@contextmanager
def one_line(ctx: click.Context) -> Iterator[None]:
    """Around all that a command does."""
    try:
        yield
    except click.exceptions.Exit:
        raise
    except (KeyboardInterrupt, click.Abort):
        _end(ctx, "interrupted; nothing was left half done", INTERRUPTED)
    except BrokenPipeError:
        _drop_output()  # whoever read it has gone: nothing to say, and nobody to say it to
        ctx.exit(1)
    except click.ClickException as error:
        _end(ctx, _wrong_call(ctx, error), error.exit_code)
    except Exception as error:
        if ctx.meta.get(_DEBUG):
            raise
        if isinstance(error, TrackmaskError):
            _end(ctx, str(error), error.exit_code)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
            _drop_output()
            _end(ctx, f"the output cannot be written: {error.strerror}; make room, or send it elsewhere", 1)
        if isinstance(error, MemoryError):
            _end(ctx, NO_MEMORY, 1)
        if isinstance(error, ImportError) and ".so" in str(error):
            _end(
                ctx,
                f"{error}: the system lacks a library; install it, or, if it is one of the desktop's, such as libGL, "
                "replace opencv-python by opencv-python-headless",
                1,
            )
        _end(ctx, f"unexpected {type(error).__name__}: {error} (--debug shows where)", 1)


def _wrong_call(ctx: click.Context, error: click.ClickException) -> str:
    """What click says, on one line, and where to read on."""
    said = " ".join(error.format_message().split()).rstrip(".")
    if not isinstance(error, click.UsageError):
        return said
    if isinstance(error, click.NoSuchOption) and (better := meant_option(ctx.meta[_LINE], error.option_name)):
        return better
    inner = f" {ctx.invoked_subcommand}" if ctx.invoked_subcommand else ""
    path = error.ctx.command_path if error.ctx else f"{ctx.command_path}{inner}"
    return f"{said[:1].lower()}{said[1:]}{' See' if said.endswith('?') else '; see'} {path} --help"


def _drop_output() -> None:
    """What is still to be written when Python ends would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(ctx: click.Context, text: str, code: int) -> None:
    click.echo(f"trackmask: {brief(text)}", err=True)  # names may hold newlines and escape codes
    ctx.exit(code)
