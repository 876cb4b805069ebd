"""Put a built handbook beside those of other versions, and list them all.

    python tools/publish_handbook.py build/docs SITE v1.2.3

This replaces the folder SITE/v1.2.3 and writes SITE/index.html, a list of all folders: releases
from the newest to the oldest, then what is not a release, such as main.
"""

import re
import shutil
import sys
from pathlib import Path

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>softdraw: versions of the handbook</title>
<style>body {{ font: 1.1rem/1.6 sans-serif; margin: 3rem auto; max-width: 30rem }}</style>
<h1>softdraw</h1>
<p>The handbook of each version:</p>
<ul>
{items}
</ul>
</html>
"""


def order(name):
    """A key that sorts releases before other names, and newer ones before older ones."""
    release = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", name)
    return (0, *(-int(number) for number in release.groups())) if release else (1, name)


def publish(built, site, name):
    """Copy the built handbook to the folder of that name, and write the list."""
    if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise ValueError(f"a version is letters, digits, '.', '_' and '-', not {name!r}")
    shutil.rmtree(site / name, ignore_errors=True)
    shutil.copytree(built, site / name)
    names = sorted((folder.parent.name for folder in site.glob("*/index.html")), key=order)
    items = "\n".join(f'<li><a href="{name}/index.html">{name}</a></li>' for name in names)
    (site / "index.html").write_text(PAGE.format(items=items), encoding="utf-8")
    (site / ".nojekyll").touch()  # or GitHub Pages leaves out folders such as _static


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    publish(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
