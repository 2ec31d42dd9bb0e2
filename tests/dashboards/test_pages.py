"""The pages in a real browser: signing in, data and none, live, shared addresses, roles, hostile text."""

import pytest

from conftest_dashboards import ask
