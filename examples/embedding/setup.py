"""Build the Cython examples: python setup.py build_ext --inplace"""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

import softdraw


def extension(name):
    # The functions are called in the installed package; only the header's inline ones are compiled.
    return Extension(name, [f"{name}.pyx"], include_dirs=[softdraw.get_include()])


extensions = [extension("draws_cython"), extension("topics")]
# Cython finds softdraw's .pxd files by itself, except those of an editable install.
folder = Path(softdraw.__file__).parents[1]
setup(name="examples", ext_modules=cythonize(extensions, include_path=[str(folder)]))
