"""Settings of the documentation site: `python -m sphinx -W --keep-going -b html docs SITE` builds it.

Nothing is fetched while it is built, and its pages load nothing from elsewhere.
"""

import os
import sys
import warnings
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS / "pictures")]

import fulcra  # noqa: E402
import gallery  # noqa: E402  # of _extensions, which only now is on the path

os.environ.setdefault("MPLBACKEND", "Agg")

project = "fulcra"
author = "the fulcra contributors"
release = version = fulcra.__version__
language = "en"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
    "formulae",
    "gallery",
    "public_names",
]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py", "gallery/*.zip"]
nitpicky = False  # docstrings point to scikit-learn, whose inventory would have to be fetched
html_copy_source = False
highlight_language = "none"
smartquotes = False  # 'auto' is a value
default_role = "py:obj"  # docstrings name parameters and functions between single backticks

# Pages in Markdown
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]  # sphinx-gallery is configured with objects

# Docstrings
autosummary_generate = False  # numpydoc loads it; public_names does its work
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the docstrings say more, and say it in words
numpydoc_show_class_members = False  # the members follow in full
toc_object_entries_show_parents = "hide"
add_module_names = False
maximum_signature_line_length = 80

# Pictures of the pages, drawn while the site is built
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = False
plot_formats = [("png", 150)]

# The gallery
sphinx_gallery_conf = {
    "examples_dirs": [str(gallery.EXAMPLES)],
    "gallery_dirs": ["gallery"],
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("fulcra",),
    "inspect_global_variables": True,
    "filename_pattern": gallery.runnable(),
    "within_subsection_order": "FileNameSortKey",
    "only_warn_on_example_error": True,  # -W makes it an error, after all others have been tried
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,  # its page would load scripts from elsewhere
    "matplotlib_animations": False,
    "remove_config_comments": True,
    "nested_sections": False,
}
# sphinx-gallery runs the examples in this process, where matplotlib cannot show figures.
warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")

# Appearance
html_theme = "pydata_sphinx_theme"
html_title = f"fulcra {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_sidebars = {page: [] for page in ("index", "quick-start", "which-centroid")}  # they have no section
html_theme_options = {
    "logo": {"text": "fulcra"},
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "show_nav_level": 1,
    "navigation_depth": 2,
    "header_links_before_dropdown": 7,
    "navbar_end": ["theme-switcher"],
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copyright = "the fulcra contributors; MIT or Apache-2.0, as you choose"  # noqa: A001  # Sphinx's name
