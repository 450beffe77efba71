from __future__ import annotations

import pytest

from integration.engines.answers import Json
from integration.engines.paging import page_of
from integration.errors import ClusterError, NoClusterManagerError, ThrottledError, TooManyBucketsError, UnavailableError


class Cluster:
    """Builds pages of up to `most` and refuses larger ones with `error`."""

    def __init__(self, most: int, error: ClusterError) -> None:
        self.most = most
        self.error = error
        self.asked: list[int] = []

    def page(self, size: int) -> Json:
        self.asked.append(size)
        if size > self.most:
            raise self.error
        return {"size": size}


@pytest.mark.parametrize("error", [ThrottledError("no memory"), TooManyBucketsError("too many")])
@pytest.mark.parametrize(("most", "asked"), [(500, [500]), (60, [500, 50]), (1, [500, 50, 5, 1])])
def test_a_smaller_page_is_asked_for_until_the_cluster_can_build_it(error: ClusterError, most: int, asked: list[int]) -> None:
    cluster = Cluster(most, error)
    assert page_of(cluster.page, 500) == ({"size": asked[-1]}, asked[-1])
    assert cluster.asked == asked


def test_a_page_of_one_that_is_too_much_is_an_error() -> None:
    cluster = Cluster(0, ThrottledError("no memory"))
    with pytest.raises(ThrottledError):
        page_of(cluster.page, 5)
    assert cluster.asked == [5, 1]


@pytest.mark.parametrize("error", [UnavailableError("no shard"), NoClusterManagerError("no manager"), ClusterError("no")])
def test_no_page_is_small_enough_for_another_fault(error: ClusterError) -> None:
    cluster = Cluster(1, error)
    with pytest.raises(type(error)):
        page_of(cluster.page, 5)
    assert cluster.asked == [5]
