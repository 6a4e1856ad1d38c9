"""`hub` from an interpreter that has imported it already, so that pages full of commands are run in seconds.

Each command is still a process of its own, with its own arguments, folder, environment and streams: the server forks
for it. What stands in for the script `hub` hands these over, passes signals on, and ends as the command ends.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from hub.cli.lazy import LazyGroup
from hub.cli.main import main

LENGTH = struct.Struct("!I")
RESULT = struct.Struct("!i")
STAND_IN = f"""#!{sys.executable} -IS
import json, os, signal, socket, struct, sys
if os.environ.get("PYTHONPATH", "") != {{search_path!r}}:
    os.execv({{script!r}}, [{{script!r}}, *sys.argv[1:]])
line = socket.socket(socket.AF_UNIX)
line.connect({{address!r}})
command = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(line, [struct.pack("!I", len(command))], [0, 1, 2])
line.sendall(command)
child, = struct.unpack("!i", line.recv(4, socket.MSG_WAITALL))
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(child, number))
status, = struct.unpack("!i", line.recv(4, socket.MSG_WAITALL))
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""
START_SECONDS = 60


@contextmanager
def warm_hub(folder: Path) -> Iterator[Path]:
    """A folder with a program `hub`, to be put first into PATH; the server ends with the block."""
    programs = folder / "bin"
    programs.mkdir()
    address = folder / "hub.socket"
    script = str(Path(sys.executable).with_name("hub"))
    search_path = os.environ.get("PYTHONPATH", "")
    stand_in = programs / "hub"
    stand_in.write_text(STAND_IN.format(search_path=search_path, script=script, address=str(address)))
    stand_in.chmod(0o755)
    command = [sys.executable, "-m", __name__, str(address)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert select.select([server.stdout], [], [], START_SECONDS)[0], "the warm hub does not start"
        assert server.stdout.readline() == b"ready\n"
        try:
            yield programs
        finally:
            server.stdin.close()  # the server ends with its input, however this process ends
            server.wait(START_SECONDS)


def _serve(address: str) -> None:
    """Fork for each caller until the standard input ends."""
    _load(main)
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            if sys.stdin.fileno() in select.select([listener, sys.stdin.fileno()], [], [])[0]:
                return
            line, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(line)
            line.close()


def _load(group: LazyGroup) -> None:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, LazyGroup):
            _load(command)


def _answer(line: socket.socket) -> None:
    """Run one command in a child; it is killed when who asked for it is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(line, LENGTH.size, 3)
    command = json.loads(line.recv(LENGTH.unpack(head)[0], socket.MSG_WAITALL))
    child = os.fork()
    if child == 0:
        line.close()
        _run(command, streams)
    for stream in streams:
        os.close(stream)
    line.sendall(RESULT.pack(child))
    if line in select.select([line, os.pidfd_open(child)], [], [])[0]:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with line:
        line.sendall(RESULT.pack(status))
    os._exit(0)


def _run(command: Any, streams: list[int]) -> None:
    arguments, folder, environment = command
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["hub", *arguments]
    try:
        main(prog_name="hub")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # taking apart all that is imported would copy every page of it


if __name__ == "__main__":
    _serve(sys.argv[1])
