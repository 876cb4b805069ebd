"""Run other programs, and functions in other processes."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


def run(command, *, status=0, environment=None, timeout=600, **keywords):
    """The finished process, with its output as text. The test fails, and shows the command and what
    it printed, if the exit status is another one or the time is up. `environment` adds to that of
    the tests; all else is as for subprocess.run."""
    command = [part if isinstance(part, bytes) else str(part) for part in command]
    keywords = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **keywords}
    environment = {**os.environ, **(environment or {})}
    try:
        done = subprocess.run(command, check=False, env=environment, timeout=timeout, **keywords)
        outcome = f"exit status {done.returncode}, not {status}"
    except subprocess.TimeoutExpired as error:
        done, outcome = error, f"not done after {timeout} seconds"
    else:
        if done.returncode == status:
            return done
    shown = shlex.join(map(os.fsdecode, command))
    pytest.fail("\n".join([shown, outcome, *(str(text) for text in (done.stdout, done.stderr))]))


def find(program):
    """The path of a program, looked for beside this Python, too; the test is skipped without it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found = shutil.which(program, path=path)
    if not found:
        pytest.skip(f"no {program} on the path")
    return found


def in_parent_and_child(function, *, at):
    """What function() returns here, and in a child that is forked where a Python function of that
    name returns within it, by way of JSON."""
    read, write = os.pipe()
    pid = None

    def watch(frame, event, _argument):
        nonlocal pid
        if event == "return" and frame.f_code.co_name == at and pid is None:
            with warnings.catch_warnings():  # as in in_child
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()

    sys.setprofile(watch)
    try:
        result = function()
        if pid == 0:
            os.write(write, json.dumps(result).encode())
    finally:
        sys.setprofile(None)
        if pid == 0:
            os._exit(0)
    os.close(write)
    assert pid, f"no function of the name {at} has been called"
    os.waitpid(pid, 0)
    with os.fdopen(read) as pipe:
        return result, json.load(pipe)


def in_child(function):
    """What function() returns in a forked child, by way of JSON."""
    read, write = os.pipe()
    with warnings.catch_warnings():  # Python 3.12 warns when a process with threads forks
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            os.write(write, json.dumps(function()).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read) as pipe:
        return json.load(pipe)
