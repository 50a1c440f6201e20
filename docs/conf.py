"""The site: `python -m sphinx -W -c docs . docs/site`, with the folder of the repository as its source."""

from __future__ import annotations

import fastact

project, author, version = "fastact", "The fastact developers", fastact.__version__
copyright = author

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
root_doc = "docs/index"
include_patterns = ["docs/**", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
exclude_patterns = ["docs/site", "docs/examples"]

html_theme = "pydata_sphinx_theme"
html_theme_options = {"secondary_sidebar_items": ["page-toc"], "navigation_with_keys": False}
html_show_sourcelink = False
html_sidebars = {page: [] for page in ("docs/index", "README", "CONTRIBUTING", "CHANGELOG", "SECURITY")}  # alone

autosummary_generate = True
autodoc_docstring_signature = False  # of a ufunc numpydoc takes it
numpydoc_show_class_members = False
myst_heading_anchors = 2

sphinx_gallery_conf = {
    "examples_dirs": "docs/examples",
    "gallery_dirs": "docs/gallery",
    "filename_pattern": "/",
    "min_reported_time": 1e9,  # what it prints differs from build to build
    "show_memory": False,
}
