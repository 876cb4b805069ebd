import numpy as np

ufunc_softmax: np.ufunc
ufunc_log_softmax: np.ufunc
ufunc_logsumexp: np.ufunc
ufunc_entropy: np.ufunc
ufunc_softmax_vjp: np.ufunc
