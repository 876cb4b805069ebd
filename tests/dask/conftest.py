import pytest


@pytest.fixture(scope="module")
def in_this_thread():
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield
