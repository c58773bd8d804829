"""How the site is built: `python -m sphinx -W --keep-going docs docs/_build/html`.

Sphinx with MyST-NB, as optax and jax have it: in 2026 both are maintained, while MkDocs 1 is not,
and its Material theme has been in maintenance mode since November 2025. Nothing is fetched during a
build: the theme has its own style sheets and the system's fonts, and a package carries MathJax.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

import jaxstyle  # noqa: E402

project = "jaxstyle"
author = "The jaxstyle authors"
copyright = "the jaxstyle authors; MIT license"
version = release = jaxstyle.__version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_design",
    "commands",
    "docstrings",
    "gallery_page",
    "measurements",
    "metric_cards",
    "network_cards",
    "recipe_cards",
    "settings_table",
]
exclude_patterns = ["_build", "_extensions", "**/.ipynb_checkpoints", "reference/settings.md"]
suppress_warnings = ["mystnb.unknown_mime_type"]
nitpicky = False

# Markdown
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Notebooks: their text is in the repository, and their results are not.
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "notebooks")
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
# All kernels share their compiled programs, here and at the next build; XLA optimizes little, since
# most of the time would be compilation.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
)
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(HERE / "_build" / "compiled"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")

# Reference
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("References", "notes_style")]
default_role = "code"

# Pages
html_theme = "furo"
html_title = f"jaxstyle {release}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1d4e89",
        "color-brand-content": "#1d4e89",
        "font-stack": "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif",
    },
    "dark_css_variables": {"color-brand-primary": "#8ab8f0", "color-brand-content": "#8ab8f0"},
}
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
