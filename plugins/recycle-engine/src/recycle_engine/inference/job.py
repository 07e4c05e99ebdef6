"""One prediction of any number of photos, and its part on one device."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from recycle_data.owned import Owned
from recycle_data.submission import target_names

from recycle_engine.inference.members import InferenceConfig, Member, Vote
from recycle_engine.inference.outputs import SUFFIXES, Output
from recycle_engine.inference.photos import InputPhoto
from recycle_engine.judge.saved_predictions import JOB_RECORD
from recyclecli.files import PART
from recyclecli.private import map_texts, without_passwords

Unreadable = Literal["skip", "background"]


@dataclass(frozen=True, slots=True)
class Job:
    """What to predict, with what, and what to write of it.

    Attributes:
        members: one model, or several that act as one.
        photos: in the order of the submission.
        out: folder of the outputs.
        outputs: what is written there of each photo; see `recycle_engine.inference.outputs.OUTPUTS`.
        submission: the contest's CSV.
        vote: how several members act as one.
        machine: what they run on.
        agree: where less than this share of the members gives the label, its confidence is 0.
        unreadable: what a photo that cannot be read gets in the submission: no row (`skip`), or one of background.
        left_out: name and cause of what may hold photos and cannot be looked into; told as what failed.
    """

    members: tuple[Member, ...]
    photos: tuple[InputPhoto, ...]
    out: Path | None = None
    outputs: tuple[Output, ...] = ("masks", "overlays")
    submission: Path | None = None
    vote: Vote = "soft"
    machine: InferenceConfig = field(default_factory=InferenceConfig)
    agree: float = 0
    unreadable: Unreadable = "skip"
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def pictures(self) -> tuple[Output, ...]:
        """Those of its outputs that are a file for each photo."""
        return tuple(output for output in self.outputs if output in SUFFIXES) if self.out is not None else ()

    def files(self, output: Output) -> list[Path]:
        """Where one of its pictures of each photo goes."""
        assert self.out is not None
        names = target_names([photo.name for photo in self.photos], SUFFIXES[output])
        return [self.out / output / name for name in names]

    @property
    def record(self) -> Path:
        """The file that says in the end what was done."""
        if self.out is not None:
            return self.out / JOB_RECORD
        assert self.submission is not None
        return self.submission.with_name(self.submission.name + ".json")

    @property
    def owned(self) -> Owned:
        """The folder that all but the submission, whose place is asked for, is written into."""
        return Owned(self.record.parent)

    def as_dict(self) -> dict[str, Any]:
        """What makes two jobs the same; a photo whose file has changed makes another. It holds no passwords."""
        photos = "\n".join(f"{photo.name}\t{photo.file.absolute()}\t{photo.version}" for photo in self.photos)
        described = {
            "members": [member.as_dict() for member in self.members],
            "vote": self.vote,
            "agree": self.agree,
            "precision": self.machine.precision,
            "outputs": list(self.outputs) if self.out else [],
            "submission": str(self.submission) if self.submission else None,
            "unreadable": self.unreadable,
            "photos": len(self.photos),
            "photos_sha256": hashlib.sha256(photos.encode()).hexdigest(),
        }
        return {key: map_texts(value, without_passwords) for key, value in described.items()}


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a job for one device.

    Attributes:
        job: what it is a part of.
        described: `job.as_dict()`, for which every model's file is read.
        number, of: which part, of how many.
        device: a torch device.
    """

    job: Job
    described: Mapping[str, Any]
    number: int
    of: int
    device: str | None

    @property
    def span(self) -> slice:
        """Its part of the photos, by their places."""
        first, end = (len(self.job.photos) * number // self.of for number in (self.number, self.number + 1))
        return slice(first, end)

    @property
    def journal(self) -> Path:
        """What is done of it."""
        return self.job.record.with_name(f"{self.job.record.name}.{self.number}{PART}")

    @property
    def rows(self) -> Path:
        """Its part of the submission."""
        return self.job.record.with_name(f"{self.job.record.stem}.csv.{self.number}{PART}")
