"""Which views a suite asks for, and which of them a method has."""

from milbench.registry import load_registry
from milbench.suite import Suite
from milbench.view import sections, view_of, wanted


def suite(**more):
    given = {"name": "mine", "datasets": ["ocean-toy"], "methods": [{"name": "mean"}]} | more
    return Suite.model_validate(given, strict=False)


def names(pairs):
    return [(dataset.name, *view.name) for dataset, view in pairs]


def test_a_suite_that_says_nothing_takes_the_data_sets_own_view():
    """Its tiler with its settings, and its encoder; without pictures the encoder alone."""
    asked = suite(datasets=["ocean-toy", "digits-bags"])

    found = names(sections(asked, load_registry()))

    assert [(name, encoder) for name, _, encoder in found] == [
        ("ocean-toy", "random-tokens"),
        ("digits-bags", "flat-pixels"),
    ]
    assert found[0][1].startswith("crops9(#")
    assert found[1][1] == ""


def test_each_tiler_goes_with_each_encoder():
    """Two of each are four sections; a name alone is a tiler without settings."""
    asked = suite(
        tilers=["whole", {"name": "grid", "args": {"px": 32}}],
        encoders=["pixels", "random-tokens"],
    )

    assert names(sections(asked, load_registry())) == [
        ("ocean-toy", "whole", "pixels"),
        ("ocean-toy", "whole", "random-tokens"),
        ("ocean-toy", "grid(px=32)", "pixels"),
        ("ocean-toy", "grid(px=32)", "random-tokens"),
    ]


def test_a_method_names_what_it_sees_otherwise():
    """A tiler, an encoder, or both; the rest is the section's."""
    methods = [
        {"name": "mean"},
        {"name": "abmil", "tiler": "whole"},
        {"name": "mean", "label": "other", "encoder": "pixels"},
    ]
    asked, registry = suite(methods=methods, tilers=["grid"]), load_registry()
    ((dataset, section),) = sections(asked, registry)

    found = [view_of(method, dataset, section, registry).name for method in asked.methods]

    assert found == [("grid", "random-tokens"), ("whole", "random-tokens"), ("grid", "pixels")]
    assert names(wanted(asked, registry)) == [("ocean-toy", *view) for view in found]


def test_an_encoder_of_a_method_needs_no_pictures():
    """A network on images stands beside methods on features of the same images."""
    methods = [{"name": "mean"}, {"name": "keras-simple-cnn", "encoder": "pixels"}]
    asked = suite(datasets=["digits-bags"], methods=methods)

    assert names(wanted(asked, load_registry())) == [
        ("digits-bags", "", "flat-pixels"),
        ("digits-bags", "", "pixels"),
    ]
