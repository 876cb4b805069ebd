"""The handbook: `nox -s docs` builds it, with warnings as errors.

Its pages are Markdown that GitHub shows as well, so directives stand only where nothing else will
do.
"""

import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform

import softdraw

HERE = Path(__file__).resolve().parent

project = "softdraw"
author = "softdraw developers"
copyright = "softdraw developers"
version = release = softdraw.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
source_suffix = {".md": "markdown"}
nitpicky = True
nitpick_ignore = [("py:obj", "numpy.random.Generator")]  # no links to other handbooks

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

autosummary_generate = False  # numpydoc loads it
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False

default_role = "code"  # as docstrings name parameters
highlight_language = "none"
pygments_style = "default"
pygments_dark_style = "github-dark"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"softdraw {version}"
html_static_path = ["_static"]
html_extra_path = ["../playground/softdraw_playground.html"]
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/versions.html",
        "sidebar/scroll-end.html",
    ]
}
html_css_files = ["handbook.css"]
html_copy_source = False
html_theme_options = {"top_of_page_buttons": [], "navigation_with_keys": True}


# What pages link to on GitHub, outside of docs/, and where the handbook has it.
ELSEWHERE = {
    "README.md": "index.md",
    "SECURITY.md": "project/security.md",
    "CHANGELOG.md": "project/changelog.md",
    "examples": "examples.md",
    "examples/embedding": "examples.md",
}


def link_within_the_handbook(app, name, content):
    """Lead links to files outside of docs/ to the pages that show them."""

    def replace(link):
        up, target = link["up"], link["target"]
        if len(up) // 3 == name.count("/") + 1 and target in ELSEWHERE:
            return f"]({up[3:]}{ELSEWHERE[target]})"
        return link[0]

    content[0] = re.sub(r"\]\((?P<up>(\.\./)+)(?P<target>[^)#]+)(#[^)]*)?\)", replace, content[0])


def leave_out_missing_pages(app, name, content):
    """Leave out lines of the tree, such as `recipes/*`, that match no page."""
    if name == "index":
        lines = content[0].splitlines()
        patterns = [line for line in lines if re.fullmatch(r"[\w/]+\*", line)]
        missing = {pattern for pattern in patterns if not any(HERE.glob(f"{pattern}.md"))}
        content[0] = "\n".join(line for line in lines if line not in missing)


class ShowDarkPictures(SphinxTransform):
    """Beside each picture NAME.svg put NAME-dark.svg, if there is one, for a dark page."""

    default_priority = 200

    def apply(self, **arguments):
        folder = Path(self.env.doc2path(self.env.docname)).parent
        for image in list(self.document.findall(nodes.image)):
            light = Path(image["uri"])
            dark = light.with_name(f"{light.stem}-dark{light.suffix}")
            if (folder / dark).is_file():
                twin = image.deepcopy()
                twin["uri"] = dark.as_posix()
                twin["classes"].append("only-dark")
                image["classes"].append("only-light")
                image.parent.insert(image.parent.index(image) + 1, twin)


def setup(app):
    app.connect("source-read", link_within_the_handbook)
    app.connect("source-read", leave_out_missing_pages)
    app.add_transform(ShowDarkPictures)
    return {"parallel_read_safe": True}
