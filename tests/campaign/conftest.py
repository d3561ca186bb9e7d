import pytest


@pytest.fixture(scope="session")
def short(request: pytest.FixtureRequest) -> bool:
    """Whether the short form was asked for, as CI does."""
    return bool(request.config.getoption("--short"))
