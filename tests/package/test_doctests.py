"""The examples in the docstrings of all public objects, those of extension modules included."""

import doctest
import inspect

import numpy as np
import pytest

import softdraw


def documented():
    """Pairs (name, object) of all that is public: the module, functions, classes, their members."""
    yield "softdraw", softdraw
    for name in softdraw.__all__:
        value = getattr(softdraw, name)
        if isinstance(value, str):  # __version__
            continue
        yield name, value
        if inspect.isclass(value):
            for member, attribute in vars(value).items():
                if not member.startswith("_") and getattr(attribute, "__doc__", None):
                    yield f"{name}.{member}", attribute


OBJECTS = dict(documented())


@pytest.mark.parametrize("name", OBJECTS)
def test_examples_run(name):
    docstring = inspect.getdoc(OBJECTS[name])
    names = {"np": np, "numpy": np, "softdraw": softdraw}
    test = doctest.DocTestParser().get_doctest(docstring, names, name, None, 0)
    lines = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=lines.append)
    assert not runner.failures, "".join(lines)


@pytest.mark.parametrize("name", [name for name in OBJECTS if "." not in name])
def test_public_object_has_an_example(name):
    assert ">>>" in inspect.getdoc(OBJECTS[name])


def test_all_is_what_it_says():
    for name in softdraw.__all__:
        assert hasattr(softdraw, name)
    assert len(set(softdraw.__all__)) == len(softdraw.__all__)


def test_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert softdraw.__version__ == version("softdraw")
