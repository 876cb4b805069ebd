"""Objects like those of other libraries, as far as they matter here."""

import numpy as np


class Objects:
    """Something of which NumPy makes an array of objects."""

    def __array__(self, dtype=None, copy=None):
        return np.array([[1.0, None]])


class Frame(Objects):
    """A nullable frame of pandas."""

    __module__ = "pandas.core.frame"


class Column:
    """A column of lists, of any library."""

    def __array__(self, dtype=None, copy=None):
        lists = np.empty(2, object)
        lists[:] = [[1.0, 2.0], [3.0, 4.0]]
        return lists


class Delayed:
    """A delayed object of Dask, which has any attribute."""

    def __dask_graph__(self):
        raise AssertionError

    def __getattr__(self, name):
        if name.startswith("__"):  # as Python's and NumPy's own
            raise AttributeError(name)
        return self

    def __iter__(self):
        raise AssertionError


class Sparse(Objects):
    """A sparse array of SciPy."""

    def toarray(self):
        return np.ones((2, 3))
