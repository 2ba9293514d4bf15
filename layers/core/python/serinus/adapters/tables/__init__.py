"""Data files as tables, by Arrow; pyarrow is imported when a file is read, not before."""
