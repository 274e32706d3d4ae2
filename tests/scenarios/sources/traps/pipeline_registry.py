"""One named pipeline per kind of trap, and all of them together in `__default__`.

Where a node modifies a value that others read, an edge makes it run before them: if the value were shared,
the outputs of the others would show it, with any runner.
"""

from __future__ import annotations

import importlib
import warnings

from kedro.pipeline import Pipeline, node, pipeline

from . import nodes as f


def supports_generators() -> bool:
    """Since 0.18.5 Kedro streams generator nodes, and interleaves the streams of their outputs."""
    for name in ("kedro.runner.task", "kedro.runner.runner"):
        try:
            if hasattr(importlib.import_module(name), "interleave"):
                return True
        except ImportError:
            continue
    return False


def memory() -> Pipeline:
    return Pipeline(
        [
            node(f.make_numbers, None, "numbers", name="make_numbers", tags=["source"]),
            node(
                f.spoil_numbers, "numbers", "numbers_spoiled", name="spoil_numbers", tags=["memory", "spoil"]
            ),
            node(f.add_numbers, ["numbers", "numbers_spoiled"], "added", name="add_numbers"),
            # The two below have no name: Kedro's default names contain brackets and arrows.
            node(f.last_number, ["numbers", "numbers_spoiled"], "last"),
            node(f.echo, "last", "last_saved"),
        ]
    )


def copy_modes() -> Pipeline:
    modes = {"assign": "assigned", "copy": "copied", "deepcopy": "deepcopied", "default": "undeclared"}
    return Pipeline(
        [
            node(f.make_traced, None, modes, name="make_traced"),
            node(f.compare_traced, list(modes.values()), "copy_ways", name="compare_traced"),
        ]
    )


def frames() -> Pipeline:
    return Pipeline(
        [
            node(f.make_frame, "params:rows", "frame", name="make_frame", tags=["frames"]),
            node(f.spoil_frame, "frame", "frame_spoiled", name="spoil_frame", tags=["frames"]),
            node(
                f.group_frame, ["frame", "frame_spoiled"], "table@pandas", name="group_frame", tags=["frames"]
            ),
            node(f.count_lines, "table@text", "table_lines", name="count_lines", tags=["frames"]),
        ]
    )


def parameters() -> Pipeline:
    return Pipeline(
        [
            node(f.spoil_options, "params:options", "options_spoiled", name="spoil_options"),
            node(
                f.use_parameters,
                ["parameters", "params:options.depth", "params:options", "options_spoiled"],
                "parameters_seen",
                name="use_parameters",
            ),
        ]
    )


def generators() -> Pipeline:
    if not supports_generators():
        return Pipeline([])
    return Pipeline(
        [
            node(f.make_numbers, None, "stream_source", name="make_stream"),
            node(f.yield_chunks, "stream_source", "chunks", name="yield_chunks"),
            node(f.yield_chunks, "stream_source", "last_chunk", name="yield_to_memory"),
            node(f.yield_pairs, "stream_source", ["pairs", "squares"], name="yield_pairs"),
            node(f.read_chunks, ["chunks", "last_chunk", "squares"], "chunks_read", name="read_chunks"),
        ]
    )


def shapes() -> Pipeline:
    with warnings.catch_warnings():
        # Kedro warns that a partial has no name, which is why there is one here.
        warnings.simplefilter("ignore")
        return Pipeline(
            [
                node(lambda: [1, 2, 3, 4], None, "shapes_source", name="lambda_source"),
                node(f.write_side_effect, "shapes_source", None, name="write_side_effect"),
                node(
                    f.split,
                    {"numbers": "shapes_source"},
                    {"left": "left", "right": "right", "falsy": "falsy"},
                    name="split",
                ),
                node(f.spoil_left, "left", "left_cleared", name="spoil_left"),
                node(f.join, ["right", "left_cleared", "falsy"], "joined", name="join"),
                node(f.falsy_values, None, ["zero", "blank", "no", "nought"], name="falsy_values"),
                node(f.collect, ["zero", "blank", "no", "nought"], "falsy_saved", name="collect_falsy"),
                node(f.times(2), "shapes_source", "doubled", name="closure"),
                node(f.cube, "shapes_source", "cubed"),
                node(
                    lambda doubled, cubed: [a + b for a, b in zip(doubled, cubed)],
                    ["doubled", "cubed"],
                    "sums",
                    name="lambda_sums",
                ),
                node(f.echo, "from_hook", "hook_value_saved", name="read_hook_dataset"),
                node(f.echo, "hook_target", "hook_target_saved", name="injected", tags=["injected"]),
                node(
                    f.variadic,
                    {"first": "constant", "one": "zero", "other": "doubled"},
                    "variadic_saved",
                    name="Dotted-name.v2",
                ),
                node(f.echo, "shapes_source", "free_output", name="free_output"),
            ]
        )


def datasets() -> Pipeline:
    return Pipeline(
        [
            node(f.echo, "inbox", "inbox_copy", name="read_inbox"),
            # confirms what another node loaded, as Kedro's incremental datasets require
            node(f.echo, "inbox_copy", "inbox_done", name="confirm_inbox", confirms="inbox"),
            node(lambda inbox: inbox, "inbox_copy", "pickled", name="save_pickled"),
            node(f.echo, "pickled", "pickled_read", name="read_pickled"),
            node(f.echo, "inbox_copy", "versioned_first", name="save_first_version"),
            node(f.stamp, ["versioned_first", "inbox_copy"], "versioned_second", name="save_second_version"),
            node(f.echo, "versioned_second", "versioned_read", name="read_version"),
            node(f.echo, "inbox_copy", "guarded", name="save_with_credentials"),
            node(f.echo, "guarded", "guarded_read", name="read_with_credentials"),
            node(f.echo, "inbox_copy", "locked", name="save_locked"),
            node(f.echo, "locked", "locked_read", name="read_locked"),
            node(f.echo, "inbox_copy", "cached", name="save_cached"),
            node(f.echo, "cached", "cached_read", name="read_cached"),
            node(f.echo, "inbox_copy", "made_alpha", name="save_by_pattern"),
            node(f.echo, "made_alpha", "made_beta", name="read_by_pattern"),
        ]
    )


def region() -> Pipeline:
    return Pipeline(
        [
            node(f.describe_region, "params:size", "region", name="describe_region", tags=["region"]),
            node(f.score, ["region", "params:weight"], "scores", name="score_region", tags=["region"]),
            node(f.echo, "scores", "scores_again"),
        ]
    )


def namespaces() -> Pipeline:
    # "params:size" is listed too: Kedro before 0.18 adds no namespace to parameters
    eu = {"params:weight": "params:weight", "params:size": "params:eu.size"}
    us = {"params:weight": "params:weight", "params:size": "params:us.size"}
    europe = pipeline(region(), namespace="eu", parameters=eu)
    return europe.tag(["europe"]) + pipeline(region(), namespace="us", parameters=us)


def register_pipelines() -> dict[str, Pipeline]:
    kinds = [memory, copy_modes, frames, parameters, generators, shapes, datasets, namespaces]
    pipelines = {kind.__name__: kind() for kind in kinds}
    return {**pipelines, "__default__": sum(pipelines.values(), Pipeline([]))}
