"""Build the Cython examples: python setup.py build_ext --inplace"""

from Cython.Build import cythonize
from setuptools import Extension, setup

import softdraw


def extension(name):
    # The functions are called in the installed package; only the header's inline ones are compiled.
    return Extension(name, [f"{name}.pyx"], include_dirs=[softdraw.get_include()])


setup(name="examples", ext_modules=cythonize([extension("draws_cython"), extension("topics")]))
