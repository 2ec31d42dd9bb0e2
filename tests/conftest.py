"""What every test shares."""

import pytest
from hypothesis import settings

# No deadline: on a busy machine a slow example says nothing about the code.
settings.register_profile("consilience", deadline=None)
settings.load_profile("consilience")


@pytest.fixture(scope="session")
def local_model():
    """Fetch the model once into the user's cache; the tests that need it run the real one."""
    from consilience.experts.local import setup_local

    return setup_local().path
