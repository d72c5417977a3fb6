"""The operations of the contents API, one module each: `read_model`, `save_model`, `delete_entry`,
`rename_entry` and `copy_entry`. They block, and work on a `ContentsStore`; the manager calls them
in its worker threads."""
