"""The C core for Cython: `cimport softdraw`, or `from softdraw cimport softmax_f32`.

The functions of softdraw.h without their prefix, called through the extension module softdraw._core,
so that nothing of softdraw is compiled or linked; and of the header its types, error codes and inline
functions, which need softdraw.get_include() on the include path.
"""

from softdraw._core cimport *
