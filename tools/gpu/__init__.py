"""The GPU check: what the tests of a machine without a GPU cannot know, measured in one run; see CONTRIBUTING.md.

`prepare` gathers what a machine without a network lacks, `check` runs the steps there. Both, with `install`, `runner`,
`figures` and `settings`, need the standard library alone; what imports torch lies in `steps` and `audit`.
"""
