"""The commands as functions with typed results, for notebooks and studies.

    from recycle_engine import api

    done = api.train({"model": "unetpp", "data.root": "data"})
    result = api.evaluate(done.run)
    print(result.miou_dataset, result.miou_image, result.miou_256)

Bad input raises `RecycleError` with its remedy. Importing this package imports no torch. A run is
given as its `Run`, its folder, its name in runs/, or `last`.
"""

from recycle_data.api import (
    check,
    convert,
    export_labels,
    groups,
    import_data,
    kfold,
    layouts,
    merge,
    open_data,
    registry,
    sample,
    seen,
    split,
    stats,
    workspace,
)

from recycle_engine.api.augment import augment, build_augmentation, oversample, preview, read_batch
from recycle_engine.api.evaluation import (
    ablate,
    compare,
    compare_arms,
    count,
    evaluate,
    evaluate_arrays,
    evaluate_masks,
    evaluate_submission,
    run_of,
)
from recycle_engine.api.folds import train_folds
from recycle_engine.api.history import compare_settings, delete_runs, list_runs, prune_runs, show_run
from recycle_engine.api.inference import (
    count_together,
    member,
    predict,
    predict_listed,
    select,
    soup,
    vote_submissions,
)
from recycle_engine.api.judged import judged_photos, refuse_trained_on
from recycle_engine.api.loading import load
from recycle_engine.api.pseudo import Sureness, pseudo_label, pseudo_label_csv
from recycle_engine.api.rounds import self_train
from recycle_engine.api.runs import build_postprocessor, find_run, pipeline, recipe_of, resume, train
from recycle_engine.api.starting import init
from recyclecli.errors import RecycleError

__all__ = [
    "RecycleError",
    "Sureness",
    "ablate",
    "augment",
    "build_augmentation",
    "build_postprocessor",
    "check",
    "compare",
    "compare_arms",
    "compare_settings",
    "convert",
    "count",
    "count_together",
    "delete_runs",
    "evaluate",
    "evaluate_arrays",
    "evaluate_masks",
    "evaluate_submission",
    "export_labels",
    "find_run",
    "groups",
    "import_data",
    "init",
    "judged_photos",
    "kfold",
    "layouts",
    "list_runs",
    "load",
    "member",
    "merge",
    "open_data",
    "oversample",
    "pipeline",
    "predict",
    "predict_listed",
    "preview",
    "prune_runs",
    "pseudo_label",
    "pseudo_label_csv",
    "read_batch",
    "recipe_of",
    "refuse_trained_on",
    "registry",
    "resume",
    "run_of",
    "sample",
    "seen",
    "select",
    "self_train",
    "show_run",
    "soup",
    "split",
    "stats",
    "train",
    "train_folds",
    "vote_submissions",
    "workspace",
]
