"""Sources, splits and folds; nothing here imports torch."""
