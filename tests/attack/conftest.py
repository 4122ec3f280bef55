# SPDX-License-Identifier: MIT
"""A daemon for a whole file of attacks: one that is hurt is noticed by the next attack as well."""

import pytest

from daemon import Daemon, tweet


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """With one hashtag that the honest client asks for, and nothing else."""
    with Daemon(data=tmp_path_factory.mktemp("attack") / "data") as daemon:
        assert daemon.post_tweets([tweet(1, "honest"), tweet(2, "honest")]).status == 202
        daemon.wait_until_counted({"honest": 2})
        yield daemon
