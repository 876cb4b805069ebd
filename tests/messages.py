"""The text of an error, as `pytest.raises` takes it."""

import re


def exactly(text):
    """The pattern that this text matches, and no other: match=exactly("n must be positive")."""
    return f"^{re.escape(text)}$"
