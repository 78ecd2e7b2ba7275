"""Uploads that a later try goes on with: where their state is kept."""

from __future__ import annotations

from airscoop.transfer.resume import (
    FileResumeStore,
    ResumeStore,
    TaskStateResumeStore,
    default_file,
)

__all__ = ["FileResumeStore", "ResumeStore", "TaskStateResumeStore", "default_file"]
