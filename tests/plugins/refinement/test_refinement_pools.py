"""Which instances are drawn, from score tables and quantiles worked out by hand."""

import numpy as np
import pytest

from milbench import MilbenchError
from milbench_aggregators.refinement.pools import Share, Suspects, build_pools, share_after
from milbench_aggregators.refinement.settings import Settings

# Two positive bags of four instances, then a negative bag of five.
SCORES = np.array([0.9, 0.1, 0.5, 0.2, 0.7, 0.4, 0.3, 0.05, 0.6, 0.1, 0.8, 0.2, 0.0])
IS_OWN = np.arange(13) < 8
SUSPECTS = Suspects(SCORES, IS_OWN)


def pools(share, is_refreshed=False, **settings):
    found = build_pools(SUSPECTS, share, Settings(**settings), is_refreshed=is_refreshed)
    return {name: getattr(found, name).tolist() for name in found._fields}


def test_self_paced_positives_by_hand():
    """Above 0.3 are .9 .7 .5 .4; their 3/4 quantile is .75, half way are .6, a quarter .475."""
    assert pools(Share(0.25, 0.0))["passing"] == [0, 2, 4, 5]  # 0.3 itself does not pass
    assert pools(Share(0.25, 0.0))["positive"] == [0]
    assert pools(Share(0.5, 0.0))["positive"] == [0, 4]
    assert pools(Share(0.75, 0.0))["positive"] == [0, 2, 4]
    assert pools(Share(1.0, 0.0))["positive"] == [0, 2, 4, 5]


def test_hard_negatives_by_hand():
    """Of 0 .1 .2 .6 .8 the 3/4 quantile is .6 and the median .2; a share of 1 takes all."""
    taken = {
        share: pools(Share(0.2, 0.0), mask_uncertain=True, negative_share=share)["clean_negative"]
        for share in (0.25, 0.5, 1.0)
    }

    assert taken == {0.25: [8, 10], 0.5: [8, 10, 11], 1.0: [8, 9, 10, 11, 12]}


def test_improbable_instances_of_positive_bags_by_hand():
    """Not above 0.3 are .05 .1 .2 .3: quantile 0 is .05, 1/3 is .1, 1/2 is .15 and 1 is all."""
    negatives = [8, 9, 10, 11, 12]
    for low, expected in ((0.0, [7]), (1 / 3, [1, 7]), (0.5, [1, 7]), (1.0, [1, 3, 6, 7])):
        found = pools(Share(0.2, low))
        assert found["negative"] == found["clean_negative"] == sorted(expected + negatives)


def test_masked_instances_join_the_negatives_of_positive_anchors_after_the_first_refresh():
    """And never those that are anchors."""
    before = pools(Share(0.2, 0.0), mask_uncertain=True)
    after = pools(Share(0.2, 0.0), mask_uncertain=True, is_refreshed=True)

    assert before["negative"] == before["clean_negative"] == [8, 9, 10, 11, 12]
    assert after["negative"] == [7, 8, 9, 10, 11, 12]
    assert after["clean_negative"] == [8, 9, 10, 11, 12]


def test_without_passing_instances_the_most_probable_stand_in():
    """Of eight scores the 3/4 quantile is .55: .9 and .7."""
    found = pools(Share(0.25, 0.0), threshold=0.95, positive_share=0.25)

    assert found["passing"] == [0, 4]
    assert found["positive"] == [0]


def test_no_other_bag_and_no_doubt_leave_empty_pools():
    """Nothing is drawn from nothing."""
    sure = Suspects(np.array([0.9, 0.8]), np.array([True, True]))
    found = build_pools(sure, Share(1.0, 1.0), Settings(), is_refreshed=True)

    assert found.passing.tolist() == [0, 1]
    assert found.negative.tolist() == found.clean_negative.tolist() == []


def test_shares_grow_linearly_after_the_warm_up():
    """From 0.2 to 0.8 over 100 epochs less 15: after epoch 49 34/85 of the way, 0.44."""
    settings = Settings(epochs=100, warmup=15)

    assert share_after(-1, settings) == (0.2, 0.0)
    assert share_after(14, settings) == (0.2, 0.0)
    assert share_after(15, settings) == (0.2, 0.2)
    assert share_after(49, settings) == pytest.approx((0.44, 0.44))
    assert share_after(99, settings) == pytest.approx((0.2 + 0.6 * 84 / 85, 0.2 + 0.6 * 84 / 85))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"threshold": 1.5}, "threshold is 1.5; expected a share from 0 to 1"),
        ({"negative_share": -0.1}, "negative_share is -0.1"),
        ({"refresh": 0}, "refresh is 0; expected 1 or more"),
        ({"batch": 2}, "batch is 2; expected 4 or more"),
    ],
)
def test_settings_out_of_range_are_refused(settings, says):
    """Before anything is trained, with the name and the range."""
    with pytest.raises(MilbenchError, match=says):
        Settings(**settings)
