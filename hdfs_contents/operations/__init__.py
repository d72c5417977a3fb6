"""The verbs of the contents API, each a module of blocking functions on a `ContentsStore`."""
