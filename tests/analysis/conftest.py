import pytest

from learner import tiny


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    """The folder of a random encoder without a head."""
    return tiny.save_encoder(tmp_path_factory.mktemp("bert"), "bert")
