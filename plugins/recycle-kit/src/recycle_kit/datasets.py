"""Conformance tests of datasets."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from recycle_coco import Tree

from recycle_kit.base import Conformance, form
from recyclecli.plugins import Registry
from recyclecli.types import IGNORE, DatasetComponent, DatasetContext, Kind, Layout, Record, Sample, Source


class DatasetConformance(Conformance):
    """A dataset: set `root` too, to a folder that holds some data."""

    kind: ClassVar[Kind] = "dataset"
    root: ClassVar[Path] = Path()

    def test_source(self, registry: Registry) -> None:
        """Names, records and samples agree with each other and with the contract."""
        source = self.build(registry, DatasetContext(self.root))
        members = "give it class_names, __len__, record(index) and read(index)"
        self.rule(isinstance(source, Source), "a Source", form(source), members)
        self.rule(len(source) > 0, f"photos in {self.root}", "none", "set `root` of the test to a folder with some")
        names = source.class_names
        named = isinstance(names, tuple) and all(isinstance(name, str) and name for name in names)
        self.rule(named, "class_names as a tuple of texts", form(names), "tuple(names)")
        once = len(set(names)) == len(names) <= IGNORE
        self.rule(once, f"at most {IGNORE} class_names, each once", f"{names}"[:100], "merge those of one name")
        for index in range(min(3, len(source))):
            self._check(source, index)

    def _check(self, source: Source, index: int) -> None:
        record: Any = source.record(index)
        self.rule(isinstance(record, Record), f"record({index}) as a Record", form(record), "recyclecli.types.Record")
        sample, again = source.read(index), source.read(index)
        self.rule(isinstance(sample, Sample), f"read({index}) as a Sample", form(sample), "recyclecli.types.Sample")
        sides, classes = (record.height, record.width), len(source.class_names)
        for name, dtype, shape in (
            ("image", np.uint8, (*sides, 3)),
            ("mask", np.uint8, sides),
            ("instances", np.int32, sides),
        ):
            array: Any = getattr(sample, name)
            fits = isinstance(array, np.ndarray) and (array.shape, array.dtype) == (shape, dtype)
            expected = f"the {name} of {record.file_name} as {np.dtype(dtype)} of shape {shape}, as its record says"
            self.rule(fits, expected, form(array), f"convert it: .astype(np.{np.dtype(dtype)}), RGB, upright")
            same = fits and np.array_equal(array, getattr(again, name))
            self.rule(same, f"the same {name} whenever {record.file_name} is read", "another", "read without chance")
        label = int(sample.mask[sample.mask != IGNORE].max(initial=0))
        expected = f"labels 0 to {classes - 1}, or {IGNORE}, in the mask of {record.file_name}"
        self.rule(label < classes, expected, f"label {label}", "let a label be an index into class_names")
        lowest = int(sample.instances.min(initial=0))
        self.rule(lowest >= 0, "instances of 0 or more", f"{lowest}", "0 is none; number objects from 1")

    def test_recognises(self, registry: Registry, tmp_path: Path) -> None:
        """Its recogniser, where it has one, yields layouts that it names, and none where nothing of it lies."""
        component = registry.find("dataset", self.name).component
        if not isinstance(component, DatasetComponent) or not component.recognise:
            return
        module, _, attribute = component.recognise.partition(":")
        recognise = getattr(import_module(module), attribute)
        for layout in recognise(Tree(self.root)):
            self.rule(isinstance(layout, Layout), "Layouts", form(layout), "yield recyclecli.types.Layout")
            expected = f"{component.recognise} to yield layouts that the component names"
            self.rule(layout.name in component.layouts, expected, layout.name, "name it in layouts={...}")
            registry.options("dataset", self.name, layout.options)
        for name in ("a.json", "b.xml", "c.txt", "d.csv", "e.yaml", "f.png", "g.ndjson"):
            for number, content in enumerate((b"", b"\xff\x00\xfe", b"[[[[", b'{"a": [1, null, {}]}', b"<a><b/></a>")):
                (tmp_path / f"{number}-{name}").write_bytes(content)
        found = [layout.name for layout in recognise(Tree(tmp_path))]
        expected = f"{component.recognise} to recognise nothing in files of no tool"
        self.rule(not found, expected, ", ".join(found), "ask for what its labels alone hold")
